"""Snapshots, backfills and re-reads: a receiver ends up with what the org has, and never goes back."""

import json
import os
import random

import pytest

from certificates import Authority
from harness import Sluice, Workspace, wait_until
from peer_process import PeerProcess
from rest_org import high_water

pytestmark = pytest.mark.usefixtures("binary")
TOPIC = "/data/AccountChangeEvent"
RULES = """sluice: 1
destinations:
  hook: {{kind: webhook, url: "http://127.0.0.1:{port}/hook", allowHttp: true, concurrency: 32}}
rules:
  - id: accounts
    match: {{entity: Account, change: [create, update, delete, undelete]}}
    to:
      destination: hook
      body: {{id: "${{recordId}}", seq: "${{record.?Seq__c}}", change: "${{event.change}}", type: "${{header.changeType}}"}}
"""


class LivingOrg:
    """The peer, and what a workspace wants to know of it."""

    def __init__(self, folder, **config):
        (folder / "tls").mkdir(parents=True)
        self.authority = Authority(folder / "tls")
        certificate, key = self.authority.issue("org")
        self.peer = PeerProcess(
            "org_peer.py", {"certificate": str(certificate), "key": str(key), **config}, folder, "org")
        self.endpoint = f"localhost:{self.peer.ready['port']}"
        self.login_url = f"https://localhost:{self.peer.ready['token_port']}"
        self.workspace = Workspace(folder / "sluice", self)
        self.workspace.write_rules(RULES.format(port=self.peer.ready["hook_port"]))

    def configure(self, snapshot=False, bulk_from=100_000):
        self.workspace.write_config([f'{{name: "{TOPIC}", start: latest, snapshot: {str(snapshot).lower()}}}'])
        text = self.workspace.config_path.read_text()
        rest = f"    rest: {{bulkFrom: {bulk_from}}}\n    topics:"
        self.workspace.config_path.write_text(text.replace("    topics:", rest, 1))

    def compare(self):
        return self.peer.call("compare")

    def command(self, *arguments):
        return self.workspace.command(*arguments, "--config", str(self.workspace.config_path))

    def json(self, *arguments):
        result = self.command(*arguments, "--json")
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    def wait_until_equal(self, sluice, seconds=90):
        last = [None]

        def equal():
            last[0] = self.compare()
            return last[0]["wrong_count"] == 0

        try:
            wait_until(equal, "the receiver has what the org has", seconds, every=0.5, or_fail=sluice.ended)
        except AssertionError as error:
            raise AssertionError(f"{error}: {last[0]}") from None
        return last[0]


@pytest.fixture
def make_org(tmp_path):
    made = []

    def make(**config):
        made.append(LivingOrg(tmp_path / f"org-{len(made)}", **config))
        return made[-1]

    yield make
    for org in made:
        org.peer.stop()


def ended(org, sluice, seconds=60):
    """The only backfill, once it has ended."""
    def done():
        views = org.json("backfill", "list")
        return views[0] if views and views[0]["state"] not in ("running", "paused") else None

    return wait_until(done, "the backfill has ended", seconds, every=0.5, or_fail=sluice.ended)


# A release build has to keep to 60 MB; a debug build's code alone takes 20 more.
MEMORY = int(os.environ.get("SLUICE_MEMORY", "85")) * 1e6 / 1024


