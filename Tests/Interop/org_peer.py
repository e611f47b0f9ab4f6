"""A living org: records that change, the REST API that shows them, the stream that tells of the changes, and a receiver
that knows what it was told last of each record.

Run as `python org_peer.py <config.json>`. Keys: those of pubsub_peer.py, and `records`, `rate` (changes a second),
`gap_share` (of changes that are told as gap events), `fault_share` (of REST calls that fail).
Every change gives its record the next `Seq__c`; what a receiver has last must be what the org has.
"""

import asyncio
import csv
import io
import random
import re
import sys
import time
import urllib.parse

import orjson

import broker as model
import feed
import http_server
import pubsub_peer
import schemas
import wire
from control import Control
from http_server import response

TOPIC = "/data/AccountChangeEvent"
FIELDS = [("Id", "id"), ("Name", "string"), ("Seq__c", "double"), ("Notes__c", "textarea"), ("CreatedDate", "datetime"),
          ("IsDeleted", "boolean"), ("LastModifiedById", "reference"), ("SystemModstamp", "datetime")]  # fmt: skip
QUERY = re.compile(
    r"SELECT (?P<fields>[\w,()]+) FROM Account(?: WHERE (?P<where>.*?))?(?: ORDER BY Id LIMIT (?P<limit>\d+))?$"
)


