"""The HTTP side of the world: Salesforce's token endpoint, and a receiver that is webhook, FlowMate and integrator.io.

Run as `python http_peers.py <config.json>` it is the receiver; the token endpoint runs inside the Pub/Sub peer, so that
both know which tokens are good.
"""

import asyncio
import random
import re
import sys
import time
import urllib.parse

import orjson

import http_server
from control import Control
from http_server import response
from integrator_peer import Integrator
from ledger import Ledger

FLOWMATE = re.compile(r"^/(?:webhooks|hook)/([0-9a-f]{24})$")
LISTENER = re.compile(r"^/v1/exports/([0-9a-f]{24})(?:/([^/]+))?/data$")
HEX32 = re.compile(r"^[0-9a-f]{32}$")
JSON = ("application/json", "application/cloudevents+json")
PERMANENT = {400, 413, 415}
ACCEPTING = ("lost_answer", "half_head", "slow", "half_body", "close")
ANSWER_LEFT = {
    "half_head": lambda answer: answer[:10],
    "half_body": lambda answer: answer[:-3],
    "close": lambda answer: answer,
}  # fmt: skip


class TokenEndpoint:
    """Client credentials, userinfo, and tokens that can be revoked.

    Tokens carry a generation, so that they outlive a restart of this process: a token is good while its generation
    is not below `oldest`.
    """

    def __init__(self, org_id, client_id="interop-client", client_secret="interop-secret", login_error=None):
        self.org_id = org_id
        self.credentials = (client_id, client_secret)
        self.login_error = login_error  # answer every token request with this OAuth error
        self.outage = None  # answer every token request with this HTTP status
        self.generation = self.oldest = 1
        self.issued = 0
        self.given = set()
        self.refused = 0
        self.base_url = ""

    def revoke_all(self):
        self.generation += 1
        self.oldest = self.generation

    def is_valid(self, token: str) -> bool:
        match = re.fullmatch(rf"{self.org_id[:15]}!interop\.(\d+)\.\d+", token)
        return bool(match) and int(match[1]) >= self.oldest

    def handle(self, request) -> bytes:
        if request.path == "/services/oauth2/token" and request.method == "POST":
            return self._token(request)
        if request.path == "/services/oauth2/userinfo":
            token = request.headers.get("authorization", "").removeprefix("Bearer ")
            if not self.is_valid(token):
                return response(403, b"Bad_OAuth_Token", "text/html")
            return response(200, orjson.dumps({"organization_id": self.org_id, "user_id": "005000000000001AAA"}))
        return response(404, b'[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]')

    def _token(self, request):
        if self.outage:
            return response(self.outage, b"<html>Down for maintenance</html>", "text/html")
        form = dict(urllib.parse.parse_qsl(request.body.decode()))
        if self.login_error:
            return self._refuse(self.login_error, "scripted")
        if form.get("grant_type") != "client_credentials":
            return self._refuse("unsupported_grant_type", "grant type not supported")
        if form.get("client_id") != self.credentials[0]:
            return self._refuse("invalid_client_id", "client identifier invalid")
        if form.get("client_secret") != self.credentials[1]:
            return self._refuse("invalid_client", "invalid client credentials")
        self.issued += 1
        answer = {
            "access_token": f"{self.org_id[:15]}!interop.{self.generation}.{self.issued}",
            "signature": "c2lnbmF0dXJl",
            "scope": "api",
            "instance_url": self.base_url,
            "id": f"https://login.salesforce.com/id/{self.org_id}/005000000000001AAA",
            "token_type": "Bearer",
            "issued_at": str(int(time.time() * 1000)),
        }
        self.given.add(answer["access_token"])
        return response(200, orjson.dumps(answer), "application/json;charset=UTF-8")

    def _refuse(self, error, description):
        self.refused += 1
        return response(400, orjson.dumps({"error": error, "error_description": description}))


