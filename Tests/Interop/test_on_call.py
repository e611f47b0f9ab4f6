"""What an operator does about dead letters, quarantine, replays and cursors, command by command, while it relays."""

import base64
import json
import os
import pty
import re
import signal
import subprocess
import urllib.error
import urllib.request

import pytest

import schemas
from feed import FeedSpec, replay_id
from harness import binary as sluice_binary
from harness import free_port, wait_until
from relay import Relay

TOPIC = "/data/AccountChangeEvent"
VICTIM = "001000000000003AAA"


def ask(relay, *arguments, code=0, stdin=None):
    done = subprocess.run(
        [sluice_binary(), *arguments, "--config", str(relay.workspace.config_path)],
        cwd=relay.workspace.folder, env=relay.workspace.environment, capture_output=True, text=True, timeout=30,
        input=stdin or "",
    )  # fmt: skip
    assert done.returncode == code, f"{arguments}: exit {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout if code == 0 else done.stdout + done.stderr


def answer(relay, *arguments):
    return json.loads(ask(relay, *arguments, "--json"))


def letters(relay, *filters) -> list:
    return answer(relay, "dlq", "list", *filters)["letters"]


@pytest.fixture
def refused(binary, world):
    """A relay whose receiver refuses one record's deliveries, and that could not decode two events."""
    feed = FeedSpec(TOPIC, 300, ["Account"], records=10, poison=[20], unknown_schema=[30], merged_every=0)
    relay = Relay(world, [feed])
    relay.receiver.call("fail", mode="status", status=422, record=VICTIM, body='{"error":"bad value"}')
    dead = [number for record, number, _ in relay.expected if record == VICTIM]
    with relay.run() as sluice:
        relay.wait_for_delivery(sluice, len(relay.expected) - len(dead))
        relay.wait_for_cursors()
        wait_until(lambda: relay.workspace.count("dead_letters") == len(dead), "the dead letters", 20)
        yield relay, sluice, dead
        assert sluice.stop() == 0


def test_an_event_shows_what_support_asks_for_and_the_bitmaps_as_they_came(refused):
    relay, _, dead = refused
    shown = answer(relay, "event", "show", base64.b64encode(replay_id(dead[0])).decode())
    assert len(shown["rpcId"]) == 36 and shown["events"][0]["event"]["recordId"] == VICTIM
    names, raw = shown["events"][0]["event"]["header"]["changedFields"], shown["bitmaps"]["changedFields"]
    assert names and raw and all(item.startswith("0x") or "-0x" in item for item in raw), (names, raw)
    assert shown["events"][0]["deliveries"][0]["state"] == "dead"
    text = ask(relay, "event", "show", base64.b64encode(replay_id(dead[0])).decode())
    delivery = shown["events"][0]["deliveries"][0]["id"]
    assert ask(relay, "event", "show", delivery) == text, "by the ID of its delivery it is the same event"
    assert f"rpc-id {shown['rpcId']}" in text


