"""Salesforce's OAuth and REST side, written from the guide: strict about requests, with failures on order.

Run as `python salesforce_peer.py <config.json>`.
"""

import asyncio
import base64
import csv
import gzip
import hashlib
import io
import re
import secrets
import sys
import time
import urllib.parse

import orjson
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

import http_server
from control import Control
from http_server import response

ORG = "00D000000000001EAA"
USER = "005000000000001AAA"
VERSION = "v62.0"
BASE = f"/services/data/{VERSION}"
JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class Accounts:
    """Records numbered from 0, made when asked for; changes to them are kept."""

    FIELDS = [
        ("Id", "id", None), ("IsDeleted", "boolean", None), ("Name", "string", None), ("Number__c", "double", None),
        ("Employees__c", "int", None), ("Due__c", "date", None), ("LastModifiedDate", "datetime", None),
        ("SystemModstamp", "datetime", None), ("BillingStreet", "textarea", "BillingAddress"),
        ("BillingCity", "string", "BillingAddress"), ("BillingAddress", "address", None),
    ]  # fmt: skip

    def __init__(self, count):
        self.count = count
        self.changed = {}
        self.deleted = set()

    @staticmethod
    def id_of(number):
        return f"001{number:012d}AAA"

    def record(self, number):
        if number in self.deleted:
            return None
        base = {
            "Id": self.id_of(number), "IsDeleted": False, "Name": f"Account {number}", "Number__c": float(number),
            "Employees__c": number % 100, "Due__c": "2026-02-01",
            "LastModifiedDate": "2026-01-31T12:00:00.000+0000", "SystemModstamp": "2026-01-31T12:00:00.000+0000",
            "BillingStreet": None, "BillingCity": "Rome",
            "BillingAddress": {"city": "Rome", "street": None, "state": None, "postalCode": None, "country": None,
                               "latitude": 41.5, "longitude": None, "geocodeAccuracy": None},
        }  # fmt: skip
        return {**base, **self.changed.get(number, {})}

    def find(self, record_id):
        match = re.fullmatch(r"001(\d{12})(?:AAA)?", record_id)
        number = int(match[1]) if match else None
        return number if number is not None and number < self.count else None


