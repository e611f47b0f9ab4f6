"""The message classes of pubsub_peer.proto, compiled into a temporary folder when first imported."""

import importlib
import pathlib
import sys
import tempfile

from grpc_tools import protoc


def _compile():
    source = pathlib.Path(__file__).with_name("pubsub_peer.proto")
    folder = tempfile.TemporaryDirectory(prefix="sluice-proto-")
    status = protoc.main(["protoc", f"-I{source.parent}", f"--python_out={folder.name}", str(source)])
    if status != 0:
        raise RuntimeError(f"cannot compile {source}: protoc ended with status {status}")
    sys.path.insert(0, folder.name)
    try:
        return importlib.import_module("pubsub_peer_pb2")
    finally:
        sys.path.remove(folder.name)
        folder.cleanup()


messages = _compile()

SERVICE = "eventbus.v1.PubSub"


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def consumer_event_field(event_id: str, schema_id: str, payload: bytes, replay_id: bytes) -> bytes:
    """One element of `FetchResponse.events`, tag and length included, so that responses are made by joining."""
    event = messages.ConsumerEvent(
        event=messages.ProducerEvent(id=event_id, schema_id=schema_id, payload=payload), replay_id=replay_id
    ).SerializeToString()
    return b"\x0a" + varint(len(event)) + event


def fetch_response(fields: list[bytes], latest_replay_id: bytes, rpc_id: str, pending: int) -> bytes:
    tail = messages.FetchResponse(
        latest_replay_id=latest_replay_id, rpc_id=rpc_id, pending_num_requested=pending
    ).SerializeToString()
    return b"".join(fields) + tail
