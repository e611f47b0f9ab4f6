"""What the Pub/Sub API does, without sockets: topics, credit, replay, errors, faults on order.

The two servers (pubsub_peer.py on grpcio, raw_peer.py on bare HTTP/2) only carry it. A `Session` is one Subscribe
stream; its owner feeds requests in and calls `step` for what to do next.
"""

import bisect
import dataclasses
import json
import random

import wire
from feed import Feed, FeedSpec, number_of, replay_id

CODE_PREFIX = "sfdc.platform.eventbus.grpc."
MAX_CREDIT = 100
MAX_RESPONSE_BYTES = 3_000_000
STATUS = {
    "OK": 0, "INVALID_ARGUMENT": 3, "NOT_FOUND": 5, "PERMISSION_DENIED": 7, "RESOURCE_EXHAUSTED": 8,
    "UNIMPLEMENTED": 12, "INTERNAL": 13, "UNAVAILABLE": 14, "UNAUTHENTICATED": 16,
}  # fmt: skip


@dataclasses.dataclass
class Abort:
    """End of an RPC. `code` goes into the `error-code` trailer, with its prefix; empty for none."""

    status: str
    code: str = ""
    message: str = ""

    def trailers(self, rpc_name: str, rpc_id: str) -> list[tuple[str, str]]:
        out = [("rpc-id", rpc_id), ("type", rpc_name)]
        return [("error-code", CODE_PREFIX + self.code), *out] if self.code else out


@dataclasses.dataclass
class Send:
    data: bytes


@dataclasses.dataclass
class Wait:
    seconds: float


@dataclasses.dataclass
class Fault:
    """A fault only the server that holds the socket can commit: die, goaway, rst, cut, dribble."""

    kind: str
    options: dict


@dataclasses.dataclass
class BrokerConfig:
    topics: list[dict]
    org_id: str = "00D000000000001EAA"
    instance_url: str = ""
    script: list[dict] = dataclasses.field(default_factory=list)
    keepalive: float = 1.0
    zero_credit: float = 60.0
    seed: int = 1
    unknown_topics_status: str = "NOT_FOUND"
    forbidden_topics: list[str] = dataclasses.field(default_factory=list)


class Topic:
    def __init__(self, spec: FeedSpec, started: float):
        self.feed = Feed(spec)
        self.spec = spec
        self.fields = self.feed.fields()
        self.sizes = [0]
        for field in self.fields:
            self.sizes.append(self.sizes[-1] + len(field))
        self.started = started
        self.held = None  # so many are available, and no more come until `release`
        self.grows = False  # events are added at any moment
        self.floor = 0  # events up to this number left retention
        self.reject_custom = 0  # so many CUSTOM subscriptions are told that their id is corrupted
        self.highest_sent = 0

    def available(self, now: float) -> int:
        if self.held is not None:
            return self.held
        if self.spec.released >= 0:
            return min(len(self.fields), self.spec.released)
        if self.spec.burst:
            return min(len(self.fields), self.spec.burst * (1 + int((now - self.started) / self.spec.pause)))
        if not self.spec.rate:
            return len(self.fields)
        return min(len(self.fields), int((now - self.started) * self.spec.rate))

    def hold(self, now: float):
        self.held = self.available(now)

    def release(self, rate: float, now: float):
        """From now on events become available at this rate; 0: all at once."""
        ready, self.held = self.available(now), None
        self.spec.rate = rate
        self.started = now - ready / rate if rate else 0

    def schema_id(self) -> str:
        """Empty for a multi-entity channel, as the real GetTopic has it."""
        if len(self.spec.entities) > 1:
            return ""
        return next(iter(self.feed.schemas), "")


