"""`sluice salesforce create, update, upsert, delete, get, changed, search …` against an org written from the guide alone."""

import datetime
import json
import re
import time

import pytest

from rest_org import WritableOrg

pytestmark = pytest.mark.usefixtures("binary")
GONE = "001000000099999AAA"


@pytest.fixture
def org(tmp_path):
    made = WritableOrg(tmp_path)
    yield made
    made.end()


# Creating


def test_a_record_is_created_of_typed_values(org):
    said = org.ok("create", "Account", "--set", "Name=Acme", "--set", "Amount__c=5", "--set", "Active__c=true",
                  "--set", "Due__c=2026-02-01", "--set", 'Number__c="0042"', "--set", "Industry=null")  # fmt: skip
    assert said == "Created Account 001000000000001AAA.\n"
    (request,) = org.writes()
    assert (request["method"], request["path"]) == ("POST", "/sobjects/Account")
    assert request["headers"]["content-type"] == "application/json"
    assert request["body"] == {"Name": "Acme", "Amount__c": 5, "Active__c": True, "Due__c": "2026-02-01",
                               "Number__c": "0042", "Industry": None}  # fmt: skip
    assert org.rows()["001000000000001AAA"]["Amount__c"] == 5
    assert org.lines("create", "Account", "--set", "Name=B") == [
        {"record": 1, "id": "001000000000002AAA", "result": "created"}
    ]


def test_a_platform_event_is_published(org):
    assert "Created Order_Ready__e e01" in org.ok("create", "Order_Ready__e", "--set", "Order_Number__c=PO-1")
    assert org.stats()["events"] == [{"type": "Order_Ready__e", "Order_Number__c": "PO-1"}]


@pytest.mark.parametrize(
    "fields, says",
    [
        (["Amount__c=1"], r"REQUIRED_FIELD_MISSING: .*Name.*\(fields: Name\)"),
        (["Name=x", "Nme=y"], r"INVALID_FIELD: No such column 'Nme'.*API name.*field-level security"),
        (["Name=x", "Amount__c=-1"], r"FIELD_CUSTOM_VALIDATION_EXCEPTION: .*below zero \(fields: Amount__c\)"),
        (["Name=2024"], r"JSON_PARSER_ERROR.*text in quotes"),
        (["Name=x", "Due__c=2026-02-30"], r"JSON_PARSER_ERROR.*date"),
        (["Name=x", "LastModifiedDate=2026-02-01"], r"INVALID_FIELD_FOR_INSERT_UPDATE.*\(fields: LastModifiedDate\)"),
        (["Name=" + "x" * 81], r"STRING_TOO_LONG.*max length=80"),
        (["Name=x", "Number__c=taken"], r"DUPLICATE_VALUE.*Number__c"),
    ],
)
def test_what_the_org_refuses_is_bad_input_and_names_the_field(org, fields, says):
    org.put(Name="there", Number__c="taken")
    arguments = [part for field in fields for part in ("--set", field)]
    said = org.fails(2, "create", "Account", *arguments)
    assert re.search(r"cannot create Account: HTTP 400 " + says, said), said
    assert len(org.rows()) == 1 and len(org.writes()) == 1


def test_an_unknown_object_is_named(org):
    assert "cannot create Acount: HTTP 404 NOT_FOUND" in org.fails(2, "create", "Acount", "--set", "Name=x")


RECORDS = [{"Name": "A"}, {"Name": "B", "Amount__c": 2}]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(RECORDS),
        "\n".join(map(json.dumps, RECORDS)) + "\n\n",
        json.dumps({"allOrNone": False, "records": [{"attributes": {"type": "Account"}, **one} for one in RECORDS]}),
    ],
    ids=["a list", "a line each", "the guide's body"],
)
def test_records_of_a_file_go_by_one_call(org, text):
    said = org.ok("create", "Account", "--file", org.file("records.json", text))
    assert said.splitlines() == [
        "record 1: created 001000000000001AAA", "record 2: created 001000000000002AAA", "Created 2 records of Account.",
    ]  # fmt: skip
    (request,) = org.writes()
    assert (request["method"], request["path"]) == ("POST", "/composite/sobjects")
    assert request["body"] == {
        "allOrNone": False, "records": [{"attributes": {"type": "Account"}, **record} for record in RECORDS]
    }  # fmt: skip


