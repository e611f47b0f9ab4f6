"""What a careful Python programmer would write instead of Sluice: grpcio, fastavro, orjson, aiohttp and an outbox in
SQLite. The other side of `bench_relay.py`.

It keeps the same promises, with less: in order per record and side by side otherwise, retries with back-off, a cursor
that never passes an event that is neither acknowledged nor stored, commits in groups. It has one rule built in, no
journal, no breaker, no rate limits, and counters for metrics.

Run as `python bench_relay_peer.py <config.json>`.
"""

import asyncio
import base64
import collections
import concurrent.futures
import datetime
import hashlib
import io
import random
import signal
import sqlite3
import ssl
import sys

import aiohttp
import fastavro
import grpc
import grpc.aio
import orjson

import broker as model
import wire

COMMIT_SECONDS = 0.1
WINDOW = 2000  # deliveries in memory
UNWRITTEN = 4000
PAGE = 500
UTC = datetime.timezone.utc
CHANGES = {"CREATE", "UPDATE", "DELETE", "UNDELETE"}


class Schema:
    """One writer's schema, with the names that its bitmaps mean."""

    def __init__(self, text):
        document = orjson.loads(text)
        self.fields = [field["name"] for field in document["fields"]]
        named = {}
        self.nested = [self._children(field["type"], named) for field in document["fields"]]
        self.parsed = fastavro.parse_schema(document)
        self.known = {}

    @staticmethod
    def _children(kind, named):
        options = kind if isinstance(kind, list) else [kind]
        for option in options:
            if isinstance(option, dict) and option.get("type") == "record":
                named[option["name"]] = [field["name"] for field in option["fields"]]
                return named[option["name"]]
            if isinstance(option, str) and option in named:
                return named[option]
        return []

    def names(self, bitmaps):
        key = tuple(bitmaps)
        found = self.known.get(key)
        if found is None:
            found = self.known[key] = self._names(bitmaps)
        return found

    def _names(self, bitmaps):
        out = []
        for bitmap in bitmaps:
            head, _, tail = bitmap.partition("-")
            bits = int(tail or head, 16)
            fields = self.nested[int(head)] if tail else self.fields
            prefix = self.fields[int(head)] + "." if tail else ""
            out += [prefix + name for index, name in enumerate(fields) if bits >> index & 1]
        return out


class Delivery:
    __slots__ = ("number", "id", "lane", "body", "attempts", "state")

    def __init__(self, number, identity, lane, body, state="new"):
        self.number, self.id, self.lane, self.body = number, identity, lane, body
        self.attempts, self.state = 0, state  # new, writing, stored; done


class Outbox:
    """Rows of what was not acknowledged when a commit came, and the cursor. One thread writes."""

    def __init__(self, path):
        self.thread = concurrent.futures.ThreadPoolExecutor(1)
        self.base = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self.base.execute("PRAGMA journal_mode=WAL")
        self.base.execute("PRAGMA synchronous=NORMAL")
        self.base.execute(
            "CREATE TABLE IF NOT EXISTS outbox (number INTEGER PRIMARY KEY, id TEXT, lane TEXT, body BLOB)"
        )
        self.base.execute("CREATE TABLE IF NOT EXISTS cursor (topic TEXT PRIMARY KEY, replay BLOB)")

    def run(self, body, *arguments):
        return asyncio.get_running_loop().run_in_executor(self.thread, body, *arguments)

    def write(self, topic, cursor, added, removed):
        base = self.base
        base.execute("BEGIN IMMEDIATE")
        base.executemany("INSERT INTO outbox VALUES (?, ?, ?, ?)", added)
        base.executemany("DELETE FROM outbox WHERE number = ?", removed)
        if cursor:
            base.execute("INSERT OR REPLACE INTO cursor VALUES (?, ?)", (topic, cursor))
        base.execute("COMMIT")

    def page(self, after):
        return self.base.execute(
            "SELECT number, id, lane, body FROM outbox WHERE number > ? ORDER BY number LIMIT ?", (after, PAGE)
        ).fetchall()

    def cursor(self, topic):
        row = self.base.execute("SELECT replay FROM cursor WHERE topic = ?", (topic,)).fetchone()
        return row[0] if row else None

    def last(self):
        return self.base.execute("SELECT coalesce(max(number), 0) FROM outbox").fetchone()[0]


