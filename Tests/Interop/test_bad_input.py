"""Wrong configuration and a hostile environment: one clear message, the right exit code, no busy loop, nothing lost."""

import contextlib
import os
import signal
import subprocess
import time

import pytest

from certificates import Authority
from feed import FeedSpec
from harness import SECRETS, free_port, wait_until
from relay import Relay, subscribes

TOPIC = "/data/AccountChangeEvent"
SECRET_VALUES = [SECRETS["SF_CLIENT_SECRET"], SECRETS["CELIGO_TOKEN"]]
WATCHED = 5  # seconds


def relay_of(world, count=300, **options) -> Relay:
    return Relay(world, [FeedSpec(TOPIC, count, ["Account"])], **options)


def check_refused(relay, code, pattern, at_most=3):
    """`sluice run` ends by itself with this code (or one of these), after saying why, briefly."""
    codes = code if isinstance(code, tuple) else (code,)
    with relay.run() as sluice:
        assert sluice.wait(10) in codes, "".join(sluice.lines)
    check_message(sluice, pattern, at_most)


def check_environment(relay, pattern, at_most=6):
    """The environment is at fault: `sluice run` either gives up with 3, or goes on trying without haste. Both must say
    why, in one line per try."""
    with relay.run() as sluice:
        deadline = time.monotonic() + WATCHED
        sluice.wait_for_line(pattern, 15)
        with contextlib.suppress(subprocess.TimeoutExpired):
            assert sluice.process.wait(max(0.1, deadline - time.monotonic())) == 3, "".join(sluice.lines)
        if sluice.process.poll() is None:
            assert sluice.cpu_seconds() < 1.0, f"a busy loop: {sluice.cpu_seconds()} s in {WATCHED} s"
            assert sluice.stop() in (0, 3)
        sluice.wait()
    check_message(sluice, pattern, at_most)


def check_message(sluice, pattern, at_most):
    lines = sluice.matching(pattern)
    assert lines, f"no line matches {pattern}:\n" + "".join(sluice.lines[-20:])
    assert len(lines) <= at_most, f"{len(lines)} such lines:\n" + "".join(lines)
    text = "".join(sluice.lines)
    assert not any(secret in text for secret in SECRET_VALUES), "a secret is in the log"
    assert "Fatal error" not in text and "Stack dump" not in text


def test_a_wrong_secret(binary, world):
    relay = relay_of(world)
    relay.workspace.environment["SF_CLIENT_SECRET"] = "not-the-secret"
    check_environment(relay, "client credential|client secret|invalid_client|clientSecret")
    assert relay.salesforce.stats()["tokens"]["refused"] <= 6, "the token endpoint is not hammered"


def test_a_wrong_secret_does_not_hold_back_what_the_store_holds(binary, world):
    """A first start ends with the message; one with deliveries to send goes on with them, and takes a mended secret."""
    relay = relay_of(world)
    text = relay.workspace.config_path.read_text().replace("{env: SF_CLIENT_SECRET}", "{file: secret.txt}")
    relay.workspace.config_path.write_text(text)
    secret = relay.workspace.folder / "secret.txt"
    relay.workspace.kept.add(secret.name)
    secret.write_text(SECRETS["SF_CLIENT_SECRET"])
    relay.receiver.call("fail", mode="status", status=503)
    with relay.run() as sluice:
        sluice.wait_for_line("started:")
        wait_until(lambda: relay.workspace.count("outbox") > 100, "deliveries wait", 20, or_fail=sluice.ended)
        assert sluice.stop() == 0
    waiting = relay.workspace.count("outbox")
    relay.receiver.call("heal")
    secret.write_text("not-the-secret")
    with relay.run() as sluice:
        sluice.wait_for_line("ERROR.*invalid_client.*waits in the store.*goes on")
        wait_until(lambda: relay.workspace.count("outbox") == 0, f"{waiting} are sent", 30, or_fail=sluice.ended)
        status = relay.workspace.command("status", "--config", str(relay.workspace.config_path)).stdout
        assert "invalid_client" in status and "reconnecting" in status, status
        secret.write_text(SECRETS["SF_CLIENT_SECRET"])
        relay.wait_for_delivery(sluice)
        relay.wait_for_cursors()
        assert sluice.stop() == 0
    relay.check_everything_arrived_in_order()
    secret.write_text("not-the-secret")
    check_refused(relay, 3, "invalid_client")


@pytest.mark.parametrize(
    "error, pattern",
    [
        ("invalid_grant", "invalid_grant|run.?as|domain|user"),
        ("inactive_org", "inactive_org|org"),
    ],
)
def test_other_answers_of_the_token_endpoint(binary, world, error, pattern):
    check_environment(relay_of(world, login_error=error), pattern)


