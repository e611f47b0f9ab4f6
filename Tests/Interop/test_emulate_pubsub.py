"""The emulator's Pub/Sub API with grpcio, which knows nothing of Sluice: managed subscriptions, PublishStream, channels."""

import grpc
import pytest

import emulator_client
import wire
from emulated_org import EmulatedOrg

CHANNEL = "/data/Orders__chn"
NAME = "Sluice_Orders"


class Stub:
    """The calls of the service, by name."""

    def __init__(self, channel):
        for name, ask, answer in [
            ("GetTopic", "TopicRequest", "TopicInfo"), ("GetSchema", "SchemaRequest", "SchemaInfo"),
            ("Publish", "PublishRequest", "PublishResponse"), ("Subscribe", "FetchRequest", "FetchResponse"),
            ("ManagedSubscribe", "ManagedFetchRequest", "ManagedFetchResponse"),
            ("PublishStream", "PublishRequest", "PublishResponse"),
        ]:  # fmt: skip
            kind = channel.stream_stream if name.endswith(("Subscribe", "Stream")) else channel.unary_unary
            ask, answer = getattr(wire.messages, ask), getattr(wire.messages, answer)
            setattr(self, name, kind(f"/{wire.SERVICE}/{name}", ask.SerializeToString, answer.FromString))


class Client:
    messages = wire.messages

    def __init__(self, org):
        session = emulator_client.token(org.url)
        self.metadata = [
            ("accesstoken", session["access_token"]), ("instanceurl", session["instance_url"]),
            ("tenantid", session["id"].split("/")[-2]),
        ]  # fmt: skip
        self.channel = grpc.insecure_channel(org.target)
        self.stub = Stub(self.channel)

    def stream(self, method, first):
        return Stream(getattr(self.stub, method), first, self.metadata)

    def managed(self, **fields):
        asked = {"developer_name": NAME, "num_requested": 100} if not fields else fields
        return self.stream("ManagedSubscribe", self.messages.ManagedFetchRequest(**asked))

    def commit(self, replay_id, name="c"):
        commit = self.messages.CommitReplayRequest(commit_request_id=name, replay_id=replay_id)
        return self.messages.ManagedFetchRequest(commit_replay_id_request=commit)

    def event(self, name, payload=b"\x00"):
        topic = self.stub.GetTopic(
            self.messages.TopicRequest(topic_name="/event/Order_Ready__e"), metadata=self.metadata, timeout=10)
        return self.messages.ProducerEvent(id=name, schema_id=topic.schema_id, payload=payload)


class Stream:
    """A call whose requests the test sends one by one."""

    def __init__(self, method, first, metadata):
        self.requests = emulator_client.Requests(first)
        self.call = method(iter(self.requests), metadata=metadata, timeout=60)

    def send(self, request):
        self.requests.put(request)

    def next(self):
        return next(self.call)

    def events(self, count):
        found = []
        while len(found) < count:
            found += self.next().events
        return found

    def end(self):
        """Half-closes, and waits until the server has ended the call as well."""
        self.requests.put(None)
        assert list(self.call) == [] and self.call.code() == grpc.StatusCode.OK

    def failure(self):
        """The code that the call fails with, without its prefix."""
        with pytest.raises(grpc.RpcError):
            while True:
                self.next()
        self.requests.put(None)
        trailers = dict(self.call.trailing_metadata())
        assert self.call.details().endswith("rpcId: " + trailers["rpc-id"])
        return trailers["error-code"].removeprefix("sfdc.platform.eventbus.grpc.")


@pytest.fixture
def org(binary, tmp_path):
    org = EmulatedOrg(binary, tmp_path)
    yield org
    org.stop()


@pytest.fixture
def client(org):
    client = Client(org)
    yield client
    client.channel.close()


def tell(org, count, entity="Opportunity"):
    for number in range(count):
        org.step(publish={"entity": entity, "ids": [f"006Dp00000{number:05d}AAA"], "fields": {"Name": f"{number}"}})


