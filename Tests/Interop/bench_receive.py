"""The other side of `sluice-bench receive`: serves 100,000 events over TLS, receives and decodes them with grpcio and
fastavro in this process, prints one line of JSON about both, and serves until its input ends."""

import io
import json
import sys
import tempfile
import time

import fastavro
import orjson

from client import ORG, Client
from feed import FeedSpec
from harness import SalesforcePeer

TOPIC = "/data/AccountChangeEvent"
EVENTS = 100_000


def receive(client):
    """CPU seconds of this process, and the mean size of a payload."""
    schemas, size, count = {}, 0, 0
    subscription = client.subscribe(TOPIC)
    start = time.process_time()
    for response in subscription.responses():
        for event in response.events:
            name = event.event.schema_id
            if name not in schemas:
                schemas[name] = fastavro.parse_schema(orjson.loads(client.schema(name).schema_json))
            fastavro.schemaless_reader(io.BytesIO(event.event.payload), schemas[name])
            size += len(event.event.payload)
            count += 1
        if count >= EVENTS:
            break
    seconds = time.process_time() - start
    subscription.end()
    return seconds, size / count


def main():
    with tempfile.TemporaryDirectory() as folder:
        peer = SalesforcePeer([FeedSpec(TOPIC, EVENTS, ["Account"], merged_every=0)], folder)
        try:
            client = Client(peer)
            seconds, size = receive(client)
            client.close()
            host, port = peer.endpoint.split(":")
            answer = {
                "host": host, "port": int(port), "ca": str(peer.authority.path),
                "token": client.answer["access_token"], "instanceURL": client.answer["instance_url"], "orgID": ORG,
                "topic": TOPIC, "events": EVENTS, "pythonSeconds": seconds, "payloadBytes": size,
            }  # fmt: skip
            print(json.dumps(answer), flush=True)
            sys.stdin.read()
        finally:
            peer.stop()


if __name__ == "__main__":
    main()
