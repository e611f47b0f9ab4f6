"""Just enough HTTP/1.1 to be a fast server: keep-alive, Content-Length and chunked bodies, nothing else."""

import asyncio

REASONS = {
    200: "OK", 201: "Created", 204: "No Content", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden",
    404: "Not Found", 405: "Method Not Allowed", 409: "Conflict", 413: "Content Too Large",
    422: "Unprocessable Content", 429: "Too Many Requests", 500: "Internal Server Error", 502: "Bad Gateway",
    503: "Service Unavailable",
}  # fmt: skip


class Request:
    __slots__ = ("method", "target", "headers", "body", "connection")

    def __init__(self, method, target, headers, body, connection):
        self.method = method
        self.target = target
        self.headers = headers  # lower-case names
        self.body = body
        self.connection = connection

    @property
    def path(self):
        return self.target.partition("?")[0]


def response(status: int, body: bytes = b"", content_type="application/json", headers=()) -> bytes:
    lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}"]
    if status != 204:
        lines.append(f"Content-Length: {len(body)}")
    if body:
        lines.append(f"Content-Type: {content_type}")
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Connection(asyncio.Protocol):
    """`handle(request)` returns the bytes to answer, or None when it will call `answer` or `reset` itself."""

    def __init__(self, handle, on_open=None):
        self.handle = handle
        self.on_open = on_open
        self.buffer = b""
        self.waiting = False  # one answer at a time, in order

    def connection_made(self, transport):
        self.transport = transport
        if self.on_open:
            self.on_open(self)

    def connection_lost(self, error):
        self.transport = None

    def data_received(self, data):
        self.buffer = self.buffer + data if self.buffer else data
        self._serve()

    def answer(self, data: bytes):
        """The late answer to the one request in hand."""
        self.waiting = False
        if self.transport:
            self.transport.write(data)
            self._serve()

    def answer_and_close(self, data: bytes):
        """These bytes, whole or half an answer, and the end of the connection."""
        if self.transport:
            self.transport.write(data)
            self.transport.close()

    def reset(self):
        """RST: the other side sees its connection reset, whatever it had sent."""
        if self.transport:
            self.transport.abort()

    def _serve(self):
        while self.buffer and not self.waiting:
            request = self._take()
            if request is None:
                return
            self.waiting = True
            data = self.handle(request)
            if data is not None:
                self.waiting = False
                if self.transport:
                    self.transport.write(data)

    def _take(self) -> Request | None:
        buffer = self.buffer
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        lines = buffer[:end].decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ", 2)
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        start = end + 4
        if headers.get("expect", "").lower() == "100-continue" and self.transport and len(buffer) == start:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if "chunked" in headers.get("transfer-encoding", "").lower():
            body, stop = _chunks(buffer, start)
        else:
            stop = start + int(headers.get("content-length", "0"))
            body = buffer[start:stop] if len(buffer) >= stop else None
        if body is None:
            return None
        self.buffer = buffer[stop:]
        return Request(method, target, headers, body, self)


def _chunks(buffer: bytes, position: int):
    body = b""
    while True:
        end = buffer.find(b"\r\n", position)
        if end < 0:
            return None, 0
        size = int(buffer[position:end].split(b";")[0], 16)
        position = end + 2
        if len(buffer) < position + size + 2:
            return None, 0
        body += buffer[position : position + size]
        position += size + 2
        if size == 0:
            return body, position


async def listen(handle, host="127.0.0.1", port=0, ssl=None, on_open=None):
    """Returns (server, port)."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(handle, on_open), host, port, ssl=ssl, backlog=512)
    return server, server.sockets[0].getsockname()[1]
