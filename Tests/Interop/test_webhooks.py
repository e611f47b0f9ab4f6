"""Generic webhooks: what signs, what authorizes, what an independent reader makes of them, and what is never called."""

import base64
import datetime
import hashlib
import hmac
import json
import pathlib
import shutil
import subprocess
import sys

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http
from cloudevents.core.formats.json import JSONFormat
from standardwebhooks import Webhook, WebhookVerificationError

import webhook_peer
from certificates import Authority
from feed import Feed, FeedSpec
from harness import free_port, wait_until
from peer_process import PeerProcess
from test_main_job import tinyproxy

TOPIC = "/data/AccountChangeEvent"
NEW, OLD = (base64.b64encode(bytes([number]) * 32).decode() for number in (7, 9))
EVENTS = 4


class Hooks:
    """A Pub/Sub peer with a few events, a receiver, and rules that deliver each event to every destination."""

    def __init__(self, world, tls=False, events=EVENTS, **feed):
        self.world = world
        self.spec = FeedSpec(TOPIC, events, ["Account"], merged_every=0, **feed)
        self.salesforce = world.salesforce([self.spec])
        folder = world.folder / "hooks"
        folder.mkdir()
        config = {}
        self.authority = self.stranger = None
        if tls:
            self.authority = Authority(folder, "hook-ca")
            certificate, key = self.authority.issue("hook")
            config = {"certificate": certificate, "key": key, "client_ca": self.authority.path}
        self.receiver = world._keep(PeerProcess("webhook_peer.py", config, folder, "receiver"))
        self.port = self.receiver.ready["port"]
        self.workspace = world.workspace(self.salesforce)
        self.workspace.write_config([TOPIC])
        self.rules = []
        self.destinations = []

    def add(self, name, options="", delivery="body: {id: \"${recordId}\", seq: \"${record.Seq__c}\"}", url=None):
        url = url or f"http://127.0.0.1:{self.port}/{name}"
        plain = ", allowHttp: true" if url.startswith("http:") else ""
        self.destinations.append(f"  {name}: {{kind: webhook, url: \"{url}\"{plain}{', ' if options else ''}{options}}}")
        self.rules.append(
            f"  - id: to-{name}\n    match: {{entity: \"*\", change: [create, update, delete, undelete]}}\n"
            f"    to: {{destination: {name}, {delivery}}}")  # fmt: skip

    def write(self):
        text = "\n".join(["sluice: 1", "destinations:", *self.destinations, "rules:", *self.rules]) + "\n"
        self.workspace.write_rules(text)

    def run(self):
        self.write()
        return self.workspace.run()

    def requests(self, path):
        return self.receiver.call("stats", path=path)["requests"]

    def store_has(self, table, count):
        return self.workspace.store.exists() and self.workspace.count(table) == count

    def wait(self, sluice, *paths, count=EVENTS, seconds=40):
        for path in paths:
            wait_until(lambda: len(self.requests(path)) >= count, f"{count} requests at {path}", seconds,
                       or_fail=sluice.ended)  # fmt: skip


def signed(algorithm, encoding, prefix=""):
    before = f'prefix: "{prefix}", ' if prefix else ""
    return (f"sign: {{scheme: hmac, algorithm: {algorithm}, encoding: {encoding}, header: x-sig, {before}"
            "secrets: [{env: KEY}]}")  # fmt: skip


HMACS = [("sha1", "hex", "sha1="), ("sha256", "base64", ""), ("sha384", "hex", ""), ("sha512", "base64", "v0=")]


def test_signatures_are_accepted_by_independent_verifiers(binary, world):
    hooks = Hooks(world)
    hooks.workspace.environment.update(NEW=f"whsec_{NEW}", OLD=OLD, KEY="any secret text")
    hooks.add("standard", "sign: {scheme: standard-webhooks, secrets: [{env: NEW}, {env: OLD}]}")
    for algorithm, encoding, prefix in HMACS:
        hooks.add(algorithm, signed(algorithm, encoding, prefix))
    with hooks.run() as sluice:
        hooks.wait(sluice, "/standard", *(f"/{name}" for name, _, _ in HMACS))
        assert sluice.stop() == 0
    for request in hooks.requests("/standard"):
        for secret in (NEW, f"whsec_{OLD}"):
            assert Webhook(secret).verify(request["body"], request["headers"])["id"].startswith("001")
        with pytest.raises(WebhookVerificationError):
            Webhook(base64.b64encode(b"another").decode()).verify(request["body"], request["headers"])
        with pytest.raises(WebhookVerificationError):
            Webhook(NEW).verify(request["body"] + " ", request["headers"])
    for algorithm, encoding, prefix in HMACS:
        for request in hooks.requests(f"/{algorithm}"):
            digest = hmac.new(b"any secret text", request["body"].encode(), getattr(hashlib, algorithm)).digest()
            text = digest.hex() if encoding == "hex" else base64.b64encode(digest).decode()
            assert request["headers"]["x-sig"] == prefix + text


