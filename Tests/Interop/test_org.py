"""What an org is silent about, or changes while it is watched: withheld objects, schemas, diffs, transactions, other orgs."""

import json
import re
import time
import urllib.request

import pytest

from certificates import Authority
from harness import Sluice, Workspace, free_port, wait_until
from peer_process import PeerProcess

pytestmark = pytest.mark.usefixtures("binary")
TOPIC = "/data/AccountChangeEvent"
CHANNEL = "/data/ChangeEvents"
HOOK = 'hook: {{kind: webhook, url: "http://127.0.0.1:{port}", allowHttp: true}}'
RULE = """sluice: 1
destinations:
  {hook}
rules:
  - id: accounts
    match: {{entity: Account, change: [create, update, delete, undelete]}}
{rule}
"""
PLAIN = """    to: {destination: hook, path: told, body: {id: "${recordId}", seq: "${record.?Seq__c}", added: "${record.?Added__c}",
      transaction: "${header.transactionKey}", sequence: "${header.sequenceNumber}", commit: "${header.commitNumber}"}}"""


class WatchedOrg:
    def __init__(self, folder, name="org", **config):
        (folder / "tls").mkdir(parents=True)
        self.authority = Authority(folder / "tls")
        certificate, key = self.authority.issue("org")
        self.peer = PeerProcess(
            "setup_peer.py", {"certificate": str(certificate), "key": str(key), "records": 10, **config}, folder, name)
        self.endpoint = f"localhost:{self.peer.ready['port']}"
        self.login_url = f"https://localhost:{self.peer.ready['token_port']}"
        self.workspace = Workspace(folder / "sluice", self)
        self.rules(PLAIN)

    def rules(self, rule):
        hook = HOOK.format(port=self.peer.ready["hook_port"])
        self.workspace.write_rules(RULE.format(hook=hook, rule=rule))

    def configure(self, topic=TOPIC, extra=""):
        self.workspace.write_config([f'{{name: "{topic}", start: latest}}'], extra=extra)

    def told(self, path="/told"):
        return self.peer.call("bodies").get(path, [])

    def wait(self, count, sluice, path="/told"):
        wait_until(lambda: len(self.told(path)) >= count, f"{count} bodies at {path}", 30, or_fail=sluice.ended)
        return self.told(path)

    def json(self, *arguments, code=0):
        result = self.workspace.command(*arguments, "--json", "--config", str(self.workspace.config_path))
        assert result.returncode == code, result.stderr + result.stdout
        return json.loads(result.stdout)


@pytest.fixture
def make_org(tmp_path):
    made = []

    def make(**config):
        made.append(WatchedOrg(tmp_path / f"org-{len(made)}", **config))
        return made[-1]

    yield make
    for org in made:
        org.peer.stop()


MEMBERS = ["AccountChangeEvent", "CaseChangeEvent", "TaskChangeEvent", "Site__ChangeEvent"]


def test_objects_that_a_channel_withholds_are_named_at_the_start(make_org):
    org = make_org(members=MEMBERS, visible=["Account", "Task"])
    org.configure(CHANNEL)
    with Sluice(org.workspace) as sluice:
        line = sluice.wait_for_line("nothing will come of")
        assert "Case, Site__c, Task:" in line and "View All Records" in line, "Task needs View All Data"
        sluice.wait_for_line("subscribed")
        org.peer.call("tell", seq=5)
        assert org.wait(1, sluice)[0]["seq"] == 5, "and the rest comes"
        assert sluice.stop() == 0


def findings(org):
    """What doctor says of the org, by subject: level, text, advice."""
    result = org.workspace.command("doctor", "--json", "--config", str(org.workspace.config_path))
    checks = json.loads(result.stdout)
    checks = checks.get("checks", checks) if isinstance(checks, dict) else checks
    return {
        check["subject"].removeprefix("org prod: "): (check["level"], check["message"], check.get("advice") or "")
        for check in checks
    }


