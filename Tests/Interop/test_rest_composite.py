"""`sluice salesforce composite` and `tree` against an org written from the guide alone."""

import json
import re

import pytest

from rest_org import WritableOrg

pytestmark = pytest.mark.usefixtures("binary")
GONE = "001000000099999AAA"


@pytest.fixture
def org(tmp_path):
    made = WritableOrg(tmp_path)
    yield made
    made.end()


def post(path, reference=None, **body):
    request = {"method": "POST", "path": path, "body": body}
    return request if reference is None else {**request, "referenceId": reference}


def read(path, reference=None):
    request = {"method": "GET", "path": path}
    return request if reference is None else {**request, "referenceId": reference}


def send(org, content, *options, code=0):
    result = org.run("composite", "--file", org.file("requests.json", content), *options, "--json")
    assert result.code == code, result.out + result.err
    return json.loads(result.out)


# composite


PAIR = [
    post("/sobjects/Account", "acme", Name="Acme"),
    post("/sobjects/Contact", "roe", LastName="Roe", AccountId="@{acme.id}"),
    read("/sobjects/Account/@{acme.id}?fields=Name", "read"),
]


def test_later_requests_use_answers_of_earlier_ones(org):
    said = org.ok("composite", "--file", org.file("pair.json", PAIR)).splitlines()
    assert said[0].split() == ["REFERENCE", "STATUS", "ANSWER"]
    assert re.match(r'acme +201 +{"id":"001000000000001AAA","success":true,"errors":\[\]}', said[1])
    assert re.match(r"read +200 +{.*", said[3])
    (request,) = org.writes()
    assert (request["path"], request["body"]["allOrNone"]) == ("/composite", False)
    assert request["body"]["compositeRequest"] == [
        {"method": one["method"], "referenceId": one["referenceId"], "url": "/services/data/v62.0" + one["path"]}
        | ({"body": one["body"]} if "body" in one else {})
        for one in PAIR
    ]
    assert list(org.rows("Contact").values()) == [{"LastName": "Roe", "AccountId": "001000000000001AAA"}]
    answers = send(org, PAIR)
    assert [answer["status"] for answer in answers] == [201, 201, 200]
    assert answers[2]["body"]["Name"] == "Acme" and "error" not in answers[2]


def test_the_guides_body_is_sent_as_it_is(org):
    body = {
        "allOrNone": True,
        "compositeRequest": [
            {"method": "POST", "url": "/services/data/v62.0/sobjects/Account", "referenceId": "a", "body": {"Name": "A"}},
            {"method": "GET", "url": "/services/data/v62.0/sobjects/Account/@{a.id}", "referenceId": "b",
             "httpHeaders": {"If-Modified-Since": "Fri, 31 Dec 2100 00:00:00 GMT"}},
        ],
    }  # fmt: skip
    answers = send(org, body)
    assert org.writes()[0]["body"] == body
    assert [(answer["status"], "error" in answer) for answer in answers] == [(201, False), (304, False)]


def test_failures_are_told_one_by_one(org):
    requests = [*PAIR[:1], post("/sobjects/Contact", "nobody", Email="a@b.example"), read(f"/sobjects/Account/{GONE}", "gone"),
                post("/sobjects/Contact", "after", LastName="x", AccountId="@{nobody.id}")]  # fmt: skip
    answers = send(org, requests, code=1)
    assert [answer["status"] for answer in answers] == [201, 400, 404, 400]
    assert "REQUIRED_FIELD_MISSING" in answers[1]["error"] and "NOT_FOUND" in answers[2]["error"]
    assert "PROCESSING_HALTED: Invalid reference specified" in answers[3]["error"]
    said = org.fails(1, "composite", "--file", "requests.json")
    assert "sluice: 3 of 4 requests failed, see above." in said
    assert re.search(r"nobody +400 +REQUIRED_FIELD_MISSING: .*\(fields: LastName\)", said)


def test_all_or_none_takes_everything_back(org):
    answers = send(org, [*PAIR, post("/sobjects/Account", "bad")], "--all-or-none", code=1)
    assert [answer["status"] for answer in answers] == [400, 400, 400, 400]
    assert all("PROCESSING_HALTED" in answer["error"] for answer in answers[:3])
    assert org.rows() == {} and org.rows("Contact") == {}


