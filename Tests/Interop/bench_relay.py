"""Sluice beside a careful Python relay: the same feed, the same receiver, one after the other; prints a table of ratios.

    SLUICE_BIN=/path/to/sluice python bench_relay.py [--only rate,steady,...] [--scale 0.2] [--json FILE]

The parts: rate (concurrency 1, 16, 64; medians of five runs in turn), steady (1,000 events/s), calm (100 events/s),
catchup (20 ms round trip), slow (receivers that answer in 20 ms), memory, restart (100,000 undelivered rows). `--scale`
makes them shorter.
Run it on a quiet machine with a release build; CPU is that of the relay's process alone.
"""

import argparse
import json
import os
import pathlib
import pickle
import queue
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

import grpc

import wire
from bench_relay_feed import Receiver
from certificates import Authority
from client import ORG
from feed import Feed, FeedSpec
from harness import SECRETS, Workspace, binary, free_port, wait_until
from peer_process import PeerProcess

TOPIC = "/data/AccountChangeEvent"
MOST = 100_000
ROUNDS = 5
TICK = os.sysconf("SC_CLK_TCK")


class Bench:
    """The feed's events, made once, and a folder for each run."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.feed = self.folder / "feed.pickle"
        tls = self.folder / "tls"
        tls.mkdir()
        self.authority = Authority(tls)
        self.certificate, self.key = self.authority.issue("salesforce")
        self.runs = 0

    def prepare(self, count):
        feed = Feed(FeedSpec(TOPIC, count, ["Account"], records=5000, merged_every=0))
        self.feed.write_bytes(pickle.dumps({"fields": feed.fields(), "schemas": feed.schemas}))

    def world(self, side, **options):
        self.runs += 1
        return World(self, side, self.folder / f"run-{self.runs}", **options)


class World:
    """A feed, a receiver and one relay."""

    def __init__(self, bench, side, folder, count, concurrency=16, rate=0, sizes=(1, 5), round_trip=0.0, delay=0.0):
        self.side, self.folder, self.count, self.concurrency = side, folder, count, concurrency
        folder.mkdir()
        self.bench = bench
        feed = {
            "end": "feed", "org": ORG, "feed": str(bench.feed), "count": count, "rate": rate, "sizes": sizes,
            "round_trip": round_trip, "certificate": str(bench.certificate), "key": str(bench.key),
        }  # fmt: skip
        self.feed = PeerProcess("bench_relay_feed.py", feed, folder, "feed")
        self.receiver = PeerProcess("bench_relay_feed.py", {"end": "receiver", "delay": delay}, folder, "receiver")
        self.process = None
        self._configure()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if kind:
            print((self.folder / "relay.log").read_text(errors="replace")[-2000:], file=sys.stderr)
        self.feed.stop()
        self.receiver.stop()

    # The relay's process

    def _configure(self):
        port, ready = self.receiver.ready["port"], self.feed.ready
        self.environment = {**os.environ, **SECRETS, "NO_COLOR": "1"}
        if self.side == "python":
            config = {
                "endpoint": f"localhost:{ready['port']}", "login_url": f"https://localhost:{ready['token_port']}",
                "ca": str(self.bench.authority.path), "org": ORG, "topic": TOPIC, "concurrency": self.concurrency,
                "url": f"http://127.0.0.1:{port}/hook", "store": str(self.folder / "peer.db"),
            }  # fmt: skip
            (self.folder / "peer.json").write_text(json.dumps(config))
            script = pathlib.Path(__file__).with_name("bench_relay_peer.py")
            self.command = [sys.executable, str(script), str(self.folder / "peer.json")]
            self.store, self.table = self.folder / "peer.db", "outbox"
            return
        workspace = Workspace(self.folder)
        workspace.write_config(
            [TOPIC], login_url=f"https://localhost:{ready['token_port']}", endpoint=f"localhost:{ready['port']}",
            ca=self.bench.authority.path, extra=f'console: {{listen: "127.0.0.1:{free_port()}"}}\n',
        )  # fmt: skip
        workspace.webhook_rule(port, concurrency=self.concurrency)
        self.command = [binary(), "run", "--config", str(workspace.config_path)]
        self.store, self.table = workspace.store, "outbox"

    def start(self):
        with (self.folder / "relay.log").open("ab") as log:
            self.started = time.monotonic()
            self.process = subprocess.Popen(
                self.command, cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=log,
            )  # fmt: skip
        return self

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)

    def ended(self):
        code = self.process.poll()
        return None if code is None else f"{self.side} ended with {code}; see {self.folder}/relay.log"

    def cpu(self) -> float:
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def resident(self) -> float:
        """Megabytes."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
        return 0.0

    # What is measured

    def progress(self):
        """(events received, when, CPU seconds of the relay)"""
        count, at = self.receiver.call("progress")
        return count, at, self.cpu()

    def reach(self, count, seconds=300):
        wait_until(
            lambda: self.receiver.call("progress")[0] >= count, f"{count} events at {self.side}", seconds, 0.02, self.ended
        )
        return self.progress()

    def rate(self):
        """(events per second, CPU microseconds per event), without the first tenth."""
        first = self.reach(self.count // 10)
        last = self.reach(self.count)
        stats = self.receiver.call("stats")
        count = last[0] - first[0]
        return count / (stats["last"] - first[1]), (last[2] - first[2]) / count * 1e6

    def latencies(self):
        """Milliseconds from due to received, sorted, without the first second's."""
        self.reach(self.count)
        due, times = self.feed.call("due"), self.receiver.call("times")
        begin = due[0] + 1
        return sorted((came - at) * 1000 for at, came in zip(due, times) if at >= begin)


def share(values, part):
    return values[min(len(values) - 1, int(len(values) * part))]


class Table:
    def __init__(self):
        self.rows = []

    def add(self, what, unit, python, sluice, goal="", more_is_better=True):
        ratio = None
        if python and sluice:
            ratio = sluice / python if more_is_better else python / sluice
        row = {"what": what, "unit": unit, "python": python, "sluice": sluice, "ratio": ratio, "goal": goal}
        self.rows.append(row)
        print(self.line(row), flush=True)

    @staticmethod
    def line(row):
        def number(value):
            return "–" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.2f}"

        ratio = f"{row['ratio']:.1f}×" if row["ratio"] else ""
        return (
            f"{row['what']:<52} {number(row['python']):>9} {number(row['sluice']):>9} {row['unit']:<8} {ratio:>7}"
            f"   {row['goal']}"
        )

    def header(self):
        print(f"{'':<52} {'Python':>9} {'Sluice':>9} {'':<8} {'better':>7}   goal", flush=True)


