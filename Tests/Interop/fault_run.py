"""One relay under a steady feed, hit by one fault. Whatever the fault is, this must hold:

- nothing is lost, and each record's deliveries stay in order;
- while the relay waits, it takes at most 5 ms of processor time per second;
- when the fault is over, the relay is at the feed's full rate within 5 s, or within 5 s of the next try that
  `sluice status` announced;
- the log has one clear line about it: what fails, and what happens next; not one line per try.
"""

import dataclasses
import datetime
import json
import os
import pathlib
import re
import time
from collections.abc import Callable

from feed import FeedSpec
from harness import wait_until
from machine import Machine
from relay import Relay

TOPICS = [("/data/AccountChangeEvent", "Account"), ("/data/sfy24__ProductionOrder__ChangeEvent", "ProductionOrder")]
RATE = 60.0  # events per second and topic
COUNT = 3000  # per topic: more than any run needs
WAIT_BUDGET = float(os.environ.get("SLUICE_WAIT_BUDGET", "0.025"))  # processor seconds per second of waiting
RECOVERY = 5.0  # seconds
LOUD = re.compile(r"^\S+ (WARNING|ERROR|CRITICAL) ")


@dataclasses.dataclass
class Fault:
    """`begin` makes it, `end` ends it; a fault without `end` is over as soon as it has happened.

    `line`: what the line in the log must say. `lines`: how many lines of warning or worse there may be, 0 for a fault
    that nobody needs to hear of. `by_hand`: what an operator does when it is over and the next try is far away."""

    name: str
    begin: Callable
    end: Callable | None
    line: str
    lines: int = 1
    watched: float = 2.0  # seconds of waiting that are measured; 0: nothing waits
    settle: float = 1.0  # seconds before, for what is under way
    by_hand: Callable | None = None
    prepare: Callable | None = None
    repeats: bool = False  # deliveries may arrive twice, under their id
    idles: bool = False  # credit cannot be asked for meanwhile
    dead: bool = False  # what came meanwhile is parked with a reason, and sent again by hand
    rule: dict = dataclasses.field(default_factory=dict)
    relay: dict = dataclasses.field(default_factory=dict)