class OAuth:
    """Tokens, and every flow that gives them."""

    def __init__(self, config):
        self.config = config
        self.base_url = ""
        self.access = {}  # token -> the refresh token it came from, or ""
        self.refresh = {}  # token -> family
        self.spent = {}  # rotated refresh token -> family
        self.codes = {}
        self.devices = {}
        self.counts = {}
        self.rotate = config.get("rotate", False)
        self.grace = config.get("grace", False)
        self.fail = config.get("fail")
        self.swallow = 0  # so many token answers are not sent
        self.assertions = []
        self.lifetime = config.get("lifetime", 7200)

    def handle(self, request, path, form):
        if path == "/services/oauth2/token":
            return self.token(request, form)
        if path == "/services/oauth2/authorize":
            return self.authorize(request)
        if path == "/services/oauth2/introspect":
            known = form.get("token") in self.access
            return self.ok({"active": known, "exp": int(time.time()) + self.lifetime} if known else {"active": False})
        if path == "/services/oauth2/revoke":
            return self.revoke(form.get("token", ""))
        if path == "/services/oauth2/userinfo":
            token = request.headers.get("authorization", "").removeprefix("Bearer ")
            return self.ok({"organization_id": ORG, "user_id": USER}) if token in self.access else response(403)
        return None

    def token(self, request, form):
        if "?" in request.target:
            return self.refuse("invalid_request", "must use HTTP POST")
        if form.get("response_type") == "device_code":
            return self.start_device(form)
        grant = form.get("grant_type", "")
        self.counts[grant] = self.counts.get(grant, 0) + 1
        if self.fail:
            return self.refuse(**self.fail)
        flows = {
            "client_credentials": self.client_credentials, JWT: self.jwt, "refresh_token": self.refreshed,
            "authorization_code": self.code, "device": self.device, "password": self.password,
        }  # fmt: skip
        if grant not in flows:
            return self.refuse("unsupported_grant_type", "grant type not supported")
        return flows[grant](form)

    def client_credentials(self, form):
        return self.client(form, secret=True) or self.grant()

    def jwt(self, form):
        try:
            head, body, signature = form["assertion"].split(".")
            decoded = [orjson.loads(unpadded(part)) for part in (head, body)]
            key = serialization.load_pem_public_key(self.config["jwt_key"].encode())
            key.verify(unpadded(signature), f"{head}.{body}".encode(), padding.PKCS1v15(), hashes.SHA256())
        except Exception as error:
            return self.refuse("invalid_grant", f"invalid assertion ({type(error).__name__})")
        self.assertions.append(decoded)
        header, claims = decoded
        if header.get("alg") != "RS256" or claims.get("iss") != self.config["client_id"]:
            return self.refuse("invalid_grant", "invalid assertion")
        if claims.get("aud") not in ("https://login.salesforce.com", self.base_url):
            return self.refuse("invalid_grant", "audience is invalid")
        if not time.time() < claims.get("exp", 0) <= time.time() + 180:
            return self.refuse("invalid_grant", "invalid assertion")
        if claims.get("sub") != "relay@acme.com":
            return self.refuse("invalid_grant", "user hasn't approved this consumer")
        return self.grant()

    def refreshed(self, form):
        refused = self.client(form, secret=False)
        token = form.get("refresh_token", "")
        if refused:
            return refused
        if token in self.spent and self.grace:
            self.refresh[token] = self.spent.pop(token)
        if token in self.spent:  # shown twice: somebody stole it
            family = self.spent[token]
            self.refresh = {key: value for key, value in self.refresh.items() if value != family}
        if token not in self.refresh:
            return self.refuse("invalid_grant", "expired access/refresh token")
        new = None
        if self.rotate:
            new = f"5Aep-refresh-{secrets.token_hex(8)}"
            self.spent[token] = self.refresh[new] = self.refresh.pop(token)
        answer = self.grant(new)
        if self.swallow:
            self.swallow -= 1
            return b""
        return answer

    def authorize(self, request):
        query = dict(urllib.parse.parse_qsl(request.target.partition("?")[2]))
        back = query.get("redirect_uri", "")
        if back not in self.config.get("callbacks", []):
            return self.refuse("redirect_uri_mismatch", "redirect_uri must match configuration")
        if query.get("code_challenge_method") != "S256" or len(query.get("code_challenge", "")) != 43:
            return self.refuse("invalid_request", "PKCE is required")
        code = f"aPrx+{secrets.token_hex(8)}=="
        self.codes[code] = query
        answer = {"code": code, "state": query.get("state", "")}
        if self.config.get("deny"):
            answer = {"error": "access_denied", "error_description": "end-user denied authorization", "state": query["state"]}
        location = f"{back}?{urllib.parse.urlencode(answer)}"
        return response(302, headers=[("Location", location)])

    def code(self, form):
        asked = self.codes.pop(form.get("code"), None)
        verifier = form.get("code_verifier", "")
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        if asked is None:
            return self.refuse("invalid_grant", "expired authorization code")
        if challenge != asked["code_challenge"] or not 43 <= len(verifier) <= 128:
            return self.refuse("invalid_grant", "invalid code verifier")
        if form.get("redirect_uri") != asked["redirect_uri"]:
            return self.refuse("redirect_uri_mismatch", "redirect_uri must match configuration")
        return self.client(form, secret=False) or self.grant(self.new_family())

    def start_device(self, form):
        code = secrets.token_hex(8)
        self.devices[code] = 0
        return self.ok({"device_code": code, "user_code": "WXYZ-1234", "interval": 1,
                        "verification_uri": f"{self.base_url}/setup/connect"})  # fmt: skip

    def device(self, form):
        code = form.get("code")
        if code not in self.devices:
            return self.refuse("invalid_grant", "invalid device code")
        self.devices[code] += 1
        if self.devices[code] < 2:
            return self.refuse("authorization_pending", "User has not yet approved this device")
        return self.grant(self.new_family())

    def password(self, form):
        good = (form.get("username"), form.get("password")) == ("relay@acme.com", "pass-planted-9TOKEN-planted-9")
        return self.client(form, secret=True) or (
            self.grant() if good else self.refuse("invalid_grant", "authentication failure")
        )

    def client(self, form, secret):
        if form.get("client_id") != self.config["client_id"]:
            return self.refuse("invalid_client_id", "client identifier invalid")
        if (secret or "client_secret" in form) and form.get("client_secret") != self.config["client_secret"]:
            return self.refuse("invalid_client", "invalid client credentials")
        return None

    def new_family(self):
        token = f"5Aep-refresh-{secrets.token_hex(8)}"
        self.refresh[token] = token
        return token

    def grant(self, refresh_token=None):
        token = f"{ORG[:15]}!AQ-access-{secrets.token_hex(8)}"
        self.access[token] = refresh_token or ""
        answer = {
            "access_token": token, "scope": "api refresh_token", "instance_url": self.base_url, "token_type": "Bearer",
            "id": f"https://login.salesforce.com/id/{ORG}/{USER}", "issued_at": str(int(time.time() * 1000)),
        }  # fmt: skip
        if refresh_token:
            answer["refresh_token"] = refresh_token
        return self.ok(answer)

    def revoke(self, token):
        if token in self.refresh:
            del self.refresh[token]
            self.access = {key: value for key, value in self.access.items() if value != token}
            return response(200)
        if self.access.pop(token, None) is not None:
            return response(200)
        return self.refuse("invalid_token", "invalid token")

    @staticmethod
    def ok(value):
        return response(200, orjson.dumps(value), "application/json;charset=UTF-8")

    @staticmethod
    def refuse(error, description):
        return response(400, orjson.dumps({"error": error, "error_description": description}))


