"""Managed subscriptions and PublishStream, as the guide has them: one client at a time, commits, requests in order."""

import broker as model
import wire
from feed import number_of

PREFIX = "managed.subscription."


def refused(code, message="scripted"):
    return model.Abort("INVALID_ARGUMENT", PREFIX + code, message)


class Subscription:
    """A ManagedEventSubscription: its cursor outlives every client."""

    def __init__(self, spec):
        self.topic = spec["topic"]
        self.id = spec["id"]
        self.name = spec["name"]
        self.state = spec.get("state", "RUN")
        self.committed = 0
        self.commits = []
        self.clients = 0
        self.refusals = 0
        self.active = None


class Session(model.Session):
    """One ManagedSubscribe stream."""

    def __init__(self, broker, connection, subscriptions):
        super().__init__(broker, connection)
        self.subscriptions = subscriptions
        self.subscription = None
        self.answers = []

    def on_request(self, request, now):
        if request.auth_refresh:
            self.broker.violation("auth_refresh set", "ManagedFetchRequest")
        if self.topic is None:
            return self._first(request, now)
        if request.subscription_id or request.developer_name:
            self.broker.violation("identifier in a follow-up", request.developer_name)
        if request.num_requested < 0:
            return self._bug(refused("fetch.request.events.invalid"))
        commit = request.commit_replay_id_request if request.HasField("commit_replay_id_request") else None
        if request.num_requested == 0 and commit is None:
            return self._bug(refused("fetch.request.invalid"))
        if commit is not None:
            self.answers.append(self._commit(commit))
        if self.credit + request.num_requested > model.MAX_CREDIT:
            self.broker.violation("more than 100 outstanding", f"{self.credit} + {request.num_requested}")
        self.credit = min(model.MAX_CREDIT, self.credit + request.num_requested)
        self._zero_since = None
        return None

    def close(self):
        if self.subscription is not None and self.subscription.active is self:
            self.subscription.active = None

    def step(self, now):
        if self.answers and not self._half_closed:
            return model.Send(wire.messages.ManagedFetchResponse(commit_response=self.answers.pop(0)).SerializeToString())
        return super().step(now)

    def _bug(self, abort):
        self.broker.violation(abort.code, "ManagedFetchRequest")
        return self.broker.aborted("ManagedSubscribe", "", abort)

    def _first(self, request, now):
        if request.HasField("commit_replay_id_request"):
            return self._bug(refused("fetch.request.commit.request.restricted"))
        if bool(request.subscription_id) == bool(request.developer_name):
            return self._bug(refused("id.or.developer.name.empty"))
        found = [
            item for item in self.subscriptions
            if request.developer_name == item.name or (request.subscription_id and item.id.startswith(request.subscription_id[:15]))
        ]
        if not found:
            code = "developer.name.not.found" if request.developer_name else "subscription.id.not.found"
            return self.broker.aborted("ManagedSubscribe", request.developer_name, refused(code))
        subscription = found[0]
        if subscription.state != "RUN":
            return self.broker.aborted("ManagedSubscribe", subscription.name, refused("config.stopped"))
        if subscription.active is not None:
            subscription.refusals += 1
            return self.broker.aborted("ManagedSubscribe", subscription.name, refused("already.active"))
        subscription.active = self
        subscription.clients += 1
        self.subscription = subscription
        self.topic = self.broker.topics[subscription.topic]
        self.position = subscription.committed
        self.broker.subscribes.append([subscription.topic, "managed", subscription.committed, self.connection, round(now, 3)])
        self._last_response = now
        self.credit = min(model.MAX_CREDIT, request.num_requested)
        return None

    def _commit(self, commit):
        answer = wire.messages.CommitReplayResponse(
            commit_request_id=commit.commit_request_id, replay_id=commit.replay_id, process_time=1_760_000_000_000
        )
        number = number_of(commit.replay_id)
        if number is None or number > self.position or number < self.subscription.committed:
            self.broker.violation("commit of a position not delivered", str(number))
            answer.error.code, answer.error.msg = 2, "the replay ID is not valid"
            return answer
        self.subscription.committed = number
        self.subscription.commits.append(number)
        return answer


class PublishStream:
    """Answers each request, in order; breaks after so many if told to."""

    def __init__(self, broker, break_after=None):
        self.broker = broker
        self.break_after = break_after
        self.requests = 0
        self.topic = None

    def answer(self, request):
        self.requests += 1
        if not request.events:
            self.broker.violation("publish.event.count.invalid", "PublishRequest")
        if self.topic not in (None, request.topic_name):
            self.broker.violation("publish.topic.mismatch", request.topic_name)
        self.topic = request.topic_name
        if self.break_after is not None and self.requests > self.break_after:
            return model.Abort("UNAVAILABLE", "service.unavailable", "scripted")
        return self.broker.publish(request)