def test_25_are_sent_and_26_are_not(org):
    many = [post("/sobjects/Account", Name=f"A{number}") for number in range(26)]
    answers = send(org, many[:25])
    assert [answer["referenceId"] for answer in answers] == [f"request{number}" for number in range(1, 26)]
    said = org.fails(2, "composite", "--file", org.file("many.json", many))
    assert "cannot send 26 requests as one: 25 at most in one call" in said
    assert "25 at most" in org.fails(2, "composite", "--file", "many.json", "--kind", "batch")
    assert len(org.writes()) == 1


def test_five_may_be_queries_or_collections(org):
    queries = [read("/query?q=SELECT+Id+FROM+Account") for _ in range(6)]
    assert len(send(org, queries[:5])) == 5
    said = org.fails(2, "composite", "--file", org.file("many.json", queries))
    assert "HTTP 400 LIMIT_EXCEEDED" in said


def test_a_lost_answer_is_not_known_and_never_repeated(org):
    org.ok("limits")
    org.fault("/composite", drop="after", count=9)
    said = org.fails(3, "composite", "--file", org.file("pair.json", PAIR))
    assert "cannot send 3 requests as one: " in said and "It is not known whether Salesforce did it" in said
    assert len(org.writes()) == 1 and len(org.rows()) == 1


def test_an_ended_session_and_a_locked_whole_are_mended(org):
    org.fault("/composite", 401)
    org.fault("/composite", 400, "UNABLE_TO_LOCK_ROW", after=0)
    assert len(send(org, PAIR)) == 3
    assert org.stats()["grants"] == {"client_credentials": 2} and len(org.rows()) == 1


# batch


BATCH = [post("/sobjects/Account", Name="A"), read(f"/sobjects/Account/{GONE}"), post("/sobjects/Account", Name="B")]


def test_requests_of_a_batch_are_independent(org):
    answers = send(org, BATCH, "--kind", "batch", code=1)
    assert [answer["status"] for answer in answers] == [201, 404, 201]
    assert "NOT_FOUND" in answers[1]["error"] and len(org.rows()) == 2
    body = org.writes()[0]["body"]
    assert body["haltOnError"] is False
    assert body["batchRequests"][0] == {"method": "POST", "url": "v62.0/sobjects/Account", "richInput": {"Name": "A"}}


def test_a_batch_can_halt(org):
    answers = send(org, BATCH, "--kind", "batch", "--halt-on-error", code=1)
    assert [answer["status"] for answer in answers] == [201, 404, 412]
    assert "BATCH_PROCESSING_HALTED" in answers[2]["error"] and len(org.rows()) == 1
    record = org.put(Name="C")
    guide = {"haltOnError": True, "batchRequests": [
        {"method": "PATCH", "url": f"v62.0/sobjects/Account/{record}", "richInput": {"Name": "D"}},
        {"method": "DELETE", "url": f"/services/data/v62.0/sobjects/Account/{record}"},
    ]}  # fmt: skip
    assert [answer["status"] for answer in send(org, guide)] == [204, 204]
    assert org.writes()[1]["body"]["haltOnError"] is True and record not in org.rows()


# graph


def test_each_graph_is_done_wholly_or_not_at_all(org):
    def graph(name, *requests):
        wanted = [{**one, "url": "/services/data/v62.0" + one["path"]} for one in requests]
        return {"graphId": name, "compositeRequest": [{key: one[key] for key in one if key != "path"} for one in wanted]}

    bad = post("/sobjects/Contact", "bad")
    body = {"graphs": [graph("good", *PAIR), graph("half", PAIR[0], bad), graph("other", PAIR[0])]}
    answers = send(org, body, code=1)
    assert org.writes()[0]["body"] == body
    assert [(answer["graphId"], answer["referenceId"], answer["status"]) for answer in answers] == [
        ("good", "acme", 201), ("good", "roe", 201), ("good", "read", 200), ("half", "acme", 400), ("half", "bad", 400),
        ("other", "acme", 201),
    ]  # fmt: skip
    assert len(org.rows()) == 2
    lines = org.fails(1, "composite", "--file", "requests.json").splitlines()
    assert lines[0].split() == ["GRAPH", "REFERENCE", "STATUS", "ANSWER"] and lines[4].startswith("half ")