@pytest.mark.parametrize("bulk_from", [100_000, 20_000], ids=["rest", "bulk"])
def test_a_snapshot_of_20000_records_that_change_survives_three_kills(make_org, bulk_from):
    org = make_org(records=20_000, rate=200)
    # Some are deleted before they are counted.
    org.configure(snapshot=True, bulk_from=bulk_from * 9 // 10)
    peak = 0
    for part in (0.2, 0.45, 0.7):
        with Sluice(org.workspace) as sluice:
            wait_until(
                lambda part=part: org.peer.call("rows_read") >= 20_000 * part, "part of the records", 90, or_fail=sluice.ended)
            peak = max(peak, high_water(sluice.process.pid))
            sluice.kill()
    with Sluice(org.workspace) as sluice:
        view = ended(org, sluice, 180)
        assert view["state"] == "done" and 19_000 < view["expected"] <= 20_000, view
        org.peer.call("rate", rate=0)
        result = org.wait_until_equal(sluice)
        peak = max(peak, high_water(sluice.process.pid))
        assert sluice.stop() == 0
    print({key: result[key] for key in ("types", "events", "rows_read", "deleted")}, f"peak {peak * 1024 / 1e6:.1f} MB")
    assert result["regressions"] == []
    assert result["known"] + result["deleted"] >= 20_000 and result["known"] > 19_000
    assert peak <= MEMORY
    assert org.peer.call("bulk") == {"started": 0 if bulk_from > 20_000 else 1, "kept": 0}


def test_a_backfill_that_is_asked_for_without_a_relay_starts_with_the_next_one(make_org):
    org = make_org(records=3_000)
    org.configure()
    asked = org.json("backfill", "--entity", "Account", "--where", "Seq__c > 0", "--rate", "500/s")
    assert asked["state"] == "running" and not asked["isRunning"]
    again = org.command("backfill", "--entity", "Account")
    assert again.returncode == 2 and "being read already" in again.stderr
    org.peer.call("overflow", changes=200)
    with Sluice(org.workspace) as sluice:
        view = ended(org, sluice)
        assert view["state"] == "done", view
        result = org.compare()
        assert sluice.stop() == 0
    shown = org.command("backfill", "show", asked["id"])
    assert "snapshot of Account" in shown.stdout and "where Seq__c > 0" in shown.stdout
    assert set(result["types"]) == {"SNAPSHOT"} and result["types"]["SNAPSHOT"] == view["records"] > 100


def test_a_wrong_condition_is_told_and_nothing_goes_on(make_org):
    org = make_org(records=10)
    org.configure()
    with Sluice(org.workspace) as sluice:
        sluice.wait_for_line("subscribed")
        org.json("backfill", "--entity", "Account", "--where", "Colour = 'red'", "--detach")
        waited = org.command("backfill", "--entity", "Account", "--where", "Colour = 'blue'")
        assert waited.returncode == 1 and "failed" in waited.stdout, waited.stdout + waited.stderr
        view = ended(org, sluice)
        assert view["state"] == "failed" and "MALFORMED_QUERY" in view["detail"], view
        assert sluice.stop() == 0


def test_an_overflow_is_read_again_through_faults_and_a_kill(make_org):
    org = make_org(records=5_000)
    org.configure()
    with Sluice(org.workspace) as sluice:
        sluice.wait_for_line("subscribed")
        org.peer.call("rate", rate=100)
        wait_until(lambda: org.compare()["types"].get("UPDATE", 0) > 50, "the stream works", 30, or_fail=sluice.ended)
        org.peer.call("fail", count=3)
        org.peer.call("overflow", changes=2_000)
        sluice.wait_for_line("GAP_OVERFLOW committed")
        sluice.kill()
    with Sluice(org.workspace) as sluice:
        view = ended(org, sluice)
        assert view["state"] == "done" and view["kind"] == "reread" and view["deleted"] > 0, view
        org.peer.call("rate", rate=0)
        result = org.wait_until_equal(sluice)
        assert sluice.stop() == 0
    assert result["regressions"] == [] and result["types"]["GAP_UPDATE"] > 1_000 and result["untold"] > 1_500


# The size of an acceptance run is 5,000 records and 50,000 changes; every run has the same shares.
GAP_RECORDS = int(os.environ.get("SLUICE_GAP_RECORDS", "500"))


@pytest.mark.timeout(1800)
def test_gap_events_are_read_back_through_kills_faults_and_an_overflow(make_org):
    """5 % of the changes are gap events, one overflow, kills at random, REST calls that fail."""
    changes = GAP_RECORDS * 10
    rate = max(100, changes // 150)
    org = make_org(records=GAP_RECORDS, gap_share=0.05, fault_share=0.02)
    org.configure()
    chance = random.Random(int(os.environ.get("SLUICE_SEED", "1")))
    org.peer.call("rate", rate=rate)
    kills, peak, overflowed = 0, 0, False
    while org.compare()["changes"] < changes:
        with Sluice(org.workspace) as sluice:
            due = org.compare()["changes"] + chance.uniform(0.1, 0.25) * changes
            wait_until(lambda due=due: org.compare()["changes"] >= min(due, changes), "changes", 300, or_fail=sluice.ended)
            if not overflowed and org.compare()["changes"] > changes / 2:
                overflowed = True
                org.peer.call("overflow", changes=GAP_RECORDS // 10)
            peak = max(peak, high_water(sluice.process.pid))
            if org.compare()["changes"] < changes:
                sluice.kill()
                kills += 1
            else:
                org.peer.call("rate", rate=0)
                result = org.wait_until_equal(sluice, 240)
                wait_until(lambda: not org.json("status")["reading"], "nothing is held", 30, or_fail=sluice.ended)
                assert sluice.stop() == 0
    print({key: result[key] for key in ("types", "events", "changes", "untold", "deleted")}, f"{kills} kills", f"peak {peak * 1024 / 1e6:.1f} MB")
    assert overflowed and kills >= 3
    assert result["regressions"] == []
    assert result["types"]["GAP_UPDATE"] > changes * 0.02
