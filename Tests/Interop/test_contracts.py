"""What a FlowMate flow takes is held against what is sent, before it is sent."""

from harness import wait_until
from test_targets import FLOWMATE_RULES, FLOWS, make

FITS = {"id": "string", "seq": "number", "entity": "string"}


def webhook_calls(relay) -> int:
    return sum(relay.delivered(f"/webhooks/{flow}") for flow in FLOWS)


def test_what_does_not_fit_waits_and_goes_on_by_itself_once_the_flow_is_mended(binary, world):
    relay = make(world, 40, FLOWMATE_RULES)
    relay.receiver.call("edit_flows", inputs={**FITS, "seq": "string"})
    with relay.run() as sluice:
        line = sluice.wait_for_line("does not fit")
        assert "the flow wants 'seq' as string, it is number" in line and "to-two-flows" in line
        relay.wait_for_cursors()
        assert webhook_calls(relay) == 0, "nothing that does not fit is sent"
        assert relay.workspace.count("dead_letters") == 0
        relay.receiver.call("edit_flows", inputs=FITS)
        for flow in FLOWS:
            relay.wait_for_delivery(sluice, 40, seconds=90, path=f"/webhooks/{flow}")
        changed = sluice.wait_for_line("takes other parameters now")
        assert "'seq' is now number, was string" in changed and "to-two-flows" in changed
        assert not sluice.matching("|".join(FLOWS)), "a flow id is the only secret of its webhook: not for the log"
        assert sluice.stop() == 0
    ledgers = relay.receiver.call("stats")["ledgers"]
    for flow in FLOWS:
        assert ledgers[f"/webhooks/{flow}"]["faults"] == {}


def test_what_does_not_fit_goes_on_at_once_when_the_rule_allows_it(binary, world):
    relay = make(world, 20, FLOWMATE_RULES)
    relay.receiver.call("edit_flows", inputs={**FITS, "more": "string"})
    with relay.run() as sluice:
        sluice.wait_for_line("the flow wants 'more', which is missing")
        relay.wait_for_cursors()
        port = str(relay.receiver.ready["port"])
        mended = FLOWMATE_RULES.replace("        data:", "        conform: {optional: [more]}\n        data:")
        relay.workspace.write_rules("sluice: 1\n" + mended.replace("PORT", port))
        for flow in FLOWS:
            relay.wait_for_delivery(sluice, 20, seconds=20, path=f"/webhooks/{flow}")
        assert sluice.stop() == 0


def test_doctor_and_lint_tell_what_would_not_fit(binary, world):
    relay = make(world, 1, FLOWMATE_RULES)

    def ask(*arguments):
        done = relay.workspace.command(*arguments, "--config", str(relay.workspace.config_path))
        return done.returncode, done.stdout + done.stderr

    relay.receiver.call("edit_flows", inputs=FITS)
    code, text = ask("rules", "lint", "--online")
    assert code == 0 and "seq (number)" in text, text
    assert "does not fit" not in ask("doctor")[1] and "'more'" not in ask("doctor")[1]
    relay.receiver.call("edit_flows", inputs={**FITS, "more": "string"})
    code, text = ask("rules", "lint", "--online")
    assert code == 2 and "'more'" in text, text
    code, text = ask("doctor")
    assert code == 3 and "'more'" in text and "interop.yaml:" in text, text


def test_a_private_address_is_refused_unless_it_is_allowed(binary, world):
    relay = make(world, 5)
    relay.workspace.webhook_rule(relay.receiver.ready["port"])
    rules = relay.workspace.folder / "rules" / "interop.yaml"
    text = rules.read_text()
    rules.write_text(text.replace("http://127.0.0.1", "http://10.255.255.1"))
    with relay.run() as sluice:
        sluice.wait_for_line("10.255.255.1 is private")
        relay.wait_for_cursors()
        rules.write_text(text)
        relay.wait_for_delivery(sluice, seconds=30)
        assert sluice.stop() == 0
    wait_until(lambda: relay.workspace.count("outbox") == 0, "everything is delivered", 5)
