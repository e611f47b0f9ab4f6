"""Many changes, few runs: what a flow run per change needs when integrator.io is as it is.

`SLUICE_CHANGES` (1000) sets how many changes; the issue's size is 10000.
"""

import json
import os
import subprocess
import time
import urllib.request

import pytest

from feed import Feed, FeedSpec
from harness import wait_until
from peer_process import PeerProcess

TOPIC = "/data/AccountChangeEvent"
FLOW = "598f1c2e7d3a4b0012345d9a"
CHANGES = int(os.environ.get("SLUICE_CHANGES", "1000"))
BURSTS = 10 if CHANGES < 5000 else 20
PAUSE = 6.0
QUIET = 2.0

RULES = f"""sluice: 1
destinations:
  celigo:
    kind: integrator
    baseUrl: http://127.0.0.1:PORT
    allowHttp: true
    auth: {{bearer: {{env: CELIGO_TOKEN}}}}
rules:
  - id: to-run
    match: {{entity: Account, change: [create, update, delete, undelete]}}
    to:
      destination: celigo
      flow: {FLOW}
      window: {{from: "${{batch.firstCommit}}", until: "${{batch.lastCommit}}"}}
      coalesce: {{quiet: 2s, max: 30s}}
"""


@pytest.mark.timeout(120 + CHANGES // 20)
def test_every_change_is_covered_by_a_run_that_completed(binary, world):
    spec = FeedSpec(TOPIC, CHANGES, ["Account"], records=500, merged_every=0, burst=CHANGES // BURSTS, pause=PAUSE,
                    base_ms=int(time.time() * 1000), pad=10)  # fmt: skip
    commits = [spec.commit_ms(event.number) for event in Feed(spec).events()]
    salesforce = world.salesforce([spec])
    account = world._keep(PeerProcess("flow_run_peer.py", {"flow": FLOW}, world.folder / "peers", "account"))
    account.call("plan", outcomes={3: "failed"}, lose=[5])
    workspace = world.workspace(salesforce)
    workspace.write_config([TOPIC])
    workspace.write_rules(RULES.replace("PORT", str(account.ready["port"])))
    with workspace.run() as sluice:
        # Trouble comes between bursts, as it does.
        wait_until(lambda: len(account.call("stats")["posts"]) >= 2, "two runs", 60, every=0.2, or_fail=sluice.ended)
        account.call("foreign", seconds=4)
        wait_until(lambda: len(account.call("stats")["posts"]) >= 4, "the failed run is repeated", 150, every=0.2,
                   or_fail=sluice.ended)  # fmt: skip
        account.call("limit", seconds=10)
        wait_until(lambda: workspace.cursor_numbers().get(TOPIC) == CHANGES, "all changes are received", 300, every=0.5,
                   or_fail=sluice.ended)  # fmt: skip
        wait_until(lambda: workspace.count("outbox") == 0, "all changes are covered", 240, every=0.5,
                   or_fail=sluice.ended)  # fmt: skip
        assert sluice.stop() == 0
    stats = account.call("stats")
    assert stats["faults"] == [], stats["faults"][:5]
    check_coverage(stats, commits)
    repeated = 1 + sum(1 for job in stats["jobs"] if job["by"] == "us" and job["status"] == "failed")
    lost = 1
    assert len(stats["posts"]) <= BURSTS + repeated + lost, "a run for each quiet period, and those that were repeated"
    assert stats["while_limited"] <= 3, "429 is no reason to ask again before its time"
    assert any(job["by"] == "somebody else" for job in stats["jobs"])
    assert {job["status"] for job in stats["jobs"]} == {"completed", "failed"}
    print(f"{CHANGES} changes, {BURSTS} bursts: {len(stats['posts'])} runs, calls {stats['calls']}")


def check_coverage(stats, commits):
    """Each commit lies in the window of a completed run of ours that was posted after it; windows leave no gap."""
    ours = [job for job in stats["jobs"] if job["by"] == "us"]
    runs = [(post["at"] * 1000, post["window"]) for post, job in zip(stats["posts"], ours) if job["status"] == "completed"]
    assert len(ours) == len(stats["posts"])
    for commit in commits:
        assert any(at >= commit and start <= commit <= end for at, (start, end) in runs), f"{commit} is in no run"
    reach = runs[0][1][0]
    for _, (start, end) in runs:
        assert start <= reach, f"a gap from {reach} to {start}"
        reach = max(reach, end)


def test_a_partly_failed_run_is_run_again_where_the_destination_says_so(binary, world):
    spec = FeedSpec(TOPIC, 10, ["Account"], records=5, merged_every=0, base_ms=int(time.time() * 1000), pad=5)
    workspace = world.workspace(world.salesforce([spec]))
    account = world._keep(PeerProcess("flow_run_peer.py", {"flow": FLOW}, world.folder / "peers", "account"))
    account.call("plan", errors={1: 2})
    workspace.write_config([TOPIC])
    rules = RULES.replace("PORT", str(account.ready["port"]))
    workspace.write_rules(rules.replace("    allowHttp: true\n", "    allowHttp: true\n    recordErrors: rerun\n"))
    with workspace.run() as sluice:
        sluice.wait_for_line("completed with 2 record errors; its claims wait for the next run", 60)
        assert workspace.count("outbox") == 10, "nothing is done yet"
        assert "1 failed run in a row" in workspace.command("status").stdout
        wait_until(lambda: workspace.count("outbox") == 0, "the window is run again", 120, every=0.3,
                   or_fail=sluice.ended)  # fmt: skip
        assert sluice.stop() == 0
    stats = account.call("stats")
    assert stats["faults"] == [], stats["faults"][:5]
    first, second = (post["window"] for post in stats["posts"])
    assert second[0] <= first[0] and second[1] >= first[1], "the second window holds the first"


EMULATED = """sluice: 1
destinations:
  celigo:
    kind: integrator
    baseUrl: URL
    allowHttp: true
    auth: {bearer: {env: CELIGO_TOKEN}}
rules:
  - id: to-run
    match: {entity: Account, change: [create, update, delete, undelete], ignore: {}}
    to: {destination: celigo, flow: 65b2f0c2d3e4b5a697886601, coalesce: {quiet: 1s, max: 2s}}
"""


def test_status_shows_a_run_that_waits_behind_an_offline_connection(binary, world):
    spec = FeedSpec(TOPIC, 20, ["Account"], records=5, merged_every=0, pad=5)
    workspace = world.workspace(world.salesforce([spec]))
    workspace.write_config([TOPIC])
    workspace.environment["CELIGO_TOKEN"] = "emulator-integrator-token"
    emulator = subprocess.Popen([binary, "emulate", "--only", "integrator"], stdout=subprocess.PIPE, text=True)
    try:
        url = emulator.stdout.readline().split(" at ")[1].strip()
        workspace.write_rules(EMULATED.replace("URL", url))

        def step(**step):
            urllib.request.urlopen(f"{url}/emulator/step", json.dumps(step).encode(), timeout=5).close()

        def run():
            status = json.loads(workspace.command("status", "--json").stdout)
            return next((run for one in status["destinations"] for run in one["runs"]), None)

        step(connection={"id": "65b2f0c2d3e4b5a697886621", "offline": True})
        with workspace.run() as sluice:
            sluice.wait_for_line("connection 65b2f0c2d3e4b5a697886621 .* is offline")
            waiting = wait_until(lambda: (run() or {}).get("jobs") and run(), "the run is posted", 30, every=0.3)
            assert waiting["phase"] == "running" and waiting["claimed"] == 20
            assert "runs as job" in workspace.command("status").stdout
            assert not sluice.matching(" (ERROR|WARNING) .*celigo"), "an offline connection is no alarm"
            step(connection={"id": "65b2f0c2d3e4b5a697886621", "offline": False})
            wait_until(lambda: workspace.count("outbox") == 0, "it goes on by itself", 90, every=0.3, or_fail=sluice.ended)
            assert "20 claims: 3 records, 0 errors" in run()["notice"]
            assert sluice.stop() == 0
    finally:
        emulator.terminate()
        emulator.wait(10)
