"""The usual set-up of a test: peers, one rule, `sluice run`; and the promises every such run must keep."""

import difflib

import harness
import ledger
from feed import FeedSpec, expected_bodies
from harness import wait_until


class Relay:
    def __init__(self, world, specs: list[FeedSpec], pubsub="", raw=False, rule=None, name="sluice", receiver=None,
                 **peer_options):  # fmt: skip
        self.specs = specs
        self.salesforce = world.salesforce(specs, raw=raw, **peer_options)
        self.receiver = world.receiver(**(receiver or {}))
        self.workspace = world.workspace(self.salesforce, name)
        self.workspace.write_config([spec.name for spec in specs], pubsub=pubsub)
        self.workspace.webhook_rule(self.receiver.ready["port"], **(rule or {}))
        self._expected = None

    @property
    def expected(self) -> list:
        """(record, number, body) of everything that must arrive."""
        if self._expected is None:
            self._expected = [item for spec in self.specs for item in expected_bodies(spec)]
        return self._expected

    def run(self, **options) -> harness.Sluice:
        return self.workspace.run(**options)

    def end_of_feed(self):
        """What has come by now of a feed with a rate is all there is."""
        self.salesforce.process.call("hold")
        for name, count in self.salesforce.process.call("available").items():
            next(spec for spec in self.specs if spec.name == name).count = count
        self._expected = None

    def delivered(self, path="/hook") -> int:
        return self.receiver.call("distinct").get(path, 0)

    def wait_for_delivery(self, sluice, count=None, seconds=60, path="/hook"):
        wanted = len(self.expected) if count is None else count
        last = []

        def done():
            last[:] = [self.delivered(path)]
            return last[0] >= wanted

        try:
            wait_until(done, f"{wanted} deliveries", seconds, or_fail=sluice.ended if sluice else None)
        except AssertionError as error:
            raise AssertionError(f"{error} ({last[0]} arrived)") from None

    def wait_for_cursors(self, seconds=20, topics=None) -> dict:
        """Until each topic's stored cursor is its last event. `topics`: only of these."""
        wanted = {spec.name: spec.count for spec in self.specs if topics is None or spec.name in topics}
        last = [None]

        def reached():
            try:
                last[0] = self.workspace.cursor_numbers()
            except harness.CommandFailed as error:  # the store may not be there yet
                last[0] = error
                return False
            return wanted.items() <= last[0].items()

        try:
            wait_until(reached, f"cursors at {wanted}", seconds, every=0.3)
        except AssertionError as error:
            raise AssertionError(f"{error}; last seen: {last[0]}") from None
        return wanted

    def check_everything_arrived_in_order(self, path="/hook", without=()):
        """Nothing lost, nothing invented, order per record, one id per delivery, and every body exact."""
        stats = self.receiver.call("stats")["ledgers"].get(path)
        assert stats, f"nothing at all came to {path}"
        assert stats["faults"] == {}, f"the receiver noted faults: {stats['faults']}"
        expected = {(record, number) for record, number, _ in self.expected if record not in without}
        if stats["distinct"] != len(expected):
            got = {tuple(pair) for pair in self.receiver.call("pairs", path=path)}
            lost, extra = sorted(expected - got), sorted(got - expected)
            raise AssertionError(f"{len(lost)} lost, first {lost[:5]}; {len(extra)} too many, first {extra[:5]}")
        bodies = [body for record, _, body in self.expected if record not in without]
        if stats["digest"] != ledger.digest_of(bodies):
            raise AssertionError("bodies differ:\n" + self._difference(path, bodies))
        return stats

    def check_manners(self, connections=None, half_closed=0):
        """The client kept the API's rules."""
        stats = self.salesforce.stats()
        assert stats["violations"] == {}, f"rules of the Pub/Sub API were broken: {stats['violations']}"
        assert len(stats["half_closed"]) <= half_closed, f"streams were half-closed: {stats['half_closed']}"
        if connections is not None:
            assert len(set(stats["connections"])) == connections, stats["connections"]
        return stats

    def _difference(self, path, bodies):
        wanted = {body.decode() for body in bodies}
        for body in self.receiver.call("bodies", path=path):
            if body not in wanted:
                near = difflib.get_close_matches(body, wanted, n=1, cutoff=0.3) if len(wanted) < 5000 else []
                return f"  got      {body}\n  expected {near[0] if near else '(something else)'}"
        return "  not among the first ones kept"


def subscribes(stats, topic) -> list:
    """[preset, number] of each Subscribe of this topic."""
    return [[preset, number] for name, preset, number, *_ in stats["subscribes"] if name == topic]


