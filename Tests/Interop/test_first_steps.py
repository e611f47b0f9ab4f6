"""What somebody types who is new to it, and what the commands say."""

import contextlib
import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import termios

import pytest

from emulated_org import EmulatedOrg
from harness import free_port, wait_until
from test_bad_input import small_disk

RULES = """rules:
  - id: ready
    match: {event: Order_Ready__e}
    to: {destination: erp, body: {number: '${record.Order_Number__c}'}}
"""
ACCOUNT = "001Dp000000AAAAAAA"


@pytest.fixture
def org(binary, tmp_path):
    org = EmulatedOrg(binary, tmp_path)
    org.rules(RULES)
    yield org
    org.stop()


@contextlib.contextmanager
def running(org):
    """`sluice run`, once it is up; ends well."""
    relay = org.run()
    try:
        wait_until(lambda: is_up(org), "the relay is up")
        yield relay
        relay.terminate()
        assert relay.wait(20) == 0
    finally:
        relay.kill()
        relay.communicate()


def is_up(org):
    """It has signed in, and its streams are there or nearly so: until something comes, they are said to connect."""
    done = subprocess.run([org.binary, "status", "--json"], cwd=org.folder, capture_output=True, text=True, timeout=20)
    report = json.loads(done.stdout) if done.returncode == 0 else {"live": False}
    return report["live"] and {topic["state"] for topic in report["topics"]} <= {"connecting", "streaming"}


@contextlib.contextmanager
def tapping(org, *arguments):
    with subprocess.Popen(
        [org.binary, "tap", "--json", *arguments], cwd=org.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    ) as tap:  # fmt: skip
        try:
            yield tap
        finally:
            tap.kill()


def publish(org, number="PO-1", **options):
    event = json.dumps({"Order_Number__c": number, "Quantity__c": 1})
    return org.command("salesforce", "publish", "/event/Order_Ready__e", "--data", event, **options)


def tapped(org, *arguments):
    """The first line of a tap; it may begin a moment after an event has passed."""
    with tapping(org, "--limit", "1", *arguments) as tap:
        wait_until(lambda: publish(org) and tap.poll() is not None, "an event passes the tap", every=0.2)
        return json.loads(tap.stdout.readline())


def test_an_event_is_known_as_soon_as_a_tap_shows_it(org):
    with running(org):
        for _ in range(3):
            with tapping(org, "--events", "--limit", "1") as tap:
                wait_until(lambda tap=tap: publish(org) and tap.poll() is not None, "an event passes", every=0.2)
                event = json.loads(tap.stdout.readline())
            replay_id = event.get("replayId") or event["header"]["replayId"]
            assert "Order_Ready__e" in org.command("event", "show", replay_id).stdout
            assert "ready" in org.command("rules", "explain", replay_id).stdout


def test_rules_are_explained_as_they_are_in_force(org):
    with running(org):
        event = tapped(org, "--events")
        (org.folder / "event.json").write_text(json.dumps(event))
        assert org.command("rules", "explain", "event.json").stderr == ""
        file = org.folder / "rules" / "rules.yaml"
        file.write_text(file.read_text().replace("Order_Number__c", "Order_Number__c +"))
        told = org.command("rules", "explain", "event.json")
        assert "matched" in told.stdout and "ready" in told.stdout
        assert "1 error and are NOT in force" in told.stderr and len(told.stderr.splitlines()) == 1, told.stderr
    refused = org.command("rules", "explain", "event.json", code=2)
    assert "1 error" in refused.stderr


