"""The emulated platforms alone, as somebody uses them who builds flows: with their traps."""

import gzip
import json
import socket
import subprocess
import urllib.error
import urllib.request
import zlib

import pytest

FLOW = "65a1f0c2d3e4b5a697887701"
RUN = "65b2f0c2d3e4b5a697886601"


class Emulator:
    def __init__(self, binary, *only):
        self.process = subprocess.Popen([binary, "emulate", "--only", *only], stdout=subprocess.PIPE, text=True)
        self.said = self.process.stdout.readline() + self.process.stdout.readline()
        self.url = self.said.split(" at ")[1].split()[0]
        self.token = None

    def call(self, method, path, body=None, kind="application/json", timeout=10, **headers):
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if data is not None:
            headers["Content-Type"] = kind
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as error:
            return error.code, dict(error.headers), error.read()

    def json(self, method, path, body=None, **headers):
        return json.loads(self.call(method, path, body, **headers)[2])

    def step(self, **step):
        assert self.call("POST", "/emulator/step", step)[0] == 204

    def received(self):
        return self.json("GET", "/emulator/received")["requests"]


@pytest.fixture
def emulate(binary):
    started = []

    def begin(*only):
        emulator = Emulator(binary, *only)
        started.append(emulator)
        return emulator

    yield begin
    for emulator in started:
        emulator.process.terminate()
        assert emulator.process.wait(10) == 0


def test_only_flowmate_is_flowmate_with_its_traps(emulate):
    flowmate = emulate("flowmate")
    assert "Emulated flowmate at" in flowmate.said
    for path in ("/v1/tokenInfo", "/hooks/x"):
        assert flowmate.call("GET", path)[0] == 404
    assert flowmate.call("POST", "/services/oauth2/token", b"grant_type=client_credentials")[0] == 404
    hook = f"/webhooks/{FLOW}"
    sent = {"data": {"n": 9007199254740993}}
    first = flowmate.json("POST", hook, sent, **{"x-request-id": "a" * 32})
    assert first["data"] == {"requestId": "a" * 32, "message": "thank you"}
    flowmate.call("POST", hook, sent, **{"x-request-id": "a" * 32})  # dropped: the id ran before
    flowmate.call("POST", hook, sent, kind="application/cloudevents+json")  # accepted, and lost
    flowmate.call("GET", hook + "?a=1")
    got = [(one["executed"], one.get("data")) for one in flowmate.received() if one["path"] == hook]
    assert got == [(True, {"data": {"n": 9007199254740992}}), (False, None), (True, {}), (True, {"a": "1"})]
    assert flowmate.call("POST", hook, sent, Origin="https://x.example")[0] == 500
    assert flowmate.call("POST", "/webhooks/xyz", sent)[0] == 500
    assert flowmate.call("GET", "/flows")[0] == 401
    flowmate.token = "emulator-flowmate-token"
    with pytest.raises((socket.timeout, TimeoutError)):
        flowmate.call("GET", "/flows?page[number]=0", timeout=1.5)
    flowmate.step(flow={"id": FLOW, "status": "inactive", "inputs": {"n": "number"}})
    assert flowmate.call("POST", hook, sent)[0] == 404
    assert flowmate.json("GET", f"/flows/{FLOW}")["data"]["status"] == "inactive"
    assert flowmate.json("POST", f"/flows/{FLOW}/start")["data"]["status"] == "starting"
    flowmate.step(user={"username": "new-one"})
    assert "new-one" in [one["username"] for one in flowmate.json("GET", "/users")]


def test_only_integrator_is_integrator_with_its_traps(emulate):
    celigo = emulate("integrator")
    assert celigo.call("GET", f"/webhooks/{FLOW}")[0] == 404
    celigo.token = "emulator-integrator-token"
    celigo.step(connection={"id": "65b2f0c2d3e4b5a697886621", "offline": True})
    job = celigo.json("POST", f"/v1/flows/{RUN}/run", {})["_jobId"]
    assert celigo.json("GET", f"/v1/jobs/{job}")["status"] == "queued"
    status, _, body = celigo.call("POST", f"/v1/flows/{RUN}/run", {})
    assert status == 409 and json.loads(body)["errors"][0]["code"] == "flow_job_already_queued"
    assert celigo.call("PUT", f"/v1/flows/{RUN}", {"name": "only this"})[0] == 200
    assert "pageGenerators" not in celigo.json("GET", f"/v1/flows/{RUN}"), "a PUT erases what it leaves out"
    celigo.step(bucket={"burst": 2, "refill": 1})
    answers = [celigo.call("GET", "/v1/tokenInfo") for _ in range(6)]
    limited = [headers for status, headers, _ in answers if status == 429]
    assert limited and {key.lower(): value for key, value in limited[0].items()}["retry-after"] == "1"


def test_bodies_are_read_as_the_platforms_read_them(emulate):
    flowmate = emulate("flowmate")
    hook = f"/webhooks/{FLOW}"
    sent = {"data": {"text": "x" * 5000, "n": list(range(300))}}
    plain = json.dumps(sent).encode()
    flowmate.call("POST", hook, gzip.compress(plain), **{"Content-Encoding": "gzip"})
    flowmate.call("POST", hook, zlib.compress(plain, 1), **{"Content-Encoding": "deflate"})
    flowmate.call("POST", hook, b"<o><id k='1'>7</id></o>", kind="application/xml")
    form = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b--\r\n'
    flowmate.call("POST", hook, form, kind="multipart/form-data; boundary=b")
    got = [one["data"] for one in flowmate.received()]
    assert got == [sent, sent, {"o": {"id": {"_attr": {"k": "1"}, "_": "7"}}}, {"a": "1"}]
    bomb = gzip.compress(b"[" + b"0," * (6 << 20) + b"0]")
    assert flowmate.call("POST", hook, bomb, timeout=60, **{"Content-Encoding": "gzip"})[0] == 413
    celigo = emulate("integrator")
    listener = "/v1/exports/65b2f0c2d3e4b5a697886612/emulator-listener-token/data"
    assert celigo.call("POST", listener, b"a;b", kind="text/csv")[0] == 415
    celigo.step(listener={"records": "events"})
    assert celigo.call("PUT", listener, {"events": [{"a": 1}, {"a": 2}]})[0] == 204
    assert celigo.received()[-1]["data"] == [{"a": 1}, {"a": 2}]


def test_flowmate_may_answer_conflicts_and_its_gateway_keep_head_away(emulate):
    flowmate = emulate("flowmate")
    flowmate.token = "emulator-flowmate-token"
    assert flowmate.call("HEAD", f"/webhooks/{FLOW}")[0] == 200
    assert flowmate.call("POST", f"/flows/{FLOW}/start")[0] == 200
    flowmate.step(flowmate={"head": False, "conflict": True})
    assert flowmate.call("HEAD", f"/webhooks/{FLOW}")[0] == 405
    status, _, body = flowmate.call("POST", f"/flows/{FLOW}/start")
    assert status == 409 and "is not inactive" in json.loads(body)["errors"][0]["message"]


def test_a_step_that_cannot_be_is_told(emulate):
    flowmate = emulate("flowmate")
    for step in ({"flow": {"id": "short"}}, {"flow": {}}, {"user": {"status": "ACTIVE"}}, {"nonsense": 1}):
        assert flowmate.call("POST", "/emulator/step", step)[0] == 400