def test_standard_input_and_the_output_of_a_query_are_files_as_well(org):
    assert org.ok("create", "Account", "--file", "-", stdin='{"Name": "A"}').startswith("Created Account 001")
    org.put(Name="B")
    found = org.ok("query", "SELECT Name FROM Account", "--json")
    assert json.loads(found)[0]["Name"] == "A"
    records = [{key: value for key, value in record.items() if key != "Id"} for record in json.loads(found)]
    org.ok("create", "Account", "--file", org.file("copies.json", records))
    assert sorted(row["Name"] for row in org.rows().values()) == ["A", "A", "B", "B"]


def test_many_go_200_in_a_call(org):
    records = [{"Name": f"A{number}"} for number in range(450)]
    lines = org.lines("create", "Account", "--file", org.file("many.json", records))
    assert [line["record"] for line in lines] == list(range(1, 451))
    rows = org.rows()
    assert [rows[line["id"]]["Name"] for line in lines] == [record["Name"] for record in records]
    assert [len(one["body"]["records"]) for one in org.writes()] == [200, 200, 50]


MIXED = [{"Name": "A"}, {"Amount__c": 1}, {"Name": "C", "Number__c": "7"}, {"Name": "D", "Number__c": "7"}]


def test_each_record_has_its_own_result(org):
    said = org.fails(1, "create", "Account", "--file", org.file("mixed.json", MIXED)).splitlines()
    assert said[0] == "record 1: created 001000000000001AAA"
    assert re.fullmatch(r"record 2: not created: REQUIRED_FIELD_MISSING: .*\(fields: Name\)\.", said[1])
    assert said[3].startswith("record 4: not created: DUPLICATE_VALUE: ")
    assert said[4] == "sluice: created 2 of 4 records of Account, 2 failed, see above."
    lines = org.lines("create", "Account", "--file", "mixed.json", code=1)
    assert [line["result"] for line in lines] == ["created", "failed", "failed", "failed"]
    assert (lines[1]["code"], lines[1]["fields"]) == ("REQUIRED_FIELD_MISSING", ["Name"])


def test_all_or_none_takes_everything_back(org):
    said = org.fails(1, "create", "Account", "--file", org.file("mixed.json", MIXED), "--all-or-none")
    assert "record 1: not created: ALL_OR_NONE_OPERATION_ROLLED_BACK" in said and "created 0 of 4 records" in said
    assert org.rows() == {} and org.writes()[0]["body"]["allOrNone"] is True
    org.ok("create", "Account", "--file", org.file("good.json", [{"Name": "A"}, {"Name": "B"}]), "--all-or-none")
    assert len(org.rows()) == 2


def test_all_or_none_is_not_promised_beyond_one_call(org):
    records = org.file("many.json", [{"Name": f"A{number}"} for number in range(201)])
    assert "200 records, and here are 201. Nothing was sent." in org.fails(
        2, "create", "Account", "--file", records, "--all-or-none")
    assert org.writes() == []


# Answers that get lost


@pytest.mark.parametrize("drop", ["before", "after"])
def test_a_lost_answer_of_a_create_is_not_known_and_never_repeated(org, drop):
    org.ok("limits")  # signs in, so that nothing else can break off
    org.fault("/sobjects/Account", drop=drop, count=9)
    said = org.fails(3, "create", "Account", "--set", "Name=Acme")
    assert "cannot create Account" in said
    assert "It is not known whether Salesforce did it: look there before you send it again." in said
    assert len(org.writes()) == 1 and len(org.rows()) == (drop == "after")


def test_a_lost_answer_in_the_middle_of_many_ends_it(org):
    records = org.file("many.json", [{"Name": f"A{number}"} for number in range(450)])
    org.fault("/composite/sobjects", drop="after", after=1)
    said = org.fails(3, "create", "Account", "--file", records).splitlines()
    assert said[199] == "record 200: created 001000000000200AAA"
    assert said[200].startswith("records 201 to 400: not known whether created: no answer from ")
    assert said[201] == "records 401 to 450: not sent"
    assert said[202] == (
        "sluice: created 200 of 450 records of Account, of 200 it is not known, 50 were not sent, see above. "
        "Look in Salesforce before you send what is not known again.")
    assert len(org.writes()) == 2 and len(org.rows()) == 400