def test_a_graph_may_have_500_requests(org):
    many = [post("/sobjects/Account", Name=f"A{number}") for number in range(501)]
    assert len(send(org, many[:500], "--kind", "graph")) == 500
    said = org.fails(2, "composite", "--file", org.file("many.json", many), "--kind", "graph")
    assert "500 at most in one call" in said
    graphs = [{"graphId": str(number), "compositeRequest": [read("/limits", "r")]} for number in range(76)]
    assert "75 at most" in org.fails(2, "composite", "--file", org.file("graphs.json", {"graphs": graphs}))
    assert len(org.writes()) == 1


# tree


def contact(reference, **fields):
    return {"attributes": {"type": "Contact", "referenceId": reference}, **fields}


FAMILY = {"Name": "Acme", "Contacts": {"records": [contact("c1", LastName="Roe"), contact("c2", LastName="Doe")]}}


def test_a_tree_is_created_with_its_children(org):
    guide = {"records": [{"attributes": {"type": "Account", "referenceId": "a1"}, **FAMILY}]}
    lines = org.ok("tree", "Account", "--file", org.file("tree.json", guide)).splitlines()
    assert [line.split() for line in lines] == [
        ["REFERENCE", "ID"], ["a1", "001000000000001AAA"], ["c1", "003000000000002AAA"], ["c2", "003000000000003AAA"],
        ["Created", "3", "records."],
    ]  # fmt: skip
    assert (org.writes()[0]["path"], org.writes()[0]["body"]) == ("/composite/tree/Account", guide)
    assert {row["AccountId"] for row in org.rows("Contact").values()} == {"001000000000001AAA"}
    plain = json.loads(org.ok("tree", "Account", "--file", org.file("plain.json", [{"Name": "A"}, {"Name": "B"}]), "--json"))
    assert [one["referenceId"] for one in plain] == ["record1", "record2"] and plain[0]["id"] in org.rows()


def test_a_tree_with_a_mistake_creates_nothing_and_names_it(org):
    children = [contact("c1", LastName="Roe", Email="no address"), contact("c2", Email="a@b.example"),
                contact("c3", LastName="X")]  # fmt: skip
    tree = org.file("tree.json", [{"Name": "Acme", "Contacts": {"records": children}}])
    said = org.fails(1, "tree", "Account", "--file", tree).splitlines()
    assert said[0] == "c1: INVALID_EMAIL_ADDRESS: Email: invalid email address: no address (fields: Email)."
    assert said[1].startswith("c2: REQUIRED_FIELD_MISSING") and said[1].endswith("(fields: LastName).")
    assert said[2] == "sluice: nothing was created: 2 records stood in the way, see above."
    assert org.rows() == {} and org.rows("Contact") == {}
    assert [one["code"] for one in org.lines("tree", "Account", "--file", tree, code=1)] == [
        "INVALID_EMAIL_ADDRESS", "REQUIRED_FIELD_MISSING"]  # fmt: skip
    twice = org.file("twice.json", [{"Name": "A", "Contacts": {"records": [contact("c", LastName="x")] * 2}}])
    assert "Duplicate ReferenceId" in org.fails(1, "tree", "Account", "--file", twice)
    assert org.rows() == {}


def test_a_tree_that_makes_no_sense_is_bad_input(org):
    child = {"LastName": "Roe"}
    tree = org.file("tree.json", [{"Name": "Acme", "Contacts": {"records": [child]}}])
    said = org.fails(2, "tree", "Account", "--file", tree)
    assert "cannot create a tree of 2 records below Account: HTTP 400 INVALID_INPUT: Include a referenceId" in said
    assert "404" in org.fails(2, "tree", "Acount", "--file", org.file("other.json", [{"Name": "A"}]))
    assert org.rows() == {}