def test_what_a_rule_hides_of_its_requests_is_hidden_of_what_the_relay_has(org):
    org.rules(RULES.replace("- id: ready", "- id: ready\n    bodies: redacted"))
    with running(org):
        event, number = tapped(org, "--events"), "PO-1"
        assert event["record"]["Order_Number__c"] == f"<text of {len(number)}>", "nor in passing"
        event["record"] = {"Order_Number__c": number, "Quantity__c": 1}
        (org.folder / "event.json").write_text(json.dumps(event))
        wait_until(lambda: org.received(), "it is delivered")
        for command in (["event", "show"], ["rules", "explain"]):
            for form in ([], ["--json"]):
                shown = org.command(*command, event["replayId"], *form).stdout
                assert number not in shown and f"<text of {len(number)}>" in shown, shown
        assert number in org.command("rules", "explain", "event.json").stdout, "who has the file has seen it"
        edited = org.folder / "rules.yaml"
        edited.write_text((org.folder / "rules" / "rules.yaml").read_text().replace("${record.Order_Number__c}", "x"))
        shown = org.command("rules", "dry-run", "rules.yaml").stdout
        assert number not in shown and f'"<text of {len(number)}>" → "<text of 1>"' in shown, shown
    assert number not in org.command("event", "show", event["replayId"]).stdout, "without a relay as well"


@pytest.mark.parametrize(
    "filter, said",
    [
        (("--rule", "redy"), ["no rule 'redy'", "did you mean 'ready'?"]),
        (("--destination", "nosuch"), ["no destination 'nosuch'", "It has erp."]),
        (("--topic", "/event/Order_Redy__e"), ["no topic", "did you mean '/event/Order_Ready__e'?", "It has /data/"]),
    ],
)
def test_a_tap_of_what_there_is_not_is_refused(org, filter, said):
    with running(org):
        refused = org.command("tap", *filter, code=2)
        assert all(part in refused.stderr for part in said), refused.stderr


def test_a_tap_of_an_object_that_no_topic_brings_says_so(org):
    org.topics("/data/AccountChangeEvent", "/event/Order_Ready__e")
    with running(org), tapping(org, "--entity", "Acount") as tap:
        assert "brings 'Acount': did you mean 'Account'?" in tap.stderr.readline()
        assert tap.poll() is None, "a backfill may bring it"


def test_a_backfill_of_no_object_is_refused(org):
    with running(org):
        refused = org.command("backfill", "--entity", "Acount", code=2)
        assert "no object 'Acount'" in refused.stderr and "Did you mean 'Account'?" in refused.stderr, refused.stderr
        refused = org.command("backfill", "--entity", "Nope__c", code=2)
        assert "no object 'Nope__c'" in refused.stderr and "salesforce describe" in refused.stderr, refused.stderr
        assert json.loads(org.command("backfill", "list", "--json").stdout) == []
        assert json.loads(org.command("backfill", "--entity", "Account", "--detach", "--json").stdout)["state"] == "running"


def test_warnings_are_for_those_who_ask(org):
    unused = "vars: {limit: 7}\n"
    file = org.folder / "rules" / "rules.yaml"
    file.write_text(file.read_text() + unused)
    config = org.folder / "sluice.yaml"
    config.write_text(config.read_text() + f'console: {{listen: "0.0.0.0:{free_port()}"}}\n')
    with running(org) as relay:
        event = tapped(org, "--events")
        for command in ("status", "dlq list", "cursor list", "top --once", f"event show {event['replayId']}"):
            assert org.command(*command.split()).stderr == ""
        relay.terminate()
        errors = relay.communicate(timeout=20)[1]
    assert "'limit' is never used" in errors and "can read topics" in errors, errors
    assert org.command("event", "show", event["replayId"]).stderr == ""
    assert "'limit' is never used" in org.command("rules", "lint").stdout
    doctor = org.command("doctor").stderr
    assert "'limit' is never used" in doctor and "can read topics" in doctor


def test_doctor_checks_all_that_broken_rules_leave(org):
    (org.folder / "rules" / "broken.yaml").write_text("sluice: 1\nrules: [{id: x}]\n")
    doctor = org.command("doctor", "--json", code=2)
    checks = json.loads(doctor.stdout)
    failed = [check for check in checks if check["level"] == "failure"]
    assert [check["subject"] for check in failed] == ["rules"], checks
    assert "rules has 2 errors, first broken.yaml:2:9: a rule needs 'match'" in failed[0]["message"], failed
    subjects = [check["subject"] for check in checks]
    assert {"configuration", "store", "destination erp"} <= set(subjects), subjects
    assert any("sign-in" in subject for subject in subjects), subjects
    assert "a rule needs 'to'" in doctor.stderr, "all findings, for people"
    shown = org.command("doctor", code=2).stdout
    assert "FAIL  rules: rules has 2 errors" in shown and "checks: 1 failed" in shown, shown


