"""What a receiver has seen, and what was wrong with it."""

import hashlib
import re
import time

DELIVERY_ID = re.compile(r"^sl_[0-9a-f]{32}$")


class Ledger:
    """One line of deliveries, for example all that came to one path.

    `record` and `seq` come from the body. Seq grows with every event of a record's topic, so:
    - attempts of a record must not overtake: no other seq may be tried while one is tried and not yet accepted;
    - first acceptances of a record must come in growing seq;
    - one (record, seq) has one delivery id, one delivery id has one body.
    """

    def __init__(self, keep_bodies=200, suffix=""):
        self.attempts = 0
        self.accepted = 0
        self.distinct = 0
        self.twice = 0
        self.digest = 0  # xor over first acceptances: tells whether all bodies were exact, in any order
        self.faults = {}
        self.bodies = []
        self.times = []  # of every acceptance, on the clock that all processes of a machine share
        self.again = []  # [time of the acceptance before, time] of those that came more than once
        self._keep = keep_bodies
        self._suffix = suffix  # of every delivery id: a replay's
        self._by_id = {}  # delivery id -> [attempts, acceptances, body hash, time of the last acceptance]
        self._id_of = {}  # (record, seq) -> delivery id
        self._open = {}  # record -> seq tried and not yet settled
        self._last = {}  # record -> highest seq accepted

    def attempt(self, delivery_id, record, seq, body):
        self.attempts += 1
        print_of = int.from_bytes(hashlib.blake2b(body, digest_size=8).digest(), "big")
        entry = self._by_id.get(delivery_id)
        if entry is None:
            self._first_attempt(delivery_id, record, seq)
            entry = self._by_id[delivery_id] = [0, 0, print_of, 0.0]
        elif entry[2] != print_of:
            self.fault("body changed between attempts", delivery_id)
        entry[0] += 1
        opened = self._open.get(record)
        if opened is not None and opened != seq and entry[1] == 0:
            self.fault("tried while an earlier one of its record was still open", f"{record} {seq} before {opened}")
        if entry[1] == 0:
            self._open[record] = seq

    def accept(self, delivery_id, record, seq, body):
        self.accepted += 1
        entry = self._by_id[delivery_id]
        entry[1] += 1
        now = time.monotonic()
        self.times.append(now)
        if entry[1] > 1:
            self.again.append([entry[3], now])
        entry[3] = now
        self._settle(record, seq)
        if entry[1] > 1:
            self.twice += entry[1] == 2
            return
        self.distinct += 1
        if seq <= self._last.get(record, 0):
            self.fault("order per record", f"{record} {seq} after {self._last[record]}")
        self._last[record] = max(seq, self._last.get(record, 0))
        self.digest ^= entry[2]
        if len(self.bodies) < self._keep:
            self.bodies.append(body.decode("utf-8", "replace"))

    def refuse(self, record, seq):
        """A refusal after which no retry is due: the record's next may come."""
        self._settle(record, seq)

    def fault(self, kind, detail):
        entry = self.faults.setdefault(kind, {"count": 0, "first": detail})
        entry["count"] += 1

    def stats(self) -> dict:
        return {
            "attempts": self.attempts, "accepted": self.accepted, "digest": self.digest, "faults": self.faults,
            "distinct": self.distinct, "records": len(self._last), "twice": self.twice,
        }  # fmt: skip

    def pairs(self) -> list:
        """[record, seq] of everything accepted at least once."""
        return [list(pair) for pair, delivery in self._id_of.items() if self._by_id[delivery][1]]

    def _first_attempt(self, delivery_id, record, seq):
        plain = delivery_id.removesuffix(self._suffix)
        if not DELIVERY_ID.match(plain) or plain + self._suffix != delivery_id:
            self.fault("delivery id is not sl_ and 32 hex digits", delivery_id)
        known = self._id_of.setdefault((record, seq), delivery_id)
        if known != delivery_id:
            self.fault("two delivery ids for one event and record", f"{record} {seq}: {known}, {delivery_id}")

    def _settle(self, record, seq):
        if self._open.get(record) == seq:
            del self._open[record]


def digest_of(bodies) -> int:
    """The digest a ledger has after accepting exactly these bodies."""
    total = 0
    for body in bodies:
        total ^= int.from_bytes(hashlib.blake2b(body, digest_size=8).digest(), "big")
    return total