def both(measure):
    return [measure(side) for side in ("python", "sluice")]


def rate(bench, table, scale):
    """Medians of several runs in turn: a machine is faster in one minute than in the next."""
    for concurrency in (1, 16, 64):

        def measure(side, concurrency=concurrency):
            count = int((6_000 if side == "python" else 30_000) * scale)
            with bench.world(side, count=count, concurrency=concurrency) as world:
                return world.start().rate()

        runs = [both(measure) for _ in range(ROUNDS)]
        python, sluice = ([statistics.median(values) for values in zip(*side)] for side in zip(*runs))
        name = f"concurrency {concurrency}"
        table.add(f"rate, {name}", "events/s", python[0], sluice[0], "≥ 3.5×")
        goal = "≥ 5×, aim 10×" if concurrency == 16 else ""
        table.add(f"CPU per event, {name}", "µs", python[1], sluice[1], goal, more_is_better=False)


def paced(bench, table, scale, events_per_second, seconds, sizes, goals):
    def measure(side):
        count = int(events_per_second * max(4, seconds * scale))
        with bench.world(side, count=count, rate=events_per_second, sizes=sizes) as world:
            world.start().reach(1)
            begin = world.progress()
            times = world.latencies()
            end = world.progress()
            late = world.feed.call("stats")["late99"] * 1000
            return share(times, 0.5), share(times, 0.99), (end[2] - begin[2]) / (end[1] - begin[1]) * 100, late

    python, sluice = both(measure)
    name = f"{events_per_second:,} events/s"
    table.add(f"{name}, p50 from due to received", "ms", python[0], sluice[0], goals[0], False)
    table.add(f"{name}, p99", "ms", python[1], sluice[1], goals[1], False)
    table.add(f"{name}, one processor's share", "%", python[2], sluice[2], "", False)
    table.add(f"{name}, the feed itself was late by (p99)", "ms", python[3], sluice[3])


def steady(bench, table, scale):
    paced(bench, table, scale, 1_000, 20, (1, 5), ("", "≤ 100 ms"))


def calm(bench, table, scale):
    paced(bench, table, scale, 100, 20, (1, 1), ("≤ 3 ms", "≤ 15 ms"))


