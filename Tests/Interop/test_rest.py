"""The REST client of `sluice salesforce` against a peer that follows the guide."""

import json
import signal

import pytest

from harness import wait_until
from rest_org import RESTOrg

pytestmark = pytest.mark.usefixtures("binary")


@pytest.fixture
def make_org(tmp_path):
    made = []

    def make(**options):
        made.append(RESTOrg(tmp_path, **options))
        return made[-1]

    yield make
    for org in made:
        org.stop()


def ids(records):
    return [int(record["Id"][3:15]) for record in records]


def test_a_query_of_200000_records_streams_in_bounded_memory_through_faults(make_org):
    org = make_org(accounts=200_000)
    org.peer.call("fault", path="/query/", status=503, code="SERVER_UNAVAILABLE", count=2, after=20)
    org.peer.call("fault", path="/query/", status=401, after=50)
    org.peer.call("fault", path="/query/", status=502, count=1, after=70, body="<html>maintenance</html>")
    result = org.run("query", "SELECT Id, Name, Number__c, BillingAddress, LastModifiedDate FROM Account", "--json")
    assert ids(result.json) == list(range(200_000))
    print(f"peak {result.peak_mib:.1f} MiB")
    assert result.peak_mib <= 60
    stats = org.stats()
    assert stats["compressed"] > 100, "pages come compressed"
    assert stats["grants"]["client_credentials"] == 2, "one sign-in, and one after the session ended"
    assert stats["clients"] == ["client=Sluice"]


def test_a_bulk_query_reads_all_pages_and_forgets_the_job(make_org):
    org = make_org(accounts=50_000)
    result = org.run("query", "SELECT Id, Name, Number__c FROM Account", "--bulk", "--json")
    assert ids(result.json) == list(range(50_000))
    assert result.json[7] == {"Id": "001000000000007AAA", "Name": "Account 7", "Number__c": "7.0"}
    assert org.stats()["jobs"] == []
    assert result.peak_mib <= 60


def test_a_bulk_query_that_is_interrupted_leaves_no_job_behind(make_org):
    org = make_org(accounts=50_000)
    org.peer.call("set", bulk_polls=1_000)
    with org.start("query", "SELECT Id FROM Account", "--bulk") as process:
        wait_until(lambda: org.stats()["jobs"], "the job")
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 1 and "stopped by SIGINT; the job 750" in said, said
    assert org.stats()["jobs"] == [] and len(org.stats()["aborted"]) == 1


def test_an_expired_cursor_is_named_and_nothing_is_called_complete(make_org):
    org = make_org(accounts=5_000)
    org.peer.call("fault", path="/query/", status=404, code="INVALID_QUERY_LOCATOR", after=1)
    result = org.run("query", "SELECT Id FROM Account", "--json")
    assert result.code == 1
    assert "INVALID_QUERY_LOCATOR" in result.err and "after 4000 records" in result.err


def test_a_wrong_query_is_bad_input(make_org):
    result = make_org().run("query", "SELEKT Id")
    assert result.code == 2 and "MALFORMED_QUERY" in result.err


def test_the_share_of_the_day_is_never_exceeded(make_org):
    org = make_org(accounts=200_000, maximum=200, used=20)
    result = org.run("query", "SELECT Id FROM Account", "--json")
    assert result.code == 3
    assert "of the org's 200 API calls in 24 hours" in result.err
    assert org.stats()["used"] <= 100


def test_a_reached_limit_is_not_asked_again_in_haste(make_org):
    org = make_org()
    org.peer.call("fault", path="/limits", status=403, code="REQUEST_LIMIT_EXCEEDED", count=99)
    result = org.run("limits")
    assert result.code == 3 and "REQUEST_LIMIT_EXCEEDED" in result.err
    assert org.stats()["used"] <= 12


