"""kill -9 and SIGTERM at any moment, under load, with faults: nothing lost, order per record kept, and repeated is only
what a kill leaves no other choice about. A receiver in Python counts."""

import bisect
import os
import random
import signal
import time

import pytest

from harness import specs, wait_until
from relay import Relay

KILLS = int(os.environ.get("SLUICE_KILLS", "60"))
STOPS = int(os.environ.get("SLUICE_STOPS", "20"))
CONCURRENCY = 16
# What was delivered so long before a kill may not be committed yet: a commit is due 100 ms after the first change, and
# is written on a machine that other tests share.
COMMIT_GROUP = 0.5
RATE = 120  # per second and topic
FAULTS = {
    False: [{"kind": "status", "status": "UNAVAILABLE"}, {"kind": "goaway", "grace": 0.2}],
    True: [{"kind": "rst", "error": 2}, {"kind": "cut"}, {"kind": "eof"}],
}


def seeded():
    seed = int(os.environ.get("SLUICE_SEED", str(random.SystemRandom().randrange(1 << 32))))
    print(f"seed {seed}; SLUICE_SEED={seed} repeats the moments")
    return random.Random(seed)


def loaded(world, pick, raw, **failure) -> Relay:
    """Three topics under load, streams that go wrong every few hundred events, a receiver that is at times unwell."""
    feeds = specs(30_000, rate=RATE, records=200, merged_every=0)
    script = [
        {"topic": feed.name, "at": at, **pick.choice(FAULTS[raw])}
        for feed in feeds
        for at in range(300, feed.count, 700)
    ]
    relay = Relay(world, feeds, raw=raw, script=script, rule={"concurrency": CONCURRENCY})
    relay.receiver.call("fail", mode="status", status=503, p=0.004, seed=pick.randrange(1 << 32), **failure)
    return relay


def drain(relay):
    """The feed ends where it is; one more run delivers what is left of it."""
    relay.end_of_feed()
    with relay.run() as sluice:
        relay.wait_for_delivery(sluice, seconds=60)
        relay.wait_for_cursors()
        wait_until(lambda: relay.workspace.count("outbox") == 0, "an empty outbox", 30, or_fail=sluice.ended)
        assert sluice.stop() == 0
    stats = relay.check_everything_arrived_in_order()
    assert relay.workspace.count("dead_letters") == 0
    relay.check_manners(half_closed=10)
    return stats


