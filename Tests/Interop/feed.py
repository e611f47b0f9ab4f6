"""The events of a topic, made once from a seed, and what a correct relay makes of them.

Every event carries its own number in `Seq__c`, so a receiver can see loss, order per record and repetition
without asking anybody.
"""

import base64
import dataclasses
import datetime
import hashlib
import io
import random
import struct

import fastavro
import orjson

import schemas
import wire

BASE_REPLAY = 0x17905000
REPLAY_STEP = 3  # not contiguous on purpose: nobody may count with replay ids
USER = "005000000000001AAA"
ORIGIN = "com/salesforce/api/rest/66.0;client=interop"


def replay_id(number: int) -> bytes:
    """Ten opaque bytes, as captured ones look: a counter and two zero bytes. `number` is 1 for the first event."""
    return struct.pack(">QH", BASE_REPLAY + number * REPLAY_STEP, 0)


def number_of(replay: bytes) -> int | None:
    """The inverse, 0 for "before the first event"; None for bytes no event ever had."""
    if len(replay) != 10 or replay[8:] != b"\0\0":
        return None
    offset = struct.unpack(">Q", replay[:8])[0] - BASE_REPLAY
    return offset // REPLAY_STEP if offset >= 0 and offset % REPLAY_STEP == 0 else None