def test_a_lost_answer_of_an_update_is_asked_for_again(org):
    record = org.put(Name="A")
    org.fault("/sobjects/Account/", drop="after", method="PATCH")
    org.ok("update", "Account", record, "--set", "Name=B")
    assert [one["method"] for one in org.writes()] == ["PATCH", "PATCH"] and org.rows()[record]["Name"] == "B"


def test_but_not_if_it_must_meet_an_unchanged_record(org):
    record = org.put(Name="A", ago=60)
    org.fault("/sobjects/Account/", drop="after", method="PATCH")
    said = org.fails(3, "update", "Account", record, "--set", "Name=B", "--if-unmodified-since", "30s")
    assert "It is not known whether Salesforce did it" in said
    assert len(org.writes()) == 1


def test_a_lost_answer_of_a_delete_ends_well(org):
    record = org.put(Name="A")
    org.fault("/sobjects/Account/", drop="after", method="DELETE")
    assert org.ok("delete", "Account", record, "--yes") == f"Account {record} was deleted already.\n"
    assert org.rows() == {}


# Updating


def test_an_update_changes_what_is_named(org):
    record = org.put(Name="A", Amount__c=7, Industry="Steel")
    assert org.ok("update", "Account", record, "--set", "Name=B", "--set", "Industry=null") == f"Updated Account {record}.\n"
    (request,) = org.writes()
    assert (request["path"], request["body"]) == (f"/sobjects/Account/{record}", {"Name": "B", "Industry": None})
    assert org.rows()[record] == {"Name": "B", "Amount__c": 7.0, "Industry": None}
    org.ok("update", "Account", record, "--file", org.file("one.json", {"Id": record, "Name": "C"}))
    assert org.writes()[1]["body"] == {"Name": "C"}, "the ID is in the address alone"
    said = org.fails(2, "update", "Account", record, "--file", org.file("other.json", {"Id": GONE, "Name": "C"}))
    assert GONE in said and "Nothing was sent" in said and len(org.writes()) == 2


def test_an_update_of_nothing_there_fails(org):
    assert "404 NOT_FOUND" in org.fails(2, "update", "Account", GONE, "--set", "Name=x")
    record = org.put(Name="A")
    org.peer.call("remove", record_id=record)
    assert "404 ENTITY_IS_DELETED" in org.fails(2, "update", "Account", record, "--set", "Name=x")


@pytest.mark.parametrize("bare", [False, True])
def test_an_update_can_want_an_unchanged_record(org, bare):
    org.peer.call("set", bare=bare)
    record = org.put(Name="A", ago=3600)
    seen = json.loads(org.ok("get", "Account", record, "--json"))["LastModifiedDate"]
    org.ok("update", "Account", record, "--set", "Name=B", "--if-unmodified-since", seen)
    sent = org.writes()[0]["headers"]["if-unmodified-since"]
    assert datetime.datetime.strptime(sent, "%a, %d %b %Y %H:%M:%S GMT").isoformat() == seen[:19]
    said = org.fails(1, "update", "Account", record, "--set", "Name=C", "--if-unmodified-since", seen)
    assert "HTTP 412" in said and "Somebody changed the record meanwhile" in said
    assert org.rows()[record]["Name"] == "B"
    wrong = org.fails(2, "update", "Account", record, "--set", "Name=C", "--if-unmodified-since", "yesterday")
    assert "--if-unmodified-since is a time such as" in wrong


def test_records_of_a_file_are_updated_by_their_ids(org):
    ids = org.peer.call("put_many", entity="Account", count=3)
    records = [{"Id": ids[0], "Name": "X"}, {"Id": GONE, "Name": "Y"}, {"id": ids[2], "Name": "Z"}]
    said = org.fails(1, "update", "Account", "--file", org.file("changes.json", records)).splitlines()
    assert said[0] == f"record 1 ({ids[0]}): updated"
    assert said[1].startswith(f"record 2 ({GONE}): not updated: NOT_FOUND")
    assert said[3] == "sluice: updated 2 of 3 records of Account, 1 failed, see above."
    assert [row["Name"] for row in org.rows().values()] == ["X", "Account 1", "Z"]
    said = org.fails(2, "update", "Account", "--file", org.file("bad.json", [records[0], {"Name": "no ID"}]))
    assert "record 2 has no Id of 15 or 18 letters and digits. Nothing was sent." in said
    assert len(org.writes()) == 1