DOCTOR = [
    ({"versions": ["66.0", "67.0"]}, TOPIC, "API version", "failure", "does not serve 62.0", "apiVersion: \"67.0\""),
    ({"behind": 90}, TOPIC, "clock", "warning", "s ahead of Salesforce", "NTP"),
    ({"limits": {"DailyApiRequests": [1000, 100]}}, TOPIC, "limit DailyApiRequests", "warning", "900 of 1000", "System Overview"),
    ({"members": ["CaseChangeEvent"]}, TOPIC, "selection of Account", "warning", "not selected", "Setup > Change Data Capture"),
    ({"members": MEMBERS, "visible": ["Account"]}, CHANNEL, f"contents of {CHANNEL}", "warning", "Case, Site__c, Task",
     "View All Records"),
    ({"members": []}, CHANNEL, f"contents of {CHANNEL}", "warning", "carries nothing", "Select objects"),
    ({"setup": False}, CHANNEL, f"contents of {CHANNEL}", "warning", "INSUFFICIENT_ACCESS", "View Setup and Configuration"),
    ({"forbidden_topics": [TOPIC]}, TOPIC, f"topic {TOPIC}", "failure", "", "View All Records"),
    ({}, "/data/AcountChangeEvent", "topic /data/AcountChangeEvent", "failure", "", ""),
    ({"login_error": "invalid_grant"}, TOPIC, "sign-in", "failure", "invalid_grant", ""),
]


@pytest.mark.parametrize("config, topic, subject, level, text, advice", DOCTOR, ids=[case[2].split()[0] + str(number) for number, case in enumerate(DOCTOR)])
def test_doctor_names_cause_and_step(make_org, config, topic, subject, level, text, advice):
    org = make_org(**config)
    org.configure(topic)
    found = findings(org)
    assert subject in found, found
    assert found[subject][0] == level and text in found[subject][1], found
    assert found[subject][2] and advice in found[subject][2], found


def test_doctor_is_content_with_an_org_in_order(make_org):
    org = make_org(members=["AccountChangeEvent"], visible=["Account"])
    org.configure()
    levels = {subject: check[0] for subject, check in findings(org).items()}
    mine = {"sign-in", "userinfo", "API version", "clock", "limit DailyApiRequests", "selection of Account", f"topic {TOPIC}"}
    assert mine <= set(levels) and {levels[subject] for subject in mine} == {"ok"}, levels


def test_a_changed_schema_is_told_with_the_rules_that_it_breaks(make_org):
    org = make_org()
    console = free_port()
    org.configure(extra=f'alerts: {{destination: hook, path: alarm}}\nconsole: {{listen: "127.0.0.1:{console}"}}\n')
    org.peer.call("schema", version=2)
    with Sluice(org.workspace) as sluice:
        sluice.wait_for_line("subscribed")
        org.peer.call("tell", seq=1, values={"Added__c": "new"})
        assert org.wait(1, sluice)[0]["added"] == "new"
        org.peer.call("schema", version=1)  # Added__c is removed
        org.peer.call("tell", seq=2)
        assert org.wait(2, sluice)[1]["seq"] == 2, "events go on"
        line = sluice.wait_for_line("Account has another schema")
        assert "Added__c" in line and "accounts" in line
        alarm = org.wait(1, sluice, "/alarm")[0]
        assert "Added__c" in json.dumps(alarm)
        assert "Added__c" in json.dumps(org.json("status")), "status shows it"
        with urllib.request.urlopen(f"http://127.0.0.1:{console}/metrics", timeout=5) as page:
            counts = re.findall(r"^sluice_schema_changes_total\{[^}]*\} (\d+)", page.read().decode(), re.MULTILINE)
        assert counts == ["1"], counts
        assert sluice.stop() == 0


LONG = "\n".join(f"line {number} of a long text" for number in range(100))


