"""Managed subscriptions: Salesforce's cursor beside ours, never ahead of it; one client at a time. And PublishStream."""

import json
import subprocess

import pytest

from feed import FeedSpec, expected_bodies
from harness import binary, wait_until

pytestmark = pytest.mark.usefixtures("binary")
TOPIC = "/data/AccountChangeEvent"
NAME = "Sluice_Accounts"
MANAGED = [{"topic": TOPIC, "id": "18x000000000001AAA", "name": NAME}]


def workspace(world, salesforce, name, hook, managed=NAME):
    workspace = world.workspace(salesforce, name)
    workspace.write_config([f'{{name: "{TOPIC}", managed: "{managed}"}}'])
    workspace.webhook_rule(hook.ready["port"])
    return workspace


def status(workspace):
    result = workspace.command("status", "--json", "--config", str(workspace.config_path))
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def complete(hook, spec):
    """Everything came, in order, each with one ID."""
    wanted = len(list(expected_bodies(spec)))
    wait_until(lambda: hook.call("distinct").get("/hook", 0) == wanted, f"{wanted} deliveries", 30)
    ledger = hook.call("stats")["ledgers"]["/hook"]
    assert ledger["faults"] == {}, ledger


def test_commits_follow_our_cursor_and_a_kill_loses_nothing(world, tmp_path):
    spec = FeedSpec(TOPIC, 2_000, ["Account"], rate=100)
    salesforce = world.salesforce([spec], managed=MANAGED)
    hook = world.receiver()
    mine = workspace(world, salesforce, "mine", hook)
    peer = salesforce.process
    for _ in range(2):
        with mine.run() as sluice:
            before = peer.call("managed")[0]["committed"]
            wait_until(
                lambda before=before: peer.call("managed")[0]["committed"] > before, "a commit", 30, or_fail=sluice.ended)
            sluice.kill()
        ours, theirs = mine.cursor_numbers()[TOPIC], peer.call("managed")[0]["committed"]
        assert theirs <= ours, "their cursor is never ahead of ours"
    with mine.run() as sluice:
        wait_until(lambda: peer.call("managed")[0]["committed"] == 2_000, "the last commit", 60, or_fail=sluice.ended)
        assert sluice.matching("resumed where the managed subscription")
        assert sluice.stop() == 0
    assert mine.cursor_numbers()[TOPIC] == 2_000
    commits = peer.call("managed")[0]["commits"]
    assert commits == sorted(commits)
    assert salesforce.stats()["violations"] == {}
    complete(hook, spec)


def test_a_second_client_stands_by_and_takes_over(world):
    spec = FeedSpec(TOPIC, 400, ["Account"], rate=50)
    salesforce = world.salesforce([spec], managed=MANAGED)
    hook = world.receiver()
    first = workspace(world, salesforce, "first", hook)
    second = workspace(world, salesforce, "second", hook, managed=MANAGED[0]["id"])
    peer = salesforce.process
    with first.run() as one, second.run() as two:
        wait_until(lambda: peer.call("managed")[0]["refusals"] > 0, "the second is refused", 30, or_fail=two.ended)
        said = "stand-by: another client has this managed subscription open"
        wait_until(lambda: one.matching(said) or two.matching(said), "whoever came second says so", 20)
        topics = [topic for space in (first, second) for topic in status(space)["topics"]]
        waiting = [topic for topic in topics if topic["state"] == "stand-by"]
        assert len(waiting) == 1 and "another client" in waiting[0]["detail"] and waiting[0]["headroomSeconds"] is None
        leader = one if not one.matching("stand-by") else two
        leader.kill()
        wait_until(lambda: peer.call("managed")[0]["clients"] == 2, "the other takes over", 60)
        wait_until(lambda: peer.call("managed")[0]["committed"] == 400, "everything is committed", 60)
    complete(hook, spec)


def test_what_stands_in_the_way_is_told(world):
    salesforce = world.salesforce([FeedSpec(TOPIC, 10, ["Account"])], managed=[{**MANAGED[0], "state": "STOP"}])
    hook = world.receiver()
    stopped = workspace(world, salesforce, "stopped", hook)
    unknown = workspace(world, salesforce, "unknown", hook, managed="No_Such")
    with stopped.run() as one, unknown.run() as two:
        one.wait_for_line("state is STOP")
        two.wait_for_line("developer.name.not.found.*DeveloperName or the ID")


def test_many_events_go_over_one_publish_stream(world):
    salesforce = world.salesforce([FeedSpec("/event/Order_Ready__e", 5, ["OrderReady"])])
    mine = world.workspace(salesforce)
    mine.write_config(["/event/Order_Ready__e"])
    lines = "\n".join(["{}"] * 2_500) + "\n"
    result = publish(mine, lines)
    assert result.returncode == 0, result.stderr
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["event"] for row in rows] == list(range(1, 2_501)) and all(row["replayId"] for row in rows)
    stats = salesforce.stats()
    assert stats["unary"]["PublishStream"] == 1 and stats["published"] == 2_500 and stats["violations"] == {}


def test_events_of_a_broken_stream_are_named_as_unknown(world):
    salesforce = world.salesforce([FeedSpec("/event/Order_Ready__e", 5, ["OrderReady"])], break_publish_after=3)
    mine = world.workspace(salesforce)
    mine.write_config(["/event/Order_Ready__e"])
    result = publish(mine, "\n".join(["{}"] * 800) + "\n")
    assert result.returncode != 0
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(rows) == 800
    assert sum(1 for row in rows if row.get("replayId")) == 600
    assert sum(1 for row in rows if "unknown whether it was accepted" in row.get("error", "")) == 200


def publish(workspace, lines):
    return subprocess.run(
        [binary(), "salesforce", "publish", "/event/Order_Ready__e", "--stream", "--json", "--config",
         str(workspace.config_path)],
        cwd=workspace.folder, env=workspace.environment, input=lines, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