# Upserting


def test_an_upsert_creates_and_then_updates(org):
    said = org.ok("upsert", "Account", "--by", "External_Id__c", "a/b c+ü", "--set", "Name=A")
    assert said == "Created Account 001000000000001AAA.\n"
    fields = org.file("one.json", {"Name": "B", "External_Id__c": "a/b c+ü"})
    assert org.ok("upsert", "Account", "--by", "External_Id__c", "a/b c+ü", "--file", fields).startswith("Updated Account 001")
    assert [one["body"] for one in org.writes()] == [{"Name": "A"}, {"Name": "B"}], "the external ID is in the address alone"
    assert org.rows()["001000000000001AAA"] == {"Name": "B", "External_Id__c": "a/b c+ü"}
    assert org.lines("upsert", "Account", "--by", "External_Id__c", "new", "--set", "Name=C")[0]["result"] == "created"


def test_an_external_id_of_several_records_is_ambiguous(org):
    ids = [org.put(Name=name, External_Id__c="E") for name in "AB"]
    said = org.fails(1, "upsert", "Account", "--by", "External_Id__c", "E", "--set", "Name=C")
    assert f"HTTP 300: several records have it: {ids[0]}, {ids[1]}. Make the external ID unique" in said
    assert f"several records have it: {ids[0]}" in org.fails(1, "get", "Account", "--by", "External_Id__c", "E")
    assert "no_such" in org.fails(2, "get", "Account", "--by", "External_Id__c", "no_such")
    assert "External_Id_c" in org.fails(2, "get", "Account", "--by", "External_Id_c", "E")


def test_records_of_a_file_are_upserted(org):
    org.put(Name="A", External_Id__c="1")
    org.put(Name="B", External_Id__c="2")
    org.put(Name="C", External_Id__c="2")
    records = [{"External_Id__c": str(number), "Name": f"N{number}"} for number in (1, 2, 3)]
    said = org.fails(1, "upsert", "Account", "--by", "External_Id__c", "--file", org.file("up.json", records)).splitlines()
    assert said[0] == "record 1: updated 001000000000001AAA" and "not upserted: DUPLICATE_EXTERNAL_ID" in said[1]
    assert said[2] == "record 3: created 001000000000004AAA"
    assert said[3] == "sluice: created 1 and updated 1 of 3 records of Account, 1 failed, see above."
    assert org.writes()[0]["path"] == "/composite/sobjects/Account/External_Id__c"
    said = org.fails(2, "upsert", "Account", "--by", "External_Id__c", "--file", org.file("no.json", [{"Name": "x"}]))
    assert "record 1 has no External_Id__c. Nothing was sent." in said and len(org.writes()) == 1


# Deleting


def test_deleting_wants_a_yes(org):
    ids = org.peer.call("put_many", entity="Account", count=3)
    assert f"Account {ids[0]}: nothing was deleted; add --yes to do it" in org.fails(2, "delete", "Account", ids[0])
    assert "3 records of Account: nothing was deleted" in org.fails(2, "delete", "Account", *ids)
    assert len(org.rows()) == 3 and org.writes() == []
    assert org.ok("delete", "Account", ids[0], "--yes") == f"Deleted Account {ids[0]}.\n"
    assert org.ok("delete", "Account", *ids, "--yes").splitlines() == [
        f"record 1 ({ids[0]}): was deleted already", f"record 2 ({ids[1]}): deleted", f"record 3 ({ids[2]}): deleted",
        "Deleted 3 records of Account.",
    ]  # fmt: skip
    assert org.rows() == {}
    assert [one["path"] for one in org.writes()] == [f"/sobjects/Account/{ids[0]}", "/composite/sobjects"]