def test_dead_letters_by_id_filter_time_and_count(refused):
    relay, sluice, dead = refused
    everything = letters(relay, "--limit", "1000")
    assert len(everything) == len(dead) and all(letter["status"] == 422 for letter in everything)
    ids = {base64.b64encode(replay_id(number)).decode() for number in dead}
    assert {letter["replayId"] for letter in everything} == ids and min(ids) in ask(relay, "dlq", "list")
    told = sluice.wait_for_line("put to the dead letters")
    assert any(f"replayId={id}" in told for id in ids) and f"topic={TOPIC}" in told, told
    for filters, count in [
        (["--rule", "everything"], len(dead)), (["--reason", "exhausted"], 0), (["--destination", "hook"], len(dead)),
        (["--reason", "rejected"], len(dead)), (["--reason", "exhausted"], 0), (["--topic", TOPIC], len(dead)),
        (["--since", "1h"], len(dead)), (["--before", "1h"], 0), (["--limit", "3"], 3),
    ]:  # fmt: skip
        assert len(letters(relay, *filters)) == count, filters
    first = everything[-1]
    shown = answer(relay, "dlq", "show", first["id"][:16], "--body", "full")
    assert [attempt["status"] for attempt in shown["history"]] == [422]
    assert "bad value" in shown["history"][0]["excerpt"] and json.loads(shown["body"])["id"] == VICTIM
    assert "<text" in answer(relay, "dlq", "show", first["id"])["body"], "values are not shown unless asked for"
    # By ID, while the receiver still refuses: it comes back with two attempts.
    ask(relay, "dlq", "retry", first["id"])
    wait_until(
        lambda: [letter["diedAt"] for letter in letters(relay, first["id"])] not in ([], [first["diedAt"]]), "a second death"
    )
    tries = answer(relay, "dlq", "show", first["id"])["history"]
    assert [one.get("status") for one in tries] == [422, None, 422] and tries[1]["reason"] == "sent again by an operator"
    # Edited, then sent; by count; dropped; the rest.
    relay.receiver.call("heal")
    ask(relay, "dlq", "edit", first["id"], code=2, stdin="not json")
    body = json.dumps({"id": VICTIM, "seq": 1, "note": "edited"})
    ask(relay, "dlq", "edit", first["id"], stdin=body)
    ask(relay, "dlq", "retry", "--rule", "everything", "--limit", "2")
    wait_until(lambda: relay.workspace.count("dead_letters") == len(dead) - 3, "three are delivered", 20)
    assert "nothing was done" in ask(relay, "dlq", "drop", "--all", code=2), "nobody is there to ask"
    ask(relay, "dlq", "drop", "--rule", "everything", "--limit", "1", "--yes")
    assert relay.workspace.count("dead_letters") == len(dead) - 4
    ask(relay, "dlq", "retry", "--all")
    wait_until(lambda: relay.workspace.count("dead_letters") == 0, "all are sent again", 20, or_fail=sluice.ended)
    stats = relay.receiver.call("stats")["ledgers"]["/hook"]
    assert stats["distinct"] == len(relay.expected) - 1, "all but the one that was dropped"
    told = sluice.matching("put to the dead letters")
    assert 1 <= len(told) <= 3, "one line, not one for each:\n" + "".join(told)


def test_a_receiver_that_fails_at_few_deliveries_is_not_ok(binary, world):
    relay = Relay(world, [FeedSpec(TOPIC, 30, ["Account"], records=3, merged_every=0)])
    relay.receiver.call("fail", mode="status", status=503)
    with relay.run() as sluice:
        relay.wait_for_cursors()

        def hook():
            return next(one for one in answer(relay, "status")["destinations"] if one["name"] == "hook")

        def waits():
            return hook()["nextTry"] and hook()["live"]["retryingLanes"] == 3

        wait_until(waits, "all of them have failed", or_fail=sluice.ended)
        shown = wait_until(lambda: (one := hook())["nextTry"] and one, "none is being tried")
        assert shown["state"] == "retrying" and shown["live"]["breaker"] == "closed", shown
        assert shown["detail"].startswith("3 lanes are tried again: ") and "503" in shown["detail"], shown
        assert shown["since"] < shown["nextTry"]
        for command in ["status", "top --once"]:
            line = next(one for one in ask(relay, *command.split()).splitlines() if one.startswith("hook "))
            assert " retrying " in line and "3 lanes are tried again: " in line and "503" in line, line
        relay.receiver.call("heal")
        ask(relay, "destination", "try", "hook")
        wait_until(lambda: hook()["state"] == "ok", "it is well again", 20, or_fail=sluice.ended)
        assert hook()["detail"] == "" and hook()["nextTry"] is None
        assert sluice.stop() == 0