def test_a_file_of_secrets_that_may_not_be_read_is_named_with_the_reason(org):
    secrets = org.folder / ".env"
    secrets.unlink()
    secrets.mkdir()
    said = org.command("doctor", code=2).stderr
    assert said == "sluice: cannot read .env: is a directory. Let the user that runs sluice read it, or take it away.\n"


def test_a_variable_that_is_set_and_empty_is_not_called_unset(org):
    secrets = org.folder / ".env"
    text = secrets.read_text()
    secrets.write_text(text + "SF_CLIENT_SECRET=\n")
    said = org.command("doctor", code=3).stdout
    assert "environment variable SF_CLIENT_SECRET: it is set, but empty" in said, said
    secrets.write_text(text.replace("SF_CLIENT_SECRET=", "OTHER="))
    assert "SF_CLIENT_SECRET: the variable is not set" in org.command("doctor", code=3).stdout


def test_an_endpoint_without_tls_is_told_as_that(org):
    config = org.folder / "sluice.yaml"
    text = config.read_text()
    config.write_text(text.replace(", plaintext: true", ""))
    checks = [check for check in json.loads(org.command("doctor", "--json", code=3).stdout) if check["level"] == "failure"]
    assert checks and all("topic" in check["subject"] for check in checks), checks
    assert all("it answers without TLS" in check["message"] for check in checks), checks
    assert all("needs plaintext: true" in check["advice"] and "irewall" not in check["advice"] for check in checks), checks
    config.write_text(text.replace(f'"{org.target}"', f'"http://{org.target}"'))
    said = org.command("doctor", code=2).stderr
    assert f"hint: write {org.target}, and plaintext: true" in said and said.count("error[") == 1, said


@pytest.mark.parametrize("option", ["--http-port", "--grpc-port"])
def test_an_emulator_on_a_port_that_is_taken_says_so(org, option):
    port = org.url.rsplit(":", 1)[1]
    said = org.command("emulate", option, port, code=3).stderr
    assert f"on 127.0.0.1:{port}: address already in use. Choose another port" in said and "errno" not in said, said


def test_doctor_goes_on_without_rules(org):
    (org.folder / "rules" / "rules.yaml").unlink()
    checks = json.loads(org.command("doctor", "--json", code=2).stdout)
    assert any("holds no rule files" in check["message"] and check["level"] == "failure" for check in checks), checks
    assert any("sign-in" in check["subject"] for check in checks), checks


def test_a_topic_that_does_not_exist_is_named(org):
    org.topics("/data/ChangeEvents", "/event/Nope__e")
    relay = org.run()
    try:
        line = next(line for line in relay.stderr if "stopped" in line)
        assert "there is no topic /event/Nope__e: topic.not.found" in line and "sluice salesforce topics" in line, line
        said = json.loads(org.command("status", "--json").stdout)
        topic = next(topic for topic in said["topics"] if topic["topic"] == "/event/Nope__e")
        assert "there is no topic /event/Nope__e" in topic["detail"], topic
    finally:
        relay.kill()
        relay.communicate()
    checks = json.loads(org.command("doctor", "--json", code=3).stdout)
    assert any("there is no topic /event/Nope__e" in check["message"] for check in checks), checks


