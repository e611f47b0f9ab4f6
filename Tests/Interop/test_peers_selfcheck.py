"""The Pub/Sub peers proved without sluice, by a plain grpcio client."""

import io
import json
import socket
import ssl
import time

import fastavro
import grpc
import h2.config
import h2.connection
import pytest

import feed
import schemas
from client import Client, login
from feed import FeedSpec, replay_id
from harness import specs

TOPIC = "/data/AccountChangeEvent"


@pytest.fixture(params=["grpcio", "raw"])
def raw(request):
    return request.param == "raw"


def accounts(count, **options):
    return [FeedSpec(TOPIC, count, ["Account"], **options)]


def test_the_schema_id_is_the_published_fingerprint():
    fields = [
        {"name": "CreatedDate", "type": "long"},
        {"name": "CreatedById", "type": "string"},
        {"name": "Message__c", "type": ["null", "string"], "default": None, "doc": "Data:Text"},
    ]
    schema = {"type": "record", "name": "CM_Test_Event_Two__e", "namespace": schemas.NAMESPACE, "fields": fields}
    assert schemas.schema_id(schema) == "K98aAtiNFBjA-PJlcvaQ2g"


def test_bitmaps_are_written_as_captured_ones():
    writer = schemas.writer(schemas.account, 1)
    assert writer.bitmap(["ShippingAddress.Latitude", "ShippingAddress.GeocodeAccuracy"]) == ["4-0xA0"]
    assert schemas._hex(1 << 23 | 1 << 1) == "0x800002"
    assert schemas._hex(1 << 68 | 1 << 23) == "0x100000000000800000"


def test_every_event_decodes_with_its_own_schema(world, raw):
    count = 120
    peer = world.salesforce(accounts(count, schema_change_every=7), raw=raw)
    client = Client(peer)
    assert client.topic(TOPIC).can_subscribe
    expected = list(feed.Feed(accounts(count, schema_change_every=7)[0]).events())
    stream = client.subscribe(TOPIC)
    parsed, seen = {}, 0
    for response in stream.responses():
        for event in response.events:
            identity = event.event.schema_id
            if identity not in parsed:
                document = json.loads(client.schema(identity).schema_json)
                assert schemas.schema_id(document) == identity
                parsed[identity] = fastavro.parse_schema(document)
            source = io.BytesIO(event.event.payload)
            record = fastavro.schemaless_reader(source, parsed[identity])
            assert source.read() == b""
            assert record["Seq__c"] == expected[seen].number == seen + 1
            assert record["ChangeEventHeader"]["recordIds"] == expected[seen].record_ids
            seen += 1
        if seen == count:
            break
    assert len(parsed) == 2
    stream.end()
    client.close()
    assert peer.stats()["violations"] == {}


def test_replay_presets(world, raw):
    peer = world.salesforce(accounts(300), raw=raw, keepalive=0.2)
    client = Client(peer)
    assert client.subscribe(TOPIC).numbers(300) == list(range(1, 301))
    assert client.subscribe(TOPIC, 2, replay_id(120)).numbers(300) == list(range(121, 301)), "CUSTOM is exclusive"
    first = next(iter(client.subscribe(TOPIC, 0).responses()))
    assert not first.events and first.latest_replay_id == replay_id(300), "LATEST is idle: a keepalive comes"
    with pytest.raises(grpc.RpcError) as error:
        client.subscribe(TOPIC, 2, b"\0" * 10).numbers(300)
    assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    trailers = dict(error.value.trailing_metadata())
    assert trailers["error-code"] == "sfdc.platform.eventbus.grpc.subscription.fetch.replayid.corrupted"
    assert trailers["type"] == "Subscribe" and trailers["rpc-id"]
    client.close()


def test_violations_are_recorded(world, raw):
    peer = world.salesforce(accounts(50), raw=raw, zero_credit=0.2, keepalive=0.1)
    client = Client(peer)
    stream = client.subscribe(TOPIC, window=10)
    stream.ask(replay_preset=1, num_requested=100)
    stream.numbers(50)
    stream.end()
    stream = client.subscribe(TOPIC, window=1)
    stream.window = 1000  # never asks again
    list(stream.responses())
    with pytest.raises(grpc.RpcError):
        list(client.subscribe(TOPIC, window=0).responses())
    with pytest.raises(grpc.RpcError):
        stream = client.subscribe(TOPIC)
        stream.ask(topic_name="/data/Other", num_requested=1)
        list(stream.responses())
    stream = client.subscribe(TOPIC)
    stream._requests.put(None)
    list(stream.responses())
    client.metadata = client.metadata[:2]
    with pytest.raises(grpc.RpcError):
        client.topic(TOPIC)
    stats = peer.stats()
    kinds = set(stats["violations"])
    assert kinds >= {
        "replay fields in a follow-up", "idle at zero credit", "num_requested <= 0", "topic changed in a follow-up",
        "missing metadata",
    }  # fmt: skip
    assert stats["half_closed"] == [TOPIC]
    client.close()


def test_tokens(world, raw):
    peer = world.salesforce(accounts(5), raw=raw)
    assert login(peer, "wrong")["error"] == "invalid_client"
    client = Client(peer)
    client.topic(TOPIC)
    peer.process.call("revoke")
    with pytest.raises(grpc.RpcError) as error:
        client.topic(TOPIC)
    assert error.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert dict(error.value.trailing_metadata())["error-code"].endswith("service.auth.error")
    Client(peer).topic(TOPIC)
    with pytest.raises(grpc.RpcError) as error:
        Client(peer).topic("/data/Nope")
    assert error.value.code() is grpc.StatusCode.NOT_FOUND