@pytest.mark.parametrize("raw", [False, True], ids=["grpcio", "bare HTTP/2"])
@pytest.mark.timeout(400 + 8 * KILLS)
def test_killed_again_and_again_under_load_and_faults(binary, world, raw):
    """Half of the kills at each kind of peer."""
    pick = seeded()
    relay = loaded(world, pick, raw)
    lives = []
    for number in range(max(1, KILLS // 2)):
        with relay.run() as sluice:
            # Most lives end while they begin; some are long enough for several commits.
            time.sleep(pick.uniform(0.03, 0.3) if number % 4 else pick.uniform(0.3, 1.5))
            assert sluice.process.poll() is None, sluice.ended()
            lives.append((sluice.started, time.monotonic()))
            sluice.kill()
    lives.append((time.monotonic(), float("inf")))
    assert relay.delivered() > 100, "it got nowhere between the kills"
    stats = drain(relay)
    times, again = (relay.receiver.call(name, path="/hook") for name in ("times", "again"))
    worst = check_repetition(lives, times, again)
    fired = len(relay.salesforce.stats()["fired"])
    refused = relay.receiver.call("stats")["failures"][0]["times"]
    print(
        f"{len(lives) - 1} kills, {fired} faults of streams, {len(refused)} refusals: {stats['distinct']} deliveries, "
        f"{stats['attempts']} attempts, {stats['twice']} came again; of one kill at most {worst}"
    )
    assert fired > 5 and len(refused) > 5, "faults went by"


def check_repetition(lives, times, again) -> int:
    """Duplicates per kill: at most what was in flight and one commit group.

    A delivery that came again counts for the life in which it had come before. `times`: of all acceptances."""
    begins = [begin for begin, _ in lives]
    counts = [0] * len(lives)
    for before, now in again:
        life = bisect.bisect_right(begins, before) - 1
        assert bisect.bisect_right(begins, now) - 1 > life, "a delivery came twice without a kill in between"
        counts[life] += 1
    for (begin, end), count in zip(lives, counts):
        # Acceptances that the receiver noted only after the kill are in flight as well.
        after_group = bisect.bisect_right(times, end + 1.0)
        group = after_group - bisect.bisect_left(times, max(begin, end - COMMIT_GROUP))
        assert count <= CONCURRENCY + group, f"{count} came again after a kill, of {group} in the last {COMMIT_GROUP} s"
    return max(counts)


@pytest.mark.timeout(200)
def test_stopped_twenty_times_under_load(binary, world):
    """SIGTERM: nothing lost, nothing doubled, five seconds at most."""
    pick = seeded()
    relay = loaded(world, pick, raw=True)
    relay.receiver.call("fail", mode="slow", seconds=0.3, p=0.02, seed=pick.randrange(1 << 32))
    slowest = 0.0
    for _ in range(STOPS):
        with relay.run() as sluice:
            sluice.wait_for_line("started")  # before that a signal finds the default action
            time.sleep(pick.uniform(0.0, 0.8))
            began = time.monotonic()
            assert sluice.stop(10) == 0, sluice.ended()
            slowest = max(slowest, time.monotonic() - began)
    stats = drain(relay)
    assert stats["twice"] == 0, f"{stats['twice']} deliveries came twice"
    assert slowest <= 5, f"a stop took {slowest:.1f} s"
    print(f"{STOPS} stops, the slowest took {slowest:.2f} s; {stats['distinct']} deliveries, none twice")


def test_a_second_signal_ends_at_once(binary, world):
    """A receiver that never answers would be waited for; who asks twice does not want to wait."""
    relay = Relay(world, specs(300), rule={"concurrency": CONCURRENCY})
    relay.receiver.call("fail", mode="never")
    with relay.run() as sluice:
        wait_until(lambda: relay.receiver.call("stats")["failures"][0]["seen"] >= 3, "attempts under way", 20)
        sluice.process.send_signal(signal.SIGTERM)
        sluice.wait_for_line("second signal")
        assert sluice.process.poll() is None, "it waits for its attempts"
        began = time.monotonic()
        sluice.process.send_signal(signal.SIGTERM)
        code = sluice.wait(5)
        assert time.monotonic() - began < 2
        assert code != 0, "a stop that was broken off is not a clean end"
    relay.receiver.call("heal")
    with relay.run() as sluice:
        relay.wait_for_delivery(sluice)
        assert sluice.stop() == 0
    relay.check_everything_arrived_in_order()


def test_a_stop_does_not_wait_for_a_receiver_that_hangs(binary, world):
    """Longer than it was told to, that is; what is broken off is made again, under its ID."""
    relay = Relay(world, specs(300), rule={"concurrency": CONCURRENCY})
    relay.receiver.call("fail", mode="never")
    with relay.run(arguments=["--stop-within", "2"]) as sluice:
        wait_until(lambda: relay.receiver.call("stats")["failures"][0]["seen"] >= 3, "attempts under way", 20)
        began = time.monotonic()
        assert sluice.stop(10) == 0, sluice.ended()
        assert time.monotonic() - began < 3.5
        assert sluice.matching("took too long to stop; they are made again after the next start")
    relay.receiver.call("heal")
    with relay.run() as sluice:
        relay.wait_for_delivery(sluice)
        assert sluice.stop() == 0
    relay.check_everything_arrived_in_order()


def test_a_killed_run_does_not_keep_its_successor_out(binary, world):
    """The lock on the store dies with its owner; a living owner is named."""
    relay = Relay(world, specs(300))
    with relay.run() as sluice:
        relay.wait_for_delivery(sluice)
        with relay.run() as second:
            assert second.wait() in (2, 3)
            assert second.matching(str(sluice.process.pid)), "the owner of the store is named"
        assert sluice.process.poll() is None, "the first one goes on"
        sluice.kill()
    with relay.run() as sluice:
        sluice.wait_for_line("started")  # before that a signal finds the default action
        relay.wait_for_cursors()
        assert sluice.stop() == 0