class FailureRule:
    """How some requests go wrong. `prefix` selects by path; `count` limits how often, `p` says how likely, `every` how
    regular.

    mode: `status` (answer `status`, with `retry_after`), `reset` (connection reset, nothing counted), `never` (no answer,
    nothing counted), `lost_answer` (accepted, then reset: the sender cannot know), `half_head` (the same, after half of
    the answer's first line), `slow` (accepted after `seconds`), `half_body` (accepted, the answer breaks off in its body),
    `close` (accepted, and the connection closed).
    """

    def __init__(self, mode="status", prefix="/", status=503, retry_after=None, count=None, p=1.0, every=1, seed=1,
                 seconds=0.5, body="", record=None):  # fmt: skip
        self.mode = mode
        self.prefix = prefix
        self.status = status
        self.retry_after = retry_after
        self.left = count
        self.p = p
        self.every = every
        self.random = random.Random(seed)
        self.seconds = seconds
        self.body = body
        self.record = record
        self.seen = 0
        self.times = []

    def applies(self, request, record) -> bool:
        if self.left == 0 or not request.target.startswith(self.prefix):
            return False
        if self.record is not None and record != self.record:
            return False
        self.seen += 1
        if self.seen % self.every or self.random.random() >= self.p:
            return False
        if self.left is not None:
            self.left -= 1
        return True