def test_ids_of_another_object_are_refused_whole(org):
    account, contact = org.put(Name="A"), org.put("Contact", LastName="Roe")
    said = org.fails(2, "delete", "Account", account, contact, "--yes")
    assert f"{contact} is not of Account, whose IDs begin with 001. Nothing was deleted." in said
    assert "404 NOT_FOUND" in org.fails(2, "delete", "Account", contact, "--yes")
    assert "'Acme' is no ID" in org.fails(2, "delete", "Account", account, "Acme", "--yes")
    assert len(org.rows()) == 1 and len(org.rows("Contact")) == 1


def test_what_cannot_be_deleted_is_named(org):
    account = org.put(Name="A")
    said = org.fails(1, "delete", "Account", account, GONE, "--yes")
    assert f"record 2 ({GONE}): not deleted: INVALID_CROSS_REFERENCE_KEY" in said and org.rows() == {}
    other = org.put(Name="B")
    assert "deleted 0 of 2 records" in org.fails(1, "delete", "Account", other, GONE, "--yes", "--all-or-none")
    assert len(org.rows()) == 1


# Reading


def test_several_records_are_read_in_one_call(org):
    ids = org.peer.call("put_many", entity="Account", count=2)
    said = org.fails(2, "get", "Account", ids[1], GONE, ids[0], "--fields", "Name", "--json")
    assert f"gone, or the user may not see them: {GONE} of Account." in said
    assert [row["Name"] for row in json.loads(said[: said.index("\n]") + 2])] == ["Account 1", "Account 0"]
    (request,) = org.asked("POST", "/composite/sobjects/Account")
    assert request["body"] == {"ids": [ids[1], GONE, ids[0]], "fields": ["Name"]}
    assert "INVALID_FIELD" in org.fails(2, "get", "Account", *ids, "--fields", "Nme")
    assert "--fields" in org.fails(2, "get", "Account", *ids)


def test_a_record_can_be_read_if_it_changed(org):
    record = org.put(Name="A", ago=3600)
    assert org.ok("get", "Account", record, "--if-modified-since", "30m") == f"Account {record} was not changed since.\n"
    assert json.loads(org.ok("get", "Account", record, "--if-modified-since", "30m", "--json")) is None
    assert "Name" in org.ok("get", "Account", record, "--if-modified-since", "2h")
    sent = org.asked("GET", record)[0]["headers"]["if-modified-since"]
    moment = datetime.datetime.strptime(sent, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=datetime.timezone.utc)
    assert abs(time.time() - 1800 - moment.timestamp()) < 60
    org.fails(2, "get", "Account", record, "--if-modified-since", "2026-02-30")


def test_a_search_finds_records_of_several_objects(org):
    org.put(Name="Müller & Söhne")
    org.put("Contact", LastName="Müller", Email="a@b.example")
    sosl = r"FIND {Müller} IN ALL FIELDS RETURNING Account(Id, Name), Contact(Id, LastName)"
    found = json.loads(org.ok("search", sosl, "--json"))
    assert found == [
        {"object": "Account", "Id": "001000000000001AAA", "Name": "Müller & Söhne"},
        {"object": "Contact", "Id": "003000000000002AAA", "LastName": "Müller"},
    ]
    lines = org.ok("search", sosl).splitlines()
    assert lines[0].split() == ["OBJECT", "ID", "NAME", "LASTNAME"] and len(lines) == 3
    assert org.ok("search", "FIND {nobody}") == "No records.\n"
    assert "MALFORMED_SEARCH: search term must be longer" in org.fails(2, "search", "FIND {x} RETURNING Account(Id)")
    assert "MALFORMED_SEARCH" in org.fails(2, "search", "FINDE {Acme}")
    assert "INVALID_FIELD" in org.fails(2, "search", "FIND {Müller} RETURNING Account(Nme)")
    assert "INVALID_TYPE" in org.fails(2, "search", "FIND {Müller} RETURNING Acount(Id)")


# Changed and deleted


def span(request):
    query = dict(part.split("=") for part in request["target"].partition("?")[2].split("&"))
    return [datetime.datetime.fromisoformat(query[key].replace("%3A", ":")).timestamp() for key in ("start", "end")]