def test_a_managed_subscription_is_named_as_the_guide_says(client):
    prefix = "managed.subscription."
    commit = client.messages.CommitReplayRequest(commit_request_id="c", replay_id=b"1")
    for fields, code in [
        ({"num_requested": 1}, "id.or.developer.name.empty"),
        ({"developer_name": NAME, "subscription_id": "18xDp0000000001IAA", "num_requested": 1}, "id.or.developer.name.empty"),
        ({"developer_name": "Nope", "num_requested": 1}, "developer.name.not.found"),
        ({"subscription_id": "18xDp0000000099IAA", "num_requested": 1}, "subscription.id.not.found"),
        ({"subscription_id": "18x1", "num_requested": 1}, "subscription.id.invalid"),
        ({"developer_name": NAME, "num_requested": -1}, "fetch.request.events.invalid"),
        ({"developer_name": NAME, "num_requested": 1, "commit_replay_id_request": commit},
         "fetch.request.commit.request.restricted"),
    ]:  # fmt: skip
        assert client.managed(**fields).failure() == prefix + code
    stream = client.managed(subscription_id="18xDp0000000001", num_requested=1)
    stream.send(client.messages.ManagedFetchRequest())
    assert stream.failure() == prefix + "fetch.request.invalid"


def test_a_managed_cursor_survives_its_streams(org, client):
    tell(org, 4)
    first = client.managed()
    events = first.events(4)
    first.send(client.commit(events[1].replay_id, "mine"))
    answer = first.next()
    assert answer.commit_response.commit_request_id == "mine" and answer.commit_response.replay_id == events[1].replay_id
    assert answer.commit_response.process_time > 1_700_000_000_000 and not answer.commit_response.HasField("error")
    first.end()
    second = client.managed()
    again = second.events(2)
    assert [event.replay_id for event in again] == [event.replay_id for event in events[2:]], "what was not committed"
    second.call.cancel()
    third = client.managed()
    third.events(2)
    third.send(client.commit(events[3].replay_id))
    third.next()
    third.end()
    org.step(fault="disconnect")
    tell(org, 1)
    assert client.managed().events(1)[0].replay_id not in [event.replay_id for event in events]


def test_a_commit_that_cannot_be_is_refused_and_the_stream_goes_on(org, client):
    tell(org, 3)
    stream = client.managed(developer_name=NAME, num_requested=2)
    events = stream.events(2)
    stream.send(client.commit(events[1].replay_id))
    assert not stream.next().commit_response.HasField("error")
    later = (int.from_bytes(events[1].replay_id[:8], "big") + 1000).to_bytes(8, "big") + b"\0\0"
    for replay_id in (b"", b"x", events[0].replay_id, later):
        stream.send(client.commit(replay_id, "bad"))
        refused = stream.next().commit_response
        assert refused.commit_request_id == "bad" and refused.error.code == client.messages.COMMIT and refused.error.msg
    stream.send(client.messages.ManagedFetchRequest(num_requested=5))
    assert len(stream.events(1)) == 1


def test_a_managed_subscription_has_one_client(org, client):
    tell(org, 1)
    first = client.managed()
    first.events(1)
    other = Client(org)
    assert other.managed().failure() == "managed.subscription.already.active"
    first.end()
    second = other.managed()
    assert len(second.events(1)) == 1
    org.step(managed={"name": NAME, "state": "STOP"})
    assert second.failure() == "managed.subscription.config.stopped"
    assert client.managed().failure() == "managed.subscription.config.stopped"
    org.step(managed={"name": NAME, "state": "RUN"})
    third = client.managed()
    third.events(1)
    org.step(managed={"name": NAME, "deleted": True})
    assert third.failure() == "managed.subscription.config.deleted"
    other.channel.close()


def test_a_new_managed_subscription_starts_where_its_default_says(org, client):
    tell(org, 2)
    for name, replay in (("Early", "EARLIEST"), ("Late", "LATEST")):
        org.step(managed={"name": name, "topic": CHANNEL, "defaultReplay": replay})
    early = client.managed(developer_name="Early", num_requested=10)
    assert len(early.events(2)) == 2
    late = client.managed(developer_name="Late", num_requested=10)
    list(late.call.initial_metadata())
    tell(org, 1, "sfy24__ProductionOrder__c")
    schemas = {event.event.schema_id for event in late.events(1)}
    assert schemas == {early.events(1)[0].event.schema_id}