class Receiver:
    """Every path that takes events has its own ledger, under the path's name; each replay another, under the path's name,
    a space, and the replay's."""

    def __init__(self, keep_bodies=200, clock_tolerance=5):
        self.ledgers = {}
        self.keep_bodies = keep_bodies
        self.clock_tolerance = clock_tolerance  # seconds between a sender's clock and ours
        self.failures = []
        self.connections = 0
        self.open = []
        self.requests = 0
        self.samples = {}  # path -> headers and body of the first request
        self.arrivals = {}  # delivery id -> times, for deliveries that failed at least once
        self.request_ids = {}
        self.integrator = Integrator()
        self.inputs = {"id": "string", "seq": "number", "entity": "string"}  # what every FlowMate flow takes
        self.edits = 0

    def opened(self, connection):
        self.connections += 1
        self.open = [other for other in self.open if other.transport] + [connection]

    def drop(self):
        """Ends every connection that is open."""
        for connection in self.open:
            connection.reset()

    def handle(self, request) -> bytes | None:
        self.requests += 1
        path = request.path
        if path.startswith("/v1/") and not LISTENER.match(path):
            failure = self._failure(request, None)
            return self._fail(failure, request) if failure else self.integrator.handle(request)
        if request.method == "HEAD":
            return response(200)
        if request.method == "GET" and path.startswith("/flows"):
            return self._flows(path)
        replay = request.headers.get("sluice-replay")
        name = f"{path} {replay}" if replay else path
        ledger = self.ledgers.get(name)
        if ledger is None:
            ledger = self.ledgers[name] = Ledger(self.keep_bodies, suffix=f"_{replay}" if replay else "")
        if request.method not in ("POST", "PUT", "PATCH", "DELETE"):
            ledger.fault("a method that runs the flow without an event", request.method)
            return response(405)
        return self._event(request, path, name, ledger)

    def stats(self):
        return {
            "ledgers": {path: ledger.stats() for path, ledger in self.ledgers.items()},
            "connections": self.connections, "requests": self.requests, "samples": self.samples,
            "integrator": self.integrator.stats(),
            "failures": [{"seen": rule.seen, "times": rule.times[:1000]} for rule in self.failures],
        }  # fmt: skip

    def edit_flows(self, inputs):
        self.inputs = inputs
        self.edits += 1

    def distinct(self):
        """Deliveries accepted at least once, by path."""
        return {path: ledger.distinct for path, ledger in self.ledgers.items()}

    def _event(self, request, path, name, ledger):
        if name not in self.samples:
            self.samples[name] = {"headers": request.headers, "body": request.body[:2000].decode("utf-8", "replace")}
        delivery = request.headers.get("webhook-id", "")
        try:
            body = orjson.loads(request.body)
            event = body["data"] if FLOWMATE.match(path) or "data" in body else body
            record, seq = event["id"], int(event["seq"])
        except (ValueError, KeyError, TypeError) as error:
            ledger.fault("body cannot be read", f"{error}: {request.body[:200]!r}")
            return response(400)
        self._check_headers(request, path, delivery, ledger)
        ledger.attempt(delivery, record, seq, request.body)
        if delivery in self.arrivals:
            self.arrivals[delivery].append(time.time())
        failure = self._failure(request, record)
        if failure and failure.mode not in ACCEPTING:
            self.arrivals.setdefault(delivery, [time.time()])
            if failure.mode == "status" and failure.status in PERMANENT:
                ledger.refuse(record, seq)
            return self._fail(failure, request)
        ledger.accept(delivery, record, seq, request.body)
        if failure:
            return self._fail(failure, request, self._success(request, path))
        return self._success(request, path)

    def _flows(self, path) -> bytes:
        """FlowMate's flow list, or one flow: active, and taking what the tests' rule sends."""
        flow = {
            "id": path.removeprefix("/flows/"), "status": "active", "owners": [], "graph": {"nodes": [{"id": "first"}]},
            "payload": {"inputParameters": self.inputs}, "updatedAt": f"2026-01-01T00:00:{self.edits:02}Z",
        }  # fmt: skip
        listed = {"data": [], "meta": {"total": 0, "page": 1, "perPage": 100, "totalPages": 0}}
        return response(200, orjson.dumps(listed if path == "/flows" else {"data": flow, "meta": {}}))

    def _check_headers(self, request, path, delivery, ledger):
        headers = request.headers
        stamp = headers.get("webhook-timestamp", "")
        if not stamp.isdigit() or abs(int(stamp) - time.time()) > self.clock_tolerance:
            ledger.fault("webhook-timestamp is not the time of the attempt", stamp)
        if headers.get("content-type", "").partition(";")[0].strip() not in JSON:
            ledger.fault("content-type", headers.get("content-type", "none"))
        flow = FLOWMATE.match(path)
        if flow:
            if "origin" in headers:
                ledger.fault("Origin header", headers["origin"])
            request_id = headers.get("x-request-id", "")
            if not HEX32.match(request_id):
                ledger.fault("x-request-id is not 32 lower-case hex digits", request_id)
            owner = self.request_ids.setdefault(request_id, (flow[1], delivery))
            if owner != (flow[1], delivery):
                ledger.fault("one x-request-id for two flows or deliveries", request_id)

    def _success(self, request, path) -> bytes:
        if FLOWMATE.match(path):
            answer = {"data": {"requestId": request.headers.get("x-request-id", ""), "message": "thank you"}}
            return response(200, orjson.dumps(answer))
        if LISTENER.match(path):
            return response(204)
        return response(200, b'{"ok":true}')

    def _failure(self, request, record):
        return next((rule for rule in self.failures if rule.applies(request, record)), None)

    def _fail(self, rule, request, success=None):
        rule.times.append(time.time())
        connection = request.connection
        if rule.mode == "slow":
            if success is None:
                success = self.integrator.handle(request)
            asyncio.get_running_loop().call_later(rule.seconds, connection.answer, success)
            return None
        if rule.mode == "status":
            headers = [("Retry-After", str(rule.retry_after))] if rule.retry_after is not None else []
            return response(rule.status, rule.body.encode(), "application/json", headers)
        if rule.mode in ACCEPTING and success is None:
            success = self.integrator.handle(request)
        if rule.mode in ANSWER_LEFT:
            connection.answer_and_close(ANSWER_LEFT[rule.mode](success))
        elif rule.mode != "never":
            connection.reset()
        return None


async def run_receiver(config: dict):
    receiver = Receiver(config.get("keep_bodies", 200), config.get("clock_tolerance", 5))
    _, port = await http_server.listen(receiver.handle, port=config.get("port", 0), on_open=receiver.opened)

    def fail(**rule):
        receiver.failures.append(FailureRule(**rule))

    control = Control(
        {
            "stats": receiver.stats,
            "distinct": receiver.distinct,
            "pairs": lambda path: receiver.ledgers[path].pairs() if path in receiver.ledgers else [],
            "bodies": lambda path: receiver.ledgers[path].bodies if path in receiver.ledgers else [],
            "times": lambda path: receiver.ledgers[path].times if path in receiver.ledgers else [],
            "again": lambda path: receiver.ledgers[path].again if path in receiver.ledgers else [],
            "arrivals": lambda: receiver.arrivals,
            "fail": fail,
            "heal": receiver.failures.clear,
            "drop": receiver.drop,
            "integrator": receiver.integrator.configure,
            "edit_flows": receiver.edit_flows,
        }
    )
    control.announce(ready={"port": port})
    await control.serve()


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as file:
        asyncio.run(run_receiver(orjson.loads(file.read())))