CLOUD_EVENT = (
    'cloudevent: {type: com.example.account, subject: "${recordId}", extensions: {tenant: "a b/ü"}}, '
    'data: {id: "${recordId}", seq: "${record.Seq__c}", name: "ü"}'
)


def test_cloudevents_are_parsed_by_the_sdk_in_both_modes(binary, world):
    hooks = Hooks(world)
    hooks.workspace.environment.update(NEW=NEW)
    sign = "sign: {scheme: standard-webhooks, secrets: [{env: NEW}]}"
    hooks.add("structured", sign, "format: cloudevents, " + CLOUD_EVENT)
    hooks.add("binary", sign, "format: cloudevents-binary, " + CLOUD_EVENT)
    with hooks.run() as sluice:
        hooks.wait(sluice, "/structured", "/binary")
        assert sluice.stop() == 0
    for mode in ("structured", "binary"):
        seen = set()
        for request in hooks.requests(f"/{mode}"):
            message = HTTPMessage(headers=request["headers"], body=request["body"].encode())
            event = from_http(message, JSONFormat())
            assert event.get_specversion() == "1.0" and event.get_type() == "com.example.account"
            assert event.get_source() and event.get_id() not in seen
            seen.add(event.get_id())
            data = event.get_data()
            data = json.loads(data) if isinstance(data, (str, bytes)) else data
            assert data["id"] == event.get_subject() and data["name"] == "ü"
            assert event.get_extension("tenant") == "a b/ü"
            assert isinstance(event.get_time(), datetime.datetime) and event.get_time().year == 2026
            Webhook(NEW).verify(request["body"], request["headers"])
        assert len(seen) == EVENTS
    assert hooks.requests("/structured")[0]["headers"]["content-type"].startswith("application/cloudevents+json")
    assert hooks.requests("/binary")[0]["headers"]["content-type"].startswith("application/json")


def test_every_way_to_be_let_in(binary, world):
    hooks = Hooks(world)
    hooks.workspace.environment.update(
        BEARER="bearer-value", PASSWORD="pass:wörd", HEADER="header-value", SECRET=webhook_peer.SECRET)
    hooks.add("bearer", "auth: {bearer: {env: BEARER}}")
    hooks.add("basic", "auth: {basic: {user: me, password: {env: PASSWORD}}}")
    hooks.add("header", "auth: {header: {name: X-Api-Key, value: {env: HEADER}}}")
    hooks.add("oauth", f"auth: {{oauth2: {{tokenUrl: \"http://127.0.0.1:{hooks.port}/token\", "
              f"clientId: \"{webhook_peer.CLIENT}\", clientSecret: {{env: SECRET}}, scope: hooks write}}}}")  # fmt: skip
    with hooks.run() as sluice:
        hooks.wait(sluice, "/bearer", "/basic", "/header", "/oauth")
        assert sluice.stop() == 0
        for secret in ("bearer-value", "wörd", "header-value", webhook_peer.SECRET, "token-1"):
            assert not sluice.matching(secret.replace("+", r"\+")), "no secret is in the log"
    assert {one["headers"]["authorization"] for one in hooks.requests("/bearer")} == {"Bearer bearer-value"}
    basic = base64.b64encode("me:pass:wörd".encode()).decode()
    assert {one["headers"]["authorization"] for one in hooks.requests("/basic")} == {f"Basic {basic}"}
    assert {one["headers"]["x-api-key"] for one in hooks.requests("/header")} == {"header-value"}
    stats = hooks.receiver.call("stats", path="/oauth")
    assert {one["headers"]["authorization"] for one in stats["requests"]} == {"Bearer token-1"}
    assert stats["tokens"] == 1 and stats["faults"] == [], "one token for all, asked for as RFC 6749 says"