def on_terminal(org, columns, *arguments):
    """What a command shows in a window of this width."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    process = subprocess.Popen(
        [org.binary, *arguments], cwd=org.folder, env={**os.environ, "NO_COLOR": "1", "TERM": "xterm"}, stdin=theirs,
        stdout=theirs, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # the other side is closed
        while piece := os.read(ours, 4096):
            shown += piece
    os.close(ours)
    assert process.wait(20) == 0
    return shown.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("command", [("status",), ("top", "--once")])
def test_a_table_is_as_wide_as_the_terminal(org, command):
    org.topics("/data/ChangeEvents", "/event/Nope__e")
    relay = org.run()
    try:
        assert any("stopped" in line for line in relay.stderr)
        whole = org.command(*command).stdout
        row = next(line for line in whole.splitlines() if "/event/Nope__e" in line)
        assert "…" not in row and len(row) > 120, "a pipe gets everything"
        shown = on_terminal(org, 120, *command)
        cut = next(line for line in shown.splitlines() if "/event/Nope__e" in line)
        assert len(cut) == 120 and cut.endswith("…") and cut[:100].split() == row[:100].split(), cut
        narrow = on_terminal(org, 80, *command)
        tables = narrow[narrow.index("ORG "):].splitlines()
        assert max(map(len, tables)) <= 80, narrow
        assert any(line.startswith("    ") and "state ok" in line for line in tables), narrow
        assert any(line.startswith("    ") and "detail there is no topic" in line for line in tables), narrow
        wide = on_terminal(org, 400, *command)
        assert any(line.endswith("those of the org.") for line in wide.splitlines() if "/event/Nope__e" in line), wide
    finally:
        relay.kill()
        relay.communicate()


def test_a_screen_that_is_too_small_for_top_says_how_much_is_left_out(org):
    with running(org):
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 6, 100, 0, 0))
        process = subprocess.Popen(
            [org.binary, "top"], cwd=org.folder, env={**os.environ, "NO_COLOR": "1", "TERM": "xterm"}, stdin=theirs,
            stdout=theirs, stderr=theirs,
        )  # fmt: skip
        os.close(theirs)
        shown = b""
        while b"\x1b[J" not in shown:
            shown += os.read(ours, 4096)
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(OSError):  # the other side is closed
            while os.read(ours, 4096):
                pass
        os.close(ours)
        assert process.wait(20) in (0, 130)
        (frame,) = re.findall(r"\x1b\[H(.*?)\x1b\[J", shown.decode(), re.DOTALL)
        rows = frame.replace("\x1b[K", "").strip().splitlines()
        assert len(rows) == 5 and re.fullmatch(r"… \d+ more lines: a taller window shows them, or `sluice status`", rows[-1]), rows


@pytest.mark.parametrize("columns", [44, 70])
def test_a_list_on_a_narrow_terminal_loses_nothing_and_is_not_broken_by_the_terminal(org, columns):
    with running(org):
        publish(org)
        wait_until(lambda: json.loads(org.command("cursor", "list", "--json").stdout), "a cursor")
    (cursor,) = json.loads(org.command("cursor", "list", "--json").stdout)
    shown = on_terminal(org, columns, "cursor", "list")
    assert max(map(len, shown.splitlines())) <= columns and "…" not in shown, shown
    assert all(cursor[name] in shown for name in ("org", "topic", "replayId", "commitTime", "updatedAt")), shown
    assert f"    replay id {cursor['replayId']}," in shown or columns == 70, shown
    assert "\n    " not in org.command("cursor", "list").stdout, "a pipe gets a line for each"


@pytest.mark.parametrize(
    "command, said",
    [
        ("help bogus", ["'sluice bogus'", "There is backfill, cursor", "top."]),
        ("help rules lnt", ["'sluice rules lnt': did you mean 'lint'?", "There is dry-run, eval"]),
        ("help rules lint x", ["'sluice rules lint x'", "no commands below it"]),
        ("stauts", ["'sluice stauts': did you mean 'status'?"]),
        ("dlq lst", ["did you mean 'list'?"]),
    ],
)
def test_a_command_that_is_not_there_is_refused_with_those_that_are(binary, command, said):
    refused = subprocess.run([binary, *command.split()], capture_output=True, text=True, timeout=20)
    assert refused.returncode == 2 and refused.stdout == "" and len(refused.stderr.splitlines()) == 1, refused
    assert all(part in refused.stderr for part in said), refused.stderr


COUNTS = """
tap --limit
tap --sample
dlq list --limit
dlq retry --all --limit
dlq drop --yes --limit
dlq list --quarantine --limit
replay --earliest --limit
rules dry-run --limit
integrator jobs --limit
integrator errors --limit
demo --events
flowmate flow logs x y --page-size
"""


@pytest.mark.parametrize("value", ["-1", "0", "x"])
@pytest.mark.parametrize("command", COUNTS.split("\n")[1:-1])
def test_a_count_that_cannot_be_is_refused_at_once(binary, tmp_path, command, value):
    refused = subprocess.run([binary, *command.split(), value], cwd=tmp_path, capture_output=True, text=True, timeout=20)
    told = f"The value '{value}' is invalid for"
    assert refused.returncode == 2 and refused.stderr.count(told) == 1, refused
    assert "it takes a whole number" in refused.stderr, refused.stderr


def test_an_event_that_met_a_limit_is_no_mistake(org):
    org.step(limits={"HourlyPublishedPlatformEvents": {"remaining": 0}})
    told = publish(org, code=3)
    assert "LIMIT_EXCEEDED" in told.stdout and "later" in told.stderr and "Mend" not in told.stderr, told.stderr
    events = '{"Nope__c": 1}\n{"Quantity__c": 1}\n'
    told = org.command("salesforce", "publish", "/event/Order_Ready__e", code=2, stdin=events)
    assert "1 event not published, see above. Mend them" in told.stderr, told.stderr
    assert "1 event not published since a limit" in told.stderr


MISSING = """
status --config no.yaml
rules lint no
rules lint --schema no
rules test no
rules dry-run no
rules dry-run rules --events no.json
rules dry-run rules --against no
rules explain no.json
rules explain no.such
rules explain event.json --rules no
rules explain event.json --record no.json
dlq edit x --file no.json
cursor import no.json
salesforce create Account --file no.csv
salesforce composite --file no.json
emulate --script no.yaml
"""


@pytest.mark.parametrize("command", MISSING.split("\n")[1:-1])
def test_what_is_not_there_is_bad_input(org, command):
    event = {"entity": "Account", "change": "update", "ids": [ACCOUNT], "changed": {"Name": "A"}}
    (org.folder / "event.json").write_text(json.dumps(event))
    said = org.command(*command.split(), code=2).stderr
    name = next(word for word in command.split() if word.split(".")[0] == "no")
    assert name in said and len(said.splitlines()) == 1, said


NOWHERE = """
event show sl_none
event show AAAAAAAAAAAAAAA=
rules explain AAAAAAAAAAAAAAA=
rules explain event.json --rule none
dlq show sl_none
dlq retry sl_none
dlq list --rule none
dlq list --destination none
dlq drop --rule none --yes
cursor show none
cursor forget none
cursor save none --topic none
replay pause none
backfill cancel none
backfill --entity Nope__c
destination try none
tap --rule none
salesforce get Account 001000000000999AAA
salesforce describe Nope__c
salesforce topics /event/Nope__e
"""


def test_what_is_named_and_is_not_there_is_bad_input_everywhere(org):
    event = {"entity": "Account", "change": "update", "ids": [ACCOUNT], "changed": {"Name": "A"}}
    (org.folder / "event.json").write_text(json.dumps(event))
    with running(org):
        for command in NOWHERE.split("\n")[1:-1]:
            said = org.command(*command.split(), code=2)
            assert said.stdout == "" and len(said.stderr.splitlines()) == 1, (command, said)


def test_a_store_on_a_disk_that_cannot_be_written_is_read(org, tmp_path):
    with small_disk(tmp_path / "disk", 20) as (folder, _):
        config = org.folder / "sluice.yaml"
        config.write_text(config.read_text().replace("path: sluice.db", f"path: {folder}/sluice.db"))
        with running(org):
            publish(org)
            wait_until(lambda: org.received(), "it is delivered")
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        assert "No relay is running" in org.command("status").stdout
        assert json.loads(org.command("dlq", "list", "--json").stdout)["letters"] == []
        assert "/event/Order_Ready__e" in org.command("cursor", "list").stdout
        subprocess.run(["mount", "-o", "remount,rw", str(folder)], check=True)
        relay = org.run()
        wait_until(lambda: is_up(org), "the relay is up")
        publish(org)
        wait_until(lambda: len(org.received()) == 2, "it is delivered")
        relay.kill()
        relay.communicate()
        (folder / "sluice.db-shm").unlink()
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        refused = org.command("status", code=3)
        assert "sluice.db-wal" in refused.stderr and "a copy of both files" in refused.stderr, refused.stderr