@dataclasses.dataclass
class FeedSpec:
    """`entities` picks from ENTITIES. `schema_change_every` n: every n events the other schema version.
    `burst` and `pause`: so many events become available together, that many seconds apart, and are committed then.
    `released`: only so many are available, until the peer is told of more; -1 for all.
    `poison`: numbers of events whose payload is rubbish. `unknown_schema`: numbers whose schema id nobody knows.
    `merged_every` n: every n-th event names two records. `pad`: characters of Notes__c, to make events big."""

    name: str
    count: int
    entities: list[str]
    records: int = 50
    record_base: int = 0
    seed: int = 1
    pad: int = 80
    schema_change_every: int = 0
    poison: list[int] = dataclasses.field(default_factory=list)
    unknown_schema: list[int] = dataclasses.field(default_factory=list)
    merged_every: int = 97
    base_ms: int = 1_790_000_000_000
    rate: float = 0  # events per second becoming available; 0: all at once
    burst: int = 0
    pause: float = 0
    released: int = -1

    def commit_ms(self, number: int) -> int:
        if not self.burst:
            return self.base_ms + number * 1000 + (number % 2) * 123
        return self.base_ms + int((number - 1) // self.burst * self.pause * 1000) + (number - 1) % self.burst // 10


@dataclasses.dataclass
class Entity:
    api_name: str
    prefix: str
    schema: object


ENTITIES = {
    "Account": Entity("Account", "001", schemas.account),
    "ProductionOrder": Entity("sfy24__ProductionOrder__c", "a0P", schemas.production_order),
    "Opportunity": Entity("Opportunity", "006", schemas.opportunity),
    "Case": Entity("Case", "500", schemas.case),
    "OrderReady": Entity("Order_Ready__e", "", schemas.order_ready),
}


@dataclasses.dataclass
class FedEvent:
    """One event as sent, and what is true about it."""

    number: int
    entity: str
    change: str
    record_ids: list[str]
    schema_id: str
    payload: bytes
    header: dict
    changed: list[str]
    record: dict  # what the event tells: absent fields are not keys
    delivered: bool  # false for events that cannot be decoded


class Feed:
    def __init__(self, spec: FeedSpec):
        self.spec = spec
        self.schemas = {}
        self._random = random.Random(f"{spec.seed}/{spec.name}")
        self._rpc = hashlib.md5(spec.name.encode()).hexdigest()

    def events(self):
        for number in range(1, self.spec.count + 1):
            yield self._event(number)

    def fields(self) -> list[bytes]:
        """Element n − 1 is event n, ready to be joined into a FetchResponse."""
        return [
            wire.consumer_event_field(
                _uuid(self._rpc, event.number), event.schema_id, event.payload, replay_id(event.number)
            )
            for event in self.events()
        ]

    def _event(self, number) -> FedEvent:
        entity = ENTITIES[self.spec.entities[number % len(self.spec.entities)]]
        every = self.spec.schema_change_every
        version = 2 if every and (number // every) % 2 else 1
        writer = schemas.writer(entity.schema, version)
        self.schemas[writer.id] = writer.json
        make = self._platform_event if entity.api_name.endswith("__e") else self._change_event
        event = make(number, entity, writer)
        if number in self.spec.poison:
            event.payload, event.delivered = b"\xff" * 11 + event.payload[11:40], False
        if number in self.spec.unknown_schema:
            event.schema_id, event.delivered = "AAAAAAAAAAAAAAAAAAAAAA", False
        return event

    def _change_event(self, number, entity, writer) -> FedEvent:
        pick = self._random
        change = pick.choices(["UPDATE", "CREATE", "UNDELETE", "DELETE"], [86, 9, 2, 3])[0]
        ids = self._record_ids(number, entity, change)
        record, values, changed, nulled = self._values(number, writer, change)
        header = {
            "entityName": entity.api_name,
            "recordIds": ids,
            "changeType": change,
            "changeOrigin": ORIGIN if number % 5 else "",
            "transactionKey": _uuid(self._rpc[::-1], number // 3),
            "sequenceNumber": number % 3 + 1,
            "commitTimestamp": self.spec.commit_ms(number),
            "commitNumber": 12_279_648_000_000 + number,
            "commitUser": USER,
            "nulledFields": writer.bitmap(nulled),
            "diffFields": [],
            "changedFields": writer.bitmap(changed),
        }
        payload = _encode(writer, {"ChangeEventHeader": header, **values})
        return FedEvent(
            number, entity.api_name, change.lower(), ids, writer.id, payload, header, changed, record, True
        )

    def _values(self, number, writer, change):
        """(what the event tells, the Avro values, changed names, nulled names)."""
        pick = self._random
        values = {"Seq__c": float(number)}
        if change == "DELETE":
            return dict(values), values, [], []
        values["LastModifiedDate"] = self.spec.base_ms + number * 1000
        values["Notes__c"] = "n" * self.spec.pad
        values["Amount__c"] = pick.randrange(1, 10_000_000) / 100
        nulled = []
        if "Name" not in writer.names:
            values["Subject"] = f"Case {number}"
        elif pick.random() < 0.5:
            values["Name"] = f"Ünï {number} \"q\" \\ \u2028 end"
        elif change == "UPDATE" and pick.random() < 0.2:
            nulled = ["Name"]
        changed = [name for name in writer.names if name in values or name in nulled]
        # A create always has one, so that no test depends on what a path through a null parent gives.
        if "BillingAddress" in writer.names and (change != "UPDATE" or pick.random() < 0.3):
            values["BillingAddress"] = {"City": f"Gent {number}"}
            changed.append("BillingAddress.City")
        record = {**values, **dict.fromkeys(nulled)}
        if change != "UPDATE":
            record = {name: values.get(name) for name in writer.names[1:]}
            return record, values, [], []
        return record, values, changed, nulled

    def _record_ids(self, number, entity, change):
        pick = self._random
        count = 1
        if self.spec.merged_every and number % self.spec.merged_every == 0 and change == "UPDATE":
            count = 2
        chosen = pick.sample(range(self.spec.records), count)
        return [f"{entity.prefix}0000000{self.spec.record_base + index:05d}AAA" for index in chosen]

    def _platform_event(self, number, entity, writer) -> FedEvent:
        order = f"SO-{self._random.randrange(self.spec.records):05d}"
        values = {
            "CreatedDate": self.spec.base_ms + number * 1000,
            "CreatedById": USER,
            "Order_Number__c": order,
            "Seq__c": float(number),
            "Amount__c": None,
            "Notes__c": None,
        }
        if "Added__c" in writer.names:
            values["Added__c"] = None
        payload = _encode(writer, values)
        return FedEvent(number, entity.api_name, "", [order], writer.id, payload, {}, [], values, True)


# The body the tests' rule writes; `expected_bodies` is its twin in Python. Keys stand in the same order.
RULE_BODY = [
    ("id", "${recordId}"),
    ("seq", "${record.?Seq__c}"),
    ("entity", "${event.entity}"),
    ("change", "${event.change}"),
    ("topic", "${event.topic}"),
    ("replay", "${event.replayId}"),
    ("at", "${event.time}"),
    ("name", "${record.?Name}"),
    ("amount", "${record.?Amount__c}"),
    ("city", "${record.?BillingAddress.?City}"),
    ("changed", "${header.changedFields}"),
    ("tx", "${header.transactionKey}"),
    ("n", "${header.commitNumber}"),
]


def expected_bodies(spec: FeedSpec):
    """(record id, number, body bytes) of every delivery the tests' rule must make, in stream order."""
    for event in Feed(spec).events():
        if event.delivered:
            for record in event.record_ids:
                yield record, event.number, _expected_body(spec.name, event, record)


def _expected_body(topic, event: FedEvent, record_id) -> bytes:
    body = {
        "id": record_id,
        "seq": event.number,
        "entity": event.entity,
        "change": event.change,
        "topic": topic,
        "replay": base64.b64encode(replay_id(event.number)).decode(),
        "at": _rfc3339(event.header["commitTimestamp"]),
    }
    if "Name" in event.record:
        body["name"] = event.record["Name"]
    if "Amount__c" in event.record:
        body["amount"] = _number(event.record["Amount__c"])
    address = event.record.get("BillingAddress")
    if address and "City" in address:
        body["city"] = address["City"]
    body["changed"] = event.changed
    body["tx"] = event.header["transactionKey"]
    body["n"] = event.header["commitNumber"]
    return orjson.dumps(body)


def _number(value):
    return int(value) if value is not None and value == int(value) else value


def _rfc3339(ms: int) -> str:
    seconds, rest = divmod(ms, 1000)
    text = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    return text + (f".{rest:03d}".rstrip("0") if rest else "") + "Z"


def _encode(writer, values) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, writer.parsed, values)
    return out.getvalue()


def _uuid(stem: str, number: int) -> str:
    digits = stem[:20] + f"{number:012x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