def catchup(bench, table, scale):
    trip = 0.02

    def share_of_trips(world):
        stats = world.feed.call("stats")
        return stats["sent"] / (stats["last"] - stats["first"]) / (100 / trip) * 100

    def measure(side):
        count = int((6_000 if side == "python" else 20_000) * scale)
        with bench.world(side, count=count, concurrency=64, round_trip=trip) as world:
            world.start().reach(count)
            return share_of_trips(world)

    def ceiling():
        """A client that asks for the next hundred as soon as it has one, and does nothing else."""
        count = int(20_000 * scale)
        with bench.world("sluice", count=count, round_trip=trip) as world:
            read_only(bench, world, count)
            return share_of_trips(world)

    most = ceiling()
    python, sluice = both(measure)
    table.add("catch-up at 20 ms round trip, of 100 per trip", "%", python, sluice)
    table.add(
        f"the same, of the {most:.0f} % that a bare client gets here", "%", python / most * 100, sluice / most * 100, "≥ 95 %"
    )


def read_only(bench, world, count):
    messages = wire.messages
    credentials = grpc.ssl_channel_credentials(pathlib.Path(bench.authority.path).read_bytes())
    options = [("grpc.max_receive_message_length", 8 << 20)]
    with grpc.secure_channel(f"localhost:{world.feed.ready['port']}", credentials, options) as channel:
        asked = queue.SimpleQueue()
        asked.put(messages.FetchRequest(topic_name=TOPIC, replay_preset=1, num_requested=100))
        stream = channel.stream_stream(
            f"/{wire.SERVICE}/Subscribe", messages.FetchRequest.SerializeToString, messages.FetchResponse.FromString
        )(iter(asked.get, None))
        got = 0
        while got < count:
            size = len(next(stream).events)
            asked.put(messages.FetchRequest(topic_name=TOPIC, num_requested=size))
            got += size
        stream.cancel()


def slow(bench, table, scale):
    delay, concurrency = 0.02, 64

    def measure(side):
        count = int((6_000 if side == "python" else 20_000) * scale)
        with bench.world(side, count=count, concurrency=concurrency, delay=delay) as world:
            return world.start().rate()[0] / (concurrency / delay) * 100

    python, sluice = both(measure)
    table.add("answers in 20 ms, concurrency 64, of the possible", "%", python, sluice, "≥ 90 %")


def memory(bench, table, scale):
    def measure(side):
        count = int((8_000 if side == "python" else MOST) * scale)
        with bench.world(side, count=count) as world:
            world.start().reach(count // 4)
            loaded = world.resident()
            world.reach(count)
            return loaded, max(0.001, world.resident() - loaded)

    python, sluice = both(measure)
    table.add("resident, loaded", "MB", python[0], sluice[0], "≤ 50 MB, aim 40", False)
    events = int(MOST * scale * 3 / 4)
    table.add(f"resident, growth over {events:,} events (Python fewer)", "MB", python[1], sluice[1], "≤ 2 per 1,000,000")


def restart(bench, table, scale):
    count = int(MOST * scale)

    def measure(side):
        rows = count if side == "sluice" else min(count, 20_000)
        with bench.world(side, count=rows) as world:
            world.receiver.call("set", refuses=True)
            world.start()
            fill(world, rows)
            world.process.kill()
            world.process.wait()
            world.receiver.call("set", refuses=False)
            world.start().reach(1)
            return (world.receiver.call("stats")["first"] - world.started) * 1000

    python, sluice = both(measure)
    table.add(f"first request after start, {count:,} rows wait", "ms", python, sluice, "≤ 500 ms", False)


def fill(world, rows):
    """Until nearly everything lies in the store; the Python relay does not take more than its window."""
    last = [0, time.monotonic()]

    def full():
        try:
            base = sqlite3.connect(f"file:{world.store}?mode=ro", uri=True, timeout=5)
            count = base.execute(f"SELECT count(*) FROM {world.table}").fetchone()[0]
            base.close()
        except sqlite3.OperationalError:
            return False
        if count != last[0]:
            last[:] = [count, time.monotonic()]
        return count >= rows or (world.side == "python" and count and time.monotonic() - last[1] > 3)

    wait_until(full, f"{rows} rows in the store", 120, 0.25, world.ended)


PARTS = {
    "rate": rate, "steady": steady, "calm": calm, "catchup": catchup, "slow": slow, "memory": memory,
    "restart": restart,
}  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default=",".join(PARTS))
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    if MOST * options.scale > Receiver.MOST:
        parser.error(f"the receiver counts {Receiver.MOST:,} events at most: --scale {Receiver.MOST / MOST:g}")
    table = Table()
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as folder:
        bench = Bench(folder)
        bench.prepare(int(MOST * options.scale))
        table.header()
        for name in options.only.split(","):
            PARTS[name](bench, table, options.scale)
    if options.json:
        options.json.write_text(json.dumps(table.rows, indent=1))


if __name__ == "__main__":
    main()
