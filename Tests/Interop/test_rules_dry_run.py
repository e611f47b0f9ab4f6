"""`sluice rules dry-run` on a journal of real traffic, with and without a relay beside it."""

import json

from harness import specs
from relay import Relay

EVENTS = 300
HEADLINE = "events; deliveries:"


def dry_run(relay, *arguments):
    return relay.workspace.command("rules", "dry-run", *map(str, arguments))


def edited(relay, old, new):
    """A copy of the rules folder with one change."""
    folder = relay.workspace.folder / "edited"
    folder.mkdir(exist_ok=True)
    text = (relay.workspace.folder / "rules" / "interop.yaml").read_text()
    assert old in text
    (folder / "interop.yaml").write_text(text.replace(old, new))
    return folder


def report(done):
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout)


def test_an_edit_is_tried_on_the_journal(binary, world):
    relay = Relay(world, specs(EVENTS))
    expected = len(relay.expected)
    with relay.run() as sluice:
        relay.wait_for_delivery(sluice)
        relay.wait_for_cursors()

        narrow = edited(relay, "change: [create, update, delete, undelete]", "change: [update]")
        found = report(dry_run(relay, narrow, "--json"))
        assert found["undecodable"] == 0 and found["events"] == expected, "one for each record of a merged event"
        counts = found["deliveries"]
        assert counts["removed"] > 0 and counts["added"] == counts["changed"] == counts["failing"] == 0
        assert counts["removed"] + counts["unchanged"] == expected
        rule = found["rules"]["everything"]
        assert rule["before"]["matched"] == expected and rule["after"]["matched"] == counts["unchanged"]
        assert found["latency"]["p50Microseconds"] <= found["latency"]["p99Microseconds"]
        assert found["latency"]["p99Microseconds"] <= found["latency"]["worstMicroseconds"]

        # An edit that lint refuses in the folder itself: the relay goes on with what it has, and that is compared.
        rules = relay.workspace.folder / "rules" / "interop.yaml"
        good = rules.read_text()
        rules.write_text(good + "\nbroken: true\n")
        sluice.wait_for_line("the edited rules are not used")
        done = dry_run(relay)
        assert done.returncode == 2 and "unknown-key" in done.stderr
        assert report(dry_run(relay, narrow, "--json"))["deliveries"] == counts
        rules.write_text(good)
        assert sluice.stop() == 0

    # The same without a relay.
    assert report(dry_run(relay, narrow, "--json"))["deliveries"] == counts
    done = dry_run(relay)
    assert done.returncode == 2 and "no relay is running" in done.stderr

    few = report(dry_run(relay, narrow, "--limit", 40, "--json"))
    assert 40 <= few["events"] <= 42, "the newest 40, merged ones split"
    assert report(dry_run(relay, narrow, "--since", "1h", "--json"))["events"] == expected
    assert report(dry_run(relay, narrow, "--since", "2099-01-01T00:00Z", "--json"))["events"] == 0


def test_bodies_counts_and_exit_codes(binary, world):
    relay = Relay(world, specs(90))
    with relay.run() as sluice:
        relay.wait_for_delivery(sluice)
        relay.wait_for_cursors()
        assert sluice.stop() == 0
    original = (relay.workspace.folder / "rules" / "interop.yaml").read_text()
    body = edited(relay, "      body:\n", '      body:\n        added: "${event.change}"\n')
    text = dry_run(relay, body)
    assert text.returncode == 0 and HEADLINE in text.stdout
    assert "~ everything → hook:" in text.stdout and "changed in body.added" in text.stdout and "nothing → " in text.stdout
    assert dry_run(relay, body, "--exit-code").returncode == 1
    assert dry_run(relay, "rules", "--exit-code").returncode == 0
    assert dry_run(relay, body / "interop.yaml", "--exit-code").returncode == 1, "a file takes the place of its namesake"

    more = relay.workspace.folder / "more.yaml"
    more.write_text(
        "sluice: 1\nrules:\n  - id: also\n    match: {entity: Account, change: [update]}\n"
        '    when: size(record.Nothing__c) > 3\n    to: {destination: hook, body: {}}\n'
    )
    found = report(dry_run(relay, more, "--json"))
    assert found["newRules"] == ["also"] and not found["different"]
    assert found["rules"]["also"]["after"]["unknown"] > 0

    (body / "interop.yaml").write_text(original.replace("match:", "mutch:"))
    broken = dry_run(relay, body)
    assert broken.returncode == 2 and "unknown-key" in broken.stderr
    assert dry_run(relay, "nowhere").returncode == 2