class Relay:
    def __init__(self, config):
        self.config = config
        self.topic = config["topic"]
        self.outbox = Outbox(config["store"])
        self.schemas = {}
        self.lanes = {}
        self.ready = asyncio.Queue()
        self.pending = 0
        self.fresh, self.gone = [], []
        self.position = None
        self.number = 0
        self.counters = collections.Counter()
        self.room = asyncio.Event()
        self.changed = asyncio.Event()
        self.stopping = asyncio.Event()

    async def run(self):
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.stopping.set)
        self.number = self.outbox.last()
        context = ssl.create_default_context(cafile=self.config["ca"])
        connector = aiohttp.TCPConnector(limit=self.config["concurrency"], ssl=context, keepalive_timeout=60)
        timeout = aiohttp.ClientTimeout(total=30)
        headers = {"Content-Type": "application/json", "User-Agent": "peer"}
        async with aiohttp.ClientSession(connector=connector, timeout=timeout, headers=headers) as self.http:
            tasks = [asyncio.create_task(self.work()) for _ in range(self.config["concurrency"])]
            tasks += [asyncio.create_task(self.commit_regularly()), asyncio.create_task(self.receive())]
            await self.stopping.wait()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.commit()

    # Receiving

    async def token(self):
        form = {"grant_type": "client_credentials", "client_id": "interop-client", "client_secret": "interop-secret"}
        async with self.http.post(self.config["login_url"] + "/services/oauth2/token", data=form) as answer:
            return orjson.loads(await answer.read())

    async def receive(self):
        await self.load_stored()
        answer = await self.token()
        metadata = (
            ("accesstoken", answer["access_token"]), ("instanceurl", answer["instance_url"]),
            ("tenantid", self.config["org"]),
        )  # fmt: skip
        with open(self.config["ca"], "rb") as file:
            credentials = grpc.ssl_channel_credentials(file.read())
        options = [("grpc.max_receive_message_length", 8 << 20)]
        messages = wire.messages
        async with grpc.aio.secure_channel(self.config["endpoint"], credentials, options) as channel:
            self.get_schema = channel.unary_unary(
                f"/{wire.SERVICE}/GetSchema", messages.SchemaRequest.SerializeToString, messages.SchemaInfo.FromString
            )
            self.metadata = metadata
            stream = channel.stream_stream(
                f"/{wire.SERVICE}/Subscribe", messages.FetchRequest.SerializeToString, messages.FetchResponse.FromString
            )(metadata=metadata)
            cursor = self.outbox.cursor(self.topic)
            first = messages.FetchRequest(
                topic_name=self.topic, num_requested=100, replay_preset=2 if cursor else 1, replay_id=cursor or b""
            )
            await stream.write(first)
            owed = 0
            async for response in stream:
                if response.events:
                    await self.take(response.events)
                owed += len(response.events)
                if owed >= 50:
                    await self.wait_for_room()
                    await stream.write(messages.FetchRequest(topic_name=self.topic, num_requested=owed))
                    owed = 0

    async def load_stored(self):
        """What an earlier life left, before anything new."""
        after = 0
        while True:
            rows = await self.outbox.run(self.outbox.page, after)
            for number, identity, lane, body in rows:
                after = number
                self.offer(Delivery(number, identity, lane, body, "stored"))
            if len(rows) < PAGE:
                return
            while self.pending >= WINDOW:
                self.room.clear()
                await self.room.wait()

    async def take(self, events):
        for received in events:
            event = received.event
            schema = self.schemas.get(event.schema_id)
            if schema is None:
                answer = await self.get_schema(
                    wire.messages.SchemaRequest(schema_id=event.schema_id), metadata=self.metadata
                )
                schema = self.schemas[event.schema_id] = Schema(answer.schema_json)
            record = fastavro.schemaless_reader(io.BytesIO(event.payload), schema.parsed)
            header = record["ChangeEventHeader"]
            self.counters["received"] += 1
            if header["changeType"] not in CHANGES:
                continue
            self.counters["matched"] += 1
            for record_id in header["recordIds"]:
                self.route(schema, header, record, record_id, received.replay_id)
        self.position = events[-1].replay_id
        self.changed.set()

    def route(self, schema, header, record, record_id, replay):
        changed = schema.names(header["changedFields"])
        nulled = schema.names(header["nulledFields"]) if header["nulledFields"] else ()
        change = header["changeType"]
        body = {"id": record_id, "seq": record["Seq__c"], "entity": header["entityName"], "change": change.lower(),
                "topic": self.topic, "replay": base64.b64encode(replay).decode(),
                "at": rfc3339(header["commitTimestamp"])}  # fmt: skip
        # Unchanged is left out, set to null is null.
        for key, name in (("name", "Name"), ("amount", "Amount__c")):
            value = record[name]
            if value is not None or name in nulled or change in ("CREATE", "UNDELETE"):
                body[key] = value
        address = record.get("BillingAddress")
        if address and address["City"] is not None:
            body["city"] = address["City"]
        body["changed"] = changed
        body["tx"] = header["transactionKey"]
        body["n"] = header["commitNumber"]
        self.number += 1
        name = b"\0".join((self.topic.encode(), replay, record_id.encode()))
        identity = "py_" + hashlib.sha256(name).hexdigest()[:32]
        delivery = Delivery(self.number, identity, record_id, orjson.dumps(body))
        self.fresh.append(delivery)
        self.offer(delivery)

    # Delivering

    def offer(self, delivery):
        self.pending += 1
        lane = self.lanes.get(delivery.lane)
        if lane is None:
            self.lanes[delivery.lane] = collections.deque((delivery,))
            self.ready.put_nowait(delivery)
        else:
            lane.append(delivery)

    async def wait_for_room(self):
        while self.pending >= WINDOW or len(self.fresh) >= UNWRITTEN:
            self.room.clear()
            await self.room.wait()

    async def work(self):
        url = self.config["url"]
        ready, post = self.ready, self.http.post
        while True:
            delivery = await ready.get()
            while True:
                delivery.attempts += 1
                try:
                    async with post(url, data=delivery.body, headers={"webhook-id": delivery.id}) as answer:
                        await answer.read()
                        if 200 <= answer.status < 300:
                            break
                except (aiohttp.ClientError, asyncio.TimeoutError):
                    pass
                self.counters["failed"] += 1
                await asyncio.sleep(random.random() * min(300, 2 ** min(delivery.attempts, 9)))
            self.counters["delivered"] += 1
            self.finished(delivery)

    def finished(self, delivery):
        if delivery.state == "stored":
            self.gone.append(delivery.number)
            self.changed.set()
        elif delivery.state == "writing":
            self.gone.append(delivery.number)
        delivery.state = "done"
        self.pending -= 1
        lane = self.lanes[delivery.lane]
        lane.popleft()
        if lane:
            self.ready.put_nowait(lane[0])
        else:
            del self.lanes[delivery.lane]
        if self.pending < WINDOW:
            self.room.set()

    # Committing

    async def commit_regularly(self):
        while True:
            await self.changed.wait()
            await asyncio.sleep(COMMIT_SECONDS)
            self.changed.clear()
            await self.commit()

    async def commit(self):
        left = [delivery for delivery in self.fresh if delivery.state != "done"]
        gone, position = self.gone, self.position
        self.fresh, self.gone = [], []
        for delivery in left:
            delivery.state = "writing"
        rows = [(delivery.number, delivery.id, delivery.lane, delivery.body) for delivery in left]
        await self.outbox.run(self.outbox.write, self.topic, position, rows, [(number,) for number in gone])
        for delivery in left:
            if delivery.state == "writing":
                delivery.state = "stored"
        if self.gone:
            self.changed.set()
        self.room.set()


def rfc3339(ms):
    seconds, rest = divmod(ms, 1000)
    text = datetime.datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return text + (f".{rest:03d}".rstrip("0") if rest else "") + "Z"


if __name__ == "__main__":
    config = model.load(sys.argv[1])

    async def main():
        await Relay(config).run()

    asyncio.run(main())
