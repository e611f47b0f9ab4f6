"""The two ends of `bench_relay.py`, each in a process of its own: a Pub/Sub API that keeps a timetable, and a receiver
that notes when each event came.

Run as `python bench_relay_feed.py <config.json>`; `end` in it says which one. Both read CLOCK_MONOTONIC, which all
processes share, so times of one can be taken from times of the other.
"""

import asyncio
import collections
import pickle
import random
import select
import socket
import ssl
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

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}"
REFUSAL = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
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
    """HTTP/1.1 with Content-Length, nothing else; answers after `delay` seconds. A plain epoll loop, since whatever it
    costs is part of every round trip that the relays are measured by."""

    def __init__(self, delay=0.0):
        self.delay, self.refuses = delay, False
        self.times, self.count, self.refused = {}, 0, 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.listener.setblocking(False)
        self.waiting = collections.deque()  # (when, connection): the delay is the same for all

    def serve(self):
        """For ever; in a thread of its own."""
        poll, listener = select.epoll(), self.listener
        poll.register(listener, select.EPOLLIN)
        connections, buffers = {}, {}
        while True:
            for number, _ in poll.poll(self._timeout()):
                if number == listener.fileno():
                    connection, _ = listener.accept()
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    connections[connection.fileno()], buffers[connection.fileno()] = connection, b""
                    poll.register(connection, select.EPOLLIN)
                    continue
                connection = connections[number]
                try:
                    data = connection.recv(262144)
                except ConnectionError:
                    data = b""
                if data:
                    buffers[number] = self._received(connection, buffers[number] + data)
                else:
                    poll.unregister(number)
                    connection.close()
                    del connections[number], buffers[number]

    def _timeout(self):
        while self.waiting:
            left = self.waiting[0][0] - time.monotonic()
            if left > 0:
                return max(0.0, left - 0.001)  # epoll counts whole milliseconds; the last one is spent polling
            self._send(self.waiting.popleft()[1], ANSWER)
        return None

    def _received(self, connection, buffer):
        now, at = time.monotonic(), 0
        while (end := buffer.find(b"\r\n\r\n", at)) >= 0:
            head = buffer[at:end].lower()
            mark = head.find(b"content-length:")
            length = int(head[mark + 15 :].split(b"\r", 1)[0]) if mark >= 0 else 0
            if len(buffer) < end + 4 + length:
                break
            self._take(connection, buffer[end + 4 : end + 4 + length], now)
            at = end + 4 + length
        return buffer[at:]

    def _take(self, connection, body, now):
        if self.refuses:
            self.refused += 1
            return self._send(connection, REFUSAL)
        mark = body.find(b'"seq":') + 6
        self.times.setdefault(int(float(body[mark : body.find(b",", mark)])), now)
        self.count += 1
        if self.delay:
            self.waiting.append((now + self.delay, connection))
        else:
            self._send(connection, ANSWER)

    @staticmethod
    def _send(connection, data):
        try:
            connection.send(data)
        except OSError:
            pass  # the relay went away

    def stats(self):
        times = list(self.times.values())
        return {
            "count": self.count, "distinct": len(times), "first": min(times, default=0),
            "last": max(times, default=0), "refused": self.refused,
        }  # fmt: skip

    def set(self, refuses):
        """Begins anew."""
        self.refuses, self.times, self.count = refuses, {}, 0

    def handlers(self):
        return {
            "stats": self.stats, "set": self.set, "progress": lambda: [len(self.times), time.monotonic()],
            "times": lambda: [self.times.get(number) for number in range(1, len(self.times) + 1)],
        }  # fmt: skip


async def main(config):
    if config["end"] == "feed":
        end = FeedServer(config)
        ready = await end.start()
    else:
        end = Receiver(config.get("delay", 0.0))
        threading.Thread(target=end.serve, daemon=True).start()
        ready = {"port": end.listener.getsockname()[1]}
    control = Control(end.handlers())
    control.announce(ready=ready)
    await control.serve()


if __name__ == "__main__":
    asyncio.run(main(model.load(sys.argv[1])))
