"""The emulated org, as its tools see it: doctor and every `sluice salesforce` command, and a relay that writes into it."""

import json
import os
import subprocess

import pytest

from harness import wait_until


class EmulatedOrg:
    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder
        self.process = subprocess.Popen([binary, "emulate", "--rate", "0"], stdout=subprocess.PIPE, text=True)
        lines = []
        while not any("SF_CLIENT_SECRET=" in line for line in lines):
            lines.append(self.process.stdout.readline())
            assert lines[-1], "the emulator ended"
        said = "".join(lines)
        self.url = said.split(" at ")[1].split()[0]
        settings = said.split("sluice.yaml:\n")[1].split("environment:\n")
        (folder / "sluice.yaml").write_text(settings[0])
        (folder / ".env").write_text(settings[1].replace("  ", ""))
        (folder / "rules").mkdir()
        self.rules("")

    def rules(self, rules):
        (self.folder / "rules" / "rules.yaml").write_text(
            f"sluice: 1\ndestinations:\n  erp: {{kind: webhook, url: {self.url}/hooks/erp, allowHttp: true}}\n{rules}")

    def command(self, *arguments, code=0):
        result = subprocess.run(
            [self.binary, *arguments], cwd=self.folder, capture_output=True, text=True, timeout=60,
            stdin=subprocess.DEVNULL, env={**os.environ, "NO_COLOR": "1"},
        )  # fmt: skip
        assert result.returncode == code, result.stdout + result.stderr
        return result

    def json(self, *arguments):
        return json.loads(self.command("salesforce", *arguments, "--json").stdout)

    def step(self, **step):
        sent = subprocess.run(
            ["curl", "-sf", "-d", json.dumps(step), self.url + "/emulator/step"], capture_output=True, timeout=10)
        assert sent.returncode == 0, step

    def received(self):
        """Paths of what was delivered to the emulator."""
        answer = subprocess.run(["curl", "-sf", self.url + "/emulator/received"], capture_output=True, text=True, timeout=10)
        return [request["path"] for request in json.loads(answer.stdout)["requests"]]

    def query(self, soql):
        return self.json("query", soql)


@pytest.fixture
def org(binary, tmp_path):
    org = EmulatedOrg(binary, tmp_path)
    yield org
    org.process.terminate()
    assert org.process.wait(10) == 0


def test_doctor_has_nothing_to_say(org):
    org.rules("rules:\n  - id: accounts\n    match: {entity: Account, change: [update]}\n    to: {destination: erp, body: {id: '${recordId}'}}\n")
    checks = json.loads(org.command("doctor", "--json").stdout)
    mine = [check for check in checks if check["subject"].startswith("org ")]
    assert mine and {check["level"] for check in mine} == {"ok"}, checks
    assert any("contents of /data/ChangeEvents" in check["subject"] for check in mine)


def test_every_command_works(org):
    assert org.json("limits")["DailyApiRequests"]["max"] == 100_000
    topics = {topic["topic"]: topic["carries"] for topic in org.json("topics")}
    assert "AccountChangeEvent" in topics["/data/ChangeEvents"] and "/event/Order_Ready__e" in topics
    assert org.json("topics", "/data/ChangeEvents")["carries"] == "Account, Opportunity, sfy24__ProductionOrder__c"
    fields = {field["name"]: field["type"] for field in org.json("describe", "sfy24__ProductionOrder__c")["fields"]}
    assert fields["sfy24__Due_Date__c"] == "date" and fields["sfy24__Site__c"] == "location"
    orders = org.query("SELECT Id, Name FROM sfy24__ProductionOrder__c ORDER BY Name")
    assert [order["Name"] for order in orders] == ["PO-000101", "PO-000102", "PO-000103"]
    assert org.json("get", "sfy24__ProductionOrder__c", orders[0]["Id"])["Name"] == "PO-000101"
    event = '{"Order_Number__c": "PO-1", "Quantity__c": 5}'
    org.command("salesforce", "publish", "/event/Order_Ready__e", "--data", event)
    wrong = org.command("salesforce", "query", "SELECT Nme FROM Account", code=2)
    assert "INVALID_FIELD" in wrong.stderr


RULES = """  org: {kind: salesforce, org: emulator}
rules:
  - id: finished
    match: {entity: sfy24__ProductionOrder__c, change: [create, update], changed: [sfy24__Status__c]}
    when: changedTo('sfy24__Status__c', 'Finished')
    to:
      destination: org
      update: sfy24__ProductionOrder__c
      id: "${recordId}"
      fields: {sfy24__Notes__c: "told"}
  - id: notes
    match: {entity: sfy24__ProductionOrder__c, change: [update], changed: [sfy24__Notes__c]}
    to: {destination: erp, body: {id: "${recordId}", notes: "${record.?sfy24__Notes__c}"}}
"""


def test_a_relay_reads_what_changes_and_writes_back(org):
    org.rules(RULES)
    lint = org.command("rules", "lint")
    assert "0 warnings" in lint.stdout
    order = org.query("SELECT Id FROM sfy24__ProductionOrder__c LIMIT 1")[0]["Id"]
    relay = subprocess.Popen(
        [org.binary, "run"], cwd=org.folder, stderr=subprocess.PIPE, text=True, env={**os.environ, "NO_COLOR": "1"})
    try:
        fields = {"sfy24__Status__c": "Finished"}
        org.step(publish={"entity": "sfy24__ProductionOrder__c", "ids": [order], "fields": fields})
        read = f"SELECT sfy24__Notes__c, sfy24__Status__c FROM sfy24__ProductionOrder__c WHERE Id = '{order}'"
        wait_until(lambda: org.query(read)[0]["sfy24__Notes__c"] == "told", "the write came back")
        assert org.query(read)[0]["sfy24__Status__c"] == "Finished"
        wait_until(lambda: "/hooks/erp" in org.received(), "the other rule's delivery")
        relay.terminate()
        _, errors = relay.communicate(timeout=30)
    finally:
        relay.kill()
    assert relay.returncode == 0 and "WARNING" not in errors and "ERROR" not in errors, errors
    assert org.received() == ["/hooks/erp"], "what was written came as an event, once"


def test_a_bad_day_can_be_rehearsed(org):
    org.step(oauth={"error": "invalid_grant", "description": "inactive user"})
    refused = org.command("salesforce", "limits", code=3)
    assert "inactive user" in refused.stderr
    org.command("salesforce", "limits")
    org.step(org={"id": "00DDp0000000002MAA"})
    doctor = org.command("doctor")
    assert "org 00DDp0000000002MAA" in doctor.stdout


def test_a_device_signs_in_and_its_token_rotates(org):
    config = (org.folder / "sluice.yaml").read_text()
    start, end = config.index("clientCredentials:"), config.index("    pubsub:")
    flow = "refreshToken: {clientId: {env: SF_CLIENT_ID}, tokenKey: {env: TOKEN_KEY}}\n"
    (org.folder / "sluice.yaml").write_text(config[:start] + flow + config[end:])
    with (org.folder / ".env").open("a") as file:
        file.write(f"TOKEN_KEY={'6b' * 32}\n")
    org.step(oauth={"rotate": True})
    org.command("salesforce", "login", "--device")
    stored = (org.folder / "salesforce-emulator.token").read_bytes()
    assert b"5Aep861" not in stored, "encrypted"
    for _ in range(2):
        assert org.json("limits")
    assert (org.folder / "salesforce-emulator.token").read_bytes() != stored, "a new one each time"
    org.command("salesforce", "logout")
    org.command("salesforce", "limits", code=2)