def test_a_token_that_is_withdrawn_is_replaced_once(binary, world):
    hooks = Hooks(world, events=40, released=5)
    hooks.workspace.environment.update(SECRET=webhook_peer.SECRET)
    hooks.add("oauth", f"auth: {{oauth2: {{tokenUrl: \"http://127.0.0.1:{hooks.port}/token\", "
              f"clientId: \"{webhook_peer.CLIENT}\", clientSecret: {{env: SECRET}}, scope: hooks write}}}}")  # fmt: skip
    with hooks.run() as sluice:
        hooks.wait(sluice, "/oauth", count=5)
        hooks.receiver.call("withdraw_tokens")
        hooks.salesforce.process.call("release", topic=TOPIC, count=40)
        wait_until(lambda: hooks.workspace.cursor_numbers().get(TOPIC) == 40, "everything is delivered", 60,
                   every=0.3, or_fail=sluice.ended)  # fmt: skip
        assert sluice.stop() == 0
    stats = hooks.receiver.call("stats", path="/oauth")
    assert stats["tokens"] == 2 and stats["faults"] == []
    assert {json.loads(one["body"])["seq"] for one in stats["requests"]} == set(range(1, 41))


def test_client_certificates_own_authorities_and_proxies(binary, world, tmp_path):
    if not shutil.which("tinyproxy"):
        pytest.skip("tinyproxy is not installed")
    hooks = Hooks(world, tls=True)
    certificate, key = hooks.authority.issue("relay")
    secure = f"https://localhost:{hooks.receiver.ready['tls_port']}"
    tls = f'tls: {{ca: "{hooks.authority.path}", cert: "{certificate}", key: {{file: "{key}"}}}}'
    hooks.add("mtls", f"allowPrivate: true, {tls}", url=f"{secure}/mtls")
    hooks.add("stranger", f'allowPrivate: true, tls: {{ca: "{hooks.authority.path}"}}', url=f"{secure}/stranger")
    hooks.add("unknown-ca", f"allowPrivate: true, {tls.replace(hooks.authority.path, hooks.salesforce.authority.path)}",
              url=f"{secure}/unknown-ca")  # fmt: skip
    with tinyproxy(tmp_path, hooks.receiver.ready["tls_port"]) as (proxy, log):
        hooks.add("proxied", f'allowPrivate: true, {tls}, proxy: "http://127.0.0.1:{proxy}"', url=f"{secure}/proxied")
        with hooks.run() as sluice:
            hooks.wait(sluice, "/mtls", "/proxied")
            sluice.wait_for_line("unknown-ca.*certificate")
            assert sluice.stop() == 0
        assert f"CONNECT localhost:{hooks.receiver.ready['tls_port']}" in log.read_text()
    assert {one["door"] for one in hooks.requests("/mtls")} == {"tls"}
    assert hooks.requests("/stranger") == [], "without a client certificate nothing is heard"
    assert hooks.requests("/unknown-ca") == [], "another authority's server gets nothing"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(binary, world, status):
    hooks = Hooks(world, events=1)
    target = f"http://127.0.0.1:{hooks.port}/elsewhere"
    hooks.receiver.call("plan", path="/moved", answers=[{"status": status, "headers": [("Location", target)]}])
    hooks.add("moved")
    with hooks.run() as sluice:
        sluice.wait_for_line(f"redirects \\({status}\\)")
        wait_until(lambda: hooks.workspace.count("outbox") == 1, "the event is kept", 10)
        assert sluice.stop() == 0
    assert hooks.requests("/elsewhere") == []


def test_bodies_and_headers_have_limits(binary, world):
    hooks = Hooks(world, events=6, pad=60_000)
    told = sum(1 for event in Feed(hooks.spec).events() if "Notes__c" in event.record)
    many = ", ".join(f'f{number}: "${{record.?Notes__c}}"' for number in range(20))
    hooks.add("large", delivery=f"body: {{{many}}}")
    hooks.add("wide", delivery='headers: {x-notes: "${record.?Notes__c}"}, body: {id: "${recordId}"}')
    hooks.add("small")
    with hooks.run() as sluice:
        hooks.wait(sluice, "/small", count=6)
        wait_until(lambda: hooks.workspace.count("dead_letters") == 2 * told, "dead letters", 30, or_fail=sluice.ended)
        letters = json.loads(hooks.workspace.command("dlq", "list", "--json").stdout)
        assert sluice.stop() == 0
    text = json.dumps(letters)
    assert "the headers have" in text and "1 MiB" in text, text
    assert len(hooks.requests("/large")) == len(hooks.requests("/wide")) == 6 - told