class FaultRun:
    def __init__(self, world, fault: Fault):
        self.world = world
        self.fault = fault
        feeds = [
            FeedSpec(
                name, COUNT, [entity], rate=RATE, merged_every=0, records=40,
                base_ms=int(time.time() * 1000) - 1000 * COUNT, **fault.relay.get("feed", {}),
            )  # fmt: skip
            for name, entity in TOPICS
        ]
        options = {key: value for key, value in fault.relay.items() if key != "feed"}
        self.relay = Relay(world, feeds, rule={"concurrency": 16, **fault.rule}, **options)
        self.receiver = self.relay.receiver
        self.salesforce = self.relay.salesforce
        self.workspace = self.relay.workspace
        self.machine = None
        self.sluice = None
        self.front = None  # what `prepare` put between

    def on_machine(self) -> Machine:
        """Has the relay run on a machine of which clock, disk and names can be made to fail."""
        self.machine = Machine(self.workspace.folder / "machine", self.workspace.store)
        self.workspace.environment.update(self.machine.environment)
        return self.machine

    def go(self):
        if self.fault.prepare:
            self.fault.prepare(self)
        with self.workspace.run() as self.sluice:
            self.works()
            first = len(self.sluice.lines)
            self.fault.begin(self)
            if self.fault.line:
                self.said(first)
            if self.fault.watched:
                self.waits()
            self.recovers()
            about = [line for line in self.sluice.lines[first:] if LOUD.match(line)]
            if self.fault.dead:
                self.send_again()
            self.relay.end_of_feed()
            self.relay.wait_for_delivery(self.sluice, seconds=30)
            self.relay.wait_for_cursors()
            assert self.sluice.stop() == 0
        print(f"{self.fault.name}: {len(about)} lines in the log")
        assert len(about) <= self.fault.lines, f"{len(about)} lines about one fault:\n" + "".join(about)
        self.nothing_is_lost()

    # What must hold

    def works(self):
        self.relay.wait_for_delivery(self.sluice, 2 * RATE / 2, seconds=20)

    def said(self, first):
        def found():
            lines = [line for line in self.sluice.lines[first:] if LOUD.match(line) or self.fault.lines == 0]
            return [line for line in lines if re.search(self.fault.line, line, re.IGNORECASE)]

        wait_until(found, f"a line that says {self.fault.line}", 30, or_fail=self.sluice.ended)

    def waits(self):
        """With nothing coming in: then waiting is all there is to do."""
        self.salesforce.process.call("hold")
        time.sleep(self.fault.settle)
        before, began = processor_seconds(self.sluice), time.monotonic()
        time.sleep(self.fault.watched)
        took, span = processor_seconds(self.sluice) - before, time.monotonic() - began
        self.salesforce.process.call("rate", rate=RATE)
        assert took <= WAIT_BUDGET * span, f"{1000 * took / span:.1f} ms of processor time per second of waiting"
        print(f"{self.fault.name}: {1000 * took / span:.2f} ms/s while waiting", end="")

    def recovers(self):
        announced = self.announced()
        if self.fault.end:
            self.fault.end(self)
        over = time.monotonic()
        if self.fault.by_hand:
            self.fault.by_hand(self)
            announced = 0
        limit = announced + RECOVERY
        wait_until(self.keeps_pace, f"full rate ({announced:.1f} s of back-off were announced)", limit,
                   or_fail=self.sluice.ended)  # fmt: skip
        print(f"; full rate {time.monotonic() - over:.2f} s after its end, {announced:.1f} s announced")

    def keeps_pace(self) -> bool:
        """What Salesforce has is what the receiver has, but for half a second of events."""
        missing = sum(self.salesforce.process.call("available").values()) - self.settled()
        return missing <= len(TOPICS) * RATE / 2

    def settled(self) -> int:
        return self.relay.delivered() + (self.workspace.count("dead_letters") if self.fault.dead else 0)

    def announced(self) -> float:
        """Seconds to the latest next try that `sluice status` tells of."""
        status = {}

        def is_settled():
            """No probe is under way: what comes of it is not known yet."""
            asked = self.workspace.command("status", "--json", "--config", str(self.workspace.config_path))
            assert asked.returncode == 0, asked.stderr
            status.update(json.loads(asked.stdout))
            return all(entry["state"] != "probing" for entry in status["destinations"])

        wait_until(is_settled, "the end of a probe", 10)
        entries = [*status["topics"], *status["destinations"], status]
        times = [entry.get(key) for entry in entries for key in ("nextTry", "storeNextTry")]
        times += [(entry.get("live") or {}).get("pausedUntil") for entry in status["destinations"]]
        now = rfc3339_seconds(status["at"])
        return max([0.0, *(rfc3339_seconds(at) - now for at in times if at)])

    def send_again(self):
        dead = self.workspace.count("dead_letters")
        assert dead > 0, "nothing was parked"
        done = self.workspace.command("dlq", "retry", "--all", "--config", str(self.workspace.config_path))
        assert done.returncode == 0 and "sent again" in done.stdout, done.stdout + done.stderr
        wait_until(lambda: self.workspace.count("dead_letters") == 0, "the dead letters are sent again", 20)

    def nothing_is_lost(self):
        if self.fault.dead:  # what is sent again comes behind what was delivered meanwhile
            stats = self.receiver.call("stats")["ledgers"]["/hook"]
            assert stats["distinct"] == len(self.relay.expected)
            allowed = {"order per record", "tried while an earlier one of its record was still open"}
            assert set(stats["faults"]) <= allowed, stats["faults"]
        else:
            stats = self.relay.check_everything_arrived_in_order()
        assert self.fault.repeats or stats["twice"] == 0, f"{stats['twice']} deliveries came twice"
        assert self.workspace.count("dead_letters") == 0
        violations = self.salesforce.stats()["violations"]
        # The API takes what is asked beyond 100 for 100.
        allowed = {"more than 100 outstanding"} | ({"idle at zero credit"} if self.fault.idles else set())
        assert set(violations) <= allowed, violations


def processor_seconds(sluice) -> float:
    """Of all its threads, to the nanosecond: a look at `stat` sees steps of 10 ms only."""
    total = 0
    for path in pathlib.Path(f"/proc/{sluice.process.pid}/task").glob("*/schedstat"):
        try:
            total += int(path.read_text().split()[0])
        except (FileNotFoundError, ProcessLookupError):  # a thread that has just ended
            continue
    return total / 1e9


def rfc3339_seconds(text: str) -> float:
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
