"""A small grpcio client with manners, to prove the peers without sluice."""

import http.client
import json
import queue
import ssl
import urllib.parse

import grpc

import wire
from feed import number_of

ORG = "00D000000000001EAA"
messages = wire.messages


class Client:
    def __init__(self, peer, token=None):
        with open(peer.authority.path, "rb") as file:
            credentials = grpc.ssl_channel_credentials(file.read())
        self.peer = peer
        options = [("grpc.max_receive_message_length", 8 << 20)]
        self.channel = grpc.secure_channel(peer.endpoint, credentials, options)
        self.answer = login(peer) if token is None else {"access_token": token, "instance_url": peer.login_url}
        self.metadata = [
            ("accesstoken", self.answer["access_token"]),
            ("instanceurl", self.answer["instance_url"]),
            ("tenantid", ORG),
        ]

    def unary(self, rpc, request, answer):
        call = self.channel.unary_unary(
            f"/{wire.SERVICE}/{rpc}", type(request).SerializeToString, answer.FromString
        )
        return call(request, metadata=self.metadata, timeout=10)

    def topic(self, name):
        return self.unary("GetTopic", messages.TopicRequest(topic_name=name), messages.TopicInfo)

    def schema(self, schema_id):
        return self.unary("GetSchema", messages.SchemaRequest(schema_id=schema_id), messages.SchemaInfo)

    def subscribe(self, name, preset=1, replay=b"", window=100):
        return Subscription(self, name, preset, replay, window)

    def close(self):
        self.channel.close()


class Subscription:
    def __init__(self, client, name, preset, replay, window):
        self._requests = queue.SimpleQueue()
        self.window = window
        self.owed = 0
        self.ask(topic_name=name, replay_preset=preset, replay_id=replay, num_requested=window)
        self.call = client.channel.stream_stream(
            f"/{wire.SERVICE}/Subscribe", messages.FetchRequest.SerializeToString, messages.FetchResponse.FromString
        )(iter(self._requests.get, None), metadata=client.metadata)

    def ask(self, **fields):
        self._requests.put(messages.FetchRequest(**fields))

    def responses(self):
        """Keeps the credit filled up; ends with the stream."""
        for response in self.call:
            self.owed += len(response.events)
            if self.owed >= self.window // 2:
                self.ask(num_requested=self.owed)
                self.owed = 0
            yield response

    def numbers(self, until: int):
        """Event numbers in order of arrival, up to `until`."""
        out = []
        for response in self.responses():
            out += [number_of(event.replay_id) for event in response.events]
            if out and out[-1] >= until:
                return out
        return out

    def end(self):
        self.call.cancel()


def login(peer, secret="interop-secret"):
    """The token endpoint's answer."""
    url = urllib.parse.urlsplit(peer.login_url)
    context = ssl.create_default_context(cafile=peer.authority.path)
    connection = http.client.HTTPSConnection(url.hostname, url.port, context=context, timeout=10)
    form = {"grant_type": "client_credentials", "client_id": "interop-client", "client_secret": secret}
    connection.request(
        "POST", "/services/oauth2/token", urllib.parse.urlencode(form),
        {"Content-Type": "application/x-www-form-urlencoded"},
    )  # fmt: skip
    answer = connection.getresponse()
    document = json.loads(answer.read())
    connection.close()
    document["status"] = answer.status
    return document
