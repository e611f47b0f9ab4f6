"""The REST API over records that may be written, from the guide alone: strict about every request, with faults on order.

Run as `python rest_peer.py <config.json>`; keys as for salesforce_peer.py, which gives the tokens.
"""

import asyncio
import datetime
import email.utils
import gzip
import json
import re
import sys
import time
import urllib.parse
import zlib

import orjson

import http_server
import schemas
from control import Control
from http_server import response
from rest_composite import Composite
from rest_store import BASE, OBJECTS, VERSION, Records, Refused, iso
from salesforce_peer import OAuth, error

DAY = 86_400
STAMP = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d{3})?(Z|[+-]\d\d:?\d\d)")
SOQL = re.compile(r"SELECT ([\w, ]+) FROM (\w+)(?: WHERE (\w+) = '([^']*)')?(?: LIMIT (\d+))?")
SOSL = re.compile(r"FIND \{(.+?)\}(?: IN (?:ALL|NAME|EMAIL|PHONE|SIDEBAR) FIELDS)?(?: RETURNING (.+?))?(?: LIMIT (\d+))?")


class API:
    """What a call does, whether it came alone or inside a composite."""

    def __init__(self):
        self.records = Records(time.time)
        self.composite = Composite(self.records, self.call)
        self.purged = 0.0  # deletions before this moment are forgotten
        self.lag = 0  # seconds that `latestDateCovered` is behind
        self.bare = False  # 412 without a body

    def call(self, method, path, query, headers, body):
        """(status, body, headers) of one call below the version's path."""
        segments = [urllib.parse.unquote(part) for part in path.strip("/").split("/")]
        try:
            return self.route(method, segments, query, headers, body)
        except Refused as refused:
            return refused.status, refused.errors, ()
        except (KeyError, TypeError, AttributeError, ValueError) as wrong:
            return 400, error("JSON_PARSER_ERROR", f"{type(wrong).__name__}: {wrong}"), ()

    def route(self, method, segments, query, headers, body):
        match method, segments:
            case _, ["composite", *rest]:
                return self.composite.answer(method, rest, query, body)
            case "GET", ["query" | "queryAll"]:
                return self.query(query["q"])
            case "GET", ["search"]:
                return self.search(query["q"])
            case "GET", ["limits"]:
                return 200, {"DailyApiRequests": {"Max": 100_000, "Remaining": 99_000}}, ()
            case "GET", ["event", "eventSchema", schema_id]:
                return self.schema(schema_id, query)
            case "GET", ["sobjects", name, "eventSchema"]:
                if not name.endswith("__e") or name not in OBJECTS:
                    raise Refused(404, "NOT_FOUND", "The requested resource does not exist")
                return self.schema(schemas.writer(schemas.order_ready, 1).id, query)
            case "GET", ["sobjects", name, "describe"]:
                return self.describe(name)
            case "GET", ["sobjects", name, "updated" | "deleted" as which]:
                return getattr(self, which)(name, *self.span(query))
            case "POST", ["sobjects", name]:
                record_id = self.records.create(name, body)
                told = []
                if name.endswith("__e"):
                    told = [{"statusCode": "OPERATION_ENQUEUED", "message": "0f7a", "fields": []}]
                where = [("Location", f"{BASE}/sobjects/{name}/{record_id}")]
                return 201, {"id": record_id, "success": True, "errors": told}, where
            case _, ["sobjects", name, record_id]:
                return self.record(method, name, record_id, query, headers, body)
            case _, ["sobjects", name, field, value]:
                return self.external(method, name, field, value, query, headers, body)
        return 404, error("NOT_FOUND", "The requested resource does not exist"), ()

    # One record

    def record(self, method, name, record_id, query, headers, body):
        row = self.records.row(name, record_id)
        modified = int(row["modified"])
        if "if-modified-since" in headers and modified <= moment(headers["if-modified-since"]):
            return 304, None, ()
        if "if-unmodified-since" in headers and modified > moment(headers["if-unmodified-since"]):
            told = error("PRECONDITION_FAILED", "The record was modified after the given date")
            return 412, None if self.bare else told, ()
        match method:
            case "GET":
                names = query["fields"].split(",") if "fields" in query else None
                last = email.utils.formatdate(modified, usegmt=True)
                return 200, self.records.read(record_id, names), [("Last-Modified", last)]
            case "PATCH":
                self.records.update(name, record_id, body)
                return 204, None, ()
            case "DELETE":
                self.records.delete(name, record_id)
                return 204, None, ()
        return 405, error("METHOD_NOT_ALLOWED", f"HTTP Method '{method}' not allowed. Allowed are GET,HEAD,PATCH,DELETE"), ()

    def external(self, method, name, field, value, query, headers, body):
        if field.lower() == "id":
            found = [value]
        else:
            found = self.records.having(name, field, value)
        if len(found) > 1:
            return 300, [f"{BASE}/sobjects/{name}/{record_id}" for record_id in found], ()
        if method != "PATCH":
            if not found:
                raise Refused(404, "NOT_FOUND", "The requested resource does not exist")
            return self.record(method, name, found[0], query, headers, body)
        if field in body:
            raise Refused(400, "INVALID_FIELD", f"The {field} field should not be specified in the sobject data.")
        if found:
            self.records.update(name, found[0], body)
            return 200, {"id": found[0], "success": True, "errors": [], "created": False}, ()
        record_id = self.records.create(name, {**body, field: value})
        return 201, {"id": record_id, "success": True, "errors": [], "created": True}, ()

    # Changed records

    @staticmethod
    def span(query):
        """Seconds are cut off, and a span has at least a minute."""
        start, end = (stamp(query[key]) // 60 * 60 for key in ("start", "end"))
        if end - start < 60:
            raise Refused(400, "INVALID_REPLICATION_DATE", "endDate must be at least one minute greater than startDate")
        if end - start > 30 * DAY or start < time.time() - 30 * DAY - 60:
            raise Refused(400, "INVALID_REPLICATION_DATE", "startDate must be within the last 30 days")
        return start, end

    def covered(self, end):
        return iso(min(end, time.time() - self.lag))

    def changed(self, name, start, end, deleted):
        self.records.fields(name)
        rows = [
            (record_id, row) for record_id, row in self.records.rows.items()
            if row["type"] == name and start <= row["modified"] < end and (row["deleted"] is not None) == deleted
        ]
        if len(rows) > 600_000:
            raise Refused(400, "EXCEEDED_ID_LIMIT", "the number of ids exceeds the limit")
        return rows

    def updated(self, name, start, end):
        ids = [record_id for record_id, _ in self.changed(name, start, end, False)]
        return 200, {"ids": ids, "latestDateCovered": self.covered(end)}, ()

    def deleted(self, name, start, end):
        if start < self.purged:
            raise Refused(400, "INVALID_REPLICATION_DATE", "startDate before the earliest date available")
        rows = self.changed(name, start, end, True)
        return 200, {
            "deletedRecords": [{"id": key, "deletedDate": iso(row["deleted"])} for key, row in rows],
            "earliestDateAvailable": iso(self.purged or time.time() - 15 * DAY), "latestDateCovered": self.covered(end),
        }, ()  # fmt: skip

    # Finding

    def query(self, soql):
        match = SOQL.fullmatch(soql.strip())
        if not match:
            raise Refused(400, "MALFORMED_QUERY", f"unexpected token: {soql[:30]}")
        names, name = [one.strip() for one in match[1].split(",")], match[2]
        self.records.fields(name)
        rows = [
            self.records.read(key, names) for key, row in self.records.rows.items()
            if row["type"] == name and row["deleted"] is None
            and (not match[3] or self.records.values(row, key).get(match[3]) == match[4])
        ]  # fmt: skip
        rows = rows[: int(match[5])] if match[5] else rows
        return 200, {"totalSize": len(rows), "done": True, "records": rows}, ()

    def search(self, sosl):
        match = SOSL.fullmatch(sosl.strip())
        if not match:
            raise Refused(400, "MALFORMED_SEARCH", f"No support for: {sosl[:40]}")
        term = match[1].strip("*").lower()
        if len(term) < 2:
            raise Refused(400, "MALFORMED_SEARCH", f"search term must be longer than one character: {match[1]}")
        asked = re.findall(r"(\w+)(?:\(([^)]*)\))?", match[2]) if match[2] else [(name, "") for name in ("Account", "Contact")]
        found = []
        for name, names in asked:
            if name not in OBJECTS:
                raise Refused(400, "INVALID_TYPE", f"sObject type '{name}' is not supported.")
            for key, row in self.records.rows.items():
                texts = [value.lower() for value in row["values"].values() if isinstance(value, str)]
                if row["type"] == name and row["deleted"] is None and any(term in text for text in texts):
                    found.append(self.records.read(key, [one.strip() for one in names.split(",")] if names else ["Id"]))
        return 200, {"searchRecords": found[: int(match[3])] if match[3] else found}, ()

    # Metadata

    def describe(self, name):
        fields = [
            {
                "name": key, "label": key, "type": field.kind, "nillable": not field.required, "length": field.length,
                "externalId": field.external, "createable": not field.read_only, "updateable": not field.read_only,
                "picklistValues": [
                    {"value": value, "label": value, "active": value not in field.retired, "defaultValue": False}
                    for value in field.values
                ],
                "restrictedPicklist": bool(field.values), "compoundFieldName": None, "referenceTo": [],
            }
            for key, field in self.records.fields(name).items()
        ]  # fmt: skip
        prefix = OBJECTS[name][0]
        return 200, {"name": name, "label": name, "keyPrefix": prefix, "queryable": True, "fields": fields}, ()

    def schema(self, schema_id, query):
        writer = schemas.writer(schemas.order_ready, 1)
        if schema_id != writer.id:
            raise Refused(404, "NOT_FOUND", "The requested resource does not exist")
        avro = json.loads(writer.json)
        match query.get("payloadFormat", "EXPANDED"):
            case "COMPACT":
                return 200, {**avro, "uuid": schema_id}, ()
            case "EXPANDED":
                data = {"name": "data", "type": {"type": "record", "name": "Data", "namespace": "", "fields": [
                    {"name": "schema", "type": "string"}, {"name": "payload", "type": avro}]}}  # fmt: skip
                fields = [data, {"name": "channel", "type": "string"}]
                return 200, {"name": avro["name"], "namespace": avro["namespace"], "type": "expanded-record",
                             "fields": fields, "uuid": schema_id}, ()  # fmt: skip
        raise Refused(400, "INVALID_INPUT", f"payloadFormat {query['payloadFormat']}")


class Door:
    """What every request must be before the API looks at it, what was asked, and the faults."""

    def __init__(self, oauth, api):
        self.oauth = oauth
        self.api = api
        self.requests = []
        self.violations = []
        self.faults = []
        self.used = 10

    def handle(self, request, path):
        self.used += 1
        seen = {
            "method": request.method, "path": path.removeprefix(BASE), "target": request.target,
            "headers": {
                name: request.headers[name] for name in
                ("content-type", "sforce-call-options", "if-modified-since", "if-unmodified-since", "authorization")
                if name in request.headers
            },
        }  # fmt: skip
        seen["headers"].pop("authorization", None)
        seen["signed"] = "authorization" in request.headers
        self.requests.append(seen)
        self.manners(request, path)
        body = self.body(request, seen)
        if fault := self.fault(request, path):
            if fault.get("drop") == "before":
                request.connection.reset()
                return None
            if fault.get("drop") == "after":
                self.served(request, path, body)
                request.connection.reset()
                return None
            if fault["status"] == 401 and not fault["code"]:
                self.oauth.access.clear()
            else:
                if page := fault.get("body"):
                    return self.answer(request, fault["status"], page.encode(), (), "text/html")
                return self.answer(request, fault["status"], error(fault["code"], "scripted"))
        return self.answer(request, *self.served(request, path, body))

    def served(self, request, path, body):
        if path.rstrip("/") == "/services/data":
            return 200, [
                {"label": "Summer '24", "url": "/services/data/v61.0", "version": "61.0"},
                {"label": "Winter '25", "url": BASE, "version": "62.0"},
            ]
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.oauth.access:
            return 401, error("INVALID_SESSION_ID", "Session expired or invalid")
        if not path.startswith(BASE + "/"):
            version = re.match(r"/services/data/v(\d+)\.0", path)
            if version and int(version[1]) <= 30:
                return 410, error("UNSUPPORTED_API_VERSION", f"API version {version[1]}.0 is retired")
            return 404, error("NOT_FOUND", "The requested resource does not exist")
        size = len(request.target) + sum(len(name) + len(value) + 4 for name, value in request.headers.items())
        if len(request.target) > 16_384:
            return 414, error("URI_TOO_LONG", "The URI is too long")
        if size > 16_384:
            return 431, error("REQUEST_HEADER_FIELDS_TOO_LARGE", "The headers are too large")
        if request.body and body is None:
            return 400, error("JSON_PARSER_ERROR", "The HTTP entity body is not JSON")
        if request.body and not request.headers.get("content-type", "").startswith("application/json"):
            return 415, error("UNSUPPORTED_MEDIA_TYPE", "The entity is in a format that is not supported")
        query = dict(urllib.parse.parse_qsl(request.target.partition("?")[2], keep_blank_values=True))
        return self.api.call(request.method, path[len(BASE) :], query, request.headers, body)

    def manners(self, request, path):
        """What the API lets pass, and a good client does not do."""
        headers, versions = request.headers, path.rstrip("/") == "/services/data"
        wrong = []
        if "gzip" not in headers.get("accept-encoding", ""):
            wrong.append("no gzip accepted")
        if "application/json" not in headers.get("accept", ""):
            wrong.append("no Accept: application/json")
        if not versions and not re.fullmatch(r"client=\w+", headers.get("sforce-call-options", "")):
            wrong.append("no client in Sforce-Call-Options")
        if not versions and not headers.get("authorization", "").startswith("Bearer "):
            wrong.append("no Bearer token")
        if bool(request.body) != (request.method in ("POST", "PATCH", "PUT")):
            wrong.append("a body where none belongs, or none where one does")
        if not request.body and "content-type" in headers:
            wrong.append("a content type without content")
        if not re.fullmatch(r"[!-~]+", request.target):
            wrong.append("a target that is not percent-encoded")
        self.violations += [f"{request.method} {path}: {one}" for one in wrong]

    def body(self, request, seen):
        data = request.body
        if not data:
            return None
        try:
            match request.headers.get("content-encoding"):
                case "gzip":
                    data = gzip.decompress(data)
                case "deflate":
                    data = zlib.decompress(data)
            seen["body"] = orjson.loads(data)
        except (ValueError, OSError, zlib.error):
            seen["body"] = None
        return seen["body"]

    def fault(self, request, path):
        for fault in self.faults:
            if fault["left"] and fault["path"] in path and fault["method"] in (None, request.method):
                if fault["after"]:
                    fault["after"] -= 1
                    continue
                fault["left"] -= 1
                return fault
        return None

    def answer(self, request, status, body, headers=(), kind="application/json;charset=UTF-8"):
        headers = [*headers, ("Sforce-Limit-Info", f"api-usage={self.used}/100000")]
        data = b"" if body is None else body if isinstance(body, bytes) else orjson.dumps(body)
        if data and "gzip" in request.headers.get("accept-encoding", ""):
            headers.append(("Content-Encoding", "gzip"))
            data = gzip.compress(data, 1)
        return response(status, data, kind, headers)


def stamp(text):
    """Seconds since 1970 of an ISO 8601 time with a zone; a `+` that was not percent-encoded came as a space."""
    match = STAMP.fullmatch(text)
    if not match:
        raise Refused(400, "INVALID_FIELD", f"not a date and time: {text}")
    return datetime.datetime.fromisoformat(text).timestamp()


def moment(text):
    """Seconds since 1970 of an HTTP date."""
    parsed = email.utils.parsedate_to_datetime(text)
    if not text.endswith("GMT"):
        raise Refused(400, "INVALID_INPUT", f"not an HTTP date: {text}")
    return parsed.timestamp()


class Peer:
    def __init__(self, config):
        self.oauth = OAuth(config)
        self.api = API()
        self.door = Door(self.oauth, self.api)

    def handle(self, request):
        if not request.path.startswith("/services/oauth2/"):
            return self.door.handle(request, request.path)
        form = dict(urllib.parse.parse_qsl(request.body.decode(), keep_blank_values=True))
        return self.oauth.handle(request, request.path, form) or response(404)

    # What a test may ask and do

    def stats(self):
        return {
            "requests": self.door.requests, "violations": self.door.violations, "grants": self.oauth.counts,
            "events": self.api.records.events,
        }  # fmt: skip

    def fault(self, path, status=0, code="", count=1, after=0, body=None, method=None, drop=None):
        """`drop`: the connection is reset `before` or `after` the call is done, and nothing is answered."""
        self.door.faults.append(
            {"path": path, "status": status, "code": code, "left": count, "after": after, "body": body, "method": method,
             "drop": drop})  # fmt: skip

    def put(self, entity, values, ago=0):
        """A record made behind the client's back, so many seconds ago."""
        record_id = self.api.records.create(entity, values)
        self.api.records.rows[record_id]["modified"] -= ago
        return record_id

    def put_many(self, entity, count, field="Name"):
        return [self.put(entity, {field: f"{entity} {number}"}) for number in range(count)]

    def remove(self, record_id, ago=0):
        row = self.api.records.rows[record_id]
        row["deleted"] = row["modified"] = time.time() - ago

    def rows(self, entity):
        """The living records by id."""
        return {
            key: row["values"] for key, row in self.api.records.rows.items()
            if row["type"] == entity and row["deleted"] is None
        }  # fmt: skip

    def lock(self, record_id, times):
        self.api.records.locks[record_id] = times

    def set(self, **values):
        for name, value in values.items():
            setattr(self.api, name, value)


async def main(config):
    peer = Peer(config)
    _, port = await http_server.listen(peer.handle, port=0)
    peer.oauth.base_url = f"http://127.0.0.1:{port}"
    control = Control(
        {
            "stats": peer.stats, "fault": peer.fault, "put": peer.put, "put_many": peer.put_many, "remove": peer.remove,
            "rows": peer.rows, "lock": peer.lock, "set": peer.set, "expire": peer.oauth.access.clear,
        }
    )  # fmt: skip
    control.announce(ready={"port": port, "version": VERSION})
    await control.serve()


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as file:
        asyncio.run(main(orjson.loads(file.read())))