def test_changed_ids_come_with_the_time_that_they_cover(org):
    old, new = org.put(Name="old", ago=5 * 3600), org.put(Name="new", ago=600)
    just = org.put(Name="just now")
    result = org.run("changed", "Account", "--since", "2h")
    assert result.code == 0 and result.out.splitlines() == [new, just]
    assert re.fullmatch(r"2 records of Account changed; covered up to 20\S+Z\.\n", result.err)
    start, end = span(org.asked("GET", "/updated/")[0])
    assert start % 60 == 0 and end % 60 == 0, "Salesforce cuts seconds off"
    assert 0 <= time.time() - 7200 - start <= 90 and 0 <= end - time.time() + 30 <= 90
    org.peer.call("set", lag=3600)
    told = json.loads(org.ok("changed", "Account", "--since", "6h", "--json"))
    assert told["ids"] == [old, new, just]
    covered = datetime.datetime.fromisoformat(told["latestDateCovered"]).timestamp()
    assert 0 <= time.time() - 3600 - covered < 60, "a transaction that runs holds it back"


def test_deleted_ids_come_with_their_times(org):
    ids = org.peer.call("put_many", entity="Account", count=2)
    org.peer.call("remove", record_id=ids[0], ago=3600)
    lines = org.ok("changed", "Account", "--since", "2h", "--deleted").splitlines()
    assert lines[0].split() == ["ID", "DELETED"] and lines[1].startswith(ids[0]) and len(lines) == 2
    told = json.loads(org.ok("changed", "Account", "--since", "2h", "--deleted", "--json"))
    at = datetime.datetime.fromisoformat(told["deletedRecords"][0]["deletedDate"]).timestamp()
    assert told["deletedRecords"][0]["id"] == ids[0] and abs(time.time() - 3600 - at) < 60
    result = org.run("changed", "Account", "--since", "20d", "--deleted")
    assert result.code == 0 and "Salesforce knows no deletions before 20" in result.err
    assert org.run("changed", "Contact", "--since", "1h", "--deleted").out == ""
    org.peer.call("set", purged=time.time() - 3600)
    assert "INVALID_REPLICATION_DATE" in org.fails(2, "changed", "Account", "--since", "2h", "--deleted")


def test_times_that_make_no_span_are_bad_input(org):
    before = len(org.asked())
    assert "--since is a time such as" in org.fails(2, "changed", "Account", "--since", "2 hours")
    assert "--until is a time such as" in org.fails(2, "changed", "Account", "--since", "2h", "--until", "2026-13-01")
    assert "must be before --until (2h)" in org.fails(2, "changed", "Account", "--since", "1h", "--until", "2h")
    assert "must be before now" in org.fails(2, "changed", "Account", "--since", "2099-01-01")
    assert "at most 30 days" in org.fails(2, "changed", "Account", "--since", "31d")
    assert len(org.asked()) == before
    org.ok("changed", "Account", "--since", "30d")
    assert "INVALID_REPLICATION_DATE" in org.fails(2, "changed", "Account", "--since", "40d", "--until", "35d")
    assert "404 NOT_FOUND" in org.fails(2, "changed", "Acount", "--since", "1h")


# Metadata


def test_versions_need_no_sign_in(org):
    for name in ("SF_ID", "SF_SECRET"):  # nothing of it is read
        assert name in org.config.read_text()
    lines = org.ok("versions").splitlines()
    assert lines[0].split() == ["VERSION", "LABEL"] and lines[2].split() == ["62.0", "Winter", "'25", "*"]
    assert [one["version"] for one in json.loads(org.ok("versions", "--json"))] == ["61.0", "62.0"]
    org.fault("/services/data", 503, body="<html>maintenance</html>")
    org.ok("versions")
    assert org.stats()["grants"] == {} and not any(one["signed"] for one in org.asked())
    org.config.write_text(org.config.read_text().replace("rest: {", 'rest: {apiVersion: "59.0", '))
    result = org.run("versions")
    assert "*" not in result.out and "59.0, which sluice.yaml has as rest.apiVersion, is not served." in result.err


