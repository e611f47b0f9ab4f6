"""kill -9 at any moment: nothing lost, repetition only under the same delivery id, order per record kept."""

import os
import random
import time

import pytest

from harness import specs, wait_until
from relay import Relay

KILLS = int(os.environ.get("SLUICE_KILLS", "50"))


@pytest.mark.timeout(300)
def test_killed_again_and_again_under_load(binary, world):
    seed = int(os.environ.get("SLUICE_SEED", str(random.SystemRandom().randrange(1 << 32))))
    print(f"seed {seed}; SLUICE_SEED={seed} repeats the moments")
    pick = random.Random(seed)
    relay = Relay(world, specs(60_000, rate=500, records=200))
    total = len(relay.expected)  # made before the load starts
    relay.receiver.call("fail", mode="lost_answer", p=0.001, seed=seed)
    relay.receiver.call("fail", mode="status", status=503, p=0.002, seed=seed + 1)
    progress = []
    for _ in range(KILLS):
        with relay.run() as sluice:
            time.sleep(pick.uniform(0.02, 0.9))  # the moment of the kill is the test's input
            assert sluice.process.poll() is None, sluice.ended()
            sluice.kill()
        progress.append(relay.delivered())
    assert progress[-1] > progress[0], "it got nowhere between the kills"
    assert progress[-1] < total, "no load was left for the last kills; make the feed longer"
    for spec in relay.specs:
        relay.salesforce.process.call("rate", topic=spec.name, rate=0)
    with relay.run() as sluice:
        relay.wait_for_delivery(sluice, seconds=100)
        relay.wait_for_cursors()
        wait_until(lambda: relay.workspace.count("outbox") == 0, "an empty outbox", 30, or_fail=sluice.ended)
        assert sluice.stop() == 0
    stats = relay.check_everything_arrived_in_order()
    assert relay.workspace.count("dead_letters") == 0
    print(f"{stats['attempts']} attempts, {stats['twice']} deliveries seen more than once, of {total}")
    relay.check_manners(half_closed=3)


def test_a_killed_run_does_not_keep_its_successor_out(binary, world):
    """The lock on the store dies with its owner; a living owner is named."""
    relay = Relay(world, specs(300))
    with relay.run() as sluice:
        relay.wait_for_delivery(sluice)
        with relay.run() as second:
            assert second.wait() in (2, 3)
            assert second.matching(str(sluice.process.pid)), "the owner of the store is named"
        sluice.kill()
    with relay.run() as sluice:
        relay.wait_for_cursors()
        assert sluice.stop() == 0
