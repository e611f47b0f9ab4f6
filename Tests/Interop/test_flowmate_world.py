"""200 users with one to five flows each, switched, given away, edited and removed, while pages shift under every scan: each
event reaches exactly the active flows of its user that take it, and nothing else.
"""

import datetime
import json
import random

from feed import Feed, FeedSpec
from harness import wait_until
from peer_process import PeerProcess

TOPIC = "/data/AccountChangeEvent"
USERS = 200
ROUND = 150  # events
FITS = {"id": "string", "seq": "number"}
WIDE = {**FITS, "entity": "string"}
STRICTER = {"id": "string", "seq": "string"}
NEVER = {"id": "string", "seq": "number", "nobodySendsThis": "string"}

RULES = """sluice: 1
destinations:
  flowmate:
    kind: flowmate
    baseUrl: http://127.0.0.1:PORT
    allowHttp: true
    auth: {bearer: {env: FLOWMATE_TOKEN}}
    discovery: {refresh: 10s}
rules:
  - id: to-owners
    match: {entity: Account, change: [create, update, delete, undelete]}
    to:
      destination: flowmate
      fanOut: {user: "U-${recordId}", where: "!('nobodySendsThis' in flow.inputParameters)"}
      data: {id: "${recordId}", seq: "${record.Seq__c}", entity: "${event.entity}"}
"""


def record_id(number):
    return f"0010000000{number:05d}AAA"


def world_of(seed):
    """Users named after the records of the feed, and their flows."""
    pick = random.Random(seed)
    users = [{"_id": f"{0xA000 + one:024x}", "username": f"u-{record_id(one)}".lower(), "status": "ACTIVE"}
             for one in range(USERS)]  # fmt: skip
    nobody = {"_id": f"{0x9000:024x}", "username": "decoy", "status": "ACTIVE"}
    flows = [flow_of(number, nobody["_id"], "active", FITS, "0") for number in range(12)]
    for one in users:
        for _ in range(pick.randint(1, 5)):
            status = "active" if pick.random() < 0.7 else "inactive"
            inputs = pick.choice([FITS, WIDE, WIDE, NEVER])
            flows.append(flow_of(len(flows), one["_id"], status, inputs, "1"))
    pick.choice(users)["status"] = "DISABLED"
    return [nobody, *users], flows


def flow_of(number, owner, status, inputs, age):
    return {
        "id": f"{0xF0000 + number:024x}", "name": f"flow {number}", "status": status, "type": "ordinary",
        "owners": [{"id": owner, "type": "user"}], "createdAt": f"2026-0{age}-01T{number // 60:02d}:{number % 60:02d}:00.000Z",
        "updatedAt": "2026-02-01T00:00:00.000Z", "payload": {"inputParameters": dict(inputs)},
        "graph": {"nodes": [{"id": "first"}], "edges": []},
    }  # fmt: skip


def reconcile(workspace, peer, accepted):
    """What was accepted is known after the relay has stopped, and held against what FlowMate says it executed."""
    today = datetime.datetime.now(datetime.timezone.utc).date()
    lines = []
    for day in (today, today - datetime.timedelta(days=1)):  # the test may run over midnight
        done = workspace.command("flowmate", "reconcile", "--day", str(day), "--json")
        lines += json.loads(done.stdout) if done.returncode == 0 else []
    assert sum(line["accepted"] for line in lines) == accepted and all(line["lost"] == 0 for line in lines)
    peer.call("configure", forgotten=25)
    done = workspace.command("flowmate", "reconcile", "--day", lines[0]["day"])
    assert done.returncode == 1 and "or more" in done.stdout and "FlowMate lost events" in done.stderr


class Truth:
    """What is true of users and flows, kept beside the peer."""

    def __init__(self, users, flows):
        self.users = {user["username"]: user for user in users}
        self.flows = {flow["id"]: {**flow, "inputs": flow["payload"]["inputParameters"], "owner": flow["owners"][0]["id"]}
                      for flow in flows}  # fmt: skip

    def takers(self, record):
        """Ids of the flows that an event of this record goes to."""
        user = self.users[f"u-{record}".lower()]
        if user["status"] != "ACTIVE":
            return []
        return [one for one, flow in self.flows.items()
                if flow["owner"] == user["_id"] and flow["status"] == "active" and "nobodySendsThis" not in flow["inputs"]]

    def data(self, flow, record, seq):
        everything = {"id": record, "seq": seq, "entity": "Account"}
        return {name: everything[name] for name in self.flows[flow]["inputs"]}