def test_a_missing_environment_variable(binary, world):
    relay = relay_of(world)
    del relay.workspace.environment["SF_CLIENT_SECRET"]
    # Configuration or credentials: both readings of the exit codes are fair.
    check_refused(relay, (2, 3), "SF_CLIENT_SECRET")


@pytest.mark.parametrize(
    "kind, pattern",
    [
        ("unknown", r"does not exist|not found|topic\.not\.found|unknown topic"),
        ("forbidden", "permission|may not|cannot"),
    ],
)
def test_one_bad_topic_does_not_stop_the_others(binary, world, kind, pattern):
    bad = "/data/NopeChangeEvent"
    relay = relay_of(world, forbidden_topics=[bad] if kind == "forbidden" else [])
    relay.workspace.write_config([TOPIC, bad])
    with relay.run() as sluice:
        relay.wait_for_delivery(sluice)
        sluice.wait_for_line(pattern)
        relay.wait_for_cursors(topics=[TOPIC])
        assert sluice.cpu_seconds() < 3
        assert sluice.stop() in (0, 3)
    lines = [line for line in sluice.matching(pattern) if bad in line]
    assert 1 <= len(lines) <= 3, "".join(sluice.lines)
    relay.check_everything_arrived_in_order()
    stats = relay.check_manners(half_closed=2)
    assert len(subscribes(stats, bad)) == 0 and len(stats["aborts"]) <= 3


@pytest.mark.parametrize("what", ["login host", "pubsub endpoint", "name"])
def test_an_unreachable_host(binary, world, what):
    relay = relay_of(world)
    port = free_port()
    where = {
        "login host": {"login_url": f"https://localhost:{port}"},
        "pubsub endpoint": {"endpoint": f"localhost:{port}"},
        "name": {"endpoint": "no-such-host.invalid:443"},
    }[what]
    relay.workspace.write_config([TOPIC], **where)
    place = "no-such-host.invalid" if what == "name" else str(port)
    check_environment(relay, f"{place}.*(refused|connect|resolve|reach)|(refused|connect|resolve|reach).*{place}", 12)


def test_an_expired_certificate(binary, world):
    check_environment(relay_of(world, expired=True), "certificate.*expired|expired.*certificate", 12)


def test_an_unknown_authority(binary, world, tmp_path):
    relay = relay_of(world)
    relay.workspace.write_config([TOPIC], ca=Authority(tmp_path, "stranger").path)
    check_environment(relay, "certificate|issuer|authority", 12)


def test_a_missing_configuration(binary, world):
    relay = relay_of(world)
    relay.workspace.config_path.unlink()
    check_refused(relay, 2, r"sluice\.yaml")


@pytest.mark.parametrize("command", [["retry", "--all"], ["drop", "--all", "--yes"], ["list"]])
def test_a_store_is_not_made_by_asking_for_its_dead_letters(binary, world, command):
    relay = relay_of(world)
    done = relay.workspace.command("dlq", *command, "--config", str(relay.workspace.config_path))
    assert done.returncode == 3 and "there is no such file yet" in done.stderr, done.stdout + done.stderr
    assert not list(relay.workspace.folder.rglob("*.db*"))


@pytest.mark.parametrize(
    "text, pattern",
    [
        ("orgs:\n  prod: [unclosed\nrules: rules\n", r"sluice\.yaml:\d+:\d+"),
        ("orgs:\n  prod:\n\tloginUrl: x\n", r"sluice\.yaml:\d+:\d+"),
        ("orgs: 7\n", r"sluice\.yaml:1:7"),
    ],
    ids=["unclosed list", "tab", "wrong type"],
)
def test_broken_yaml(binary, world, text, pattern):
    relay = relay_of(world)
    relay.workspace.config_path.write_text(text)
    check_refused(relay, 2, pattern, 8)


def test_an_unknown_key_in_the_configuration(binary, world):
    relay = relay_of(world)
    with relay.workspace.config_path.open("a") as file:
        file.write("storre: {}\n")
    number = len(relay.workspace.config_path.read_text().splitlines())
    check_refused(relay, 2, rf"sluice\.yaml:{number}:1.*storre")


def test_a_literal_secret(binary, world):
    relay = relay_of(world)
    text = relay.workspace.config_path.read_text().replace("{env: SF_CLIENT_SECRET}", "interop-secret")
    relay.workspace.config_path.write_text(text)
    relay.workspace.kept.add(relay.workspace.config_path.name)
    check_refused(relay, 2, r"sluice\.yaml:\d+:\d+.*secret", 6)


RULE_MISTAKES = {
    "unknown rule key": ("    match:", "    mtach: {}\n    match:", r"interop\.yaml:\d+:5.*mtach"),
    "unknown destination": ("destination: hook", "destination: hok", r"interop\.yaml:\d+:\d+.*hok"),
    "unknown path": ("${event.entity}", "${evnt.entity}", r"interop\.yaml:\d+:\d+.*evnt"),
    "a broken expression": ("${event.entity}", "${event.}", r"interop\.yaml:\d+:\d+"),
    "missing change": (", change: [create, update, delete, undelete]", "", r"interop\.yaml:\d+:\d+.*change"),
}