def csv_text(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def id_of(number):
    return f"001{number:012d}AAA"


def iso(ms):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ms // 1000)) + ".000+0000"


class Org:
    """`seq`, `modified` and `deleted` of each record, and what the stream says. Times in answers are whole seconds."""

    def __init__(self, records, topic, gap_share=0.0, fault_share=0.0):
        self.gap_share = gap_share
        self.fault_share = fault_share
        self.changes = 0
        now = int(time.time() * 1000)
        self.created = now - 86_400_000
        self.records = [[0, self.created, self.created, False] for _ in range(records)]
        self.topic = topic
        self.channels = []
        self.writer = schemas.writer(schemas.account, 1)
        self.random = random.Random(7)
        self.untold = 0
        self.rows_read = 0
        self.queries = []
        self.faults = 0
        self.write_calls = []
        self.written = {}
        self.bulk = Bulk(self)
        self.text = ""

    def change(self, told=True):
        number = self.random.randrange(len(self.records))
        record = self.records[number]
        if record[3]:
            return
        now = max(int(time.time() * 1000), record[2] + 1)
        record[0] += 1
        record[1] = max(now - self.random.randrange(200), record[2])  # written before it is committed
        record[2] = now
        kind = "UPDATE"
        if self.random.random() < 0.01:
            record[3], kind = True, "DELETE"
        self.changes += 1
        if told and self.random.random() < self.gap_share:
            self.tell("GAP_" + kind, id_of(number), now)
        elif told:
            self.tell(kind, id_of(number), now, record[0])
        else:
            self.untold += 1

    def tell(self, kind, record_id, at, seq=None, origin="", **more):
        """`more`: `values` of further fields, names of `diffs`, `transaction` and `sequence`."""
        topic = self.topic
        count = len(topic.fields) + 1
        values = more.get("values", {})
        header = {
            "entityName": "Account", "recordIds": [record_id], "changeType": kind, "changeOrigin": origin,
            "transactionKey": more.get("transaction", f"t{count}"), "sequenceNumber": more.get("sequence", 1),
            "commitTimestamp": at, "commitNumber": count, "commitUser": feed.USER, "nulledFields": [],
            "diffFields": self.writer.bitmap(more.get("diffs", [])),
            "changedFields": self.writer.bitmap(["Seq__c", *values]) if kind == "UPDATE" else [],
        }  # fmt: skip
        values = {"ChangeEventHeader": header, **values}
        if kind == "UPDATE":
            values["Seq__c"] = float(seq)
        payload = feed._encode(self.writer, values)
        field = wire.consumer_event_field(f"e{count}", self.writer.id, payload, feed.replay_id(count))
        for topic in (self.topic, *self.channels):
            topic.grows = True
            topic.fields.append(field)
            topic.sizes.append(topic.sizes[-1] + len(field))

    def overflow(self, changes):
        for _ in range(changes):
            self.change(told=False)
        self.tell("GAP_OVERFLOW", "000000000000000AAA", int(time.time() * 1000))

    def truth(self):
        return {id_of(number): -1 if record[3] else record[0] for number, record in enumerate(self.records)}

    # REST

    def rest(self, request):
        path = request.path.partition("/services/data/v62.0")[2]
        if self.faults or self.random.random() < self.fault_share:
            self.faults = max(0, self.faults - 1)
            return self.answer([{"errorCode": "SERVER_UNAVAILABLE", "message": "scripted"}], 503)
        if path == "/limits":
            return self.answer({"DailyDeliveredPlatformEvents": {"Max": 50_000, "Remaining": 49_000}})
        if path == "/sobjects/Account/describe":
            fields = [{"name": name, "type": kind, "label": name} for name, kind in FIELDS]
            return self.answer({"name": "Account", "label": "Account", "queryable": True, "fields": fields})
        if path.startswith("/sobjects/Account/"):
            number = int(path.rpartition("/")[2][3:15])
            fields = dict(urllib.parse.parse_qsl(request.target.partition("?")[2]))["fields"].split(",")
            if not self.records[number][3]:
                return self.answer(self.row(number, fields))
        if path == "/composite/sobjects/Account":
            asked = orjson.loads(request.body)
            numbers = [int(record_id[3:15]) for record_id in asked["ids"]]
            return self.answer([None if self.records[n][3] else self.row(n, asked["fields"]) for n in numbers])
        if found := re.fullmatch(r"/sobjects/Account/001(\d{12})AAA", path):
            number = int(found[1])
            if self.records[number][3]:
                return self.answer([{"errorCode": "NOT_FOUND", "message": "the record was deleted"}], 404)
            fields = dict(urllib.parse.parse_qsl(request.target.partition("?")[2]))["fields"]
            return self.answer(self.row(number, fields.split(",")))
        if path.startswith("/composite/sobjects") and request.method in ("POST", "PATCH"):
            return self.save(request, path)
        if path.startswith("/jobs/query"):
            return self.bulk.answer(request, path)
        if path in ("/query", "/queryAll"):
            query = dict(urllib.parse.parse_qsl(request.target.partition("?")[2]))["q"]
            return self.query(query, path == "/queryAll")
        return self.answer([{"errorCode": "NOT_FOUND", "message": path}], 404)

    def save(self, request, path):
        """sObject Collections. What is written is told with the origin of who wrote it."""
        body = orjson.loads(request.body)
        records = body["records"]
        key = path.split("/")[4] if path.count("/") > 2 else "Id"
        names = [record[key] for record in records]
        assert body["allOrNone"] is False and 0 < len(records) <= 200 and len(set(names)) == len(names)
        assert all(record["attributes"] == {"type": "Account"} for record in records)
        self.write_calls.append([request.method, path, len(records)])
        client = request.headers["sforce-call-options"].removeprefix("client=")
        results = []
        for record in records:
            if record.get("Name") == "Account 13":
                error = {"statusCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": "not thirteen", "fields": ["Name"]}
                results.append({"success": False, "errors": [error]})
                continue
            self.written[record[key]] = self.written.get(record[key], 0) + 1
            results.append({"id": record.get("Id", id_of(0)), "success": True, "errors": [], "created": key != "Id"})
            origin = f"com/salesforce/api/rest/62.0;client={client}"
            self.tell("UPDATE", record.get("Id", id_of(0)), int(time.time() * 1000), 0, origin)
        return self.answer(results)

    def query(self, soql, everything):
        self.queries.append(soql)
        match = QUERY.match(soql)
        if not match:
            return self.answer([{"errorCode": "MALFORMED_QUERY", "message": soql}], 400)
        first, conditions, numbers_wanted = 0, [], None
        for condition in (match["where"] or "").split(" AND "):
            if found := re.fullmatch(r"Id > '(\w+)'", condition):
                first = int(found[1][3:15]) + 1
            elif found := re.fullmatch(r"SystemModstamp >= (\S+)Z", condition):
                since = found[1][:19]
                conditions.append(lambda record, since=since: iso(record[1])[:19] >= since)
            elif found := re.fullmatch(r"Id IN \((.+)\)", condition):
                wanted = {int(name[3:15]) for name in found[1].replace("'", "").split(",")}
                numbers_wanted = wanted
            elif condition == "IsDeleted = true":
                conditions.append(lambda record: record[3])
            elif found := re.fullmatch(r"\(Seq__c > (\d+)\)", condition):
                conditions.append(lambda record, least=int(found[1]): record[0] > least)
            elif condition:
                return self.answer([{"errorCode": "MALFORMED_QUERY", "message": condition}], 400)
        numbers = (
            number for number in (sorted(numbers_wanted) if numbers_wanted is not None else range(first, len(self.records)))
            if (everything or not self.records[number][3]) and all(test(self.records[number]) for test in conditions)
        )
        if match["fields"] == "count(Id)":
            return self.answer({"totalSize": 1, "done": True, "records": [{"expr0": sum(1 for _ in numbers)}]})
        limit, rows = int(match["limit"]), []
        for number in numbers:
            rows.append(self.row(number, match["fields"].split(",")))
            if len(rows) == limit:
                break
        self.rows_read += len(rows)
        return self.answer({"totalSize": len(rows), "done": True, "records": rows})

    def row(self, number, fields):
        seq, modified, _, deleted = self.records[number]
        values = {"Id": id_of(number), "Name": f"Account {number}", "Seq__c": float(seq), "Notes__c": self.text,
                  "IsDeleted": bool(deleted), "CreatedDate": iso(self.created), "LastModifiedById": feed.USER,
                  "SystemModstamp": iso(modified)}  # fmt: skip
        return {"attributes": {"type": "Account"}, **{name: values[name] for name in fields}}

    @staticmethod
    def answer(value, status=200):
        return response(status, orjson.dumps(value), headers=[("Sforce-Limit-Info", "api-usage=10/100000")])


class Bulk:
    """Bulk API 2.0: a job finds what is there when it is asked for, in no particular order, and gives it out in pages."""

    def __init__(self, org):
        self.org = org
        self.jobs = {}
        self.started = 0

    def answer(self, request, path):
        match request.method, path.removeprefix("/jobs/query").strip("/").split("/"):
            case "POST", [""]:
                return self.start(orjson.loads(request.body))
            case "GET", [job] if job in self.jobs:
                self.jobs[job]["polls"] += 1
                state = "JobComplete" if self.jobs[job]["polls"] > 1 else "InProgress"
                return Org.answer({"id": job, "state": state, "numberRecordsProcessed": len(self.jobs[job]["rows"])})
            case "GET", [job, "results"] if job in self.jobs:
                return self.page(self.jobs[job], dict(urllib.parse.parse_qsl(request.target.partition("?")[2])))
            case "DELETE", [job] if job in self.jobs:
                del self.jobs[job]
                return response(204)
        return Org.answer([{"errorCode": "NOT_FOUND", "message": path}], 404)

    def start(self, asked):
        match = re.fullmatch(r"SELECT ([\w,]+) FROM Account", asked["query"])
        if asked["operation"] != "query" or asked["contentType"] != "CSV" or not match:
            return Org.answer([{"errorCode": "API_ERROR", "message": asked["query"]}], 400)
        fields = match[1].split(",")
        numbers = [number for number, record in enumerate(self.org.records) if not record[3]]
        self.org.random.shuffle(numbers)
        self.started += 1
        job = f"750{self.started:012d}AAA"
        rows = [[csv_text(self.org.row(number, fields)[name]) for name in fields] for number in numbers]
        self.jobs[job] = {"fields": fields, "rows": rows, "polls": 0}
        return Org.answer({"id": job, "state": "UploadComplete", "operation": "query"})

    def page(self, job, query):
        first = int(query.get("locator", "0"))
        rows = job["rows"][first : first + min(int(query["maxRecords"]), 2_000)]
        self.org.rows_read += len(rows)
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
        table.writerow(job["fields"])
        table.writerows(rows)
        last = first + len(rows)
        headers = [
            ("Sforce-Locator", str(last) if last < len(job["rows"]) else "null"),
            ("Sforce-NumberOfRecords", str(len(rows))), ("Sforce-Limit-Info", "api-usage=10/100000"),
        ]  # fmt: skip
        return response(200, text.getvalue().encode(), "text/csv", headers)


class Receiver:
    """The last value of each record. A delivery that comes again, by its id, is ignored, as receivers are told to do."""

    def __init__(self):
        self.ids = set()
        self.last = {}
        self.regressions = []
        self.types = {}
        self.told = {}

    def handle(self, request):
        body = orjson.loads(request.body)
        delivery = request.headers.get("webhook-id")
        if delivery in self.ids:
            return response(200)
        self.ids.add(delivery)
        self.types[body["type"]] = self.types.get(body["type"], 0) + 1
        seq = -1 if body["change"] == "delete" else int(body["seq"])
        last = self.last.get(body["id"])
        if last is not None and seq != -1 and (seq < last or last == -1):
            self.regressions.append([body["id"], f"{body['type']} {seq} after {self.told[body['id']]} {last}"])
        self.last[body["id"]] = seq
        self.told[body["id"]] = body["type"]
        return response(200)


class OrgServer(pubsub_peer.PubSubServer):
    def __init__(self, config):
        config["topics"] = [{"name": TOPIC, "count": 0, "entities": ["Account"]}]
        super().__init__(config)
        self.org = Org(
            config["records"], self.broker.topics[TOPIC], config.get("gap_share", 0.0), config.get("fault_share", 0.0)
        )
        self.broker.schemas[self.org.writer.id] = self.org.writer.json
        self.receiver = Receiver()
        self.rate = config.get("rate", 0)
        oauth = self.tokens.handle
        self.tokens.handle = lambda request: (
            self.rest(request) if request.path.startswith("/services/data") else oauth(request)
        )

    def rest(self, request):
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not self.tokens.is_valid(token):
            return Org.answer([{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}], 401)
        return self.org.rest(request)

    async def start(self):
        ready = await super().start()
        _, port = await http_server.listen(self.receiver.handle, port=0)
        self.changing = asyncio.create_task(self.change())
        return {**ready, "hook_port": port}

    async def change(self):
        made, began = 0, time.monotonic()
        while True:
            await asyncio.sleep(0.01)
            due = int((time.monotonic() - began) * self.rate)
            if not self.rate:
                made, began = 0, time.monotonic()
            for _ in range(due - made if self.rate else 0):
                self.org.change()
            made = max(made, due)

    def set_rate(self, rate):
        self.rate = rate

    def calls(self):
        """What further a test may ask of this peer."""
        return {}

    def compare(self):
        truth, last = self.org.truth(), self.receiver.last
        # Nobody has to tell of a record that was deleted before anybody asked, nor of one that never changed.
        wrong = [[key, value, last.get(key)] for key, value in truth.items() if last.get(key, min(value, 0)) != value]
        return {
            "wrong": wrong[:10], "wrong_count": len(wrong), "known": len(last), "types": self.receiver.types,
            "regressions": self.receiver.regressions[:10], "rows_read": self.org.rows_read,
            "queries": self.org.queries[:20], "events": len(self.org.topic.fields), "untold": self.org.untold,
            "deleted": sum(1 for record in self.org.records if record[3]), "changes": self.org.changes,
        }  # fmt: skip


async def main(config, make=OrgServer):
    server = make(config)
    ready = await server.start()
    server.control = Control(
        {
            "stats": server.broker.stats, "compare": server.compare, "rate": server.set_rate,
            "overflow": server.org.overflow, "rows_read": lambda: server.org.rows_read,
            "writes": lambda: {"calls": server.org.write_calls, "written": server.org.written},
            "fail": lambda count: setattr(server.org, "faults", count),
            "faults": lambda: server.org.faults,
            **server.calls(),
            "bulk": lambda: {"started": server.org.bulk.started, "kept": len(server.org.bulk.jobs)},
        }
    )  # fmt: skip
    server.control.announce(ready=ready)
    await server.control.serve()


if __name__ == "__main__":
    asyncio.run(main(model.load(sys.argv[1])))