def test_gone_for_good_disables_the_destination_with_an_alarm(binary, world):
    hooks = Hooks(world, events=30, rate=15)
    hooks.receiver.call("plan", path="/gone", answers=[{"status": 204}, {"status": 410}])
    hooks.add("gone")
    hooks.add("there")
    with hooks.run() as sluice:
        sluice.wait_for_line("CRITICAL.*gone is disabled.*gone for good")
        hooks.wait(sluice, "/there", count=30)
        tried = len(hooks.requests("/gone"))
        assert tried <= 12, "those under way when the answer came, and no others"
        status = json.loads(hooks.workspace.command("status", "--json").stdout)
        gone = next(one for one in status["destinations"] if one["name"] == "gone")
        assert gone["state"] == "held" and "gone for good (410)" in gone["detail"]
        moments = [datetime.datetime.fromisoformat(text) for text in (status["at"], gone["nextTry"])]
        assert moments[1] - moments[0] > datetime.timedelta(hours=20), "nobody asks again today"
        assert len(hooks.requests("/gone")) == tried
        # Another address is another receiver.
        hooks.destinations[0] = hooks.destinations[0].replace("/gone", "/back")
        hooks.write()
        wait_until(lambda: hooks.workspace.count("outbox") == 0, "what waited is delivered", 40, or_fail=sluice.ended)
        assert sluice.stop() == 0
    seen = {json.loads(one["body"])["seq"] for path in ("/gone", "/back") for one in hooks.requests(path)}
    assert seen == set(range(1, 31))


# What is this machine, or behind its border, however it is written.
BYPASSES = [
    "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001", "127.0.0.1.",
    "localhost", "LOCALHOST.", "0.0.0.0", "0", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:127.0.0.1]", "[::127.0.0.1]", "[64:ff9b::127.0.0.1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]",
    "[::ffff:0:127.0.0.1]", "10.0.0.1", "192.168.1.1", "172.16.0.1", "100.64.0.1", "169.254.169.254", "2852039166",
    "0xa9fea9fe", "0251.0376.0251.0376", "[fd00:ec2::254]", "[fe80::1]", "[::ffff:a9fe:a9fe]", "168.63.129.16",
    "192.0.0.192", "224.0.0.1", "255.255.255.255",
]  # fmt: skip
# Refused when the rule file is read.
NO_URLS = ["①②⑦.0.0.1", "user@127.0.0.1", "127.0.0.1#@example.com", "127.0.0.1\\\\@example.com"]


def test_the_guard_refuses_every_way_to_this_machine_and_its_networks(binary, world):
    hooks = Hooks(world, tls=True, events=1)
    port = hooks.receiver.ready["tls_port"]
    for host in NO_URLS:
        hooks.destinations = [f'  odd: {{kind: webhook, url: "https://{host}:{port}/odd"}}']
        hooks.write()
        lint = hooks.workspace.command("rules", "lint")
        assert lint.returncode == 2 and "URL" in lint.stdout, f"{host}: {lint.stdout}"
    hooks.destinations = []
    for number, host in enumerate(BYPASSES):
        hooks.add(f"b{number}", f'tls: {{ca: "{hooks.authority.path}"}}', url=f"https://{host}:{port}/b{number}")
    hooks.add("through-a-redirect")
    target = f"https://127.0.0.1:{port}/inside"
    hooks.receiver.call(
        "plan", path="/through-a-redirect", answers=[{"status": 307, "headers": [("Location", target)]}])
    with hooks.run() as sluice:
        for number, _ in enumerate(BYPASSES):
            sluice.wait_for_line(f"\\bb{number}\\b.*(is loopback|is private|is link-local|is reserved|not called|resolve|address)",
                                 seconds=60)  # fmt: skip
        sluice.wait_for_line("redirects \\(307\\)")
        assert sluice.stop() == 0
    stats = hooks.receiver.call("stats")
    assert stats["connections"]["tls"] == 0, "not even a connection was made"
    assert {one["target"] for one in stats["requests"]} == {"/through-a-redirect"}