@pytest.mark.parametrize("mistake", RULE_MISTAKES)
def test_mistakes_in_a_rule_file(binary, world, mistake):
    relay = relay_of(world)
    old, new, pattern = RULE_MISTAKES[mistake]
    path = relay.workspace.folder / "rules" / "interop.yaml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    check_refused(relay, 2, pattern, 4)
    lint = relay.workspace.command("rules", "lint", "rules")
    assert lint.returncode == 2 and "interop.yaml:" in lint.stdout + lint.stderr


def test_a_store_that_cannot_be_written(binary, world):
    relay = relay_of(world)
    relay.workspace.store.parent.rmdir()
    relay.workspace.store.parent.write_text("a file where a folder should be")
    check_refused(relay, 3, r"sluice\.db|store")
    assert relay.salesforce.stats()["sent"] == {TOPIC: 0}, "no event is fetched without a place for it"


def test_a_store_that_is_not_a_database(binary, world):
    relay = relay_of(world)
    relay.workspace.store.write_bytes(os.urandom(8192))
    check_refused(relay, 3, r"sluice\.db.*(not a database|corrupt|damaged)|(not a database|corrupt).*sluice\.db")


def test_a_full_disk_while_relaying(binary, world, tmp_path):
    """A store on a 3 MB disk, a receiver that is down: the disk fills. Then both recover."""
    with small_disk(tmp_path / "disk", 3) as (folder, grow):
        relay = relay_of(world, 6000)
        relay.workspace.store = folder / "sluice.db"
        relay.workspace.write_config([TOPIC])
        relay.receiver.call("fail", mode="status", status=503)
        with relay.run() as sluice:
            sluice.wait_for_line("disk full|disk is full|no space|SQLITE_FULL|database or disk", 40)
            before = sluice.cpu_seconds() if sluice.process.poll() is None else 0
            with contextlib.suppress(AssertionError):
                wait_until(lambda: sluice.process.poll() is not None, "it gives up, or goes on calmly", 4)
            if sluice.process.poll() is None:
                assert sluice.cpu_seconds() - before < 2, "a busy loop on a full disk"
            else:
                assert sluice.process.returncode == 3
            full = len(sluice.matching("disk full|disk is full|no space|SQLITE_FULL|database or disk"))
            assert full <= 10, f"{full} lines about one full disk"
            grow(200)
            relay.receiver.call("heal")
            if sluice.process.poll() is None:
                relay.wait_for_delivery(sluice, seconds=90)
                relay.wait_for_cursors()
                assert sluice.stop() == 0
        if sluice.process.returncode == 3:
            with relay.run() as again:
                relay.wait_for_delivery(again, seconds=90)
                relay.wait_for_cursors()
                assert again.stop() == 0
        relay.check_everything_arrived_in_order()


def test_a_full_disk_at_the_start(binary, world, tmp_path):
    """SQLite calls it an I/O error of its shared memory, or a file that it cannot open."""
    with small_disk(tmp_path / "disk", 20) as (folder, _):
        relay = relay_of(world)
        relay.workspace.store = folder / "sluice.db"
        relay.workspace.write_config([TOPIC])
        with relay.run() as sluice:
            relay.wait_for_delivery(sluice)
            relay.wait_for_cursors()
            assert sluice.stop() == 0
        ballast = folder / "ballast"
        with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
            while file.write(bytes(1 << 12)):
                pass
        check_refused(relay, 3, rf"cannot .*store at {folder}/sluice\.db: disk full.*Free space on that disk.*lost")
        assert "disk full" in relay.workspace.command("status", "--config", str(relay.workspace.config_path)).stderr
        ballast.unlink()
        with relay.run() as sluice:
            sluice.wait_for_line("started:")
            relay.wait_for_cursors()
            assert sluice.stop() == 0


def test_a_signal_while_starting_ends_it(binary, world):
    relay = relay_of(world)
    relay.workspace.write_config([TOPIC], endpoint=f"localhost:{free_port()}")
    with relay.run() as sluice:
        wait_until(lambda: sluice.lines, "it says something", 10, or_fail=sluice.ended)
        sluice.process.send_signal(signal.SIGTERM)
        assert sluice.wait(10) in (0, 3)


@contextlib.contextmanager
def small_disk(folder, megabytes):
    """(folder, grow): a disk of its own, where this user may mount one."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)], capture_output=True, text=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")

    def grow(to):
        subprocess.run(["mount", "-o", f"remount,size={to}m", str(folder)], check=True)

    try:
        yield folder, grow
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)
