"""A grpcio client that tries Sluice's emulator: python emulator_client.py GRPC_TARGET HTTP_URL EVENTS

Signs in, reads topic and schemas, subscribes from the earliest event, decodes every payload with fastavro and checks
its bitmaps against what the payload holds. Ends with one JSON line. Any disagreement is an exception.
"""

import hashlib
import importlib
import io
import json
import base64
import pathlib
import queue
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request

import fastavro
import fastavro.schema
import grpc
from grpc_tools import protoc

TOKEN_PATH = "/services/oauth2/token"
SCHEMAS = pathlib.Path(__file__).resolve().parents[2] / "schemas"


def compiled():
    """The message and stub modules of schemas/pubsub_api.proto."""
    with tempfile.TemporaryDirectory(prefix="emulator-client-") as folder:
        outputs = [f"--python_out={folder}", f"--grpc_python_out={folder}"]
        if protoc.main(["protoc", f"-I{SCHEMAS}", *outputs, "pubsub_api.proto"]) != 0:
            raise RuntimeError("protoc failed on schemas/pubsub_api.proto")
        sys.path.insert(0, folder)
        return importlib.import_module("pubsub_api_pb2"), importlib.import_module("pubsub_api_pb2_grpc")


def token(url, secret="emulator-secret"):
    form = {"grant_type": "client_credentials", "client_id": "emulator-client", "client_secret": secret}
    body = urllib.parse.urlencode(form).encode()
    with urllib.request.urlopen(url + TOKEN_PATH, data=body, timeout=10) as answer:
        return json.load(answer)


def check_wrong_secret(url):
    try:
        token(url, secret="wrong")
    except urllib.error.HTTPError as error:
        assert error.code == 400 and json.load(error)["error"] == "invalid_client"
    else:
        raise AssertionError("a wrong secret was accepted")


class Requests:
    """A request stream that stays open until told otherwise."""

    def __init__(self, first):
        self.waiting = queue.Queue()
        self.waiting.put(first)

    def __iter__(self):
        return iter(self.waiting.get, None)

    def put(self, request):
        self.waiting.put(request)


class Decoder:
    def __init__(self, stub, messages, metadata):
        self.stub, self.messages, self.metadata = stub, messages, metadata
        self.schemas = {}

    def schema(self, schema_id):
        if schema_id not in self.schemas:
            info = self.stub.GetSchema(
                self.messages.SchemaRequest(schema_id=schema_id), metadata=self.metadata, timeout=10)
            plain = json.loads(info.schema_json)
            form = fastavro.schema.to_parsing_canonical_form(plain)
            digest = base64.urlsafe_b64encode(hashlib.md5(form.encode()).digest()).decode().rstrip("=")
            assert digest == schema_id, f"{schema_id} is not the fingerprint of its schema ({digest})"
            self.schemas[schema_id] = (plain, fastavro.parse_schema(plain))
        return self.schemas[schema_id]

    def decode(self, event):
        plain, parsed = self.schema(event.schema_id)
        stream = io.BytesIO(event.payload)
        record = fastavro.schemaless_reader(stream, parsed)
        assert stream.read() == b"", "bytes are left after the record"
        if "ChangeEventHeader" in record:
            self.check_bitmaps(plain, record)
        return record

    def check_bitmaps(self, schema, record):
        header = record["ChangeEventHeader"]
        names = [field["name"] for field in schema["fields"]]
        changed = set(paths(names, header["changedFields"]))
        nulled = set(paths(names, header["nulledFields"]))
        assert nulled <= changed
        if header["changeType"] != "UPDATE":
            assert not changed
            if header["changeType"] != "CREATE":
                assert all(value is None for name, value in record.items() if name != "ChangeEventHeader")
            return
        for name, value in list(record.items())[1:]:
            if isinstance(value, dict):
                index = names.index(name)
                for component, part in enumerate(value.values()):
                    assert (part is not None) == ((index, component) in changed - nulled), name
            else:
                assert (value is not None) == ((names.index(name), None) in changed - nulled), name