def test_a_text_that_comes_as_a_diff_is_read_where_a_rule_needs_it(make_org):
    org = make_org(text=LONG)
    org.rules("""    needs: {fields: [Notes__c], missing: fetch}
    to: {destination: hook, path: told, body: {notes: "${record.Notes__c}", changed: "${changed('Notes__c')}"}}""")
    org.configure()
    with Sluice(org.workspace) as sluice:
        sluice.wait_for_line("subscribed")
        diff = "--- \n+++ 0123\n@@ -1 +1 @@\n-line\n+line 0 of a long text\n"
        org.peer.call("tell", values={"Notes__c": diff}, diffs=["Notes__c"])
        org.peer.call("tell", values={"Notes__c": "short"})
        first, second = org.wait(2, sluice)
        assert first == {"notes": LONG, "changed": True} and second == {"notes": "short", "changed": True}
        assert sluice.stop() == 0


def test_a_commit_is_one_body_in_sequence_order(make_org):
    org = make_org()
    org.rules("""    to:
      destination: hook
      path: commits
      coalesce: {key: all, quiet: 60s, max: 2m, limit: 4, transaction: true, keep: records}
      body: {events: "${batch.events}"}""")
    org.configure()
    with Sluice(org.workspace) as sluice:
        sluice.wait_for_line("subscribed")
        for record in range(3):
            org.peer.call("tell", record=record, seq=record, transaction="commit-1", sequence=record + 1)
        for record in range(6):  # more than the limit
            org.peer.call("tell", record=record, seq=record, transaction="commit-2", sequence=record + 1)
        bodies = org.wait(3, sluice, "/commits")
        assert sluice.stop() == 0
    shown = [[(event["transactionKey"], event["sequenceNumber"]) for event in body["events"]] for body in bodies]
    assert shown == [
        [("commit-1", 1), ("commit-1", 2), ("commit-1", 3)],
        [("commit-2", number) for number in (1, 2, 3, 4)],
        [("commit-2", number) for number in (5, 6)],
    ]
    assert all(event["commitNumber"] > 0 and event["entity"] == "Account" for body in bodies for event in body["events"])


def test_a_commit_that_does_not_end_is_sent_when_its_time_is_over(make_org):
    """What shows that a commit is complete may not come: then `quiet` counts, and `max` where more of it trickles in."""
    org = make_org(keepalive=4.0)
    org.rules("""    to:
      destination: hook
      path: commits
      coalesce: {key: all, quiet: 1s, max: 3s, transaction: true, keep: records}
      body: {events: "${batch.events}"}""")
    org.configure()
    with Sluice(org.workspace) as sluice:
        sluice.wait_for_line("subscribed")
        began = time.monotonic()
        for number in range(2):
            org.peer.call("tell", record=number, seq=number, transaction="commit-1", sequence=number + 1)
        first = org.wait(1, sluice, "/commits")[0]
        assert 0.9 <= time.monotonic() - began < 6
        assert [event["sequenceNumber"] for event in first["events"]] == [1, 2]
        sequence, began = 0, time.monotonic()
        while len(org.told("/commits")) < 2 and time.monotonic() - began < 15:
            sequence += 1
            org.peer.call("tell", record=sequence % 10, seq=sequence, transaction="commit-2", sequence=sequence)
            time.sleep(0.3)
        second = org.wait(2, sluice, "/commits")[1]
        assert 2.5 <= time.monotonic() - began < 10, "never quiet for a second"
        assert [event["sequenceNumber"] for event in second["events"]] == list(range(1, len(second["events"]) + 1))
        assert len(second["events"]) > 3 and sluice.stop() == 0


