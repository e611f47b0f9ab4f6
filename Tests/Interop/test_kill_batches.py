"""kill -9 while gathered records are on their way: what a receiver gets first of each delivery never goes back in time."""

import collections
import http.server
import json
import os
import random
import threading
import time

import pytest

from feed import FeedSpec
from harness import wait_until

TOPIC = "/data/AccountChangeEvent"
KILLS = int(os.environ.get("SLUICE_BATCH_KILLS", "12"))

RULES = """sluice: 1
destinations:
  hook: {kind: webhook, url: "http://127.0.0.1:PORT/hook", allowHttp: true, concurrency: 16}
rules:
  - id: newest
    match: {entity: Account, change: [create, update, undelete]}
    to:
      destination: hook
      coalesce: {mode: latest, quiet: 1s, max: 2s}
      body: {id: "${recordId}", seq: "${record.?Seq__c}"}
"""


class Receiver:
    """Slow, and now and then unwell. Keeps what it accepted, in order: (record, seq, delivery id)."""

    def __init__(self, seed):
        pick, lock = random.Random(seed), threading.Lock()
        self.accepted = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(handler):
                body = json.loads(handler.rfile.read(int(handler.headers["content-length"])))
                with lock:
                    is_ill, pause = pick.random() < 0.1, pick.uniform(0.01, 0.3)
                if not is_ill:
                    with lock:
                        self.accepted.append((body["id"], int(body["seq"]), handler.headers["webhook-id"]))
                time.sleep(pause)  # accepted, and the sender does not know yet
                try:
                    handler.send_response(503 if is_ill else 204)
                    handler.send_header("content-length", "0")
                    handler.end_headers()
                except OSError:
                    handler.close_connection = True

            def log_message(handler, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass  # a sender that was killed

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.mark.timeout(300)
def test_an_older_state_is_never_new_to_a_receiver_after_a_newer_one(binary, world):
    seed = int(os.environ.get("SLUICE_SEED", str(random.SystemRandom().randrange(1 << 32))))
    print(f"seed {seed}; SLUICE_SEED={seed} repeats the moments")
    pick = random.Random(seed)
    receiver = Receiver(seed)
    spec = FeedSpec(TOPIC, 20_000, ["Account"], records=40, merged_every=0, pad=5, rate=60)
    salesforce = world.salesforce([spec])
    workspace = world.workspace(salesforce)
    workspace.write_config([TOPIC])
    workspace.write_rules(RULES.replace("PORT", str(receiver.port)))
    for _ in range(KILLS):
        before = len(receiver.accepted)
        with workspace.run() as sluice:
            wait_until(lambda: len(receiver.accepted) > before + 5, "deliveries", 30, or_fail=sluice.ended)
            time.sleep(pick.uniform(0, 1.5))
            sluice.kill()
    salesforce.process.call("hold")
    count = salesforce.process.call("available")[TOPIC]
    with workspace.run() as sluice:
        wait_until(lambda: workspace.cursor_numbers().get(TOPIC) == count, "the whole feed", 60, every=0.3,
                   or_fail=sluice.ended)  # fmt: skip
        wait_until(lambda: workspace.count("outbox") == 0, "an empty outbox", 60, every=0.3, or_fail=sluice.ended)
        assert sluice.stop() == 0
    seen, newest, back = set(), collections.defaultdict(int), []
    for record, seq, delivery in receiver.accepted:
        if delivery not in seen and seq < newest[record]:
            back.append((record, seq, newest[record]))
        seen.add(delivery)
        newest[record] = max(newest[record], seq)
    print(f"{count} events, {len(receiver.accepted)} posts, {len(seen)} deliveries, {KILLS} kills, {len(back)} went back")
    assert back == [], back[:5]
