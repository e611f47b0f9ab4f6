"""One fault at a time. After each: nothing lost, no loop, and a log line that explains it."""

import dataclasses
import re

import pytest

from feed import FeedSpec
from harness import specs
from relay import Relay, subscribes

TOPIC = "/data/AccountChangeEvent"
AT = 333
TOTAL = 3000


@dataclasses.dataclass
class Case:
    """`cause`: what the line about the recovery must name. `whole`: the fault hits the connection, so every topic
    recovers."""

    name: str
    fault: dict
    cause: str
    raw: bool = False
    whole: bool = False
    pubsub: str = ""
    reconnects: int = 3
    rate: float = 0  # of events per second and topic; a stream that may finish its work needs some left to do


AUTH = {"status": "UNAUTHENTICATED", "code": "service.auth.error"}
GOAWAY = "goaway|going away|connection|closed|unavailable"
CASES = [
    Case("server killed", {"kind": "die"}, "connect|refused|reset|closed|lost", whole=True, reconnects=12),
    Case("goaway", {"kind": "goaway", "grace": 0.3}, GOAWAY, whole=True, rate=800),
    Case("goaway and closed at once", {"kind": "goaway", "grace": 0.0}, GOAWAY, True, True, rate=800),
    Case("reset without trailers, NO_ERROR", {"kind": "rst", "error": 0}, "reset|rst|no_error|without", True),
    Case("reset without trailers, INTERNAL_ERROR", {"kind": "rst", "error": 2}, "reset|rst|internal", True),
    Case("connection cut in a frame", {"kind": "cut"}, "connection|reset|lost|closed", True, True),
    Case("connection ended", {"kind": "eof"}, "connection|ended|closed|eof", True, True),
    Case("token revoked", {"kind": "revoke"}, "auth|token|session", reconnects=4),
    Case("UNAUTHENTICATED, token good", {"kind": "status", **AUTH}, "auth|token|session"),
    Case("UNAVAILABLE without error-code", {"kind": "status", "status": "UNAVAILABLE"}, "unavailable"),
    Case(
        "service.unavailable",
        {"kind": "status", "status": "INTERNAL", "code": "service.unavailable"},
        r"service\.unavailable|unavailable",
    ),
    Case("silence", {"kind": "silence"}, "silen|watchdog|nothing|keepalive", pubsub="watchdog: 3s"),
    Case("zero-credit close", {"kind": "zero_credit"}, "clos|ended|credit"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_recovers_from(binary, world, case):
    fault = {"topic": TOPIC, "at": AT, **case.fault}
    relay = Relay(world, specs(TOTAL, rate=case.rate), raw=case.raw, script=[fault], pubsub=case.pubsub)
    with relay.run() as sluice:
        relay.wait_for_delivery(sluice, seconds=40)
        relay.wait_for_cursors()
        assert sluice.stop() == 0
    relay.check_everything_arrived_in_order()
    stats = relay.check_manners(half_closed=3)
    assert [item["kind"] for item in stats["fired"]] == [case.fault["kind"]], "the fault happened once"
    check_no_loop(relay, stats, case)
    check_explained(sluice, case, [spec.name for spec in relay.specs] if case.whole else [TOPIC])


def check_no_loop(relay, stats, case):
    for spec in relay.specs:
        starts = subscribes(stats, spec.name)
        if spec.name == TOPIC or case.whole:
            assert len(starts) <= 1 + case.reconnects, f"{spec.name} subscribed again and again: {starts}"
        else:
            assert len(starts) == 1, f"{spec.name} was disturbed by a fault of another topic: {starts}"
    resumed = subscribes(stats, TOPIC)
    assert len(resumed) >= 2
    for preset, number in resumed[1:]:
        assert preset == 2 or number is None and preset == 1, f"resumed otherwise than by CUSTOM: {resumed}"
        if case.fault["kind"] != "goaway":  # after which a stream may go on
            assert preset != 2 or number < AT, f"resumed after events never received: {resumed}"


def check_explained(sluice, case, topics):
    """For each stream that recovered, one line says that it did and after what; warnings on the way do not pile up."""
    for topic in topics:
        lines = [line for line in sluice.matching("reconnect|resum") if topic in line]
        assert len(lines) == 1, f"{topic}: one line expected for one recovery:\n" + "".join(lines or sluice.lines)
        assert re.search(case.cause, lines[0], re.IGNORECASE), f"{lines[0]} does not name the cause ({case.cause})"
        about = [line for line in sluice.lines if topic in line]
        assert len(about) <= 3 + case.reconnects, f"{len(about)} lines for one recovery:\n" + "".join(about)


def test_a_corrupted_replay_id_falls_back_once_and_says_what_may_be_missing(binary, world):
    relay = Relay(world, specs(TOTAL), script=[{"topic": TOPIC, "at": AT, "kind": "corrupt"}])
    with relay.run() as sluice:
        relay.wait_for_delivery(sluice)
        line = sluice.wait_for_line(r"replay ?id")
        relay.wait_for_cursors(30)
        assert sluice.stop() == 0
    assert TOPIC in line
    stats = relay.check_manners(half_closed=3)
    starts = subscribes(stats, TOPIC)
    refused = [abort for abort in stats["aborts"] if abort[3].endswith("replayid.corrupted")]
    assert len(refused) == 1, f"the same id was tried again: {starts}"
    assert starts[-1][0] == 1, f"EARLIEST is the default: {starts}"
    assert len(starts) <= 4
    # All of it comes again from the beginning, under the same delivery ids: repetition is allowed, disorder is not.
    relay.check_everything_arrived_in_order()


@pytest.mark.parametrize("policy, preset", [("latest", 0), ("stop", None)])
def test_the_policy_for_a_corrupted_replay_id(binary, world, policy, preset):
    feeds = [FeedSpec(TOPIC, 600, ["Account"]), FeedSpec("/data/ChangeEvents", 600, ["Opportunity"])]
    relay = Relay(world, feeds, script=[{"topic": TOPIC, "at": 200, "kind": "corrupt"}])
    topics = [f'{{name: "{TOPIC}", start: earliest, onInvalidReplay: {policy}}}', "/data/ChangeEvents"]
    relay.workspace.write_config(topics)
    others = sum(1 for record, *_ in relay.expected if record.startswith("006"))
    with relay.run() as sluice:
        line = sluice.wait_for_line(r"replay ?id")
        relay.wait_for_delivery(sluice, others + 150)
        if preset is not None:
            sluice.wait_for_line("latest")
        assert sluice.process.poll() is None, "the other topic goes on"
        sluice.stop()
    assert TOPIC in line
    starts = subscribes(relay.check_manners(half_closed=3), TOPIC)
    if preset is None:
        assert [start for start in starts if start[0] != 2] == [[1, None]], f"it must stop: {starts}"
    else:
        assert starts[-1][0] == preset, f"LATEST was asked for: {starts}"
    assert len(starts) <= 4, f"a loop: {starts}"


def test_a_schema_change_inside_a_batch(binary, world):
    relay = Relay(world, specs(TOTAL, schema_change_every=7))
    with relay.run() as sluice:
        relay.wait_for_delivery(sluice)
        relay.wait_for_cursors()
        assert sluice.stop() == 0
    relay.check_everything_arrived_in_order()
    stats = relay.check_manners(connections=1, half_closed=3)
    assert stats["unary"]["GetSchema"] <= 12


def test_three_megabyte_responses_in_16_kb_frames(binary, world):
    relay = Relay(world, specs(450, pad=30_000), raw=True, max_frame=16_384)
    with relay.run() as sluice:
        relay.wait_for_delivery(sluice)
        relay.wait_for_cursors()
        assert sluice.stop() == 0
    relay.check_everything_arrived_in_order()
    relay.check_manners(connections=1, half_closed=3)


def test_messages_in_frames_of_one_byte(binary, world):
    script = [{"topic": TOPIC, "at": at, "kind": "dribble"} for at in (1, 100)]
    relay = Relay(world, specs(600), raw=True, script=script)
    with relay.run() as sluice:
        relay.wait_for_delivery(sluice)
        assert sluice.stop() == 0
    relay.check_everything_arrived_in_order()
    relay.check_manners(connections=1, half_closed=3)


def test_a_poison_payload_is_put_aside_and_the_stream_goes_on(binary, world):
    feeds = [FeedSpec(TOPIC, 900, ["Account"], poison=[1, 200, 201, 900], unknown_schema=[450])]
    relay = Relay(world, feeds)
    with relay.run() as sluice:
        relay.wait_for_delivery(sluice)
        relay.wait_for_cursors()
        assert sluice.stop() == 0
    relay.check_everything_arrived_in_order()
    relay.check_manners(half_closed=3)
    assert relay.workspace.count("quarantine") == 5
    assert 1 <= len(sluice.matching("quarantin|undecodable|cannot be decoded|cannot decode")) <= 10


def test_twelve_faults_one_after_another(binary, world):
    """The counters of back-off start again after each recovery, so this stays quick and bounded."""
    kinds = ["rst", "cut", "eof", "revoke"] * 3
    names = [spec.name for spec in specs(3)]
    script = [
        {"topic": names[index % 3], "at": 60 + 70 * index, "kind": kind, "error": 0} for index, kind in enumerate(kinds)
    ]
    relay = Relay(world, specs(TOTAL), raw=True, script=script)
    with relay.run() as sluice:
        relay.wait_for_delivery(sluice, seconds=60)
        relay.wait_for_cursors()
        cpu = sluice.cpu_seconds()
        assert sluice.stop() == 0
    relay.check_everything_arrived_in_order()
    stats = relay.check_manners(half_closed=3)
    assert len(stats["fired"]) == len(script)
    assert len(stats["subscribes"]) <= 3 * (1 + 2 * len(script))
    assert cpu < 5, f"{cpu} s of processor time"