class REST:
    """The REST API over `Accounts`."""

    def __init__(self, config, oauth):
        self.oauth = oauth
        self.accounts = Accounts(config.get("accounts", 10))
        self.used = config.get("used", 10)
        self.maximum = config.get("maximum", 100_000)
        self.faults = []
        self.cursors = {}
        self.jobs = {}
        # Looks at a job until it is complete.
        self.bulk_polls = 2
        self.aborted = []
        self.calls = {}
        self.clients = set()
        self.compressed = 0
        self.not_modified = 0

    def handle(self, request, path):
        self.used += 1
        fault = next((item for item in self.faults if item["left"] > 0 and item["path"] in path), None)
        if fault:
            fault["left"] -= 1
            if fault.get("after", 0) > 0:
                fault["after"] -= 1
                fault["left"] += 1
            elif fault["status"] == 401:
                self.oauth.access.clear()
            else:
                return self.answer(request, fault["status"], fault.get("body") or error(fault["code"], "scripted"))
        if path == "/services/data":
            return self.answer(request, 200, [{"label": "Winter '25", "url": BASE, "version": "62.0"}])
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.oauth.access:
            return self.answer(request, 401, error("INVALID_SESSION_ID", "Session expired or invalid"))
        if not path.startswith(BASE):
            return self.answer(request, 404, error("NOT_FOUND", "The requested resource does not exist"))
        path = path[len(BASE) :]
        self.clients.add(request.headers.get("sforce-call-options", ""))
        name = "/".join(path.split("/")[:3])
        self.calls[name] = self.calls.get(name, 0) + 1
        status, body, *headers = self.route(request, path)
        return self.answer(request, status, body, headers[0] if headers else ())

    def route(self, request, path):
        query = dict(urllib.parse.parse_qsl(request.target.partition("?")[2], keep_blank_values=True))
        segments = [urllib.parse.unquote(part) for part in path.strip("/").split("/")]
        match segments:
            case ["query"] | ["queryAll"]:
                return self.query(request, query.get("q", ""))
            case ["query", cursor]:
                return self.page(cursor)
            case ["tooling", "query"]:
                return self.tooling(query.get("q", ""))
            case ["limits"]:
                return 200, {"DailyApiRequests": {"Max": self.maximum, "Remaining": self.maximum - self.used}}
            case ["sobjects"]:
                names = ["Account", "AccountChangeEvent", "Order_Ready__e"]
                return 200, {"sobjects": [{"name": name, "label": name, "queryable": True} for name in names]}
            case ["sobjects", "Account", "describe"]:
                return self.describe(request)
            case ["sobjects", "Account"] if request.method == "POST":
                number = self.accounts.count
                self.accounts.count += 1
                self.accounts.changed[number] = orjson.loads(request.body)
                return 201, {"id": self.accounts.id_of(number), "success": True, "errors": []}
            case ["sobjects", "Account", record_id]:
                return self.record(request, record_id, query)
            case ["composite", "sobjects", "Account"] if request.method == "POST":
                asked = orjson.loads(request.body)
                numbers = [self.accounts.find(record_id) for record_id in asked["ids"]]
                found = [None if number is None else self.accounts.record(number) for number in numbers]
                return 200, [record and {name: record[name] for name in asked["fields"]} for record in found]
            case ["jobs", "query", *rest]:
                return self.bulk(request, rest, query)
        return 404, error("NOT_FOUND", "The requested resource does not exist")

    def describe(self, request):
        if request.headers.get("if-none-match") == '"d1"':
            self.not_modified += 1
            return 304, None
        fields = [
            {"name": name, "type": kind, "label": name, "compoundFieldName": compound, "nillable": True}
            for name, kind, compound in Accounts.FIELDS
        ]
        return 200, {"name": "Account", "label": "Account", "fields": fields, "queryable": True}, [("ETag", '"d1"')]

    def record(self, request, record_id, query):
        number = self.accounts.find(record_id)
        record = None if number is None else self.accounts.record(number)
        if record is None:
            return 404, error("NOT_FOUND", "Provided external ID field does not exist or is not accessible")
        if request.method == "DELETE":
            self.accounts.deleted.add(number)
            return 204, None
        if request.method == "PATCH":
            self.accounts.changed.setdefault(number, {}).update(orjson.loads(request.body))
            return 204, None
        names = query["fields"].split(",") if "fields" in query else list(record)
        wrong = [name for name in names if name not in record]
        if wrong:
            return 400, error("INVALID_FIELD", f"No such column '{wrong[0]}' on entity 'Account'")
        return 200, {"attributes": {"type": "Account"}, **{name: record[name] for name in names}}

    SELECT = re.compile(
        r"SELECT ([\w, ]+) FROM Account(?: WHERE Id > '(\w+)')?(?: ORDER BY Id)?(?: LIMIT (\d+))?$", re.IGNORECASE
    )

    def selected(self, soql):
        match = self.SELECT.match(soql.strip())
        if not match:
            return None
        start = self.accounts.find(match[2]) + 1 if match[2] else 0
        end = min(self.accounts.count, start + int(match[3])) if match[3] else self.accounts.count
        return [name.strip() for name in match[1].split(",")], start, end

    def query(self, request, soql):
        selected = self.selected(soql)
        if not selected:
            return 400, error("MALFORMED_QUERY", "unexpected token")
        options = request.headers.get("sforce-query-options", "batchSize=2000")
        cursor = f"01g{secrets.token_hex(6)}"
        self.cursors[cursor] = (*selected, int(options.partition("=")[2]))
        return self.page(f"{cursor}-0")

    def page(self, cursor):
        name, _, offset = cursor.rpartition("-")
        if name not in self.cursors:
            return 404, error("INVALID_QUERY_LOCATOR", "invalid query locator")
        fields, start, end, size = self.cursors[name]
        first = start + int(offset)
        last = min(end, first + size)
        records = [self.accounts.record(number) for number in range(first, last)]
        body = {
            "totalSize": end - start, "done": last >= end,
            "records": [
                {"attributes": {"type": "Account", "url": f"{BASE}/sobjects/Account/{record['Id']}"}}
                | {field: record[field] for field in fields}
                for record in records if record
            ],
        }  # fmt: skip
        if last < end:
            body["nextRecordsUrl"] = f"{BASE}/query/{name}-{last - start}"
        return 200, body

    def tooling(self, soql):
        """Members name their channel and custom objects by IDs; names stand in their metadata, of one row at a time."""
        if "SELECT Metadata FROM PlatformEventChannelMember WHERE Id = '0v8000000000001AAA'" in soql:
            return self.rows({"Metadata": {"selectedEntity": "sfy24__ProductionOrder__ChangeEvent"}})
        if "FROM PlatformEventChannelMember" in soql and "'ChangeEvents'" in soql:
            return self.rows({"Id": "0v8000000000002AAA", "SelectedEntity": "AccountChangeEvent"})
        if "FROM PlatformEventChannelMember" in soql:
            orders = {"Id": "0v8000000000001AAA", "SelectedEntity": "01I000000000001AAA"}
            return self.rows(*[orders] if "'0YL000000000001AAA'" in soql else [])
        if "FROM PlatformEventChannel" in soql:
            return self.rows({"Id": "0YL000000000001AAA", "DeveloperName": "Orders", "ChannelType": "data"})
        return 400, error("INVALID_TYPE", "sObject type is not supported")

    @staticmethod
    def rows(*records):
        return 200, {"done": True, "totalSize": len(records), "records": list(records)}

    def bulk(self, request, rest, query):
        match (request.method, rest):
            case ("POST", []):
                asked = orjson.loads(request.body)
                job = f"750{secrets.token_hex(6)}"
                self.jobs[job] = [self.selected(asked["query"]), 0]
                return 200, {"id": job, "state": "UploadComplete", "operation": asked["operation"]}
            case ("GET", [job]):
                self.jobs[job][1] += 1
                (_, start, end), polls = self.jobs[job]
                state = "JobComplete" if polls >= self.bulk_polls else "InProgress"
                return 200, {"id": job, "state": state, "numberRecordsProcessed": end - start}
            case ("GET", [job, "results"]):
                fields, start, end = self.jobs[job][0]
                first = start + int(query.get("locator", "0"))
                last = min(end, first + int(query["maxRecords"]))
                text = io.StringIO()
                rows = csv.writer(text, lineterminator="\n")
                rows.writerow(fields)
                for number in range(first, last):
                    record = self.accounts.record(number)
                    rows.writerow("" if record[field] is None else record[field] for field in fields)
                locator = "null" if last >= end else str(last - start)
                headers = [("Sforce-Locator", locator), ("Sforce-NumberOfRecords", str(last - first))]
                return 200, text.getvalue().encode(), headers
            case ("PATCH", [job]):
                self.aborted.append(job)
                return 200, {"id": job, "state": orjson.loads(request.body)["state"], "numberRecordsProcessed": 0}
            case ("DELETE", [job]):
                if job not in self.aborted and self.jobs[job][1] < self.bulk_polls:
                    return 400, error("API_ERROR", "a job that runs cannot be deleted")
                del self.jobs[job]
                return 204, None
        return 404, error("NOT_FOUND", "The requested resource does not exist")

    def answer(self, request, status, body, headers=()):
        headers = [*headers, ("Sforce-Limit-Info", f"api-usage={self.used}/{self.maximum}")]
        data = b"" if body is None else body if isinstance(body, bytes) else orjson.dumps(body)
        if data and "gzip" in request.headers.get("accept-encoding", ""):
            self.compressed += 1
            headers.append(("Content-Encoding", "gzip"))
            data = gzip.compress(data, 1)
        kind = "text/csv" if isinstance(body, bytes) else "application/json;charset=UTF-8"
        return response(status, data, kind, headers)