class Broker:
    def __init__(self, config: BrokerConfig, now: float, token_is_valid=lambda token: True):
        self.config = config
        self.token_is_valid = token_is_valid
        self.topics = {spec["name"]: Topic(FeedSpec(**spec), now) for spec in config.topics}
        self.schemas = {key: text for topic in self.topics.values() for key, text in topic.feed.schemas.items()}
        self.script = [dict(item) for item in config.script]
        self.fired = []
        self.violations = {}
        self.subscribes = []
        self.connections = set()
        self.unary = {"GetTopic": 0, "GetSchema": 0, "Publish": 0}
        self.aborts = []
        self.half_closed = []
        self.requests = 0
        self.responses = 0
        self.sent = {name: 0 for name in self.topics}
        self.published = []
        self.random = random.Random(config.seed)
        self.trouble = None  # what goes wrong with every stream, as an item of the script, until it is None again
        self._rpc = 0

    def violation(self, kind: str, detail: str):
        """The client broke a rule of the API. Never fatal here: the test reports it."""
        entry = self.violations.setdefault(kind, {"count": 0, "first": detail})
        entry["count"] += 1

    def stats(self) -> dict:
        return {
            "violations": self.violations, "subscribes": self.subscribes, "connections": sorted(self.connections),
            "unary": self.unary, "aborts": self.aborts, "requests": self.requests, "responses": self.responses,
            "sent": self.sent, "fired": self.fired, "half_closed": self.half_closed, "published": len(self.published),
            "highest": {name: topic.highest_sent for name, topic in self.topics.items()},
        }  # fmt: skip

    @property
    def calls(self) -> int:
        return self._rpc

    def strike(self, item: dict):
        """Every stream that is open now goes wrong, once."""
        self.trouble = {**item, "through": self._rpc}

    def rpc_id(self) -> str:
        self._rpc += 1
        return f"00000000-0000-4000-8000-{self._rpc:012x}"

    def admit(self, connection: str, metadata: list[tuple[str, str]], streaming: bool) -> Abort | None:
        """Checks what every RPC must carry."""
        self.connections.add(connection)
        values = {}
        for key, value in metadata:
            if key != key.lower():
                self.violation("uppercase metadata", key)
            values.setdefault(key.lower(), value)
        for key in ("accesstoken", "instanceurl", "tenantid"):
            if not values.get(key):
                self.violation("missing metadata", key)
                return Abort("UNAUTHENTICATED", "service.auth.headers.invalid", f"{key} is missing or blank")
        if values["accesstoken"].lower().startswith("bearer"):
            self.violation("accesstoken with Bearer", "raw token expected")
        if values["instanceurl"] != self.config.instance_url:
            self.violation("instanceurl", f"{values['instanceurl']} is not {self.config.instance_url}")
        if values["tenantid"] not in (self.config.org_id, self.config.org_id[:15]):
            self.violation("tenantid", values["tenantid"])
        if streaming and "grpc-timeout" in values:
            self.violation("grpc-timeout on Subscribe", values["grpc-timeout"])
        if not self.token_is_valid(values["accesstoken"]):
            return Abort("UNAUTHENTICATED", "service.auth.error", "The session is invalid or expired")
        return None

    def get_topic(self, name: str):
        self.unary["GetTopic"] += 1
        refused = self.refusal(name)
        if refused:
            return self.aborted("GetTopic", name, refused)
        return wire.messages.TopicInfo(
            topic_name=name, tenant_guid=f"core/prod/{self.config.org_id[:15]}", can_publish=name.startswith("/event/"),
            can_subscribe=True, schema_id=self.topics[name].schema_id(), rpc_id=self.rpc_id(),
        )  # fmt: skip

    def get_schema(self, schema_id: str):
        self.unary["GetSchema"] += 1
        if not schema_id:
            self.violation("blank schema id", "GetSchema")
            return Abort("INVALID_ARGUMENT", "schema.validation.failed", "schema ID can't be blank")
        text = self.schemas.get(schema_id)
        if text is None:
            return self.aborted("GetSchema", schema_id, Abort("NOT_FOUND", "", f"no schema {schema_id}"))
        return wire.messages.SchemaInfo(schema_json=text, schema_id=schema_id, rpc_id=self.rpc_id())

    def teach(self, schema_id: str):
        """From now on this id is known: as the schema of the first topic."""
        self.schemas[schema_id] = next(iter(self.schemas.values()))

    def publish(self, request):
        self.unary["Publish"] += 1
        results = []
        for event in request.events:
            self.published.append(event)
            results.append(
                wire.messages.PublishResult(
                    replay_id=replay_id(10_000_000 + len(self.published)), correlation_key=event.id
                )
            )
        schema = request.events[0].schema_id if request.events else ""
        return wire.messages.PublishResponse(results=results, schema_id=schema, rpc_id=self.rpc_id())

    def refusal(self, name: str) -> Abort | None:
        if name in self.config.forbidden_topics:
            return Abort(
                "PERMISSION_DENIED", "subscription.topic.cannot.subscribe", f"The user may not subscribe to {name}."
            )
        if name not in self.topics:
            return Abort(
                self.config.unknown_topics_status, "topic.not.found", f"The topic {name} does not exist or no access."
            )
        return None

    def aborted(self, rpc: str, detail: str, abort: Abort) -> Abort:
        if len(self.aborts) < 1000:
            self.aborts.append([rpc, detail, abort.status, abort.code])
        return abort

    def script_before(self, topic: str, first: int, last: int) -> dict | None:
        """The earliest unfired script item of this topic with first <= at <= last."""
        due = [item for item in self.script if item["topic"] == topic and first <= item["at"] <= last]
        return min(due, key=lambda item: item["at"], default=None)

    def fire(self, item: dict):
        self.script.remove(item)
        self.fired.append(item)