def test_one_org_that_fails_leaves_the_others_alone_and_comes_back(make_org):
    good, bad = make_org(), make_org(org_id="00D000000000002EAA")
    good.configure()
    bad.configure()
    # One file of two orgs; the second one's certificate authority is its own.
    lines = bad.workspace.config_path.read_text().split("\n")
    start, end = lines.index("  prod:"), lines.index("rules: rules")
    other = "\n".join(["  other:", *lines[start + 1 : end]])
    text = good.workspace.config_path.read_text()
    good.workspace.config_path.write_text(text.replace("rules: rules", other + "\nrules: rules"))
    good.rules(PLAIN.replace("id:", 'org: "${org.alias}", id:', 1))
    bad.peer.call("outage", status=503)
    with Sluice(good.workspace) as sluice:
        sluice.wait_for_line("subscribed")
        good.peer.call("tell", seq=1)
        assert good.wait(1, sluice)[0]["org"] == "prod"
        streams = {stream["org"]: stream["state"] for stream in good.json("status")["topics"]}
        assert streams["prod"] == "streaming" and streams["other"] != "streaming", streams
        bad.peer.call("outage")
        wait_until(
            lambda: {stream["org"]: stream["state"] for stream in good.json("status")["topics"]}["other"] == "streaming",
            "the other org streams", 60, every=0.5, or_fail=sluice.ended)
        bad.peer.call("tell", seq=2)
        assert good.wait(2, sluice)[1]["org"] == "other"
        good.peer.call("tell", seq=3)
        assert good.wait(3, sluice)[2]["org"] == "prod"
        assert sluice.stop() == 0


def test_an_org_under_two_names_is_told(make_org):
    org = make_org()
    org.configure()
    lines = org.workspace.config_path.read_text().split("\n")
    start, end = lines.index("  prod:"), lines.index("rules: rules")
    again = "\n".join(["  same:", *lines[start + 1 : end]])
    org.workspace.config_path.write_text(org.workspace.config_path.read_text().replace("rules: rules", again + "\nrules: rules"))
    level, text, advice = findings(org)["org same"]
    assert level == "warning" and "prod and same are the same org (00D" in text and "Keep one of them" in advice
    with Sluice(org.workspace) as sluice:
        assert re.search(r"(prod and same|same and prod) are the same org", sluice.wait_for_line("are the same org"))
        wait_until(lambda: org.peer.call("streams") == 2, "both stream", 20, or_fail=sluice.ended)
        for seq in [1, 2]:
            org.peer.call("tell", seq=seq)
        told = org.wait(4, sluice)
        assert sorted(body["seq"] for body in told) == [1, 1, 2, 2], "as the warning says"
        assert sluice.stop() == 0


@pytest.mark.parametrize("policy", ["stop", "follow"])
def test_a_refreshed_sandbox_is_noticed_and_handled_by_policy(make_org, policy):
    org = make_org()
    org.configure()
    text = org.workspace.config_path.read_text()
    org.workspace.config_path.write_text(text.replace("    auth:", f"    auth:\n      onOrgChange: {policy}"))
    with Sluice(org.workspace) as sluice:
        sluice.wait_for_line("subscribed")
        org.peer.call("tell", seq=1)
        org.wait(1, sluice)
        org.peer.call("move", org_id="00D000000000009EAA")
        line = sluice.wait_for_line("the org is 00D000000000009")
        assert "sandbox was refreshed" in line
        if policy == "follow":
            wait_until(lambda: org.peer.call("streams") > 1, "it streams again", 60, or_fail=sluice.ended)
            org.peer.call("tell", seq=2)
            # Replay IDs of before mean nothing there: it begins with the earliest event that the new org keeps.
            assert [body["seq"] for body in org.wait(3, sluice)] == [1, 1, 2]
            assert sluice.matching("POSSIBLE GAP.*belongs to another org")
        else:
            wait_until(
                lambda: "00D000000000009" in json.dumps(org.json("status")), "status tells it", 30, or_fail=sluice.ended)
            org.peer.call("tell", seq=2)
            assert org.peer.call("streams") == 1, "nothing of another org is taken for this one's"
        assert sluice.stop() == 0
    assert len(org.told()) == (3 if policy == "follow" else 1)