def error(code, message):
    return [{"message": message, "errorCode": code}]


def unpadded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Peer:
    def __init__(self, config):
        self.oauth = OAuth(config)
        self.rest = REST(config, self.oauth)
        self.requests = []

    def handle(self, request):
        path = request.path
        if path.startswith("/services/oauth2/"):
            form = dict(urllib.parse.parse_qsl(request.body.decode(), keep_blank_values=True))
            answer = self.oauth.handle(request, path, form)
            if answer == b"":  # swallowed: the client waits until it dies
                return None
            return answer or response(404)
        return self.rest.handle(request, path)

    def stats(self):
        return {
            "grants": self.oauth.counts, "calls": self.rest.calls, "used": self.rest.used,
            "clients": sorted(self.rest.clients), "compressed": self.rest.compressed,
            "not_modified": self.rest.not_modified, "assertions": self.oauth.assertions,
            "refresh_tokens": list(self.oauth.refresh), "access_tokens": list(self.oauth.access),
            "jobs": list(self.rest.jobs), "aborted": self.rest.aborted,
        }  # fmt: skip

    def fault(self, path, status, code="", count=1, after=0, body=None):
        self.rest.faults.append(
            {"path": path, "status": status, "code": code, "left": count, "after": after, "body": body}
        )

    def set(self, **values):
        for name, value in values.items():
            setattr(self.oauth if hasattr(self.oauth, name) else self.rest, name, value)


async def main(config):
    peer = Peer(config)
    _, port = await http_server.listen(peer.handle, port=0)
    peer.oauth.base_url = f"http://127.0.0.1:{port}"
    control = Control(
        {
            "tokens": lambda: [*peer.oauth.access, *peer.oauth.refresh, *peer.oauth.spent],
            "stats": peer.stats, "fault": peer.fault, "set": peer.set,
            "forget_cursors": peer.rest.cursors.clear, "expire": peer.oauth.access.clear,
        }
    )  # fmt: skip
    control.announce(ready={"port": port})
    await control.serve()


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as file:
        asyncio.run(main(orjson.loads(file.read())))