def resuming(peer, count, faults_allowed=6):
    """Reads all events the way a relay does: after any end of a stream, on a new one from the last event seen."""
    got, last, tries = [], None, 0
    client = Client(peer)
    while not got or got[-1] < count:
        assert tries <= faults_allowed, "too many reconnects"
        tries += 1
        stream = client.subscribe(TOPIC, 1 if last is None else 2, last or b"")
        try:
            for response in stream.responses():
                for event in response.events:
                    got.append(feed.number_of(event.replay_id))
                    last = event.replay_id
                if got[-1] == count:
                    break
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.UNAUTHENTICATED:
                client.close()
                client = Client(peer)
            elif "replayid.corrupted" in str(error.trailing_metadata()):
                last = None
            time.sleep(0.1)
    client.close()
    return got


RAW_FAULTS = ["rst", "cut", "eof", "goaway", "dribble"]


@pytest.mark.parametrize("kind", RAW_FAULTS)
def test_faults_of_the_raw_peer_lose_nothing(world, kind):
    script = [{"topic": TOPIC, "at": 77, "kind": kind, "error": 0}]
    peer = world.salesforce(accounts(200), raw=True, script=script)
    assert resuming(peer, 200) == list(range(1, 201))
    stats = peer.stats()
    assert len(stats["fired"]) == 1 and stats["violations"] == {}


GRPC_FAULTS = [
    {"kind": "status", "status": "UNAVAILABLE"},
    {"kind": "status", "status": "INTERNAL", "code": "service.unavailable"},
    {"kind": "goaway", "grace": 0.1},
    {"kind": "revoke"},
    {"kind": "zero_credit"},
    {"kind": "die"},
]


@pytest.mark.parametrize("fault", GRPC_FAULTS, ids=lambda fault: fault["kind"])
def test_faults_of_the_grpcio_peer_lose_nothing(world, fault):
    peer = world.salesforce(accounts(200), script=[{"topic": TOPIC, "at": 77, **fault}])
    assert resuming(peer, 200, 60 if fault["kind"] == "die" else 6) == list(range(1, 201))
    if fault["kind"] == "die":
        peer.wait_for_restart()
    assert [item["kind"] for item in peer.stats()["fired"]] == [fault["kind"]]


def test_a_corrupted_replay_id_is_refused_until_earliest(world):
    peer = world.salesforce(accounts(200), script=[{"topic": TOPIC, "at": 77, "kind": "corrupt"}])
    assert resuming(peer, 200) == list(range(1, 77)) + list(range(1, 201))


def test_silence_is_silent(world):
    peer = world.salesforce(accounts(200), keepalive=0.1, script=[{"topic": TOPIC, "at": 50, "kind": "silence"}])
    client = Client(peer)
    stream = client.subscribe(TOPIC)
    stream.call = iter(stream.call)
    assert stream.numbers(49)[-1] == 49
    client.close()


def test_big_responses_come_in_small_frames(world):
    count = 110
    peer = world.salesforce(accounts(count, pad=30_000), raw=True)
    client = Client(peer)
    stream = client.subscribe(TOPIC)
    sizes, seen = [], 0
    for response in stream.responses():
        sizes.append(response.ByteSize())
        seen += len(response.events)
        if seen == count:
            break
    assert max(sizes) > 1_000_000
    client.close()


def test_the_grpcio_peer_is_fast_enough(world):
    count = 60_000
    peer = world.salesforce(accounts(count))
    client = Client(peer)
    started = time.monotonic()
    seen = 0
    for response in client.subscribe(TOPIC).responses():
        seen += len(response.events)
        if seen == count:
            break
    rate = count / (time.monotonic() - started)
    print(f"{rate:.0f} events/s through one Python client")
    assert rate > 5_000
    client.close()


def test_the_three_topics_of_the_main_job_share_one_connection(world):
    peer = world.salesforce(specs(300))
    client = Client(peer)
    for spec in specs(300):
        assert client.subscribe(spec.name).numbers(spec.count) == list(range(1, spec.count + 1))
    assert client.topic("/data/ChangeEvents").schema_id == "", "several schemas, so none is named"
    stats = peer.stats()
    assert len(stats["connections"]) == 1 and stats["violations"] == {}
    client.close()


def test_malformed_headers_are_noted(world):
    """What no well-made client library can send: upper-case header names."""
    peer = world.salesforce(accounts(5), raw=True)
    context = ssl.create_default_context(cafile=peer.authority.path)
    context.set_alpn_protocols(["h2"])
    config = h2.config.H2Configuration(validate_outbound_headers=False, normalize_outbound_headers=False)
    connection = h2.connection.H2Connection(config)
    connection.initiate_connection()
    names = [(":method", "POST"), (":scheme", "https"), (":authority", "localhost")]
    names += [(":path", "/eventbus.v1.PubSub/GetTopic"), ("AccessToken", "x")]
    connection.send_headers(1, names)
    with socket.create_connection(("localhost", peer.ready["port"])) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as secure:
            secure.sendall(connection.data_to_send())
            while secure.recv(4096):
                pass
    assert "HTTP/2 protocol error" in peer.stats()["violations"]