def test_the_schema_of_an_event_by_name_and_by_id(org):
    avro = json.loads(org.ok("event-schema", "Order_Ready__e", "--json"))
    assert avro["type"] == "record" and avro["name"] == "Order_Ready__e"
    assert json.loads(org.ok("event-schema", avro["uuid"], "--json")) == avro
    assert all("payloadFormat=COMPACT" in one["target"] for one in org.asked("GET", "ventSchema"))
    lines = org.ok("event-schema", "Order_Ready__e").splitlines()
    assert lines[0].split() == ["FIELD", "TYPE", "SALESFORCE", "TYPE"]
    assert any(re.match(r"Order_Number__c +string, may be null +Data:Text", line) for line in lines)
    assert "404 NOT_FOUND" in org.fails(2, "event-schema", "Nothing__e")
    assert "404 NOT_FOUND" in org.fails(2, "event-schema", "A" * 22)


# What goes wrong


def test_a_locked_row_is_tried_again(org):
    record = org.put(Name="A")
    org.peer.call("lock", record_id=record, times=2)
    org.ok("update", "Account", record, "--set", "Name=B")
    assert len(org.writes()) == 3 and org.rows()[record]["Name"] == "B"


def test_a_locked_row_among_many_is_tried_again_alone(org):
    ids = org.peer.call("put_many", entity="Account", count=3)
    changes = org.file("changes.json", [{"Id": record, "Name": "X"} for record in ids])
    org.peer.call("lock", record_id=ids[1], times=1)
    org.ok("update", "Account", "--file", changes)
    assert [[one["Id"] for one in call["body"]["records"]] for call in org.writes()] == [ids, [ids[1]]]
    org.peer.call("lock", record_id=ids[1], times=99)
    said = org.fails(1, "update", "Account", "--file", changes)
    assert f"record 2 ({ids[1]}): not updated: UNABLE_TO_LOCK_ROW" in said
    assert len(org.writes()) <= 2 + 5
    org.peer.call("lock", record_id=ids[1], times=1)
    org.ok("update", "Account", "--file", changes, "--all-or-none")
    assert [len(call["body"]["records"]) for call in org.writes()[-2:]] == [3, 3]


@pytest.mark.parametrize("arguments", [["create", "Account", "--set", "Name=A"], ["search", "FIND {Acme}"]])
def test_a_session_that_ended_is_renewed_once(org, arguments):
    org.fault("/services/data/v62.0/", 401)
    org.ok(*arguments)
    stats = org.stats()
    assert stats["grants"] == {"client_credentials": 2} and len(stats["requests"]) == 2
    assert len(org.rows()) == (arguments[0] == "create")


def test_a_session_that_is_refused_for_good_is_not_asked_for_in_a_loop(org):
    org.fault("/services/data/v62.0/", 401, count=99)
    said = org.fails(3, "create", "Account", "--set", "Name=A")
    assert "INVALID_SESSION_ID" in said and "My Domain" in said
    assert org.stats()["grants"] == {"client_credentials": 2} and len(org.asked()) == 2


def test_a_reached_limit_is_named_and_not_asked_in_haste(org):
    org.fault("/sobjects", 403, "REQUEST_LIMIT_EXCEEDED", count=99)
    said = org.fails(3, "create", "Account", "--set", "Name=A")
    assert "HTTP 403 REQUEST_LIMIT_EXCEEDED" in said and "System Overview" in said
    assert len(org.asked()) == 1


def test_a_retired_version_is_named(org):
    org.fault("/services/data/v62.0/", 410, "UNSUPPORTED_API_VERSION")
    said = org.fails(1, "create", "Account", "--set", "Name=A")
    assert "HTTP 410 UNSUPPORTED_API_VERSION" in said and "Raise apiVersion" in said


def test_420_asks_where_the_org_is_now(org):
    org.fault("/sobjects", 420, body="<html>no route</html>")
    org.ok("create", "Account", "--set", "Name=A")
    assert org.stats()["grants"] == {"client_credentials": 2} and len(org.rows()) == 1


def test_an_address_that_is_too_long_is_told(org):
    record = org.put(Name="A")
    said = org.fails(2, "get", "Account", record, "--fields", ",".join(f"Field_{number}__c" for number in range(1500)))
    assert "HTTP 414" in said and "Name fewer fields" in said
    org.fault("/sobjects", 431, "REQUEST_HEADER_FIELDS_TOO_LARGE")
    assert "HTTP 431" in org.fails(2, "get", "Account", record)


