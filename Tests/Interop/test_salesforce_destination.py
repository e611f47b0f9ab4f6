"""Deliveries into an org: gathered into collections, one outcome for each record, own echoes left out."""

import pytest

from harness import Sluice, wait_until
from test_backfill import LivingOrg

pytestmark = pytest.mark.usefixtures("binary")
RULES = """sluice: 1
destinations:
  org: {kind: salesforce, org: prod}
rules:
  - id: name
    match: {entity: Account, change: [update]}
    when: record.Seq__c > 0.0
    to:
      destination: org
      update: Account
      id: ${recordId}
      fields: {Name: "${'Account ' + string(int(record.Seq__c))}"}
  - id: mirror
    match: {entity: Account, change: [update]}
    when: record.Seq__c > 0.0
    to:
      destination: org
      upsert: Account
      externalId: {field: Key__c, value: "K/${recordId}"}
      fields: {Name: x}
"""


@pytest.fixture
def org(tmp_path):
    made = LivingOrg(tmp_path / "org", records=300)
    made.workspace.write_rules(RULES)
    made.configure()
    yield made
    made.peer.stop()


def test_many_records_go_in_few_calls_and_what_was_written_sets_nothing_off(org):
    with Sluice(org.workspace) as sluice:
        sluice.wait_for_line("subscribed")
        org.peer.call("rate", rate=200)
        wait_until(lambda: org.compare()["types"] == {} and org.compare()["changes"] >= 1_500, "changes", 60)
        org.peer.call("rate", rate=0)
        told = org.compare()["changes"] - org.compare()["deleted"]
        peer = lambda: org.peer.call("writes")  # noqa: E731
        updates = lambda: sum(count for record, count in peer()["written"].items() if record.startswith("001"))  # noqa: E731
        wait_until(lambda: sum(call[2] for call in peer()["calls"]) >= 2 * told, "every write", 60, or_fail=sluice.ended)
        calls = peer()["calls"]
        refused = sum(call[2] for call in calls) - sum(peer()["written"].values())
        wait_until(lambda: org.workspace.count("dead_letters") == refused, "what is refused is a dead letter", 20)
        assert sum(call[2] for call in calls) == 2 * told, "no echo came round"
        assert updates() + refused == told
        assert len(calls) < told, "gathered"
        assert {call[1] for call in calls} == {"/composite/sobjects", "/composite/sobjects/Account/Key__c"}
        assert sluice.stop() == 0


def test_an_org_that_is_not_configured_is_told_before_anything_runs(org):
    org.workspace.write_rules(RULES.replace("org: prod", "org: production"))
    with Sluice(org.workspace) as sluice:
        assert sluice.wait() != 0
        assert sluice.matching("sluice.yaml has no org 'production'")

