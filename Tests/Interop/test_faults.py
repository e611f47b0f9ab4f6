"""Every fault that a relay meets, each in a few lines. What must hold is in fault_run.py; FAULTS.md is the table."""

import contextlib
import errno
import os
import signal
import sqlite3
import subprocess
import time

import pytest

from certificates import Authority
from fault_run import Fault, FaultRun
from fronts import Haproxy, Nginx
from harness import wait_until
from machine import EAI_AGAIN
from relay import Relay
from test_bad_input import small_disk

STOPPED = float(os.environ.get("SLUICE_STOPPED", "8"))  # seconds of SIGSTOP; the watchdog below is 3 s


def trouble(**item):
    """Every stream of the Pub/Sub API goes wrong like this, until that is over."""
    return lambda run: run.salesforce.process.call("trouble", item=item)


def calm(run):
    run.salesforce.process.call("trouble")


def once(**item):
    """Every stream that is open goes wrong like this, and the next ones do not."""
    return lambda run: run.salesforce.process.call("strike", item=item)


def revoked_once(run):
    run.salesforce.process.call("revoke")
    once(kind="status", status="UNAUTHENTICATED", code="service.auth.error")(run)


def front_gone(run):
    run.front.stop()


def front_back(run):
    run.front.start()


# Salesforce


def salesforce_behind_haproxy(run):
    run.front = run.world.front(Haproxy(run.world.folder, run.salesforce.ready["port"]))
    names = [spec.name for spec in run.relay.specs]
    run.workspace.write_config(names, endpoint=f"localhost:{run.front.port}")


def revoked(run):
    run.salesforce.process.call("revoke")
    trouble(kind="status", status="UNAUTHENTICATED", code="service.auth.error")(run)


def without_tokens(run):
    run.salesforce.process.call("outage", status=503)
    run.salesforce.process.call("revoke")
    once(kind="status", status="UNAUTHENTICATED", code="service.auth.error")(run)


def tokens_again(run):
    run.salesforce.process.call("outage")


RAW = {"raw": True}
QUICK = {"pubsub": "watchdog: 3s"}
UNAVAILABLE = {"kind": "status", "status": "UNAVAILABLE", "code": "service.unavailable"}
SALESFORCE = [
    Fault("stream reset", trouble(kind="rst", error=2), calm, "reset.*INTERNAL_ERROR.*again in", relay=RAW),
    Fault("stream reset without an error", trouble(kind="rst", error=0), calm, "reset.*NO_ERROR.*again in",
          relay=RAW),
    Fault("connection cut in a frame", trouble(kind="cut"), calm, "connection.*again in", relay=RAW),
    Fault("GOAWAY", once(kind="goaway", grace=0.3), None, "", watched=0),
    Fault("silence", trouble(kind="silence"), calm, "nothing received.*again in", relay=QUICK, settle=4),
    Fault("service unavailable", trouble(**UNAVAILABLE), calm, r"service\.unavailable.*again in"),
    Fault("nobody listens", front_gone, front_back, "(refused|connect|closed|ended|reset).*again in",
          prepare=salesforce_behind_haproxy),
    Fault("token revoked once", revoked_once, None, r"service\.auth\.error", watched=0),
    Fault("every token refused", revoked, calm, r"service\.auth\.error.*again in"),
    Fault("token endpoint down", without_tokens, tokens_again, "token|sign in|503", lines=2),
]  # fmt: skip


# Receivers


def on_machine(run):
    run.on_machine()


def receiver_behind_nginx(run):
    run.front = run.world.front(Nginx(run.world.folder, run.receiver.ready["port"]))
    run.workspace.webhook_rule(run.front.port, **{"concurrency": 16, **run.fault.rule})


def receiver_behind_haproxy(run):
    run.front = run.world.front(Haproxy(run.world.folder, run.receiver.ready["port"]))
    run.workspace.webhook_rule(run.front.port, concurrency=16)