def test_the_lag_grows_while_the_org_cannot_be_reached(binary, world):
    relay = Relay(world, [FeedSpec(TOPIC, 50, ["Account"], merged_every=0)])

    def topic():
        return answer(relay, "status")["topics"][0]

    with relay.run() as sluice:
        relay.wait_for_delivery(sluice)
        relay.wait_for_cursors()
        before = topic()
        assert before["state"] == "streaming" and before["reconnects"] == 0, before
        relay.salesforce.kill()
        first = wait_until(
            lambda: (now := topic())["state"] == "reconnecting" and now, "it is noticed", or_fail=sluice.ended)
        later = wait_until(
            lambda: (now := topic())["lagMilliseconds"] > first["lagMilliseconds"] + 2000 and now, "it grows")
        assert later["reconnects"] == 0, "tries that fail are none"
        assert later["failures"] >= 2, "the stream broke, and could not be opened"
        relay.salesforce.restart()
        after = wait_until(lambda: (now := topic())["state"] == "streaming" and now, "it is back", 60, or_fail=sluice.ended)
        assert after["reconnects"] == 1, after
        assert sluice.stop() == 0
    left = topic()
    assert left["state"] != "streaming" and left["lagMilliseconds"] > 0, left
    assert " 2d 23h " in ask(relay, "status"), "what is left of 72 hours is not rounded down to days"


def test_a_replay_is_in_the_status_and_in_the_metrics(binary, world):
    relay = Relay(world, [FeedSpec(TOPIC, 300, ["Account"], merged_every=0)])
    console = free_port()
    config = relay.workspace.config_path
    config.write_text(config.read_text() + f'console: {{listen: "127.0.0.1:{console}"}}\n')

    def metric(name):
        with urllib.request.urlopen(f"http://127.0.0.1:{console}/metrics", timeout=5) as page:
            return float(re.search(rf"^{name} (\S+)$", page.read().decode(), re.MULTILINE)[1])

    def replay():
        return next(iter(answer(relay, "status")["replays"]), None)

    with relay.run() as sluice:
        relay.wait_for_delivery(sluice)
        relay.wait_for_cursors()
        assert metric("sluice_replays_running") == 0 and replay() is None
        started = answer(relay, "replay", "--earliest", "--source", "journal", "--rate", "20/s", "--yes", "--detach")
        shown = wait_until(lambda: (now := replay())["events"] > 20 and now, "it goes on", or_fail=sluice.ended)
        assert shown["id"] == started["id"] and shown["state"] == "running" and 0 < shown["fraction"] < 1, shown
        assert metric("sluice_replays_running") == 1 and metric("sluice_replay_events_total") > 20
        for command in ["status", "top --once"]:
            assert f"{started['id']}  running" in ask(relay, *command.split())
        wait_until(lambda: metric('sluice_replay_deliveries_total{rule="everything"}') > 20, "they are delivered")
        rule = answer(relay, "status")["ruleCounts"][0]
        assert rule["outcomes"]["matched"] == rule["delivered"] == 300 and rule["replayed"] > 20, rule
        ask(relay, "replay", "pause", started["id"])
        assert replay()["state"] == "paused" and metric("sluice_replays_running") == 0
        assert sluice.stop() == 0
    assert replay()["state"] == "paused", "without a relay as well"
    ask(relay, "replay", "cancel", started["id"])
    assert replay() is None


def test_nothing_and_too_much_are_refused(refused):
    relay, _, _ = refused
    count = len(letters(relay))
    for option, value in [("--rule", "nope"), ("--destination", "hook"), ("--reason", "rejected"), ("--since", "2h")]:
        said = ask(relay, "dlq", "drop", option, value, option, value, "--yes", code=2)
        assert f"{option} was given 2 times" in said and "a command for each" in said, said
    for command in ["replay", "backfill"]:
        ask(relay, command, "list")
        for name in ["", command[0] if command == "backfill" else "r"]:
            said = ask(relay, command, "cancel", name, code=2)
            assert f"is the beginning of every {command}'s name" in said, said
    assert len(letters(relay)) == count, "nothing was done"


