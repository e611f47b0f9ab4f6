"""The two ends of `bench_relay.py`, each in a process of its own: a Pub/Sub API that keeps a timetable, and a receiver
that notes when each event came.

Run as `python bench_relay_feed.py <config.json>`; `end` in it says which one. Both read CLOCK_MONOTONIC, which all
processes share, so times of one can be taken from times of the other.
"""

import asyncio
import ctypes
import itertools
import pathlib
import pickle
import random
import selectors
import socket
import ssl
import subprocess
import sys
import threading
import time

import grpc
import grpc.aio

import broker as model
import http_server
import wire
from control import Control
from feed import number_of, replay_id
from http_peers import TokenEndpoint

MOST = 100  # events of one message, and outstanding credit


class FeedServer:
    """One topic over TLS. Every stream gets its events at the same moments after its subscription began.

    `feed`: a file with the events' fields; `count`: how many of them there are in this run; `rate`: events per second,
    0 for all at once; `round_trip`: seconds added, half on the way in and half on the way out.
    """

    def __init__(self, config):
        self.config = config
        self.tokens = TokenEndpoint(config["org"])
        with open(config["feed"], "rb") as file:
            stored = pickle.load(file)
        self.fields, self.schemas = stored["fields"][: config["count"]], stored["schemas"]
        self.due = []  # of each event, once a stream began
        self.sent = 0
        self.late = []  # seconds from due to written, per message
        self.first_sent = self.last_sent = 0.0

    async def start(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.config["certificate"], self.config["key"])
        _, token_port = await http_server.listen(self.tokens.handle, ssl=context)
        self.tokens.base_url = f"https://localhost:{token_port}"
        server = grpc.aio.server()
        messages = wire.messages
        handlers = {
            "GetTopic": grpc.unary_unary_rpc_method_handler(
                self._topic, messages.TopicRequest.FromString, messages.TopicInfo.SerializeToString
            ),
            "GetSchema": grpc.unary_unary_rpc_method_handler(
                self._schema, messages.SchemaRequest.FromString, messages.SchemaInfo.SerializeToString
            ),
            "Subscribe": grpc.stream_stream_rpc_method_handler(self._subscribe, messages.FetchRequest.FromString),
        }
        server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(wire.SERVICE, handlers)])
        with open(self.config["key"], "rb") as key, open(self.config["certificate"], "rb") as certificate:
            credentials = grpc.ssl_server_credentials([(key.read(), certificate.read())])
        port = server.add_secure_port("127.0.0.1:0", credentials)
        await server.start()
        self.server = server
        return {"port": port, "token_port": token_port}

    async def _topic(self, request, _context):
        return wire.messages.TopicInfo(
            topic_name=request.topic_name, tenant_guid="bench", can_subscribe=True, schema_id=next(iter(self.schemas)),
        )  # fmt: skip

    async def _schema(self, request, _context):
        return wire.messages.SchemaInfo(schema_id=request.schema_id, schema_json=self.schemas[request.schema_id])

    def _timetable(self, begin):
        """[(first, end, due)] of the messages from event `begin` (0-based) on."""
        rate, count, now = self.config["rate"], len(self.fields), time.monotonic()
        if not rate:
            self.due = [now] * count
            return [(at, min(at + MOST, count), now) for at in range(begin, count, MOST)]
        pick, at, messages, start = random.Random(7), begin, [], now + 0.5
        self.due = [start] * begin
        while at < count:
            end = min(count, at + pick.randint(*self.config["sizes"]))
            due = start + (at - begin) / rate
            messages.append((at, end, due))
            self.due += [due] * (end - at)
            at = end
        return messages

    async def _subscribe(self, requests, context):
        loop, half = asyncio.get_running_loop(), self.config["round_trip"] / 2
        credit, wake, first = [0], asyncio.Event(), loop.create_future()

        def granted(count):
            credit[0] = min(MOST, credit[0] + count)
            wake.set()

        async def read():
            async for request in requests:
                if not first.done():
                    first.set_result(request)
                loop.call_later(half, granted, request.num_requested) if half else granted(request.num_requested)

        reader = asyncio.create_task(read())
        out = asyncio.Queue()
        writer = asyncio.create_task(self._write(out, context))
        try:
            request = await first
            begin = number_of(request.replay_id) if request.replay_preset == 2 else 0
            timetable = self._timetable(begin)
            for at, end, due in timetable:
                while at < end:
                    while not credit[0]:
                        wake.clear()
                        await wake.wait()
                    wait = due - time.monotonic()
                    if wait > 0:
                        await asyncio.sleep(wait)
                    upto = min(end, at + credit[0])
                    credit[0] -= upto - at
                    item = (at, upto, due, credit[0])
                    loop.call_later(half, out.put_nowait, item) if half else out.put_nowait(item)
                    at = upto
                    if not half and out.qsize() > 8:
                        await asyncio.sleep(0)
            while True:
                await asyncio.sleep(30)
                await context.write(wire.fetch_response([], replay_id(len(self.fields)), "bench", credit[0]))
        finally:
            reader.cancel()
            writer.cancel()

    async def _write(self, out, context):
        while True:
            at, upto, due, left = await out.get()
            data = wire.fetch_response(self.fields[at:upto], replay_id(upto), "bench", left)
            now = time.monotonic()
            self.first_sent = self.first_sent or now
            self.late.append(now - due)
            await context.write(data)
            self.sent, self.last_sent = upto, time.monotonic()

    def stats(self):
        late = sorted(self.late)
        return {
            "sent": self.sent, "first": self.first_sent, "last": self.last_sent,
            "late99": late[len(late) * 99 // 100] if late else 0,
        }  # fmt: skip

    def handlers(self):
        return {"stats": self.stats, "due": lambda: self.due}


class Receiver:
    """Notes when each event came; answers after `delay` seconds (see bench_receiver.c)."""

    MOST = 1_000_000

    def __init__(self, folder, delay=0.0):
        library = pathlib.Path(folder) / "bench_receiver.so"
        source = pathlib.Path(__file__).with_name("bench_receiver.c")
        subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o", library, source], check=True)
        self.library = ctypes.CDLL(str(library))
        self.library.receiver_create.restype = ctypes.c_void_p
        self.library.receiver_time.restype = ctypes.c_double
        for name in ("count", "distinct", "refused"):
            getattr(self.library, f"receiver_{name}").restype = ctypes.c_long
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.listener.setblocking(False)
        number = ctypes.c_int(self.listener.fileno())
        self.receiver = ctypes.c_void_p(
            self.library.receiver_create(number, ctypes.c_double(delay), ctypes.c_long(self.MOST))
        )

    def serve(self):
        """For ever; in a thread of its own. ctypes lets go of the interpreter meanwhile."""
        self.library.receiver_serve(self.receiver)

    def _long(self, name):
        return getattr(self.library, f"receiver_{name}")(self.receiver)

    def _times(self):
        """By number, from 1 to the highest that is asked for; None for one that has not come."""
        times = (self.library.receiver_time(self.receiver, ctypes.c_long(number)) for number in itertools.count(1))
        return [time or None for time in itertools.islice(times, self._long("distinct"))]

    def stats(self):
        times = [time for time in self._times() if time]
        return {
            "count": self._long("count"), "distinct": self._long("distinct"), "first": min(times, default=0),
            "last": max(times, default=0), "refused": self._long("refused"),
        }  # fmt: skip

    def set(self, refuses):
        """Begins anew."""
        self.library.receiver_reset(self.receiver, ctypes.c_int(refuses))

    def handlers(self):
        return {
            "stats": self.stats, "set": self.set, "progress": lambda: [self._long("distinct"), time.monotonic()],
            "times": self._times,
        }  # fmt: skip


async def main(config):
    if config["end"] == "feed":
        end = FeedServer(config)
        ready = await end.start()
    else:
        end = Receiver(pathlib.Path(sys.argv[1]).parent, config.get("delay", 0.0))
        threading.Thread(target=end.serve, daemon=True).start()
        ready = {"port": end.listener.getsockname()[1]}
    control = Control(end.handlers())
    control.announce(ready=ready)
    await control.serve()


def precise_loop():
    """With epoll, timers are up to a millisecond late: the two halves of a round trip of 20 ms made 22."""
    return asyncio.SelectorEventLoop(selectors.SelectSelector())


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=precise_loop) as runner:
        runner.run(main(model.load(sys.argv[1])))
