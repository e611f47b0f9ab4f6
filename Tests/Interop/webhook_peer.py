"""A receiver that keeps whole requests, with an OAuth 2 token endpoint (RFC 6749, section 4.4), on plain HTTP and on TLS
that wants a client certificate.

Run as `python webhook_peer.py <config.json>`: `certificate`, `key`, `client_ca` (PEM files; without them no TLS).
"""

import asyncio
import base64
import ssl
import sys
import urllib.parse

import orjson

import http_server
from control import Control
from http_server import response

CLIENT, SECRET = "the client:1", "s3cret/with+signs"
TOKEN_LIFE = 3600


class Receiver:
    def __init__(self):
        self.requests = []
        self.connections = {"plain": 0, "tls": 0}
        self.answers = {}  # path -> list of {status, headers, body}; the last one stays
        self.tokens = 0
        self.oldest = 1
        self.faults = []

    def handler(self, door):
        def handle(request):
            self.requests.append(
                {"door": door, "method": request.method, "target": request.target, "headers": request.headers,
                 "size": len(request.body), "body": request.body[:100_000].decode("utf-8", "replace")}
            )  # fmt: skip
            if request.path == "/token":
                return self._token(request)
            planned = self.answers.get(request.path)
            if planned:
                answer = planned[0] if len(planned) == 1 else planned.pop(0)
                return response(answer["status"], answer.get("body", "").encode(), "text/plain", answer.get("headers", []))
            if request.path == "/oauth" and not self._is_good(request.headers.get("authorization", "")):
                return response(401)
            return response(204)

        return handle

    def opened(self, door):
        def count(_):
            self.connections[door] += 1

        return count

    def plan(self, path, answers):
        self.answers[path] = answers

    def withdraw_tokens(self):
        self.oldest = self.tokens + 1

    def stats(self, path=None):
        requests = [one for one in self.requests if path is None or one["target"].partition("?")[0] == path]
        return {"requests": requests, "connections": self.connections, "tokens": self.tokens, "faults": self.faults}

    def _token(self, request):
        form = dict(urllib.parse.parse_qsl(request.body.decode(), keep_blank_values=True, strict_parsing=True))
        scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
        name, _, secret = base64.b64decode(encoded or "").decode().partition(":")
        if request.method != "POST" or request.headers.get("content-type") != "application/x-www-form-urlencoded":
            self.faults.append(f"{request.method} with {request.headers.get('content-type')}")
        if form != {"grant_type": "client_credentials", "scope": "hooks write"}:
            self.faults.append(f"form {form}")
        # Section 2.3.1: both are form-encoded before they are put together.
        if (scheme, urllib.parse.unquote_plus(name), urllib.parse.unquote_plus(secret)) != ("Basic", CLIENT, SECRET):
            return response(401, b'{"error":"invalid_client"}')
        self.tokens += 1
        answer = {"access_token": f"token-{self.tokens}", "token_type": "Bearer", "expires_in": TOKEN_LIFE}
        return response(200, orjson.dumps(answer))

    def _is_good(self, authorization):
        name, _, number = authorization.rpartition("-")
        return name == "Bearer token" and number.isdigit() and self.oldest <= int(number) <= self.tokens


async def main(config: dict):
    receiver = Receiver()
    _, port = await http_server.listen(receiver.handler("plain"), on_open=receiver.opened("plain"))
    ready = {"port": port}
    if "certificate" in config:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(config["certificate"], config["key"])
        if config.get("client_ca"):
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(config["client_ca"])
        _, ready["tls_port"] = await http_server.listen(
            receiver.handler("tls"), ssl=context, on_open=receiver.opened("tls"))
    control = Control({"stats": receiver.stats, "plan": receiver.plan, "withdraw_tokens": receiver.withdraw_tokens})
    control.announce(ready=ready)
    await control.serve()


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as file:
        asyncio.run(main(orjson.loads(file.read())))