class Session:
    """One Subscribe stream."""

    def __init__(self, broker: Broker, connection: str):
        self.broker = broker
        self.connection = connection
        self.rpc_id = broker.rpc_id()
        self._number = broker.calls
        self.topic = None
        self.credit = 0
        self.position = 0  # number of the last event sent
        self.silent = False
        self.deaf = False
        self._half_closed = False
        self._zero_since = None
        self._last_response = None
        self._troubled = False

    def on_request(self, request, now: float) -> Abort | None:
        broker = self.broker
        broker.requests += 1
        if request.auth_refresh:
            broker.violation("auth_refresh set", "FetchRequest")
        first = self.topic is None
        abort = self._start(request, now) if first else self._check_follow_up(request)
        if abort:
            return broker.aborted("Subscribe", request.topic_name, abort)
        if request.num_requested <= 0:
            broker.violation("num_requested <= 0", str(request.num_requested))
            abort = Abort("INVALID_ARGUMENT", "subscription.fetch.requested.events.invalid")
            return broker.aborted("Subscribe", request.topic_name, abort)
        if self.deaf:
            return None
        if self.credit + request.num_requested > MAX_CREDIT:
            broker.violation("more than 100 outstanding", f"{self.credit} + {request.num_requested}")
        self.credit = min(MAX_CREDIT, self.credit + request.num_requested)
        self._zero_since = None
        return None

    def on_half_close(self):
        if not self._half_closed:
            self._half_closed = True
            self.broker.half_closed.append(self.topic.spec.name if self.topic else "")

    def step(self, now: float):
        """The next thing to do: Send, Wait, Abort or Fault."""
        if self._half_closed:
            return Abort("OK")
        if self.topic is None:
            return Wait(1.0)
        if self.silent:
            return Wait(3600.0)
        trouble = self.broker.trouble
        if trouble and not self._troubled and self._number <= trouble.get("through", self._number):
            self._troubled = True
            return self._go_wrong(self.broker.trouble)
        ready = self.topic.available(now) - self.position
        if self.credit == 0:
            return self._at_zero_credit(now)
        if ready <= 0:
            return self._idle(now)
        return self._batch(ready, now)

    def _start(self, request, now) -> Abort | None:
        broker, name = self.broker, request.topic_name
        refused = broker.refusal(name)
        if refused:
            return refused
        topic = broker.topics[name]
        preset = request.replay_preset
        number = number_of(request.replay_id) if request.replay_id else None
        broker.subscribes.append([name, preset, number, self.connection, round(now, 3)])
        if preset == 2:
            if not request.replay_id:
                broker.violation("CUSTOM without replay id", name)
                return Abort("INVALID_ARGUMENT", "subscription.fetch.replayid.validation.failed")
            if topic.reject_custom > 0:
                topic.reject_custom -= 1
                return Abort("INVALID_ARGUMENT", "subscription.fetch.replayid.corrupted", "The replay ID is invalid.")
            if number is None or number > len(topic.fields) or number < topic.floor:
                return Abort("INVALID_ARGUMENT", "subscription.fetch.replayid.corrupted", "The replay ID is invalid.")
            self.position = number
        else:
            if request.replay_id:
                broker.violation("replay id without CUSTOM", name)
            self.position = topic.floor if preset == 1 else topic.available(now)
        self.topic = topic
        self._last_response = now
        return None

    def _check_follow_up(self, request) -> Abort | None:
        broker, name = self.broker, self.topic.spec.name
        if request.replay_preset or request.replay_id:
            broker.violation("replay fields in a follow-up", name)
        if request.topic_name and request.topic_name != name:
            broker.violation("topic changed in a follow-up", f"{name} to {request.topic_name}")
            return Abort("INVALID_ARGUMENT", "subscription.fetch.topic.mismatch")
        return None

    def _at_zero_credit(self, now):
        limit = 0.5 if self.deaf else self.broker.config.zero_credit
        if self._zero_since is None:
            self._zero_since = now
        left = self._zero_since + limit - now
        if left > 0:
            return Wait(left)
        if not self.deaf:
            self.broker.violation("idle at zero credit", self.topic.spec.name)
        return self.broker.aborted("Subscribe", self.topic.spec.name, Abort("OK", "", "closed for lack of credit"))

    def _idle(self, now):
        due = self._last_response + self.broker.config.keepalive
        if now >= due:
            self._last_response = now
            return Send(wire.fetch_response([], replay_id(self.position), self.rpc_id, self.credit))
        is_lively = self.topic.grows or self.topic.spec.rate and self.position < len(self.topic.fields)
        return Wait(min(due - now, 5.0, 0.02 if is_lively else 5.0))

    def _batch(self, ready, now):
        topic, broker = self.topic, self.broker
        count = min(ready, self.credit)
        if count > 1 and broker.random.random() < 0.2:
            count = broker.random.randint(1, count)
        limit = topic.sizes[self.position] + MAX_RESPONSE_BYTES
        count = max(1, min(count, bisect.bisect_right(topic.sizes, limit) - 1 - self.position))
        item = broker.script_before(topic.spec.name, self.position + 1, self.position + count)
        if item:
            if item["at"] == self.position + 1:
                return self._fault(item)
            count = item["at"] - self.position - 1
        begin = self.position
        self.position += count
        self.credit -= count
        self._last_response = now
        topic.highest_sent = max(topic.highest_sent, self.position)
        broker.sent[topic.spec.name] += count
        broker.responses += 1
        # In a full batch the API's latest id may be ahead of the events in it; that is a trap worth laying.
        latest = replay_id(max(self.position, min(topic.available(now), self.position + 10)))
        return Send(wire.fetch_response(topic.fields[begin : self.position], latest, self.rpc_id, self.credit))

    def _fault(self, item):
        self.broker.fire(item)
        return self._go_wrong(item)

    def _go_wrong(self, item):
        broker, name = self.broker, self.topic.spec.name
        kind = item["kind"]
        if kind == "status":
            return broker.aborted(
                "Subscribe", name, Abort(item["status"], item.get("code", ""), item.get("message", "scripted"))
            )
        if kind == "corrupt":
            self.topic.reject_custom = item.get("times", 1)
            return broker.aborted("Subscribe", name, Abort("UNAVAILABLE", "service.unavailable", "scripted"))
        if kind == "silence":
            self.silent = True
            return Wait(3600.0)
        if kind == "repeat":
            self.position = max(0, self.position - item.get("count", 20))
            return Wait(0.0)
        if kind == "zero_credit":
            self.deaf, self.credit = True, 0
            return Wait(0.0)
        return Fault(kind, item)


def config_from(document: dict) -> BrokerConfig:
    known = {field.name for field in dataclasses.fields(BrokerConfig)}
    return BrokerConfig(**{key: value for key, value in document.items() if key in known})


def load(path: str) -> dict:
    with open(path) as file:
        return json.load(file)
