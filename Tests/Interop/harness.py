"""A world for one test: peers, a folder with sluice's configuration, and `sluice run` itself under observation."""

import base64
import dataclasses
import json
import os
import pathlib
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time

from certificates import Authority
from feed import RULE_BODY, FeedSpec, number_of
from peer_process import PeerProcess

SECRETS = {
    "SF_CLIENT_ID": "interop-client",
    "SF_CLIENT_SECRET": "interop-secret",
    "CELIGO_TOKEN": "celigo-token",
    "FLOWMATE_TOKEN": "flowmate-token",
    "HOOK_TOKEN": "hook-token-value",
}


def wait_until(condition, what: str, seconds: float = 30, every: float = 0.05, or_fail=None):
    """Polls until `condition()` is true and returns its value. `or_fail()` may end the wait early with a reason."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        reason = or_fail() if or_fail else None
        if reason:
            raise AssertionError(f"{what}: {reason}")
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(every)


class CommandFailed(AssertionError):
    pass


class SalesforcePeer:
    """The Pub/Sub peer, restarted on its own port when a script lets it die. Statistics add up over its lives."""

    def __init__(self, topics, folder, authority=None, raw=False, name="salesforce", **options):
        self.folder = pathlib.Path(folder)
        (self.folder / "tls").mkdir(parents=True, exist_ok=True)
        self.authority = authority or Authority(self.folder / "tls")
        certificate, key = self.authority.issue(name, expired=options.pop("expired", False))
        self.script_name = "raw_peer.py" if raw else "pubsub_peer.py"
        self.name = name
        self.config = {
            "topics": [dataclasses.asdict(topic) for topic in topics],
            "certificate": str(certificate),
            "key": str(key),
            **options,
        }
        self.lives = 0
        self.past = []
        self._restarted = threading.Event()
        self._start()

    @property
    def endpoint(self):
        return f"localhost:{self.ready['port']}"

    @property
    def login_url(self):
        return f"https://localhost:{self.ready['token_port']}"

    def stats(self) -> dict:
        """This life's statistics; with past lives' subscribes and violations in front."""
        return _add_up([*self.past, self.process.call("stats")])

    def stop(self):
        self.process.stop()

    def kill(self):
        self.past.append(self.process.call("stats"))
        self.process.kill()

    def restart(self, **changes):
        """On the same ports, with what is left of the script."""
        fired = [item for life in self.past for item in life["fired"]]
        self.config["script"] = [item for item in self.config.get("script", []) if item not in fired]
        self.config.update(self.ready, **changes)
        self._start()

    def wait_for_restart(self, seconds=20):
        if not self._restarted.wait(seconds):
            raise AssertionError("the scripted death of the Pub/Sub peer did not happen")

    def _start(self):
        self.lives += 1
        self.process = PeerProcess(
            self.script_name, self.config, self.folder, f"{self.name}-{self.lives}", self._announced
        )
        self.ready = self.process.ready

    def _announced(self, _process, message):
        if "dying" in message:
            self.past.append(message["dying"])
            threading.Thread(target=self._rise_again, daemon=True).start()

    def _rise_again(self):
        self.process.process.wait(10)
        self.restart()
        self._restarted.set()


def receiver(folder, **config) -> PeerProcess:
    return PeerProcess("http_peers.py", config, folder, "receiver")


class Workspace:
    """sluice.yaml, rules and store in one folder."""

    made = []  # in the test that runs

    def __init__(self, folder, salesforce=None):
        self.made.append(self)
        self.said = []  # by relays and commands
        self.kept = {".env", "key.pem"}  # names of files where somebody keeps secrets
        self.folder = pathlib.Path(folder)
        self.salesforce = salesforce
        self.environment = {**os.environ, **SECRETS, "NO_COLOR": "1"}
        (self.folder / "rules").mkdir(parents=True, exist_ok=True)
        self.config_path = self.folder / "sluice.yaml"
        self.store = self.folder / "store" / "sluice.db"
        self.store.parent.mkdir(exist_ok=True)

    def write_config(self, topics, start="earliest", pubsub="", login_url=None, endpoint=None, ca=None, extra=""):
        """`topics`: names, or YAML flow text. `pubsub`: further keys of the pubsub map, as flow text."""
        peer = self.salesforce
        ca = ca or peer.authority.path
        lines = [
            "orgs:",
            "  prod:",
            f"    loginUrl: {login_url or peer.login_url}",
            "    auth:",
            "      clientCredentials: {clientId: {env: SF_CLIENT_ID}, clientSecret: {env: SF_CLIENT_SECRET}}",
            f'    pubsub: {{endpoint: "{endpoint or peer.endpoint}", ca: "{ca}"{", " if pubsub else ""}{pubsub}}}',
            f'    tls: {{ca: "{ca}"}}',
            "    topics:",
            *[f"      - {_topic(topic, start)}" for topic in topics],
            "rules: rules",
            f'store: {{path: "{self.store}"}}',
            "log: {level: info, format: text}",
        ]
        self.config_path.write_text("\n".join(lines) + "\n" + extra)

    def write_rules(self, text: str, name="interop.yaml"):
        (self.folder / "rules" / name).write_text(text)

    def webhook_rule(self, port: int, concurrency=64, options="", retry="", path="/hook"):
        """The one rule most tests need: everything, to the receiver, with the body of feed.RULE_BODY."""
        self.write_rules(
            "sluice: 1\n"
            "destinations:\n"
            "  hook:\n"
            "    kind: webhook\n"
            f"    url: http://127.0.0.1:{port}{path}\n"
            "    allowHttp: true\n"
            f"    concurrency: {concurrency}\n"
            f"{options}"
            "rules:\n"
            "  - id: everything\n"
            '    match: {entity: "*", change: [create, update, delete, undelete]}\n'
            "    to:\n"
            "      destination: hook\n"
            f"{retry}" + body_yaml()
        )

    def run(self, **options) -> "Sluice":
        return Sluice(self, **options)

    def command(self, *arguments, timeout=20) -> subprocess.CompletedProcess:
        """One short command of the binary, run in this folder."""
        done = subprocess.run(
            [binary(), *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        self.said += [done.stdout, done.stderr]
        return done

    def cursors(self) -> dict[str, bytes]:
        """Topic to replay id, as `sluice cursor list --json` tells them."""
        result = self.command("cursor", "list", "--json", "--config", str(self.config_path))
        if result.returncode != 0:
            raise CommandFailed(f"cursor list: exit {result.returncode}: {result.stderr}")
        document = json.loads(result.stdout)
        rows = document.get("cursors", document) if isinstance(document, dict) else document
        return {row["topic"]: base64.b64decode(row["replayId"]) for row in rows}

    def cursor_numbers(self) -> dict[str, int | None]:
        return {topic: number_of(replay) for topic, replay in self.cursors().items()}

    def count(self, table: str) -> int:
        """Rows of a store table: cursors, outbox, dead_letters, quarantine. None while a first start makes the tables."""
        connection = sqlite3.connect(f"file:{self.store}?mode=ro", uri=True, timeout=5)
        try:
            return connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        except sqlite3.OperationalError as error:
            if "no such table" not in str(error):
                raise
            return 0
        finally:
            connection.close()


def body_yaml(indent=6, key="body") -> str:
    pad = " " * indent
    return f"{pad}{key}:\n" + "".join(f'{pad}  {name}: "{path}"\n' for name, path in RULE_BODY)


class Sluice:
    """A running `sluice run`, its log lines and its use of the processor."""

    def __init__(self, workspace: Workspace, arguments=(), preexec=None, restore_signals=True):
        self.workspace = workspace
        self.lines = []
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [binary(), "run", "--config", str(workspace.config_path), *arguments],
            cwd=workspace.folder,
            env=workspace.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            preexec_fn=preexec,
            restore_signals=restore_signals,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self):
        return self

    def __exit__(self, kind, _error, _trace):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        self._reader.join(5)
        self.workspace.said += self.lines
        if kind is not None:
            print(f"--- last log lines of {self.workspace.folder}", file=sys.stderr)
            print("".join(self.lines[-60:]), file=sys.stderr)

    def ended(self):
        """A reason to stop waiting: sluice is gone."""
        code = self.process.poll()
        return None if code is None else f"sluice ended with {code}: {''.join(self.lines[-8:])}"

    def stop(self, seconds=15) -> int:
        """SIGTERM, and its exit code."""
        self.process.send_signal(signal.SIGTERM)
        code = self.wait(seconds)
        return code

    def kill(self):
        self.process.kill()
        self.process.wait(10)
        self._reader.join(5)

    def wait(self, seconds=15) -> int:
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"sluice did not end within {seconds} s") from None
        self._reader.join(5)
        return code

    def cpu_seconds(self) -> float:
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def matching(self, pattern: str) -> list[str]:
        return [line for line in list(self.lines) if re.search(pattern, line, re.IGNORECASE)]

    def wait_for_line(self, pattern: str, seconds=20) -> str:
        return wait_until(
            lambda: self.matching(pattern), f"a log line matching {pattern}", seconds, or_fail=self.ended
        )[0]

    def _read(self):
        for line in self.process.stderr:
            self.lines.append(line)


def binary() -> str:
    return os.environ["SLUICE_BIN"]


def free_port() -> int:
    """For programs that cannot bind port 0 themselves."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def specs(total: int, **options) -> list[FeedSpec]:
    """Three topics, together `total` events: two single-entity ones and the multi-entity channel. No record is in two
    topics, since nothing orders one topic after another."""
    third = total // 3
    return [
        FeedSpec("/data/AccountChangeEvent", third, ["Account"], **options),
        FeedSpec("/data/sfy24__ProductionOrder__ChangeEvent", third, ["ProductionOrder"], **options),
        FeedSpec("/data/ChangeEvents", total - 2 * third, ["Opportunity", "Case"], **options),
    ]


def _topic(name, start):
    """A plain name gets the start; YAML text (a flow map, a quoted name) stays as it is."""
    return name if name[0] in '{"' else f'{{name: "{name}", start: {start}}}'


def _add_up(lives: list[dict]) -> dict:
    total = dict(lives[-1])
    for key in ("subscribes", "aborts", "half_closed", "fired", "connections"):
        total[key] = [item for life in lives for item in life[key]]
    total["violations"] = {key: entry for life in lives for key, entry in life["violations"].items()}
    return total