def receiver_with_tls(run):
    folder = run.world.folder / "receiver-tls"
    folder.mkdir()
    run.authority = Authority(folder)
    run.good = run.authority.issue("good")
    run.front = run.world.front(Nginx(run.world.folder, run.receiver.ready["port"], certificate=run.good))
    run.workspace.webhook_rule(run.front.port, concurrency=16, options=f'    tls: {{ca: "{run.authority.path}"}}\n')
    path = run.workspace.folder / "rules" / "interop.yaml"
    text = path.read_text().replace("http://127.0.0.1", "https://127.0.0.1").replace("allowHttp", "allowPrivate")
    path.write_text(text)


def expired(run):
    run.front.certificate = run.authority.issue("expired", expired=True)
    run.front.fail(f"proxy_pass http://127.0.0.1:{run.front.to};", probe=200)


def moved_to_an_unknown_name(run):
    """Its address becomes a name, which cannot be resolved."""
    run.machine.suffer(name_error=EAI_AGAIN)
    path = run.workspace.folder / "rules" / "interop.yaml"
    path.write_text(path.read_text().replace("http://127.0.0.1", "http://hook.machine.test"))


def answers(directives, status):
    return lambda run: run.front.fail(directives, probe=status)


def healed(run):
    run.front.heal()


def receiver(**failure):
    return lambda run: run.receiver.call("fail", **failure)


def well(run):
    run.receiver.call("heal")


def tried_now(run):
    done = run.workspace.command("destination", "try", "hook", "--config", str(run.workspace.config_path))
    assert done.returncode == 0, done.stderr


NGINX = {"prepare": receiver_behind_nginx}
IMPATIENT = {"rule": {"options": "    timeout: 1s\n"}, "repeats": True}
RECEIVERS = [
    # The proxy takes answers with it that were under way.
    Fault("receiver refuses connections", front_gone, front_back, "cannot reach.*again in",
          prepare=receiver_behind_haproxy, repeats=True),
    Fault("name of the receiver", moved_to_an_unknown_name, lambda run: run.machine.suffer(),
          "not resolve host: hook.machine.test.*(again|next try) in", prepare=on_machine,
          rule={"options": "    allowPrivate: true\n"}),
    # Connections are cut before the new certificate shows.
    Fault("certificate expired", expired, lambda run: run.front.heal(run.good), "certificate.*(again|next try) in",
          lines=2, prepare=receiver_with_tls, by_hand=tried_now),
    Fault("receiver never answers", receiver(mode="never"), well, r"timed out|no complete answer", settle=3, **IMPATIENT),
    Fault("half an answer", receiver(mode="half_head"), well, "hook", repeats=True),
    Fault("an answer without its end", receiver(mode="half_body"), well, "", lines=0, watched=0),
    Fault("connection closed after 200", receiver(mode="close"), well, "", watched=0),
    Fault("redirect", answers("return 302 https://elsewhere.example/;", 302), healed,
          r"redirects \(302\).*url.*next try in", by_hand=tried_now, **NGINX),
    Fault("401", answers("return 401;", 401), healed, r"credential \(401\).*next try in", by_hand=tried_now, **NGINX),
    Fault("404", answers("return 404;", 404), healed, r"\(404\).*next try in", by_hand=tried_now, **NGINX),
    Fault("410", answers("return 410;", 410), healed, r"disabled.*\(410\)", by_hand=tried_now, **NGINX),
    Fault("413", answers("client_max_body_size 16; proxy_pass http://127.0.0.1:1;", None), healed, "dead letters.*413",
          dead=True, watched=0, **NGINX),
    Fault("429 with Retry-After", answers("add_header Retry-After 4 always; return 429;", 429), healed,
          r"429.*next try in", **NGINX),
    Fault("5xx storm", answers("return 503;", 503), healed, r"not well \(503\)", settle=4, **NGINX),
    Fault("bad gateway", answers("proxy_pass http://127.0.0.1:1;", 502), healed, r"not well \(502\)", settle=4, **NGINX),
]  # fmt: skip


# The machine


def write_fails(error):
    return lambda run: run.machine.suffer(write_error=error)


def sync_fails(run):
    run.machine.suffer(sync_error=errno.EIO)
    wait_until(lambda: run.machine.hits > 0, "the store is synced", 20, or_fail=run.sluice.ended)


def mended(run):
    run.machine.suffer()