def test_maintenance_is_waited_for_where_that_is_safe(org):
    record = org.put(Name="A")
    page = "<html><body>We are down for maintenance.</body></html>"
    org.fault("/sobjects", 503, body=page, count=2)
    org.ok("get", "Account", record)
    org.fault("/sobjects", 503, body=page, count=99)
    said = org.fails(3, "get", "Account", record)
    assert "HTTP 503: an HTML page came instead of an answer. Is Salesforce being maintained" in said and "<html>" not in said
    before = len(org.writes())
    said = org.fails(3, "create", "Account", "--set", "Name=B")
    assert "It is not known whether Salesforce did it" in said and len(org.writes()) == before + 1


def test_a_refusal_of_the_service_is_repeated(org):
    org.fault("/sobjects", 503, "SERVER_UNAVAILABLE", count=2)
    org.ok("create", "Account", "--set", "Name=A")
    assert len(org.rows()) == 1 and len(org.writes()) == 3, "Salesforce itself said that it did nothing"


def test_whatever_ends_it_in_the_middle_says_what_was_done(org):
    records = org.file("many.json", [{"Name": f"A{number}"} for number in range(300)])
    org.fault("/composite/sobjects", 400, "JSON_PARSER_ERROR", after=1)
    said = org.fails(1, "create", "Account", "--file", records)
    assert "records 201 to 300: not created: JSON_PARSER_ERROR" in said
    assert "created 200 of 300 records of Account, 100 failed, see above." in said


# Bad input: nothing is sent


@pytest.mark.parametrize(
    "content, says",
    [
        ("Name=Acme", r"records\.json: record 1: not valid JSON at byte 0"),
        ('[{"Name": "A"}', r"records\.json: record 1: not valid JSON at byte 14: unexpected end"),
        ('{"Name": "A"}\n{"Name": }\n', r"record 2: not valid JSON at byte 23"),
        ('{"Name": "A", "Name": "B"}', r"the key \"Name\" stands twice"),
        ("", r"records\.json holds no records"),
        ("[]", r"records\.json holds no records"),
        ('[{"Name": "A"}, 7]', r"record 2 is no JSON object"),
        ('[{"Name": "A"}, {}]', r"record 2 has no fields"),
        ('[{"attributes": {"type": "Contact"}, "LastName": "Roe"}]', r"record 1 is of Contact, not of Account"),
        ("[" + ",".join(['{"Name": "A"}'] * 10_001) + "]", r"holds 10001 records\. Split it, or load it by Bulk API 2\.0"),
        (json.dumps({"Name": "x" * (16 << 20)}), r"records\.json has more than 16 MiB"),
    ],
    ids=["no JSON", "cut", "a bad line", "twice", "empty", "no records", "no object", "no fields", "another object",
         "too many", "too large"],
)  # fmt: skip
def test_a_file_that_will_not_do(org, content, says):
    said = org.fails(2, "create", "Account", "--file", org.file("records.json", content))
    assert re.search(says, said), said[:500]
    assert org.asked() == []


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["create", "Account"], "say what to write: either --set FIELD=VALUE or --file"),
        (["create", "Account", "--set", "Name=A", "--file", "x.json"], "say what to write: either"),
        (["create", "Account", "--set", "Name"], "'Name' is not FIELD=VALUE"),
        (["create", "Account", "--set", "Name=A", "--set", "Name=B"], "--set names the field Name twice"),
        (["create", "Account", "--file", "missing.json"], "cannot read missing.json: no such file"),
        (["create", "Account", "--file", "peers"], "cannot read peers: is a directory"),
        (["update", "Account", "--set", "Name=A"], "record 1 has no Id"),
        (["update", "Account", GONE, "--set", f"Id={GONE}"], "only its Id"),
        (["upsert", "Account", "x", "--set", "Name=A"], "--by"),
        (["upsert", "Account", "--by", "External_Id__c", "", "--set", "Name=A"], "the value of External_Id__c is empty"),
        (["upsert", "Account", "--by", "E__c", "x", "--set", "E__c=y"], "the record has another E__c than x"),
        (["delete", "Account"], "ids"),
    ],
)  # fmt: skip
def test_arguments_that_will_not_do(org, arguments, says):
    assert says in org.fails(2, *arguments)
    assert org.asked() == []