def test_a_record_is_read_as_it_is_and_as_rules_see_it(make_org):
    org = make_org()
    plain = org.run("get", "Account", "001000000000003AAA", "--json").json
    assert plain["BillingAddress"]["city"] == "Rome" and plain["Due__c"] == "2026-02-01"
    seen = org.run("get", "Account", "001000000000003AAA", "--as-event", "--json").json
    assert list(seen) == ["Name", "Number__c", "Employees__c", "Due__c", "LastModifiedDate", "BillingAddress"]
    assert seen["LastModifiedDate"] == "2026-01-31T12:00:00Z"
    assert seen["BillingAddress"]["City"] == "Rome" and seen["BillingAddress"]["Street"] is None
    assert list(seen["BillingAddress"])[:4] == ["Street", "City", "State", "PostalCode"]
    some = org.run("get", "Account", "001000000000003AAA", "--fields", "Name,Employees__c", "--json").json
    assert some == {"Name": "Account 3", "Employees__c": 3}
    assert org.run("get", "Account", "001000000009999AAA", "--as-event").code == 2
    wrong = org.run("get", "Account", "001000000000003AAA", "--fields", "Nme")
    assert wrong.code == 2 and "INVALID_FIELD" in wrong.err and "field-level security" in wrong.err


def test_describe_limits_and_topics(make_org):
    org = make_org()
    described = org.run("describe", "Account", "--json").json
    assert {field["name"]: field["compound"] for field in described["fields"]}["BillingCity"] == "BillingAddress"
    assert "BillingAddress" in org.run("describe", "Account").out
    assert [item["name"] for item in org.run("describe", "--json").json][0] == "Account"
    assert org.run("limits", "--json").json["DailyApiRequests"]["max"] == 100_000
    topics = {item["topic"]: item["carries"] for item in org.run("topics", "--json").json}
    assert topics == {
        "/data/ChangeEvents": "AccountChangeEvent", "/data/Orders__chn": "sfy24__ProductionOrder__ChangeEvent",
        "/data/AccountChangeEvent": "changes of Account", "/event/Order_Ready__e": "platform event",
    }  # fmt: skip


def test_a_table_is_for_people(make_org):
    lines = make_org(accounts=3).run("query", "SELECT Id, Name, BillingAddress FROM Account").out.splitlines()
    assert lines[0].split() == ["ID", "NAME", "BILLINGADDRESS.CITY"] + lines[0].split()[3:]
    assert len(lines) == 4 and "Account 2" in lines[3]


def test_events_are_published_as_any_avro_reader_reads_them(world, tmp_path):
    import fastavro
    import io

    import schemas
    from feed import FeedSpec

    salesforce = world.salesforce([FeedSpec("/event/Order_Ready__e", 5, ["OrderReady"])])
    workspace = world.workspace(salesforce)
    workspace.write_config(["/event/Order_Ready__e"])
    schema = schemas.order_ready()
    names = [field["name"] for field in schema["fields"] if field["name"].endswith("__c")]
    texts = [field["name"] for field in schema["fields"] if "string" in field["type"] and field["name"].endswith("__c")]
    sent = {texts[0]: "Grüße 'x'"}
    result = workspace.command("salesforce", "publish", "/event/Order_Ready__e", "--data", json.dumps(sent), "--json")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["replayId"]
    payload = bytes.fromhex(salesforce.process.call("published")[0])
    read = fastavro.schemaless_reader(io.BytesIO(payload), schema)
    assert {name: read[name] for name in names if read[name] is not None} == sent
    assert read["CreatedById"].startswith("005") and read["CreatedDate"] > 1_700_000_000_000
    wrong = workspace.command("salesforce", "publish", "/event/Order_Ready__e", "--data", '{"nope":1}')
    assert wrong.returncode == 2 and "has no field nope" in wrong.stdout
    mistyped = workspace.command("salesforce", "publish", "/event/Order_Redy__e", "--data", "{}")
    assert mistyped.returncode == 2 and "topic.not.found" in mistyped.stderr
    assert salesforce.stats()["violations"] == {}
