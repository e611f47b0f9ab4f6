"""A dead destination and one that takes ten seconds for every answer: what goes elsewhere must not notice."""

import json
import os
import socket
import time

import pytest

from fronts import Haproxy
from harness import body_yaml, specs, wait_until
from relay import Relay

SPAN = float(os.environ.get("SLUICE_ISOLATION", "8"))  # seconds that are counted, twice
RATE = 60.0  # per second and topic: three topics, four destinations
GOOD, BAD = ["first", "second"], ["dead", "slow"]


def rules(ports, timeout="30s") -> str:
    text = "sluice: 1\ndestinations:\n"
    for name, port in ports.items():
        url = f"http://127.0.0.1:{port}/{name}"
        text += f"  {name}: {{kind: webhook, url: '{url}', allowHttp: true, timeout: {timeout}}}\n"
    text += "rules:\n"
    for name in ports:
        text += (
            f'  - id: to-{name}\n    match: {{entity: "*", change: [create, update, delete, undelete]}}\n    to:\n'
            f"      - destination: {name}\n{body_yaml(8)}"
        )
    return text


def lag(relay) -> int:
    return sum(relay.salesforce.process.call("available").values()) - relay.delivered("/second")


def counted(relay) -> dict:
    """Deliveries of each good destination within the span."""
    before = relay.receiver.call("distinct")
    time.sleep(SPAN)
    after = relay.receiver.call("distinct")
    return {name: after[f"/{name}"] - before[f"/{name}"] for name in GOOD}


@pytest.mark.timeout(200)
def test_the_others_keep_their_rate(binary, world):
    relay = Relay(world, specs(30_000, rate=RATE, records=300, merged_every=0))
    port = relay.receiver.ready["port"]
    dead = world.front(Haproxy(world.folder, port))
    dead.stop()
    relay.receiver.call("fail", mode="slow", seconds=10, prefix="/slow")
    relay.workspace.write_rules(rules({name: port for name in GOOD}))
    with relay.run() as sluice:
        relay.wait_for_delivery(sluice, int(RATE), path="/second")
        wait_until(lambda: lag(relay) < RATE, "it keeps pace", 30, or_fail=sluice.ended)
        alone = counted(relay)
        relay.workspace.write_rules(rules({"dead": dead.port, "slow": port}), "bad.yaml")
        sluice.wait_for_line("generation 2|rules.*in force")
        wait_until(lambda: relay.delivered("/slow") > 0, "the slow one has its first", 30, or_fail=sluice.ended)
        beside = counted(relay)
        relay.end_of_feed()
        for name in GOOD:
            relay.wait_for_delivery(sluice, path=f"/{name}", seconds=10)
        assert relay.delivered("/dead") == 0 and relay.delivered("/slow") < 100
        # Nothing of theirs is lost, either.
        dead.start()
        relay.receiver.call("heal")
        wait_until(lambda: relay.workspace.count("outbox") == 0, "an empty outbox", 60, or_fail=sluice.ended)
        assert sluice.stop() == 0
    for name in GOOD:
        relay.check_everything_arrived_in_order(f"/{name}")
    for name in BAD:
        assert relay.receiver.call("stats")["ledgers"][f"/{name}"]["faults"] == {}
    bad = {name: relay.receiver.call("pairs", path=f"/{name}") for name in BAD}
    assert bad["dead"] and sorted(bad["dead"]) == sorted(bad["slow"]), "both got the same events, all since their rules"
    shares = {name: beside[name] / alone[name] for name in GOOD}
    print(f"in {SPAN:.0f} s alone {alone}, beside a dead and a slow one {beside}: {shares}")
    assert min(shares.values()) >= 0.95, shares


@pytest.mark.parametrize("trouble", ["refused", "silent"])
def test_an_org_that_cannot_sign_in_does_not_keep_another_waiting(binary, world, trouble):
    relay = Relay(world, specs(300))
    config = relay.workspace.config_path
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts, and says nothing
        if trouble == "refused":
            other = world.salesforce([], login_error="invalid_grant", authority=relay.salesforce.authority)
            login, ca = other.login_url, other.authority.path
        else:
            login, ca = f"https://localhost:{silent.getsockname()[1]}", relay.salesforce.authority.path
        text = config.read_text().replace(
            "orgs:\n",
            "orgs:\n  another:\n"
            f"    loginUrl: {login}\n"
            "    auth: {clientCredentials: {clientId: {env: SF_CLIENT_ID}, clientSecret: {env: SF_CLIENT_SECRET}}}\n"
            f'    tls: {{ca: "{ca}"}}\n'
            "    topics: [/data/AccountChangeEvent]\n",
        )
        config.write_text(text)
        with relay.run() as sluice:
            relay.wait_for_delivery(sluice, seconds=10)
            if trouble == "refused":
                sluice.wait_for_line("invalid_grant")
            assert len(sluice.matching("invalid_grant")) <= 2, "".join(sluice.lines)
            states = json.loads(relay.workspace.command("status", "--json", "--config", str(config)).stdout)["topics"]
            assert {entry["state"] for entry in states if entry["org"] == "prod"} == {"streaming"}
            assert sluice.stop() == 0
    relay.check_everything_arrived_in_order()
