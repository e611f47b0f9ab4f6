"""Records that rules have read: while Salesforce's REST API is down, only the lanes that need it wait."""

import base64

import pytest

from feed import replay_id
from harness import Sluice, wait_until
from test_backfill import LivingOrg

RULES = """sluice: 1
destinations:
  hook: {{kind: webhook, url: "http://127.0.0.1:{port}/hook", allowHttp: true, concurrency: 16}}
rules:
  - id: read
    match: {{entity: Account, change: update}}
    needs: {{fields: [Name, Seq__c], missing: fetch}}
    to:
      destination: hook
      body: {{id: "${{recordId}}", seq: "${{record.Seq__c}}", change: update, type: read, name: "${{record.Name}}"}}
  - id: gone
    match: {{entity: Account, change: delete}}
    to:
      destination: hook
      body: {{id: "${{recordId}}", change: delete, type: gone}}
  - id: plain
    match: {{entity: Account, change: update}}
    to:
      destination: hook
      key: "plain ${{recordId}}"
      body: {{id: "plain ${{recordId}}", seq: "${{record.Seq__c}}", change: update, type: plain}}
"""


@pytest.fixture
def org(binary, tmp_path):
    org = LivingOrg(tmp_path / "org", records=60, rate=0)
    org.workspace.write_rules(RULES.format(port=org.peer.ready["hook_port"]))
    org.configure()
    yield org
    org.peer.stop()


def types(org):
    return {"read": 0, "plain": 0, **org.compare()["types"]}


def goes_on(org, sluice, what, more):
    begin = types(org)[what]
    wait_until(lambda: types(org)[what] >= begin + more, f"{more} more of {what}", 30, or_fail=sluice.ended)


def without_journal(workspace):
    path = workspace.config_path
    path.write_text(path.read_text().replace("store: {", "store: {journal: {size: 0}, ", 1))


@pytest.mark.parametrize("journal", [True, False], ids=["journal", "no journal"])
def test_while_no_record_can_be_read_only_lanes_that_need_one_wait(org, journal):
    if not journal:
        without_journal(org.workspace)
    with Sluice(org.workspace) as sluice:
        sluice.wait_for_line("subscribed")
        org.peer.call("rate", rate=40)
        goes_on(org, sluice, "read", 20)
        org.peer.call("fail", count=1_000_000)
        goes_on(org, sluice, "plain", 10)
        stuck = types(org)["read"]
        goes_on(org, sluice, "plain", 150)
        assert types(org)["read"] <= stuck + 1, "one read may have been under way"
        held = wait_until(lambda: sluice.matching("deliveries that wait for their record.* is held"), "a hold", 60,
                          or_fail=sluice.ended)  # fmt: skip
        assert len(held) == 1 and "SERVER_UNAVAILABLE" in held[0], held
        assert "deliveries that wait for their record" in org.json("status")["destinations"][0]["detail"]
        sluice.kill()
    with Sluice(org.workspace) as sluice:
        goes_on(org, sluice, "plain", 50)
        org.peer.call("fail", count=0)
        goes_on(org, sluice, "read", 50)
        org.peer.call("rate", rate=0)
        result = org.wait_until_equal(sluice)
        shown = [org.command("event", "show", base64.b64encode(replay_id(number)).decode()) for number in range(1, 20)]
        assert not any("no rule matches it" in one.stdout for one in shown), "one rule or another takes every change"
        if journal:
            assert any("a rule has more read from Salesforce" in one.stdout for one in shown), shown[0].stdout
        assert sluice.stop(20) == 0
        assert len(sluice.lines) < 20, "".join(sluice.lines)
    # Without a relay nobody remembers what was delivered.
    shown = [org.command("event", "show", base64.b64encode(replay_id(number)).decode()).stdout for number in range(1, 20)]
    assert not journal or any("of that no delivery waits, is dead or is remembered" in one for one in shown), shown[0]
    assert not any("stands below" in one for one in shown)
    assert result["regressions"] == []
    assert org.workspace.count("dead_letters") == 0
    # Of each update that a deletion did not overtake, there is one delivery of either rule.
    assert types(org)["plain"] - types(org)["read"] <= result["deleted"] * 20
    assert types(org)["plain"] + types(org)["gone"] == result["changes"]