def test_each_event_reaches_exactly_the_active_matching_flows_of_its_user(binary, world):
    users, flows = world_of(7)
    truth = Truth(users, flows)
    pick = random.Random(8)
    spec = FeedSpec(TOPIC, 4 * ROUND, ["Account"], records=USERS, merged_every=0, released=0, pad=5)
    events = [(event.record_ids[0], event.number) for event in Feed(spec).events()]
    salesforce = world.salesforce([spec])
    config = {"users": users, "flows": flows, "token": "flowmate-token", "decoys": 12}
    peer = world._keep(PeerProcess("flowmate_world_peer.py", config, world.folder / "peers", "flowmate"))
    workspace = world.workspace(salesforce)
    workspace.write_config([TOPIC])
    workspace.write_rules(RULES.replace("PORT", str(peer.ready["port"])))
    expected = []

    def publish(round_number):
        chosen = events[(round_number - 1) * ROUND : round_number * ROUND]
        for record, seq in chosen:
            expected.extend((flow, truth.data(flow, record, seq)) for flow in truth.takers(record))
        salesforce.process.call("release", topic=TOPIC, count=round_number * ROUND)

    def arrived(count, sluice, seconds=60):
        wait_until(lambda: peer.call("counts")["count"] >= count, f"{count} deliveries", seconds, every=0.2,
                   or_fail=sluice.ended)  # fmt: skip

    def scanned(sluice):
        """Two whole scans from now on: only then does what vanished count as gone."""
        target = peer.call("counts")["scans"] + 3
        wait_until(lambda: peer.call("counts")["scans"] >= target, "scans", 80, every=0.2, or_fail=sluice.ended)

    with workspace.run() as sluice:
        publish(1)
        arrived(len(expected), sluice)
        # Switched on and off, given away, removed, and other contracts.
        changes = {}
        for one in pick.sample(sorted(truth.flows)[12:], 160):
            flow = truth.flows[one]
            change = pick.choice([
                {"status": "inactive" if flow["status"] == "active" else "active"},
                {"owner": pick.choice(users[1:])["_id"]}, {"inputs": pick.choice([FITS, WIDE, NEVER])}, {"gone": True},
            ])  # fmt: skip
            changes[one] = change
            if change.get("gone"):
                del truth.flows[one]
            else:
                flow.update(change)
        peer.call("apply", changes=changes)
        scanned(sluice)
        publish(2)
        arrived(len(expected), sluice)
        # Contracts that nothing fits: what is for these flows waits, in order, and goes on by itself once they are mended.
        broken = [one for one in pick.sample(sorted(truth.flows)[12:], 60) if truth.flows[one]["status"] == "active"
                  and "nobodySendsThis" not in truth.flows[one]["inputs"]]  # fmt: skip
        peer.call("apply", changes={one: {"inputs": STRICTER} for one in broken})
        scanned(sluice)
        before = len(expected)
        publish(3)
        waiting = [one for one in expected[before:] if one[0] in broken]
        assert waiting, "some events meet a broken contract"
        arrived(len(expected) - len(waiting), sluice)
        sluice.wait_for_line("the flow wants 'seq' as string, it is number")
        wait_until(lambda: workspace.count("outbox") == len(waiting), "the misfits wait", 30, or_fail=sluice.ended)
        assert peer.call("counts")["count"] == len(expected) - len(waiting)
        peer.call("apply", changes={one: {"inputs": truth.flows[one]["inputs"]} for one in broken})
        arrived(len(expected), sluice, 90)
        publish(4)
        arrived(len(expected), sluice)
        wait_until(lambda: workspace.cursor_numbers().get(TOPIC) == 4 * ROUND, "the cursor is at the end", 20,
                   every=0.3, or_fail=sluice.ended)  # fmt: skip
        assert sluice.stop() == 0
    summary = peer.call("summary")
    assert summary["faults"] == [], summary["faults"][:5]
    got = sorted((flow, data["id"], data["seq"], sorted(data)) for flow, data in summary["got"])
    wanted = sorted((flow, data["id"], data["seq"], sorted(data)) for flow, data in expected)
    assert got == wanted, f"{len(got)} came, {len(wanted)} expected; first difference " + str(
        next(((one, two) for one, two in zip(got, wanted) if one != two), None))  # fmt: skip
    reconcile(workspace, peer, len(expected))
    assert workspace.count("outbox") == 0
    assert workspace.count("dead_letters") == 0, workspace.command("dlq", "list", "--json").stdout
    for flow in {flow for flow, _ in summary["got"]}:
        by_record = {}
        for one, data in summary["got"]:
            if one == flow:
                assert by_record.get(data["id"], 0) < data["seq"], "in order per record"
                by_record[data["id"]] = data["seq"]
