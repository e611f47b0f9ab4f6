"""The writable REST peer proved without sluice: it refuses what a careless client would send."""

import datetime
import json
import urllib.error
import urllib.request

import pytest

from rest_org import SECRETS, WritableOrg


class Asking:
    """A client without manners."""

    def __init__(self, org):
        self.org = org
        form = f"grant_type=client_credentials&client_id={SECRETS['SF_ID']}&client_secret={SECRETS['SF_SECRET']}"
        with urllib.request.urlopen(org.url + "/services/oauth2/token", form.encode()) as answer:
            self.token = json.load(answer)["access_token"]

    def __call__(self, method, path, body=None, kind="application/json", version="v62.0", **headers):
        """(status, body)"""
        headers = {"Authorization": f"Bearer {self.token}", **({} if body is None else {"Content-Type": kind}), **headers}
        data = None if body is None else json.dumps(body).encode()
        url = f"{self.org.url}/services/data/{version}{path}"
        try:
            with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method)) as answer:
                return answer.status, json.loads(answer.read() or "null")
        except urllib.error.HTTPError as refused:
            return refused.code, json.loads(refused.read() or "null")

    def code(self, *arguments, **options):
        status, body = self(*arguments, **options)
        return status, body[0]["errorCode"]


@pytest.fixture
def ask(tmp_path):
    org = WritableOrg(tmp_path)
    yield Asking(org)
    org.stop()


def test_updates_carry_no_ids(ask):
    record = ask.org.put(Name="A", External_Id__c="e")
    assert ask.code("PATCH", f"/sobjects/Account/{record}", {"Id": record, "Name": "B"}) == (400, "INVALID_FIELD")
    inside = {"External_Id__c": "e", "Name": "B"}
    assert ask.code("PATCH", "/sobjects/Account/External_Id__c/e", inside) == (400, "INVALID_FIELD")
    without = {"records": [{"attributes": {"type": "Account"}, "Name": "B"}]}
    _, results = ask("PATCH", "/composite/sobjects", without)
    assert results[0]["errors"][0]["statusCode"] == "MISSING_ARGUMENT"
    assert ask.org.rows()[record]["Name"] == "A"


def test_versions_sessions_and_content_types_are_looked_at(ask):
    assert ask("POST", "/sobjects/Account", {"Name": "B"}, kind="text/plain")[0] == 415
    assert ask.code("GET", "/limits", Authorization="Bearer x") == (401, "INVALID_SESSION_ID")
    assert ask("GET", "/limits", version="v30.0")[0] == 410
    assert ask("GET", "/limits", Filler="x" * 17_000)[0] == 431
    assert ask("GET", f"/sobjects/Account/{'x' * 17_000}")[0] == 414


def test_limits_of_calls(ask):
    many = [{"attributes": {"type": "Account"}, "Name": "x"}] * 201
    assert ask.code("POST", "/composite/sobjects", {"records": many}) == (400, "EXCEEDED_ID_LIMIT")
    assert ask.code("POST", "/composite/sobjects/Account", {"ids": ["x"] * 2001, "fields": ["Id"]}) == (400, "EXCEEDED_ID_LIMIT")
    requests = [{"method": "GET", "url": "/services/data/v62.0/limits", "referenceId": f"r{n}"} for n in range(501)]
    status, told = ask("POST", "/composite", {"compositeRequest": requests[:26]})
    assert status == 200 and told["compositeResponse"][0]["referenceId"] is None
    graphs = {"graphs": [{"graphId": "g", "compositeRequest": requests}]}
    assert ask.code("POST", "/composite/graph", graphs) == (400, "LIMIT_EXCEEDED")
    records = [{"attributes": {"type": "Account", "referenceId": f"a{n}"}, "Name": "x"} for n in range(201)]
    assert ask("POST", "/composite/tree/Account", {"records": records})[0] == 400
    assert ask.org.rows() == {}


def test_the_forms_of_composite_requests(ask):
    get = {"method": "GET", "url": "/services/data/v62.0/limits", "referenceId": "a"}
    assert ask("POST", "/composite", {"compositeRequest": [get]})[0] == 200
    for wrong in [{**get, "referenceId": "a-b"}, {**get, "url": "/limits"}, {**get, "body": {}}, {**get, "path": "x"}]:
        assert ask("POST", "/composite", {"compositeRequest": [wrong]})[0] == 400, wrong
    assert ask("POST", "/composite", {"compositeRequest": [get, get]})[0] == 400
    assert ask("POST", "/composite/batch", {"batchRequests": [{"method": "GET", "url": get["url"]}]})[0] == 400
    assert ask("POST", "/composite/batch", {"batchRequests": [{"method": "GET", "url": "v62.0/limits"}]})[0] == 200


def test_spans_of_changes(ask):
    def updated(start, end):
        return ask("GET", f"/sobjects/Account/updated/?start={start}&end={end}")

    now = datetime.datetime.now(datetime.timezone.utc).replace(second=30)
    earlier = now - datetime.timedelta(hours=1)
    status, told = updated(f"{earlier:%Y-%m-%dT%H:%M:%S}+00:00", f"{now:%Y-%m-%dT%H:%M:%S}+00:00")
    assert status == 400 and "not a date" in told[0]["message"], "a + that is not encoded is a space"
    assert updated(f"{earlier:%Y-%m-%dT%H:%M:%S}Z", f"{now:%Y-%m-%dT%H:%M:%S}%2B00:00")[0] == 200
    same = f"{now:%Y-%m-%dT%H:%M}"
    assert updated(same + ":00Z", same + ":59Z")[1][0]["errorCode"] == "INVALID_REPLICATION_DATE", "seconds do not count"


def test_manners_are_noted(ask):
    ask("GET", "/limits")
    ask("DELETE", f"/sobjects/Account/{ask.org.put(Name='A')}", {"a": "body"})
    noted = " ".join(ask.org.stats()["violations"])
    for what in ["no client in Sforce-Call-Options", "no gzip", "no Accept: application/json", "a body where none belongs"]:
        assert what in noted