def paths(names, bitmaps):
    """The fields of a bitmap list, as pairs of field and component index."""
    for bitmap in bitmaps:
        parent, _, digits = bitmap.rpartition("-")
        number = int(digits, 16)
        for bit in range(number.bit_length()):
            if number >> bit & 1:
                yield (int(parent), bit) if parent else (bit, None)


def check_errors(stub, messages, metadata):
    wrong = [("accesstoken", "wrong")] + metadata[1:]
    cases = [
        (wrong, "/data/ChangeEvents", {}, grpc.StatusCode.UNAUTHENTICATED, "service.auth.error"),
        (metadata[1:], "/data/ChangeEvents", {}, grpc.StatusCode.UNAUTHENTICATED, "service.auth.headers.invalid"),
        (metadata, "/data/Nope", {}, grpc.StatusCode.NOT_FOUND, "topic.not.found"),
        (metadata, "/data/ChangeEvents", {"replay_preset": 2, "replay_id": b"\x01"},
         grpc.StatusCode.INVALID_ARGUMENT, "subscription.fetch.replayid.corrupted"),
        (metadata, "/data/ChangeEvents", {"replay_preset": 2},
         grpc.StatusCode.INVALID_ARGUMENT, "subscription.fetch.replayid.validation.failed"),
        (metadata, "/data/ChangeEvents", {"num_requested": 0},
         grpc.StatusCode.INVALID_ARGUMENT, "subscription.fetch.requested.events.invalid"),
    ]
    for headers, topic, fields, status, code in cases:
        request = messages.FetchRequest(**{"topic_name": topic, "num_requested": 1, **fields})
        call = stub.Subscribe(iter(Requests(request)), metadata=headers, timeout=10)
        try:
            next(call)
        except grpc.RpcError as error:
            trailers = dict(error.trailing_metadata())
            assert error.code() == status, (code, error.code())
            assert trailers["error-code"] == "sfdc.platform.eventbus.grpc." + code, trailers
            assert error.details().endswith("rpcId: " + trailers["rpc-id"])
            assert trailers["type"] == "Subscribe"
        else:
            raise AssertionError(f"{code} was expected")


def main():
    target, url, wanted = sys.argv[1], sys.argv[2], int(sys.argv[3])
    messages, services = compiled()
    check_wrong_secret(url)
    session = token(url)
    tenant = session["id"].split("/")[-2]
    metadata = [
        ("accesstoken", session["access_token"]), ("instanceurl", session["instance_url"]), ("tenantid", tenant)]
    with grpc.insecure_channel(target) as channel:
        stub = services.PubSubStub(channel)
        check_errors(stub, messages, metadata)
        topic = stub.GetTopic(
            messages.TopicRequest(topic_name="/data/ChangeEvents"), metadata=metadata, timeout=10)
        assert topic.can_subscribe and not topic.can_publish and topic.schema_id == ""
        decoder = Decoder(stub, messages, metadata)
        requests = Requests(messages.FetchRequest(
            topic_name="/data/ChangeEvents", replay_preset=messages.EARLIEST, num_requested=1000))
        entities, seen, replay_ids = {}, 0, []
        stream = stub.Subscribe(iter(requests), metadata=metadata, timeout=60)
        for response in stream:
            assert len(response.events) <= 100
            for event in response.events:
                header = decoder.decode(event.event)["ChangeEventHeader"]
                entities[header["entityName"]] = entities.get(header["entityName"], 0) + 1
                replay_ids.append(event.replay_id)
            seen += len(response.events)
            if seen >= wanted:
                break
            if response.pending_num_requested <= 50:
                requests.put(messages.FetchRequest(num_requested=50))
        stream.cancel()
        requests.put(None)
    assert replay_ids == sorted(set(replay_ids))
    print(json.dumps({"events": seen, "schemas": len(decoder.schemas), "entities": entities}, sort_keys=True))


if __name__ == "__main__":
    main()
