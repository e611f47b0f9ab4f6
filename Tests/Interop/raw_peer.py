"""The same Pub/Sub API on bare HTTP/2 (h2 over asyncio TLS), for what grpcio will not do: reset a stream without
trailers, cut a connection mid-frame, send a message in 16 KB frames or byte by byte, see malformed headers.

Run as `python raw_peer.py <config.json>`; keys as in pubsub_peer.py, and `max_frame` (payload bytes of a DATA frame).
"""

import asyncio
import os
import signal
import ssl
import struct
import sys
import urllib.parse

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions

import broker as model
import http_server
import wire
from http_peers import TokenEndpoint
from pubsub_peer import main

UNARY = {
    "GetTopic": (wire.messages.TopicRequest, lambda broker, request: broker.get_topic(request.topic_name)),
    "GetSchema": (wire.messages.SchemaRequest, lambda broker, request: broker.get_schema(request.schema_id)),
    "Publish": (wire.messages.PublishRequest, lambda broker, request: broker.publish(request)),
}


class Stream:
    def __init__(self, rpc, session=None):
        self.rpc = rpc
        self.session = session
        self.received = b""
        self.outgoing = bytearray()
        self.frame_limit = None  # bytes per DATA frame for the rest of `outgoing`
        self.trailers = None
        self.timer = None


class RawConnection(asyncio.Protocol):
    def __init__(self, server):
        self.server = server
        self.broker = server.broker
        self.streams = {}
        self.going_away = None  # when GOAWAY was sent
        config = h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
        self.h2 = h2.connection.H2Connection(config)

    def connection_made(self, transport):
        self.transport = transport
        host, port = transport.get_extra_info("peername")[:2]
        self.name = f"ipv4:{host}:{port}"
        self.server.connections.add(self)
        chosen = transport.get_extra_info("ssl_object").selected_alpn_protocol()
        if chosen != "h2":
            self.broker.violation("ALPN", f"{chosen} instead of h2")
        self.h2.initiate_connection()
        self._flush()

    def connection_lost(self, error):
        self.server.connections.discard(self)
        for stream in self.streams.values():
            if stream.timer:
                stream.timer.cancel()
        self.streams.clear()

    def data_received(self, data):
        try:
            events = self.h2.receive_data(data)
        except h2.exceptions.ProtocolError as error:
            self.broker.violation("HTTP/2 protocol error", f"{type(error).__name__}: {error}")
            self._flush()
            self.transport.close()
            return
        for event in events:
            self._on_event(event)
        for number in list(self.streams):
            self._pump(number)
        self._flush()

    def _on_event(self, event):
        number = getattr(event, "stream_id", None)
        if isinstance(event, h2.events.RequestReceived):
            self._open(number, [(str(name), str(value)) for name, value in event.headers])
        elif isinstance(event, h2.events.DataReceived):
            self.h2.acknowledge_received_data(event.flow_controlled_length, number)
            if number in self.streams:
                self._received(number, event.data)
        elif isinstance(event, h2.events.StreamEnded):
            stream = self.streams.get(number)
            if stream and stream.session:
                stream.session.on_half_close()
        elif isinstance(event, h2.events.StreamReset):
            self._drop(number)
        elif isinstance(event, h2.events.ConnectionTerminated):
            self.transport.close()

    def _open(self, number, headers):
        pseudo = {name: value for name, value in headers if name.startswith(":")}
        fields = dict(headers)
        wanted = {":method": "POST", ":scheme": "https", "te": "trailers"}
        for name, value in wanted.items():
            if fields.get(name) != value:
                self.broker.violation("request headers", f"{name}: {fields.get(name)}")
        if not fields.get("content-type", "").startswith("application/grpc"):
            self.broker.violation("request headers", f"content-type: {fields.get('content-type')}")
        if self.going_away and self.server.loop.time() - self.going_away > 0.5:
            self.broker.violation("new stream after GOAWAY", str(number))
        service, _, rpc = pseudo.get(":path", "").lstrip("/").partition("/")
        refused = self.broker.admit(self.name, headers, rpc == "Subscribe")
        self.streams[number] = Stream(rpc)
        if service != wire.SERVICE or rpc not in (*UNARY, "Subscribe"):
            refused = model.Abort("UNIMPLEMENTED", "", f"no method {pseudo.get(':path')}")
        if refused:
            self._trailers_only(number, self.broker.aborted(rpc, "", refused))
        elif rpc == "Subscribe":
            self.streams[number].session = model.Session(self.broker, self.name)
            self._respond_headers(number)

    def _received(self, number, data):
        stream = self.streams[number]
        stream.received += data
        while len(stream.received) >= 5:
            compressed, length = struct.unpack(">BI", stream.received[:5])
            if compressed:
                self.broker.violation("compressed message", stream.rpc)
            if len(stream.received) < 5 + length:
                return
            message, stream.received = stream.received[5 : 5 + length], stream.received[5 + length :]
            if stream.session:
                request = wire.messages.FetchRequest.FromString(message)
                abort = stream.session.on_request(request, self.server.loop.time())
                if abort:
                    self._end(number, abort)
            else:
                self._unary(number, message)

    def _unary(self, number, message):
        kind, call = UNARY[self.streams[number].rpc]
        answer = call(self.broker, kind.FromString(message))
        if isinstance(answer, model.Abort):
            self._trailers_only(number, answer)
            return
        self._respond_headers(number)
        self._queue(number, answer.SerializeToString())
        self._end(number, model.Abort("OK"))

    def _pump(self, number):
        """Sends what may be sent, then asks the session for more."""
        while (stream := self.streams.get(number)) is not None:
            if stream.timer:
                stream.timer.cancel()
                stream.timer = None
            if stream.outgoing:
                self._send_data(number, stream)
            if stream.outgoing:
                return  # the window is closed; WINDOW_UPDATE brings us back
            if stream.trailers is not None:
                self.h2.send_headers(number, stream.trailers, end_stream=True)
                self._drop(number)
                return
            if not stream.session or not self._step(number, stream):
                return

    def _step(self, number, stream) -> bool:
        step = stream.session.step(self.server.loop.time())
        if isinstance(step, model.Send):
            self._queue(number, step.data)
            return True
        if isinstance(step, model.Wait):
            stream.timer = self.server.loop.call_later(step.seconds, self._timer, number)
            return False
        if isinstance(step, model.Abort):
            self._end(number, step)
            return True
        return self._fault(number, stream, step)

    def _timer(self, number):
        self._pump(number)
        self._flush()

    def _fault(self, number, stream, fault) -> bool:
        options = fault.options
        if fault.kind == "rst":
            self.h2.reset_stream(number, options.get("error", h2.errors.ErrorCodes.NO_ERROR))
            self._drop(number)
            return False
        if fault.kind == "goaway":
            self.go_away(options.get("grace", 0.2), options.get("error", 0))
            return True
        if fault.kind == "cut":
            # Half a frame header, then RST: the worst place to lose a peer.
            self._flush()
            self.transport.write(b"\x00\x40\x00\x00")
            self.transport.abort()
            return False
        if fault.kind == "dribble":
            stream.frame_limit = 1
            return True
        if fault.kind == "revoke":
            self.server.tokens.revoke_all()
            abort = model.Abort("UNAUTHENTICATED", "service.auth.error", "The session is invalid or expired")
            self._end(number, self.broker.aborted("Subscribe", "revoked", abort))
            return True
        if fault.kind == "eof":
            self._flush()
            self.transport.close()
            return False
        raise ValueError(f"no fault '{fault.kind}'")

    def go_away(self, grace, error=0):
        """GOAWAY; the open streams go on for `grace` seconds, then the connection closes."""
        self._flush()
        self.going_away = self.server.loop.time()
        body = struct.pack(">II", max(self.streams, default=0), error)
        self.transport.write(struct.pack(">BHBBI", 0, len(body), 7, 0, 0) + body)
        self.server.loop.call_later(grace, self.transport.close)

    def _send_data(self, number, stream):
        while stream.outgoing:
            room = min(self.h2.local_flow_control_window(number), self.server.max_frame)
            size = min(room, len(stream.outgoing), stream.frame_limit or room, self.h2.max_outbound_frame_size)
            if size <= 0:
                return
            self.h2.send_data(number, bytes(stream.outgoing[:size]))
            del stream.outgoing[:size]
        stream.frame_limit = None

    def _respond_headers(self, number):
        headers = [(":status", "200"), ("content-type", "application/grpc"), ("grpc-encoding", "identity")]
        self.h2.send_headers(number, headers)

    def _queue(self, number, message):
        self.streams[number].outgoing += struct.pack(">BI", 0, len(message)) + message

    def _end(self, number, abort):
        self.streams[number].trailers = _status(abort) + abort.trailers(self.streams[number].rpc, self.broker.rpc_id())
        self.streams[number].session = None

    def _trailers_only(self, number, abort):
        headers = [(":status", "200"), ("content-type", "application/grpc"), *_status(abort)]
        headers += abort.trailers(self.streams[number].rpc, self.broker.rpc_id())
        self.h2.send_headers(number, headers, end_stream=True)
        self._drop(number)

    def _drop(self, number):
        stream = self.streams.pop(number, None)
        if stream and stream.timer:
            stream.timer.cancel()

    def _flush(self):
        data = self.h2.data_to_send()
        if data and not self.transport.is_closing():
            self.transport.write(data)


