"""A gRPC server of another make, for the client's tests. Messages are plain bytes.

Prints one JSON line (`port`, `ca`, `otherCA`) when it listens, obeys lines on stdin, and ends with stdin:
`stop <seconds>` says GOAWAY and lets open RPCs finish that long; then `stopped` is printed.
"""

import json
import pathlib
import sys
import tempfile
import threading
from concurrent import futures

import grpc

# The certificates are those of the interop tests.
sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "Interop"))

import certificates  # noqa: E402


def unary(request, context):
    context.set_trailing_metadata((("error-code", "none"), ("rpc-id", "r-1")))
    return request


def fail(request, context):
    """Answers with the code and message that the request's bytes name: `5 not found …`."""
    code, _, message = request.decode().partition(" ")
    statuses = {status.value[0]: status for status in grpc.StatusCode}
    context.set_trailing_metadata((("error-code", "sfdc.test"), ("rpc-id", "r-2")))
    context.abort(statuses[int(code)], message)


def slow(request, context):
    done = threading.Event()
    context.add_callback(done.set)
    done.wait(30)
    return b""


def metadata(request, context):
    pairs = [f"{name}={value}" for name, value in context.invocation_metadata()]
    return "\n".join(pairs).encode()


def peer(request, context):
    """Which connection the call came by."""
    return context.peer().encode()


def chat(requests, context):
    context.send_initial_metadata((("greeting", "hello"),))
    for request in requests:
        yield request


def fail_later(requests, context):
    yield b"one"
    yield b"two"
    context.set_trailing_metadata((("error-code", "sfdc.late"),))
    context.abort(grpc.StatusCode.INVALID_ARGUMENT, "später: 100 % ✓")


def many(requests, context):
    """`<count> <bytes>` in the first request: so many messages of that size."""
    count, size = map(int, next(requests).split())
    message = bytes(size)
    for _ in range(count):
        yield message


class Handler(grpc.GenericRpcHandler):
    def __init__(self):
        self.unary = {"Unary": unary, "Fail": fail, "Slow": slow, "Metadata": metadata, "Peer": peer}
        self.streams = {"Chat": chat, "FailLater": fail_later, "Many": many}

    def service(self, details):
        name = details.method.rpartition("/")[2]
        if name in self.unary:
            return grpc.unary_unary_rpc_method_handler(self.unary[name])
        if name in self.streams:
            return grpc.stream_stream_rpc_method_handler(self.streams[name])
        return None


def main():
    folder = tempfile.TemporaryDirectory()
    authority = certificates.Authority(folder.name)
    other = certificates.Authority(folder.name, "other")
    host = sys.argv[1] if len(sys.argv) > 1 else "localhost"
    hosts = ("localhost", "127.0.0.1") if host in ("localhost", "expired") else (host,)
    pair = [open(path, "rb").read() for path in authority.issue("server", hosts, expired=host == "expired")]
    server = grpc.server(
        futures.ThreadPoolExecutor(16), handlers=[Handler()],
        options=[("grpc.max_receive_message_length", 16 << 20), ("grpc.max_send_message_length", 16 << 20)])
    credentials = grpc.ssl_server_credentials([(pair[1], pair[0])])
    port = server.add_secure_port("127.0.0.1:0", credentials)
    server.start()
    facts = {"port": port, "folder": folder.name, "ca": authority.path, "otherCA": other.path}
    print(json.dumps(facts), flush=True)
    for line in sys.stdin:
        command, _, argument = line.strip().partition(" ")
        if command == "stop":
            server.stop(float(argument)).wait()
            print("stopped", flush=True)
    server.stop(0)


main()
