"""Replays: from a stored replay ID, killed half-way; by time, on several topics; and live traffic beside them."""

import base64
import bisect
import json
import time

import pytest

from cloudevents.core.bindings.http import HTTPMessage, from_http
from cloudevents.core.formats.json import JSONFormat

from feed import FeedSpec, expected_bodies, replay_id
from harness import wait_until
from relay import Relay
from test_webhooks import CLOUD_EVENT, EVENTS, Hooks

TOPIC = "/data/AccountChangeEvent"
BEFORE, REPLAYED, LIVE = 400, 10_000, 3_000
SOURCES = ["journal", "salesforce"]


def replay(relay, *arguments) -> str:
    """Starts one, and returns its name."""
    options = ("--detach", "--yes", "--json", "--config", str(relay.workspace.config_path))
    started = relay.workspace.command("replay", *arguments, *options)
    assert started.returncode == 0, started.stderr
    return json.loads(started.stdout)["id"]


def state(relay, name) -> dict:
    shown = relay.workspace.command("replay", "show", name, "--json", "--config", str(relay.workspace.config_path))
    assert shown.returncode == 0, shown.stderr
    return json.loads(shown.stdout)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.timeout(200)
def test_ten_thousand_events_from_a_stored_id_killed_half_way(binary, world, source):
    total = BEFORE + REPLAYED + LIVE
    feed = FeedSpec(TOPIC, total, ["Account"], records=200, merged_every=0, rate=200)
    relay = Relay(world, [feed], rule={"concurrency": 16})
    relay.salesforce.process.call("hold", at=BEFORE + REPLAYED)
    stored = base64.b64encode(replay_id(BEFORE)).decode()
    with relay.run() as sluice:
        relay.wait_for_delivery(sluice, BEFORE + REPLAYED)
        limit = ("--limit", str(REPLAYED))
        name = replay(relay, "--replay-id", stored, "--source", source, *limit, "--rate", "4000/s")
        path = f"/hook {name}"
        relay.salesforce.process.call("rate", rate=200)
        relay.wait_for_delivery(sluice, REPLAYED // 2, path=path)
        sluice.kill()
    assert relay.delivered(path) < REPLAYED, "it was killed half-way"
    with relay.run() as sluice:
        relay.wait_for_delivery(sluice, REPLAYED, path=path)
        # Live events do not wait for the replay: what is there is delivered, but for half a second's worth.
        late = relay.salesforce.process.call("available")[TOPIC] - relay.delivered()
        assert late <= 200, f"{late} live events wait beside a replay"
        wait_until(lambda: state(relay, name)["state"] == "done", "the replay's end", 20, or_fail=sluice.ended)
        relay.end_of_feed()
        relay.wait_for_delivery(sluice)
        relay.wait_for_cursors()
        assert sluice.stop() == 0
    relay.check_everything_arrived_in_order()
    relay.check_manners(half_closed=10)
    again = relay.receiver.call("stats")["ledgers"][path]
    assert again["faults"] == {}, again["faults"]
    numbers = sorted(number for _, number in relay.receiver.call("pairs", path=path))
    assert numbers == list(range(BEFORE + 1, BEFORE + REPLAYED + 1)), "each of the 10,000, and no other"
    sample = relay.receiver.call("stats")["samples"][path]["headers"]
    assert sample["webhook-id"].endswith(f"_{name}") and sample["sluice-replay"] == name
    print(f"{source}: {again['attempts']} attempts for {REPLAYED}, {again['twice']} twice")


@pytest.mark.parametrize("source", SOURCES)
def test_a_replay_by_time_hits_the_right_first_event_of_every_topic(binary, world, source):
    """Topics whose commits are apart: for each, the first event committed at or after the time, and every later one."""
    now = int(time.time() * 1000)
    names = ["/data/AccountChangeEvent", "/data/sfy24__ProductionOrder__ChangeEvent", "/data/ChangeEvents"]
    entities = [["Account"], ["ProductionOrder"], ["Opportunity", "Case"]]
    feeds = [
        FeedSpec(name, 900, kinds, merged_every=0, base_ms=now - 7_200_000 + 137_311 * index)
        for index, (name, kinds) in enumerate(zip(names, entities))
    ]
    relay = Relay(world, feeds)
    since = now - 7_200_000 + 600_000
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(since // 1000)) + f".{since % 1000:03d}Z"
    with relay.run() as sluice:
        relay.wait_for_delivery(sluice)
        relay.wait_for_cursors()
        name = replay(relay, "--from", text, "--source", source)
        wanted = {(record, number) for feed in feeds for record, number in committed(feed, since)}
        path = f"/hook {name}"
        relay.wait_for_delivery(sluice, len(wanted), path=path)
        wait_until(lambda: state(relay, name)["state"] == "done", "the replay's end", 20, or_fail=sluice.ended)
        assert relay.workspace.cursor_numbers() == {feed.name: feed.count for feed in feeds}, "live cursors stay"
        assert sluice.stop() == 0
    got = {tuple(pair) for pair in relay.receiver.call("pairs", path=path)}
    assert got == wanted, f"first missing {sorted(wanted - got)[:3]}, first too many {sorted(got - wanted)[:3]}"
    assert relay.receiver.call("stats")["ledgers"][path]["faults"] == {}
    relay.check_everything_arrived_in_order()


def committed(feed, since):
    """What of a feed was committed at that time or later: commit times grow with the number."""
    times = [feed.base_ms + number * 1000 + (number % 2) * 123 for number in range(1, feed.count + 1)]
    first = bisect.bisect_left(times, since) + 1
    assert 1 < first < feed.count, "the time is inside the feed"
    return [(record, number) for record, number, _ in expected_bodies(feed) if number >= first]


@pytest.mark.parametrize("how", [["--earliest", "--source", "journal"], ["--resend", "--since", "1h"]], ids=lambda how: how[0])
def test_a_cloud_event_that_is_replayed_has_its_own_id_and_says_so(binary, world, how):
    hooks = Hooks(world, base_ms=int(time.time() * 1000) - 60_000)
    for mode in ("cloudevents", "cloudevents-binary"):
        hooks.add(mode, delivery=f"format: {mode}, " + CLOUD_EVENT)
    hooks.workspace.config_path.write_text(
        hooks.workspace.config_path.read_text().replace("store: {", "store: {sent: {keep: 24h, size: 10MB}, "))
    with hooks.run() as sluice:
        hooks.wait(sluice, "/cloudevents", "/cloudevents-binary")
        wait_until(lambda: hooks.workspace.count("sent") == 2 * EVENTS, "what was sent is kept", 20, or_fail=sluice.ended)
        wait_until(lambda: hooks.workspace.count("cursors") == 1, "the cursor is stored", 20, or_fail=sluice.ended)
        done = hooks.workspace.command("replay", *how, "--yes", "--json", "--config", str(hooks.workspace.config_path))
        assert done.returncode == 0, done.stderr
        hooks.wait(sluice, "/cloudevents", "/cloudevents-binary", count=2 * EVENTS)
        assert sluice.stop() == 0
    for mode in ("cloudevents", "cloudevents-binary"):
        events = {}
        for request in hooks.requests(f"/{mode}"):
            event = from_http(HTTPMessage(headers=request["headers"], body=request["body"].encode()), JSONFormat())
            assert event.get_id() == request["headers"]["webhook-id"]
            assert event.get_extension("sluicereplay") == request["headers"].get("sluice-replay")
            data = event.get_data()
            events[event.get_id()] = json.loads(data) if isinstance(data, (str, bytes)) else data
        live = {name: data for name, data in events.items() if "_rp" not in name}
        again = {name.partition("_rp")[0]: data for name, data in events.items() if "_rp" in name}
        assert len(live) == EVENTS and again == live, mode
