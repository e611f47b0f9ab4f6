"""The main job on a grpcio server over TLS: many events, three topics, one connection."""

import contextlib
import shutil
import socket
import subprocess
import time

import pytest

from harness import free_port, specs, wait_until
from relay import Relay, subscribes


@pytest.mark.timeout(300)
def test_100_000_events_over_three_topics_on_one_connection(binary, world):
    relay = Relay(world, specs(100_000))
    expected = len(relay.expected)
    with relay.run() as sluice:
        started = time.monotonic()
        relay.wait_for_delivery(sluice, expected, seconds=200)
        seconds = time.monotonic() - started
        print(f"{expected} deliveries in {seconds:.1f} s, sluice used {sluice.cpu_seconds():.1f} s of processor time")
        stats = relay.check_manners(connections=1)
        relay.wait_for_cursors()
        assert sluice.stop() == 0
    relay.check_everything_arrived_in_order()
    relay.wait_for_cursors()
    for spec in relay.specs:
        assert len(subscribes(stats, spec.name)) == 1, "one stream per topic, never reopened"
    assert stats["unary"]["GetSchema"] <= 6, "a schema is asked for once"
    assert stats["requests"] < 100_000 / 20, "credit is asked for in batches"


def test_a_restart_goes_on_where_it_stopped(binary, world):
    relay = Relay(world, specs(600))
    with relay.run() as sluice:
        relay.wait_for_delivery(sluice)
        assert sluice.stop() == 0
    with relay.run() as sluice:
        wait_until(lambda: len(relay.salesforce.stats()["subscribes"]) >= 6, "three more streams", or_fail=sluice.ended)
        assert sluice.stop() == 0
    stats = relay.check_manners(half_closed=6)
    for spec in relay.specs:
        assert subscribes(stats, spec.name)[-1] == [2, spec.count], "CUSTOM, from the last event"
    assert relay.check_everything_arrived_in_order()["twice"] == 0


def test_what_happens_while_sluice_is_away_is_delivered_later(binary, world):
    options = {"rate": 150}
    relay = Relay(world, specs(900, **options))
    with relay.run() as sluice:
        relay.wait_for_delivery(sluice, 100)
        assert sluice.stop() == 0
    with relay.run() as sluice:
        relay.wait_for_delivery(sluice)
        assert sluice.stop() == 0
    relay.check_everything_arrived_in_order()


def test_through_an_http_connect_proxy(binary, world, tmp_path):
    if not shutil.which("tinyproxy"):
        pytest.skip("tinyproxy is not installed")
    relay = Relay(world, specs(10_000))
    with tinyproxy(tmp_path, relay.salesforce.ready["port"]) as (port, log):
        relay.workspace.write_config(
            [spec.name for spec in relay.specs], pubsub=f'proxy: "http://127.0.0.1:{port}"'
        )
        with relay.run() as sluice:
            relay.wait_for_delivery(sluice)
            relay.check_manners(connections=1)
            relay.wait_for_cursors()
            assert sluice.stop() == 0
        relay.check_everything_arrived_in_order()
        assert f"CONNECT localhost:{relay.salesforce.ready['port']}" in log.read_text(), "the proxy was used"


@contextlib.contextmanager
def tinyproxy(folder, allowed_port):
    port, log, config = free_port(), folder / "tinyproxy.log", folder / "tinyproxy.conf"
    config.write_text(
        f'Port {port}\nListen 127.0.0.1\nTimeout 600\nAllow 127.0.0.1\nLogFile "{log}"\nLogLevel Connect\n'
        f"ConnectPort {allowed_port}\nMaxClients 20\n"
    )
    process = subprocess.Popen(["tinyproxy", "-d", "-c", str(config)], stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: listens(port), "tinyproxy starts", 10)
        yield port, log
    finally:
        process.terminate()
        process.wait(10)


def listens(port) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
