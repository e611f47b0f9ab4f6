"""An HTTP/1.1 server that does to its clients what its paths say.

Prints one JSON line when it listens, and ends with stdin. Arguments: `plain`, `tls`, `expired`, `elsewhere` (a certificate
for another host), `mutual` (a client certificate is required) or `silent` (reads, never answers). The line `connections` on stdin prints how many were
accepted so far.
"""

import json
import os
import pathlib
import socket
import ssl
import struct
import sys
import tempfile
import threading

# The certificates are those of the interop tests.
sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "Interop"))

import certificates  # noqa: E402

accepted = 0


class Request:
    def __init__(self, head, reader):
        first, *lines = head.decode("latin-1").split("\r\n")
        self.method, self.path, _ = first.split(" ", 2)
        self.lines = [line for line in lines if line]
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in self.lines)}
        self.body = reader.read(int(headers.get("content-length", 0)))


def answer(status, body=b"", headers=()):
    lines = [f"HTTP/1.1 {status} Because", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def break_off(connection):
    """Resets instead of closing."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def wait_until_read():
    """A reset throws away what the client's kernel holds and nothing tells us when the client has read it: a moment."""
    threading.Event().wait(0.3)


def wait_for_end(connection):
    """Answers nothing until the client gives up."""
    connection.recv(1)


RESETS = []
"""The requests that were answered by a reset."""


def serve_one(request, connection):
    """Returns whether the connection goes on."""
    match request.path.split("?")[0]:
        case "/echo":
            lines = [request.method, *request.lines]
            connection.sendall(answer(200, "\n".join(lines).encode() + b"\n\n" + request.body, ["X-Two: a", "x-two: b"]))
        case "/status":
            status = request.path.partition("?")[2]
            body = b"" if status in ("204", "304") else b"body"
            connection.sendall(answer(status, body, ["Location: /echo"]))
        case "/interim":
            connection.sendall(b"HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n" + answer(200, b"late"))
        case "/silent":
            wait_for_end(connection)
            return False
        case "/close":
            return False
        case "/drip":
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc")
            wait_for_end(connection)
            return False
        case "/reset-before":
            RESETS.append(request.method)
            return break_off(connection)
        case "/resets":
            connection.sendall(answer(200, str(len(RESETS)).encode()))
        case "/reset-inside":
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc")
            return break_off(connection)
        case "/unframed-then-reset":
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nall of it")
            wait_until_read()
            return break_off(connection)
        case "/chunked-then-reset":
            connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
            wait_until_read()
            return break_off(connection)
        case "/endless":
            connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while True:
                connection.sendall(b"2000\r\n" + bytes(0x2000) + b"\r\n")
        case "/endless-headers":
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
            while True:
                connection.sendall(b"X-More: " + b"x" * 8000 + b"\r\n")
        case "/garbage":
            connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
            return False
        case _:
            connection.sendall(answer(404))
    return True


def shake_hands(connection):
    try:
        connection.do_handshake()
        return True
    except ssl.SSLError:
        # Closing over unread bytes would be a reset, and overtake the alert that says what is wrong.
        socket.socket.shutdown(connection, socket.SHUT_WR)
        while os.read(connection.fileno(), 4096):
            pass
        return False


def serve(connection):
    try:
        if mode == "silent":
            while connection.recv(4096):
                pass
            return connection.close()
        if context:
            connection = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
            if not shake_hands(connection):
                return connection.close()
        elif connection.recv(1, socket.MSG_PEEK) == b"\x16":
            connection.sendall(answer(400, b"this port speaks no TLS"))
            return connection.close()
        reader = connection.makefile("rb")
        while True:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                line = reader.readline(65536)
                if not line:
                    return connection.close()
                head += line
            if not serve_one(Request(head[:-4], reader), connection):
                return connection.close()
    except OSError:
        connection.close()


def tls_context(mode, folder):
    authority = certificates.Authority(folder)
    other = certificates.Authority(folder, "other")
    hosts = ("elsewhere.example",) if mode == "elsewhere" else ("localhost", "127.0.0.1")
    certificate, key = authority.issue("server", hosts, expired=mode == "expired")
    client, client_key = authority.issue("client")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    if mode == "mutual":
        server.load_verify_locations(authority.path)
        server.verify_mode = ssl.CERT_REQUIRED
    facts = {"ca": authority.path, "otherCA": other.path, "clientCertificate": client, "clientKey": client_key}
    return server, facts


def accept(listener):
    global accepted
    while True:
        connection, _ = listener.accept()
        accepted += 1
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


mode = sys.argv[1] if len(sys.argv) > 1 else "plain"
folder = tempfile.TemporaryDirectory()
context, facts = (None, {}) if mode in ("plain", "silent") else tls_context(mode, folder.name)
listener = socket.create_server(("127.0.0.1", 0), backlog=512)
threading.Thread(target=accept, args=(listener,), daemon=True).start()
print(json.dumps({"port": listener.getsockname()[1], "folder": folder.name, **facts}), flush=True)
for line in sys.stdin:
    print(accepted, flush=True)