class RawServer:
    def __init__(self, config: dict):
        self.config = config
        self.loop = asyncio.get_running_loop()
        self.max_frame = config.get("max_frame", 16384)
        broker_config = model.config_from(config)
        self.tokens = TokenEndpoint(broker_config.org_id, login_error=config.get("login_error"))
        self.broker = model.Broker(broker_config, self.loop.time(), self.tokens.is_valid)
        self.connections = set()
        self.control = None

    async def start(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.config["certificate"], self.config["key"])
        port = self.config.get("token_port", 0)
        _, token_port = await http_server.listen(self.tokens.handle, port=port, ssl=context)
        self.tokens.base_url = self.broker.config.instance_url = f"https://localhost:{token_port}"
        secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        secure.load_cert_chain(self.config["certificate"], self.config["key"])
        secure.set_alpn_protocols(["h2"])
        server = await self.loop.create_server(
            lambda: RawConnection(self), "127.0.0.1", self.config.get("port", 0), ssl=secure
        )
        return {"port": server.sockets[0].getsockname()[1], "token_port": token_port}

    async def go_away(self, grace: float):
        for connection in list(self.connections):
            connection.go_away(grace)

    def die(self):
        self.control.announce(dying=self.broker.stats())
        os.kill(os.getpid(), signal.SIGKILL)


def _status(abort):
    return [
        ("grpc-status", str(model.STATUS[abort.status])),
        ("grpc-message", urllib.parse.quote(abort.message, safe=" !\"#$&'()*+,-./:;<=>?@[]^_`{|}~")),
    ]


if __name__ == "__main__":
    asyncio.run(main(model.load(sys.argv[1]), RawServer))