def on_small_disk(run):
    run.disk = contextlib.ExitStack()
    run.world.at_end(run.disk.close)
    folder, run.grow = run.disk.enter_context(small_disk(run.workspace.folder / "disk", 40))
    run.workspace.store = folder / "sluice.db"
    run.ballast = folder / "ballast"
    run.workspace.write_config([spec.name for spec in run.relay.specs])


def full(run):
    with contextlib.suppress(OSError), run.ballast.open("wb") as file:
        while True:
            file.write(bytes(1 << 16))
            file.flush()


def locked(run):
    run.intruder = sqlite3.connect(run.workspace.store, isolation_level=None, check_same_thread=False)
    run.intruder.execute("BEGIN IMMEDIATE")


def unlocked(run):
    run.intruder.execute("ROLLBACK")
    run.intruder.close()


def stand_still(run):
    run.sluice.process.send_signal(signal.SIGSTOP)
    time.sleep(STOPPED)
    run.sluice.process.send_signal(signal.SIGCONT)


def set_clock(hours):
    return lambda run: run.machine.suffer(clock_offset=3600 * hours)


def down_and_clock(hours):
    """Deliveries wait for their next try while the clock is set."""

    def begin(run):
        run.receiver.call("fail", mode="status", status=503)
        run.sluice.wait_for_line("hook is held")
        run.machine.suffer(clock_offset=3600 * hours)

    return begin


def up_and_clock(hours):
    def end(run):
        run.machine.suffer(clock_offset=3600 * hours)
        run.receiver.call("heal")

    return end


LARGE = {"feed": {"pad": 20_000}}
TOLERANT = {"receiver": {"clock_tolerance": 3700}}
MACHINE = [
    Fault("ENOSPC", full, lambda run: run.ballast.unlink(), "disk is full|disk full", prepare=on_small_disk),
    Fault("EIO", write_fails(errno.EIO), mended, "I/O|input", prepare=on_machine),
    Fault("a store that becomes read-only", write_fails(errno.EROFS), mended, "read-only|I/O", prepare=on_machine),
    # The write-ahead log holds everything meanwhile, and is said to grow.
    Fault("fsync fails", sync_fails, mended, "cannot write the log back to the store.*grows meanwhile.*nothing is lost",
          prepare=on_machine, relay=LARGE),
    Fault("a store locked by another program", locked, unlocked, "locked|busy|another", settle=3),
    # Beyond a minute the API closes the streams, since their credit is used up.
    Fault("SIGSTOP", stand_still, None, "", lines=2, watched=0, idles=STOPPED > 55, relay={**QUICK, **TOLERANT}, **IMPATIENT),
    Fault("clock one hour forth", set_clock(1), mended, "", lines=0, prepare=on_machine, relay=TOLERANT),
    Fault("clock one hour back", set_clock(-1), mended, "", lines=0, prepare=on_machine, relay=TOLERANT),
    Fault("clock forth, then back, while deliveries wait", down_and_clock(1), up_and_clock(-1), "503",
          prepare=on_machine, relay=TOLERANT),
    Fault("clock back, then forth, while deliveries wait", down_and_clock(-1), up_and_clock(1), "503",
          prepare=on_machine, relay=TOLERANT),
]  # fmt: skip


def ids(fault):
    return fault.name


@pytest.mark.parametrize("fault", SALESFORCE, ids=ids)
def test_salesforce(binary, world, fault):
    FaultRun(world, fault).go()


@pytest.mark.parametrize("fault", RECEIVERS, ids=ids)
def test_receiver(binary, world, fault):
    FaultRun(world, fault).go()


@pytest.mark.timeout(120 + STOPPED)
@pytest.mark.parametrize("fault", MACHINE, ids=ids)
def test_machine(binary, world, fault):
    FaultRun(world, fault).go()


def test_a_store_that_is_read_only_from_the_start(binary, world):
    relay = Relay(world, [])
    with small_disk(relay.workspace.folder / "disk", 3) as (folder, _):
        relay.workspace.store = folder / "sluice.db"
        relay.workspace.write_config(["/data/AccountChangeEvent"])
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        with relay.run() as sluice:
            assert sluice.wait(10) == 3
        lines = [line for line in sluice.lines if "read-only" in line.lower()]
        assert len(lines) == 1 and "sluice.db" in lines[0], "".join(sluice.lines)
