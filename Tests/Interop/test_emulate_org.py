"""The emulated org, as its tools see it: doctor and every `sluice salesforce` command, and a relay that writes into it."""

import csv
import json
import time
import urllib.error
import urllib.request

import pytest

from emulated_org import EmulatedOrg
from harness import wait_until


@pytest.fixture
def org(binary, tmp_path):
    org = EmulatedOrg(binary, tmp_path)
    yield org
    org.stop()


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
    relay = org.run()
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


class REST:
    """Somebody else's client."""

    def __init__(self, url):
        form = b"grant_type=client_credentials&client_id=emulator-client&client_secret=emulator-secret"
        with urllib.request.urlopen(url + "/services/oauth2/token", data=form, timeout=10) as answer:
            self.token = json.load(answer)["access_token"]
        self.base = url + "/services/data/v62.0"

    def call(self, method, path, body=None):
        request = urllib.request.Request(
            self.base + path, body and json.dumps(body).encode(), {"Authorization": f"Bearer {self.token}"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read().decode()

    def json(self, method, path, body=None):
        return json.loads(self.call(method, path, body)[2])


def test_a_bulk_query_of_ours(org):
    names = [row["Name"] for row in org.json("query", "--bulk", "SELECT Id, Name FROM Account ORDER BY Name")]
    assert names == ["Acme Pumps", "Halden Paper", "Nordwind Valves"]
    refused = org.command("salesforce", "query", "--bulk", "SELECT Id, BillingAddress FROM Account", code=2)
    assert "compound data not supported" in refused.stderr
    assert len(REST(org.url).json("GET", "/jobs/query")["records"]) == 1, "what was read to its end is deleted"


def test_a_bulk_query_of_somebody_else(org):
    for number in range(7):
        fields = {"Name": f'Deal "{number}",\nlast', "CloseDate": "2026-03-01", "Amount": number * 1000}
        org.step(publish={"entity": "Opportunity", "change": "create", "ids": [f"006Dp00000{number:05d}AAA"], "fields": fields})
    rest = REST(org.url)
    query = "SELECT Name, Amount, CloseDate, CreatedDate, NextStep FROM Opportunity WHERE Name LIKE 'Deal \"%' ORDER BY Name"
    job = rest.json("POST", "/jobs/query", {"operation": "query", "query": query})
    assert job["state"] == "UploadComplete" and job["object"] == "Opportunity" and job["id"].startswith("750")
    path = f"/jobs/query/{job['id']}"
    wait_until(lambda: rest.json("GET", path)["state"] == "JobComplete", "the job is complete")
    assert rest.json("GET", path)["numberRecordsProcessed"] == 7
    rows, locator, pages = [], "", 0
    while locator != "null":
        status, headers, text = rest.call("GET", f"{path}/results?maxRecords=3" + (f"&locator={locator}" if locator else ""))
        assert status == 200 and headers["Content-Type"].startswith("text/csv")
        page = list(csv.DictReader(text.splitlines(keepends=True)))
        assert len(page) == int(headers["Sforce-NumberOfRecords"])
        rows, locator, pages = rows + page, headers["Sforce-Locator"], pages + 1
    assert pages == 3 and [row["Name"] for row in rows] == [f'Deal "{number}",\nlast' for number in range(7)]
    assert rows[2]["Amount"] == "2000.0" and rows[2]["CloseDate"] == "2026-03-01" and rows[2]["NextStep"] == ""
    assert time.strptime(rows[2]["CreatedDate"], "%Y-%m-%dT%H:%M:%S.%fZ")
    assert rest.call("DELETE", path)[0] == 204 and rest.call("GET", path)[0] == 404
    late = rest.json("POST", "/jobs/query", {"operation": "queryAll", "query": "SELECT Id FROM Account"})
    assert rest.call("GET", f"/jobs/query/{late['id']}/results")[0] == 400, "not yet"
    assert rest.json("PATCH", f"/jobs/query/{late['id']}", {"state": "Aborted"})["state"] == "Aborted"
    wrong = rest.json("POST", "/jobs/query", {"operation": "query", "query": "SELECT Nme FROM Account"})
    assert wrong[0]["errorCode"] == "INVALID_FIELD"


def findings(org, code=0):
    """What doctor says of the org, by subject: level, message, advice."""
    checks = json.loads(org.command("doctor", "--json", code=code).stdout)
    mine = [check for check in checks if check["subject"].startswith("org emulator: ")]
    return {
        check["subject"].removeprefix("org emulator: "): (check["level"], check["message"], check.get("advice") or "")
        for check in mine
    }


def test_a_custom_channel_and_what_is_missing_from_it(org):
    channel = "/data/Orders__chn"
    org.topics(channel)
    shown = org.json("topics", channel)
    assert shown["carries"] == "Opportunity, sfy24__ProductionOrder__c" and shown["schema"] is None and not shown["withheld"]
    listed = {topic["topic"]: topic["carries"] for topic in org.json("topics")}
    assert listed[channel] == "OpportunityChangeEvent, sfy24__ProductionOrder__ChangeEvent"
    assert findings(org)[f"contents of {channel}"][0] == "ok"
    org.step(permission={"entity": "Opportunity", "viewAll": False})
    assert org.json("topics", channel)["withheld"] == "Opportunity"
    level, message, advice = findings(org)[f"contents of {channel}"]
    assert level == "warning" and "nothing will come of Opportunity:" in message and "View All Records" in advice
    org.step(channel={"name": "Orders__chn", "remove": ["Opportunity", "sfy24__ProductionOrder__c"]})
    assert "carries nothing" in findings(org)[f"contents of {channel}"][1]
    org.step(channel={"name": "ChangeEvents", "remove": "Account"})
    org.topics("/data/AccountChangeEvent", "/data/sfy24__ProductionOrder__ChangeEvent")
    found = findings(org, code=3)
    assert found["selection of Account"][:2] == ("warning", "it is not selected for Change Data Capture")
    assert "topic.not.found" in found["topic /data/AccountChangeEvent"][1]
    assert found["selection of sfy24__ProductionOrder__c"][0] == "ok"


def test_a_limit_that_is_reached(org):
    org.topics("/data/Orders__chn")
    org.step(limits={"DailyApiRequests": {"max": 100, "remaining": 3}, "DailyDeliveredPlatformEvents": {"remaining": 100}})
    found = findings(org)
    assert found["limit DailyApiRequests"][:2] == ("warning", "98 of 100 used")
    assert found["limit DailyDeliveredPlatformEvents"][:2] == ("warning", "49900 of 50000 used")
    channel = found["contents of /data/Orders__chn"]
    assert "98 of the org's 100 API calls" in channel[1] and "View Setup" not in channel[2]
    rest = REST(org.url)
    used = [rest.call("GET", "/limits")[1]["Sforce-Limit-Info"] for _ in range(2)]
    assert used == ["api-usage=99/100", "api-usage=100/100"]
    status, headers, body = rest.call("GET", "/limits")
    assert status == 403 and json.loads(body)[0]["errorCode"] == "REQUEST_LIMIT_EXCEEDED"
    assert headers["Sforce-Limit-Info"] == "api-usage=100/100"
    level, message, advice = findings(org)["limits"]
    assert level == "warning" and "TotalRequests Limit exceeded" in message and "when the REST API answers" in advice


def test_failures_of_rest_pass(org):
    account = org.query("SELECT Id FROM Account LIMIT 1")[0]["Id"]
    org.step(rest={"path": "/sobjects/*", "status": 503, "times": 2})
    assert org.json("get", "Account", account)["Id"] == account
    rest = REST(org.url)
    org.step(rest={"path": "/sobjects/*", "code": "UNABLE_TO_LOCK_ROW", "times": 1})
    status, _, body = rest.call("PATCH", f"/sobjects/Account/{account}", {"Phone": "7"})
    assert status == 400 and json.loads(body)[0]["errorCode"] == "UNABLE_TO_LOCK_ROW"
    assert rest.call("PATCH", f"/sobjects/Account/{account}", {"Phone": "7"})[0] == 204
    org.step(rest={"code": "API_DISABLED_FOR_ORG"})
    assert "API_DISABLED_FOR_ORG" in org.command("salesforce", "limits", code=1).stderr


def test_a_row_that_is_locked_is_written_a_little_later(org):
    org.rules(RULES)
    order = org.query("SELECT Id FROM sfy24__ProductionOrder__c LIMIT 1")[0]["Id"]
    relay = org.run()
    try:
        org.step(rest={"path": "/composite*", "code": "UNABLE_TO_LOCK_ROW", "times": 2})
        fields = {"sfy24__Status__c": "Finished"}
        org.step(publish={"entity": "sfy24__ProductionOrder__c", "ids": [order], "fields": fields})
        read = f"SELECT sfy24__Notes__c FROM sfy24__ProductionOrder__c WHERE Id = '{order}'"
        wait_until(lambda: org.query(read)[0]["sfy24__Notes__c"] == "told", "the write came", 30)
        again = REST(org.url).call("POST", "/composite", {"compositeRequest": []})
        assert again[0] == 200, "the relay met both refusals"
    finally:
        relay.kill()
        relay.communicate()


ORDERS = """rules:
  - id: orders
    match: {entity: [sfy24__ProductionOrder__c, Opportunity], change: [create, update]}
    to: {destination: erp, body: {id: '${recordId}'}}
"""


def test_a_relay_with_a_managed_subscription_is_killed_and_resumes(org):
    org.topics("{name: /data/Orders__chn, managed: Sluice_Orders}")
    org.rules(ORDERS)
    assert findings(org)["managed subscription Sluice_Orders"][0] == "ok"
    sent = 0

    def tell(count):
        nonlocal sent
        for _ in range(count):
            entity, prefix = [("Opportunity", "006"), ("sfy24__ProductionOrder__c", "a0B")][sent % 2]
            fields = {"Name": f"{sent}"}
            org.step(publish={"entity": entity, "ids": [f"{prefix}Dp00000{sent:05d}AAA"], "fields": fields})
            sent += 1

    def delivered():
        return {request["headers"]["webhook-id"] for request in org.requests() if request["path"] == "/hooks/erp"}

    tell(5)
    for _ in range(2):
        relay = org.run()
        try:
            wait_until(lambda: len(delivered()) == sent, f"{sent} deliveries", 30)
            tell(5)
            wait_until(lambda: len(delivered()) == sent, f"{sent} deliveries", 30)
        finally:
            relay.kill()
            relay.communicate()
        tell(5)
    relay = org.run()
    lines = []
    try:
        wait_until(lambda: len(delivered()) == sent, f"{sent} deliveries", 30)
        relay.terminate()
        lines = relay.communicate(timeout=30)[1].splitlines()
    finally:
        relay.kill()
    assert relay.returncode == 0 and any("resumed where the managed subscription" in line for line in lines), lines
    assert len(delivered()) == sent == 25, "each event, with one ID"


def test_many_events_go_over_one_publish_stream(org):
    events = "".join(json.dumps({"Order_Number__c": f"PO-{number}", "Quantity__c": number}) + "\n" for number in range(900))
    told = org.command("salesforce", "publish", "/event/Order_Ready__e", "--stream", "--json", stdin=events)
    rows = [json.loads(line) for line in told.stdout.splitlines()]
    assert [row["event"] for row in rows] == list(range(1, 901)) and all(row["replayId"] for row in rows)
    assert org.json("limits")["HourlyPublishedPlatformEvents"]["remaining"] == 250_000 - 900
    org.step(limits={"HourlyPublishedPlatformEvents": {"remaining": 1}})
    told = org.command(
        "salesforce", "publish", "/event/Order_Ready__e", "--stream", "--json", code=3, stdin="{}\n{}\n")
    rows = [json.loads(line) for line in told.stdout.splitlines()]
    assert rows[0]["replayId"] and "LIMIT_EXCEEDED" in rows[1]["error"]


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