def test_each_request_of_a_publish_stream_has_its_response_in_order(client):
    event = client.event
    request = client.messages.PublishRequest
    stream = client.stream("PublishStream", request(topic_name="/event/Order_Ready__e", events=[event("a"), event("b")]))
    wrong = client.messages.ProducerEvent(id="w", schema_id="wrong", payload=b"")
    stream.send(request(events=[wrong, event("c"), event("d", b"\0" * 1_100_000)]))
    stream.send(request(topic_name="/event/Order_Ready__e", events=[event("e")]))
    answers = [stream.next() for _ in range(3)]
    assert [[result.correlation_key for result in answer.results] for answer in answers] == [["a", "b"], ["w", "c", "d"], ["e"]]
    failed = [result.HasField("error") for answer in answers for result in answer.results]
    assert failed == [False, False, True, False, True, False]
    assert answers[1].results[0].error.code == client.messages.PUBLISH
    replay_ids = [result.replay_id for answer in answers for result in answer.results if result.replay_id]
    assert replay_ids == sorted(replay_ids) and len(replay_ids) == 4
    stream.end()
    first = client.messages.FetchRequest(
        topic_name="/event/Order_Ready__e", replay_preset=client.messages.EARLIEST, num_requested=10)
    assert [event.event.id for event in client.stream("Subscribe", first).events(4)] == ["a", "b", "c", "e"]


@pytest.mark.parametrize("requests, code", [
    ([{"topic_name": "/event/Order_Ready__e", "events": []}], "publish.event.count.invalid"),
    ([{"topic_name": "", "events": ["x"]}], "publish.topic.validation.empty"),
    ([{"topic_name": "/event/Nope__e", "events": ["x"]}], "topic.not.found"),
    ([{"topic_name": "/event/Order_Ready__e", "events": ["x"]}, {"topic_name": "/event/Other__e", "events": ["y"]}],
     "publish.topic.mismatch"),
])  # fmt: skip
def test_a_bad_publish_request_ends_the_stream(client, requests, code):
    made = [
        client.messages.PublishRequest(topic_name=asked["topic_name"], events=[client.event(name) for name in asked["events"]])
        for asked in requests
    ]
    stream = client.stream("PublishStream", made[0])
    for request in made[1:]:
        stream.send(request)
    assert stream.failure() == code


def test_a_channel_of_several_entities(org, client):
    topic = client.stub.GetTopic(
        client.messages.TopicRequest(topic_name=CHANNEL), metadata=client.metadata, timeout=10)
    assert topic.schema_id == "" and topic.can_subscribe and not topic.can_publish
    first = client.messages.FetchRequest(topic_name=CHANNEL, replay_preset=client.messages.EARLIEST, num_requested=100)
    stream = client.stream("Subscribe", first)
    decoder = emulator_client.Decoder(client.stub, client.messages, client.metadata)

    def names(count):
        return [decoder.decode(event.event)["ChangeEventHeader"]["entityName"] for event in stream.events(count)]

    for entity in ("Opportunity", "Account", "sfy24__ProductionOrder__c"):
        tell(org, 1, entity)
    assert names(2) == ["Opportunity", "sfy24__ProductionOrder__c"]
    org.step(channel={"name": "Orders__chn", "add": "Account", "remove": "Opportunity"})
    for entity in ("Opportunity", "Account"):
        tell(org, 1, entity)
    assert names(1) == ["Account"]
    org.step(permission={"entity": "Account", "viewAll": False})
    for entity in ("Account", "sfy24__ProductionOrder__c"):
        tell(org, 1, entity)
    assert names(1) == ["sfy24__ProductionOrder__c"], "what the user may not see is left out without an error"


def test_the_delivery_allocation_ends(org, client):
    org.step(limits={"DailyDeliveredPlatformEvents": {"max": 100, "remaining": 2}})
    tell(org, 3)
    first = client.messages.FetchRequest(topic_name=CHANNEL, replay_preset=client.messages.EARLIEST, num_requested=100)
    stream = client.stream("Subscribe", first)
    assert len(stream.events(2)) == 2
    assert stream.failure() == "subscription.limit.exceeded"
    assert client.managed().failure() == "subscription.limit.exceeded"
    org.step(limits={"DailyDeliveredPlatformEvents": {"remaining": 50}})
    assert len(client.managed().events(3)) == 3
