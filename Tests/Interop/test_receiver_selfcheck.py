"""The receiver, and the checks that rest on it, proved without sluice."""

import json
import socket
import time
import urllib.error
import urllib.request

import pytest

import ledger
from harness import specs, wait_until
from relay import Relay


def post(port, path, record, seq, delivery, **more):
    event = {"id": record, "seq": seq}
    body = json.dumps({"data": event} if path.startswith("/webhooks/") else event).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, headers(delivery, **more))
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def headers(delivery, **more):
    stamp = str(int(time.time()))
    return {"Content-Type": "application/json", "webhook-id": delivery, "webhook-timestamp": stamp, **more}


def delivery(number):
    return f"sl_{number:032x}"


def test_the_receiver_sees_order_repetition_and_identity(world):
    receiver = world.receiver()
    port = receiver.ready["port"]
    for record, seq, number in [("a", 1, 1), ("b", 2, 2), ("a", 3, 3), ("a", 3, 3)]:
        assert post(port, "/hook", record, seq, delivery(number))[0] == 200
    stats = receiver.call("stats")["ledgers"]["/hook"]
    assert stats["faults"] == {} and stats["distinct"] == 3 and stats["twice"] == 1
    bodies = [json.dumps({"id": r, "seq": s}).encode() for r, s in [("a", 1), ("b", 2), ("a", 3)]]
    assert stats["digest"] == ledger.digest_of(bodies)
    post(port, "/hook", "a", 2, delivery(4))
    post(port, "/hook", "a", 1, delivery(5))
    post(port, "/hook", "a", 9, "7")
    faults = receiver.call("stats")["ledgers"]["/hook"]["faults"]
    assert set(faults) == {
        "order per record", "two delivery ids for one event and record", "delivery id is not sl_ and 32 hex digits",
    }  # fmt: skip


def test_the_receiver_fails_on_order(world):
    receiver = world.receiver()
    port = receiver.ready["port"]
    receiver.call("fail", mode="status", status=503, retry_after=2, count=1)
    status, headers, _ = post(port, "/hook", "a", 1, delivery(1))
    assert status == 503 and headers["Retry-After"] == "2"
    assert post(port, "/hook", "a", 2, delivery(2))[0] == 200, "an overtaking one is taken, and noted"
    assert post(port, "/hook", "a", 1, delivery(1))[0] == 200
    faults = receiver.call("stats")["ledgers"]["/hook"]["faults"]
    assert "tried while an earlier one of its record was still open" in faults and "order per record" in faults
    receiver.call("heal")
    receiver.call("fail", mode="lost_answer", count=1)
    with pytest.raises((urllib.error.URLError, ConnectionError)):
        post(port, "/lost", "a", 1, delivery(1))
    assert receiver.call("stats")["ledgers"]["/lost"]["accepted"] == 1


def test_the_receiver_is_flowmate_and_integrator(world):
    receiver = world.receiver()
    port = receiver.ready["port"]
    flow, request_id = "6762e154616e91cb8d8b1aaf", "0" * 32
    status, _, body = post(port, f"/webhooks/{flow}", "a", 1, delivery(1), **{"x-request-id": request_id})
    assert status == 200 and json.loads(body)["data"]["requestId"] == request_id
    assert post(port, "/v1/exports/" + "e" * 24 + "/token/data", "a", 1, delivery(2))[0] == 204
    run = f"http://127.0.0.1:{port}/v1/flows/{flow}/run"
    bearer = {"Authorization": "Bearer celigo-token"}
    with urllib.request.urlopen(urllib.request.Request(run, b"{}", bearer)) as answer:
        assert answer.status == 201
        job = json.loads(answer.read())["_jobId"]
    with pytest.raises(urllib.error.HTTPError) as conflict:
        urllib.request.urlopen(urllib.request.Request(run, b"{}", bearer))
    assert conflict.value.code == 409

    def ended():
        request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/jobs/{job}", headers=bearer)
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read())["status"] == "completed"

    wait_until(ended, "the job ends", 5)
    faults = receiver.call("stats")["integrator"]["faults"]
    assert faults == {"run while a job of the flow is open": {"count": 1, "first": flow}}


def test_the_receiver_is_fast_enough(world):
    receiver = world.receiver()
    count, batch = 20_000, 100
    seconds = 0.0
    with socket.create_connection(("127.0.0.1", receiver.ready["port"])) as connection:
        for start in range(0, count, batch):
            data = b"".join(_request(number) for number in range(start, start + batch))
            begun = time.monotonic()
            connection.sendall(data)
            answered = 0
            while answered < batch:
                answered += connection.recv(1 << 16).count(b'{"ok":true}')
            seconds += time.monotonic() - begun
    print(f"{count / seconds:.0f} requests/s")
    assert receiver.call("stats")["ledgers"]["/hook"]["accepted"] == count
    assert count / seconds > 10_000


def _request(number):
    body = b'{"id":"r%d","seq":%d,"pad":"%s"}' % (number % 50, number + 1, b"x" * 300)
    head = (
        f"POST /hook HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        f"webhook-id: {delivery(number)}\r\nwebhook-timestamp: {int(time.time())}\r\n\r\n"
    )
    return head.encode() + body


def test_a_single_lost_event_is_found(world):
    """The check that all tests lean on can fail."""
    relay = Relay(world, specs(60))
    port = relay.receiver.ready["port"]
    items = list(relay.expected)
    for index, (_, _, body) in enumerate(items):
        if index != 40:
            deliver(port, body, index)
    with pytest.raises(AssertionError, match="1 lost, first"):
        relay.check_everything_arrived_in_order()
    wrong = items[40][2].replace(b'"entity":"', b'"entity":"x')
    deliver(port, wrong, 40)
    with pytest.raises(AssertionError, match="bodies differ|noted faults"):
        relay.check_everything_arrived_in_order()


def deliver(port, body, number):
    request = urllib.request.Request(f"http://127.0.0.1:{port}/hook", body, headers(delivery(number)))
    urllib.request.urlopen(request, timeout=5).close()
