"""How streams begin, what an idle one is good for, and what must not disturb a running one."""

from feed import FeedSpec
from harness import wait_until
from relay import Relay, subscribes

TOPIC = "/data/AccountChangeEvent"


def accounts(count, **options):
    return [FeedSpec(TOPIC, count, ["Account"], **options)]


def test_without_a_cursor_it_starts_at_latest(binary, world):
    relay = Relay(world, accounts(400, rate=100))
    relay.workspace.write_config([f'"{TOPIC}"'])
    with relay.run() as sluice:
        wait_until(lambda: relay.delivered() >= 100, "events after the start", 20, or_fail=sluice.ended)
        assert sluice.stop() == 0
    stats = relay.check_manners(half_closed=1)
    assert subscribes(stats, TOPIC) == [[0, None]]


def test_a_quiet_topic_keeps_its_cursor_fresh(binary, world):
    """The keepalive's replay id is stored, so that a silent week does not end in an id out of retention."""
    relay = Relay(world, accounts(50), keepalive=0.3)
    relay.workspace.write_config([f'{{name: "{TOPIC}", start: latest}}'])
    with relay.run() as sluice:
        relay.wait_for_cursors()
        assert sluice.stop() == 0
    assert relay.delivered() == 0


def test_a_token_that_expires_under_a_stream_is_renewed_and_the_stream_kept(binary, world):
    """GetSchema is refused in mid-stream: sign in again, ask again, go on."""
    script = [{"topic": TOPIC, "at": 250, "kind": "expire"}]
    relay = Relay(world, accounts(600, schema_change_every=300), script=script)
    with relay.run() as sluice:
        relay.wait_for_delivery(sluice)
        relay.wait_for_cursors()
        assert sluice.stop() == 0
    relay.check_everything_arrived_in_order()
    stats = relay.check_manners(connections=1, half_closed=1)
    assert len(subscribes(stats, TOPIC)) == 1, "the stream itself was well"
    assert stats["tokens"]["issued"] <= 3, "one refresh for all, not one per event"


def test_events_that_come_twice_on_one_stream(binary, world):
    script = [{"topic": TOPIC, "at": 250, "kind": "repeat", "count": 30}]
    relay = Relay(world, accounts(600), script=script)
    with relay.run() as sluice:
        relay.wait_for_delivery(sluice)
        relay.wait_for_cursors()
        assert sluice.stop() == 0
    relay.check_everything_arrived_in_order()


def test_fifteen_topics_share_one_connection(binary, world):
    feeds = [
        FeedSpec(f"/data/Part{index:02d}__chn", 60, ["Account"], seed=index, records=4, record_base=100 * index)
        for index in range(15)
    ]
    relay = Relay(world, feeds)
    with relay.run() as sluice:
        relay.wait_for_delivery(sluice)
        relay.wait_for_cursors()
        relay.check_manners(connections=1)
        assert sluice.stop() == 0
    relay.check_everything_arrived_in_order()


def test_credit_is_never_left_at_zero_by_a_slow_target(binary, world):
    """The limit of the API is 60 s; here it is three, so a stream that waits for its target would be caught."""
    relay = Relay(world, accounts(1200), rule={"concurrency": 4}, zero_credit=3)
    relay.receiver.call("fail", mode="slow", seconds=0.01)
    with relay.run() as sluice:
        relay.wait_for_delivery(sluice, seconds=60)
        assert sluice.stop() == 0
    relay.check_everything_arrived_in_order()
    relay.check_manners(half_closed=1)