def test_a_quarantined_event_can_be_looked_at_and_decoded_elsewhere(refused):
    relay, _, _ = refused
    number = str(answer(relay, "dlq", "list", "--quarantine", "--org", "prod")["events"][0]["id"])
    shown = ask(relay, "dlq", "show", number, "--quarantine")
    assert "--body full shows them" in shown and "which is not stored" in shown and f"--quarantine {number}" in shown, shown
    detail = answer(relay, "dlq", "show", number, "--quarantine", "--body", "full")
    payload = bytes.fromhex(detail["payloadHex"])
    assert len(payload) == detail["line"]["payloadBytes"] > 0
    # What it wants is its schema; with that the line is one for `sluice decode`.
    line = json.dumps(detail | {"schema": schemas.writer(schemas.account, 1).json})
    done = subprocess.run([sluice_binary(), "decode", "--json-lines"], input=line + "\n", capture_output=True, text=True)
    assert json.loads(done.stdout)["record"]["ChangeEventHeader"]["entityName"] == "Account", done.stdout
    assert "there is no event of number '99'" in ask(relay, "dlq", "show", "99", "--quarantine", code=2)
    assert "no org is named 'prd': did you mean 'prod'?" in ask(relay, "dlq", "list", "--org", "prd", code=2)


def test_json_has_the_names_of_salesforce_and_times_that_can_be_read(refused):
    relay, _, dead = refused
    first = letters(relay)[0]
    back = base64.b64encode(replay_id(290)).decode()
    answers = [
        answer(relay, *command)
        for command in [
            ["dlq", "list"], ["dlq", "list", "--quarantine"], ["dlq", "show", first["id"]], ["event", "show", first["id"]],
            ["status"], ["cursor", "list"], ["cursor", "save", "now"], ["cursor", "list", "--saved"], ["cursor", "export"],
            ["replay", "--earliest", "--source", "journal", "--dry-run"], ["replay", "list"], ["backfill", "list"],
            ["cursor", "set", TOPIC, "--replay-id", back, "--yes"], ["dlq", "drop", "--reason", "dropped", "--yes"],
        ]
    ]  # fmt: skip
    assert answers[-1]["count"] == 0, "nothing to drop is JSON as well"
    found = {name for given in answers for name, _ in members(given)}
    assert {"replayId", "recordId", "orgId", "instanceUrl", "schemaId", "eventId", "commitTime"} <= found, found
    assert not [name for name in found if name.endswith(("ID", "IDs", "URL"))], found
    times = [item for given in answers for item in members(given) if item[0].endswith(("Time", "At", "since"))]
    assert [item for item in times if item[0] == "commitTime"], times
    # Salesforce's own header says its commit time in milliseconds, as `commitTimestamp`.
    wrong = [item for item in times if item[1] is not None and not re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", str(item[1]))]
    assert not wrong, wrong


def members(value):
    """(name, value) of everything in it that is no list or object."""
    if isinstance(value, list):
        for item in value:
            yield from members(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            yield name, None if isinstance(item, (list, dict)) else item
            yield from members(item)


def test_a_replay_shows_its_progress_on_a_terminal(binary, world):
    relay = Relay(world, [FeedSpec(TOPIC, 600, ["Account"], merged_every=0)])
    with relay.run() as sluice:
        relay.wait_for_delivery(sluice)
        relay.wait_for_cursors()
        ours, theirs = pty.openpty()
        arguments = ["replay", "--earliest", "--source", "journal", "--rate", "200/s", "--yes"]
        process = subprocess.Popen(
            [binary, *arguments, "--config", str(relay.workspace.config_path)], cwd=relay.workspace.folder,
            env=relay.workspace.environment, stdin=theirs, stdout=theirs, stderr=theirs,
        )  # fmt: skip
        os.close(theirs)
        shown = b""
        while True:
            try:
                piece = os.read(ours, 4096)
            except OSError:  # the other side is closed
                break
            if not piece:
                break
            shown += piece
        os.close(ours)
        assert process.wait(20) == 0
        assert sluice.stop() == 0
    text = shown.decode()
    assert " % " in text and " left" in text and "/s" in text and "done" in text, text


def test_cursors_are_saved_moved_and_carried_over(binary, world):
    count = 400
    relay = Relay(world, [FeedSpec(TOPIC, count, ["Account"], merged_every=0)])
    with relay.run() as sluice:
        relay.wait_for_delivery(sluice)
        relay.wait_for_cursors()
        exported = ask(relay, "cursor", "export")
        ask(relay, "cursor", "save", "here")
        assert "here" in ask(relay, "cursor", "list")
        assert "replay ID" in ask(relay, "cursor", "show", "AccountChangeEvent")
        back = base64.b64encode(replay_id(300)).decode()
        said = ask(relay, "cursor", "set", "AccountChangeEvent", "--replay-id", back, code=2)
        assert "100 events" in said and "again" in said, "the statement comes before anything is done"
        assert relay.workspace.cursor_numbers() == {TOPIC: count}
        moved = relay.workspace.command("cursor", "set", "AccountChangeEvent", "--replay-id", back, "--yes")
        assert moved.returncode == 0, moved.stderr
        assert "100 events" in moved.stderr and "again" in moved.stderr, "only the question is left out"
        wait_until(lambda: relay.receiver.call("stats")["ledgers"]["/hook"]["twice"] == 100, "they come again", 20)
        relay.wait_for_cursors()
        said = ask(relay, "cursor", "set", "AccountChangeEvent", "--cursor", "here", code=2)
        assert "Nothing is skipped or repeated" in said
        assert "replay --from" in ask(relay, "cursor", "set", "AccountChangeEvent", "--time", "2020-01-01T00:00Z", code=1)
        ask(relay, "cursor", "set", "AccountChangeEvent", code=2)
        assert "skipped or repeated" in ask(relay, "cursor", "import", code=2, stdin=exported)
        ask(relay, "cursor", "import", "--yes", stdin=exported)
        ask(relay, "cursor", "import", "--yes", code=2, stdin="{}")
        ask(relay, "cursor", "forget", "here")
        relay.wait_for_cursors()
        assert sluice.stop() == 0
    stats = relay.check_everything_arrived_in_order()
    assert stats["twice"] == 100


def test_a_relay_that_is_stopping_answers_what_it_is_asked_and_changes_nothing(binary, world):
    """A receiver that hangs makes the stop take its time; whoever is on call must not be told that no relay runs."""
    relay = Relay(world, [FeedSpec(TOPIC, 60, ["Account"], records=3, merged_every=0)])
    relay.receiver.call("fail", mode="never")
    console = free_port()
    config = relay.workspace.config_path
    config.write_text(config.read_text() + f'console: {{listen: "127.0.0.1:{console}"}}\n')
    with relay.run(arguments=["--stop-within", "60"]) as sluice:
        wait_until(lambda: relay.receiver.call("stats")["failures"][0]["seen"] >= 3, "attempts under way", 20)
        sluice.process.send_signal(signal.SIGTERM)
        sluice.wait_for_line("stopping on SIGTERM")
        wait_until(lambda: answer(relay, "status")["stopsBy"], "the status says so", 10)
        said = ask(relay, "status")
        assert re.search(r"It is stopping, within \d+s: 3 attempts under way", said), said
        with pytest.raises(urllib.error.HTTPError) as refusal:
            urllib.request.urlopen(f"http://127.0.0.1:{console}/readyz", timeout=5)
        assert refusal.value.code == 503 and b"the relay is stopping" in refusal.value.read()
        assert answer(relay, "dlq", "list")["letters"] == []
        for command in [
            ["cursor", "save", "now"],
            ["dlq", "retry", "--all"],
            ["replay", "start", "--since", "1h", "--yes"],
        ]:
            said = ask(relay, *command, code=3)
            assert "the relay is stopping: 3 attempts are under way, and it ends within" in said, said
            assert "Nothing was changed" in said, said
        assert sluice.process.poll() is None, "it waits for its attempts"
        sluice.process.send_signal(signal.SIGTERM)
        sluice.wait(5)
    assert answer(relay, "status")["stopsBy"] is None
    relay.receiver.call("heal")
    with relay.run() as sluice:
        relay.wait_for_delivery(sluice)
        assert sluice.stop() == 0
    relay.check_everything_arrived_in_order()