DNS = r'''
import socket, struct, sys
rounds = {}
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))
print("ready", flush=True)
while True:
    query, peer = server.recvfrom(512)
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode().lower())
        at += 1 + query[at]
    kind = struct.unpack(">H", query[at + 1 : at + 3])[0]
    question = query[12 : at + 5]
    number = rounds[(labels[0], kind)] = rounds.get((labels[0], kind), 0) + 1
    # "both": a public address and this machine; "turn": a public one first, this machine from then on.
    public, own = socket.inet_aton("192.88.98.7"), socket.inet_aton("127.0.0.1")
    v4 = {"both": [public, own], "turn": [public] if number == 1 else [own], "own": [own]}.get(labels[0], [])
    mapped = socket.inet_pton(socket.AF_INET6, "::ffff:127.0.0.1")
    answers = v4 if kind == 1 else [mapped] if kind == 28 and labels[0] == "mapped" else []
    head = query[:2] + b"\x81\x80" + struct.pack(">HHHH", 1, len(answers), 0, 0)
    body = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 0, len(one)) + one for one in answers)
    server.sendto(head + question + body, peer)
'''


def has_namespaces():
    """Root may still not be allowed to, as in many containers."""
    command = ["unshare", "-m", "-n", "sh", "-c", "ip link set lo up || ifconfig lo up"]
    return bool(shutil.which("unshare")) and subprocess.run(command, capture_output=True).returncode == 0


@pytest.mark.skipif(not has_namespaces(), reason="needs a network namespace, for a DNS of its own")
def test_a_name_that_changes_its_answer_leads_nowhere(binary, world, tmp_path):
    """In a mount and network namespace whose only DNS is ours, and in which nothing but this machine can be reached."""
    hooks = Hooks(world, tls=True, events=1)
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    (tmp_path / "dns.py").write_text(DNS)
    (tmp_path / "probe.py").write_text(PROBE)
    certificate, key = hooks.authority.issue("inside", hosts=["own.test", "turn.test", "both.test", "mapped.test"])
    done = subprocess.run(
        ["unshare", "-m", "-n", "sh", "-c",
         'ip link set lo up 2>/dev/null || ifconfig lo up; mount --bind "$1/resolv.conf" /etc/resolv.conf; '
         'exec "$2" "$1/probe.py" "$@"',
         "sh", str(tmp_path), sys.executable, str(binary), str(certificate), str(key), hooks.authority.path],
        capture_output=True, text=True, timeout=120, cwd=pathlib.Path(__file__).parent,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 names, 0 connections" in done.stdout, done.stdout


PROBE = r'''
import os, pathlib, socket, ssl, subprocess, sys, threading
folder, python, binary, certificate, key, authority = pathlib.Path(sys.argv[1]), *sys.argv[2:7]
dns = subprocess.Popen([sys.executable, str(folder / "dns.py")], stdout=subprocess.PIPE, text=True)
assert dns.stdout.readline() == "ready\n"
listener = socket.create_server(("127.0.0.1", 0))
dual = socket.socket(socket.AF_INET6); dual.bind(("::", 0)); dual.listen()
seen = []
def watch(door):
    while True:
        door.accept(); seen.append(door)
for door in (listener, dual):
    threading.Thread(target=watch, args=(door,), daemon=True).start()
port = listener.getsockname()[1]
names = ["own", "turn", "both", "mapped"]
rules = ["sluice: 1", "destinations:"]
for name in names:
    host_port = dual.getsockname()[1] if name == "mapped" else port
    rules.append(f'  {name}: {{kind: webhook, url: "https://{name}.test:{host_port}/", tls: {{ca: "{authority}"}}}}')
rules += ["rules: []", ""]
(folder / "rules").mkdir(exist_ok=True)
(folder / "rules" / "all.yaml").write_text("\n".join(rules))
(folder / "sluice.yaml").write_text(CONFIG)
environment = {**os.environ, "SF_CLIENT_ID": "x", "SF_CLIENT_SECRET": "x"}
for _ in range(3):  # "turn" answers otherwise from its second question on
    done = subprocess.run([binary, "doctor", "--json"], cwd=folder, env=environment, capture_output=True, text=True)
    for name in names:
        assert f"destination {name}" in done.stdout, done.stdout + done.stderr
answered = socket.getaddrinfo("own.test", 1, socket.AF_INET)[0][4][0]
assert answered == "127.0.0.1", f"the DNS of this test is not asked: {answered}"
assert "is loopback" in done.stdout, done.stdout
print(f"{len(names)} names, {len(seen)} connections")
dns.kill()
'''.replace(
    "CONFIG)",
    repr(
        "orgs:\n  prod:\n    loginUrl: https://own.test\n    auth:\n      clientCredentials: "
        "{clientId: {env: SF_CLIENT_ID}, clientSecret: {env: SF_CLIENT_SECRET}}\n"
        "    topics: [/data/ChangeEvents]\nrules: rules\nstore: {path: sluice.db}\n"
    )
    + ")",
)