def test_200_records_make_a_tree_and_201_do_not(org):
    records = [{"Name": f"A{number}"} for number in range(201)]
    assert len(json.loads(org.ok("tree", "Account", "--file", org.file("t.json", records[:200]), "--json"))) == 200
    assert "200 at most in one call" in org.fails(2, "tree", "Account", "--file", org.file("t.json", records))
    family = {"Name": "A", "Contacts": {"records": [contact(f"c{number}", LastName="x") for number in range(200)]}}
    said = org.fails(2, "tree", "Account", "--file", org.file("t.json", family))
    assert "cannot create a tree of 201 records below Account: 200 at most" in said
    assert len(org.writes()) == 1


def test_a_lost_answer_of_a_tree_is_not_known(org):
    org.ok("limits")
    org.fault("/composite/tree", drop="after", count=9)
    said = org.fails(3, "tree", "Account", "--file", org.file("t.json", [FAMILY]))
    assert "It is not known whether Salesforce did it" in said and len(org.writes()) == 1 and len(org.rows()) == 1


# Bad input: nothing is sent


@pytest.mark.parametrize(
    "content, says",
    [
        ("[{", r"requests\.json: not valid JSON at byte 2"),
        ("7", r"requests\.json is no JSON list or object"),
        ("[]", r"requests\.json holds no requests"),
        ({"compositeRequest": []}, r"holds no requests"),
        ({"graphs": []}, r"holds no requests"),
        ({"requests": []}, r"has none of compositeRequest, batchRequests and graphs"),
        ([7], r"request 1 is no JSON object"),
        ([{"path": "/limits"}], r"request 1 has no method: GET, POST"),
        ([{"method": "HEAD", "path": "/limits"}], r"request 1 has no method: GET, POST"),
        ([{"method": "GET"}], r"request 1 has no path such as"),
        ([{"method": "GET", "path": "limits"}], r"request 1 has no path such as"),
        ([{"method": "GET", "url": "/services/data/latest/limits"}], r"request 1 has no path such as"),
        ([{"method": "GET", "path": "/limits", "referenceID": "a"}], r"request 1 has the key referenceID; it may have"),
        ([{"method": "GET", "path": "/limits", "body": {}}], r"request 1 has a body, and GET has none"),
        ([{"method": "POST", "path": "/sobjects/Account"}], r"request 1 has no body, which POST wants"),
        ([read("/limits", "a"), read("/limits", "a")], r"two requests have the referenceId a"),
        ({"graphs": [{"compositeRequest": []}]}, r"graph 1 has no graphId"),
        ({"graphs": [{"graphId": "g", "compositeRequest": [read("/limits")]}] * 2}, r"two graphs have the graphId g"),
        ([{**read("/limits"), "httpHeaders": {"X": 1}}], r"the header X is no text"),
        ([{"method": "POST", "path": "/x", "body": {"Name": "x" * (8 << 20)}}], r"requests\.json has more than 8 MiB"),
    ],
)
def test_a_file_that_will_not_do(org, content, says):
    said = org.fails(2, "composite", "--file", org.file("requests.json", content))
    assert re.search(says, said), said[:500]
    assert org.asked() == []


@pytest.mark.parametrize(
    "options, says",
    [
        (["--kind", "bulk"], "composite"),
        (["--kind", "batch", "--all-or-none"], "--all-or-none is for a composite"),
        (["--halt-on-error"], "--halt-on-error is for a batch"),
    ],
)
def test_options_that_will_not_do(org, options, says):
    assert says in org.fails(2, "composite", "--file", org.file("requests.json", PAIR), *options)
    guide = org.file("guide.json", {"batchRequests": [{"method": "GET", "url": "v62.0/limits"}]})
    assert "is a batch, which batchRequests shows" in org.fails(2, "composite", "--file", guide, "--kind", "graph")
    assert org.asked() == []


@pytest.mark.parametrize(
    "content, says",
    [
        ("Name", r"not valid JSON at byte 0"), ("[]", r"t\.json holds no records"),
        ({"records": []}, r"t\.json holds no records"),
        ([7], r"record 1 is no JSON object"), ("7", r"t\.json is no JSON object or list"),
        (json.dumps({"Name": "x" * (4 << 20)}), r"t\.json has more than 4 MiB"),
    ],
)  # fmt: skip
def test_a_tree_that_will_not_do(org, content, says):
    assert re.search(says, org.fails(2, "tree", "Account", "--file", org.file("t.json", content))[:500])
    assert org.asked() == []
