"""A listener whose flow takes nothing: integrator.io answers 204 all the same, and what was posted is lost. The relay looks."""

import contextlib
import json
import subprocess
import urllib.request

import pytest

from feed import FeedSpec
from harness import wait_until

TOPIC = "/data/AccountChangeEvent"
FLOW = "65b2f0c2d3e4b5a697886602"
EXPORT = "65b2f0c2d3e4b5a697886612"
CONNECTION = "65b2f0c2d3e4b5a697886622"
PATH = f"/v1/exports/{EXPORT}/emulator-listener-token/data"
TOKEN = "emulator-integrator-token"
DISABLED = "its flow 'Production orders by listener' is disabled: what is posted is lost"

RULES = f"""sluice: 1
destinations:
  celigo:
    kind: integrator
    baseUrl: URL
    allowHttp: true
    auth: {{bearer: {{env: CELIGO_TOKEN}}}}
    listeners:
      orders: {{url: {{env: LISTENER}}, export: {EXPORT}}}
rules:
  - id: to-listener
    match: {{entity: Account, change: [create, update, delete, undelete]}}
    to: {{destination: celigo, listener: orders, body: {{id: "${{recordId}}", at: "${{event.time}}"}}}}
"""


class Account:
    def __init__(self, url):
        self.url = url

    def call(self, method, path, body=None):
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(self.url + path, data, headers, method=method), timeout=5) as answer:
            return json.loads(answer.read() or b"null")

    def disable(self, yes):
        self.call("PATCH", f"/v1/flows/{FLOW}", [{"op": "replace", "path": "/disabled", "value": yes}])

    def connection(self, offline):
        self.call("POST", "/emulator/step", {"connection": {"id": CONNECTION, "offline": offline}})

    def received(self):
        return self.call("GET", f"/emulator/received?path={PATH}")["requests"]


@pytest.fixture
def account(binary):
    emulator = subprocess.Popen([binary, "emulate", "--only", "integrator"], stdout=subprocess.PIPE, text=True)
    try:
        yield Account(emulator.stdout.readline().split(" at ")[1].strip())
    finally:
        emulator.terminate()
        emulator.wait(10)


@contextlib.contextmanager
def relay(world, account, token=TOKEN, count=20):
    workspace = world.workspace(world.salesforce([FeedSpec(TOPIC, count, ["Account"], records=5, merged_every=0, pad=5)]))
    workspace.write_config([TOPIC])
    workspace.environment |= {"CELIGO_TOKEN": token, "LISTENER": account.url + PATH}
    workspace.write_rules(RULES.replace("URL", account.url))
    with workspace.run() as sluice:
        yield workspace, sluice
        assert sluice.stop() == 0


def listener(workspace):
    status = json.loads(workspace.command("status", "--json").stdout)
    return next(one for one in status["destinations"] if one["name"] == "celigo")["listeners"][0]


def taken(account, workspace, sluice, count):
    wait_until(lambda: len(account.received()) >= count, "the posts", 90, every=0.3, or_fail=sluice.ended)
    wait_until(lambda: workspace.count("outbox") == 0, "everything is posted", 90, every=0.3, or_fail=sluice.ended)
    got = account.received()
    assert len(got) == count and all(one["executed"] for one in got), "nothing was posted while it would be lost"
    assert workspace.count("dead_letters") == 0


def test_nothing_is_posted_while_the_flow_is_disabled_and_it_goes_on_by_itself(binary, world, account):
    account.disable(True)
    with relay(world, account) as (workspace, sluice):
        line = sluice.wait_for_line(f"listener orders is held: {DISABLED}")
        assert "Enable the flow in integrator.io" in line and "ERROR" in line.upper()
        wait_until(lambda: workspace.count("outbox") == 20, "the events are kept", 20)
        found = listener(workspace)
        assert found["state"] == "held" and found["detail"] == DISABLED and found["checkedAt"]
        assert f"listener orders is held, checked" in workspace.command("status").stdout
        assert account.received() == []
        account.disable(False)
        sluice.wait_for_line("listener orders takes events again", 60)
        taken(account, workspace, sluice, 20)
        assert listener(workspace)["state"] == "open"
        assert len(sluice.matching("listener orders is held: its flow")) == 1, "each change is one line"


def test_an_offline_connection_behind_the_listener_holds_it(binary, world, account):
    account.connection(offline=True)
    with relay(world, account) as (workspace, sluice):
        sluice.wait_for_line("listener orders is held: connection 'ERP' behind it is offline")
        assert account.received() == []
        account.connection(offline=False)
        sluice.wait_for_line("listener orders takes events again", 60)
        taken(account, workspace, sluice, 20)


def test_a_token_that_is_refused_holds_it_and_a_new_one_lets_it_go_on(binary, world, account):
    with relay(world, account, token="gone-for-good") as (workspace, sluice):
        line = sluice.wait_for_line("listener orders is held: whether its flow takes anything cannot be seen")
        assert "401" in line and f"of the region of {account.url}?" in line and "gone-for-good" not in line
        assert account.received() == []
        # Without the export's ID nobody looks, as the line says.
        workspace.write_rules(RULES.replace("URL", account.url).replace(f", export: {EXPORT}", ""))
        taken(account, workspace, sluice, 20)


@pytest.mark.timeout(300)
def test_a_flow_that_goes_off_under_way_is_noticed_and_what_may_be_lost_is_told(binary, world, account):
    with relay(world, account) as (workspace, sluice):
        taken(account, workspace, sluice, 20)
        account.disable(True)
        line = sluice.wait_for_line("listener orders is held", 150)
        assert "may be lost" in line and "sluice replay --since" in line
