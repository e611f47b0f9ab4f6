"""The four kinds of target, in good and bad weather."""

import base64
import hashlib
import hmac

import pytest

from feed import FeedSpec, expected_bodies
from harness import body_yaml, wait_until
from relay import Relay

TOPIC = "/data/AccountChangeEvent"
FLOWS = ["6762e154616e91cb8d8b1aaf", "6762e154616e91cb8d8b1ab0"]
RUN_FLOW = "598f1c2e7d3a4b0012345d9a"
LISTENER = "/v1/exports/5f0000000000000000000001/s3cr3t-in-url/data"
SIGNING_KEY = base64.b64encode(b"interop signing key, 32 bytes ok").decode()


def accounts(count, **options):
    return [FeedSpec(TOPIC, count, ["Account"], **{"merged_every": 0, **options})]


def make(world, count, rules="", **options) -> Relay:
    relay = Relay(world, accounts(count, **options))
    if rules:
        relay.workspace.write_rules("sluice: 1\n" + rules.replace("PORT", str(relay.receiver.ready["port"])))
    return relay


FLOWMATE_RULES = f"""
destinations:
  flowmate:
    kind: flowmate
    baseUrl: http://127.0.0.1:PORT
    allowHttp: true
    auth: {{bearer: {{env: FLOWMATE_TOKEN}}}}
rules:
  - id: to-two-flows
    match: {{entity: Account, change: [create, update, delete, undelete]}}
    to:
      - destination: flowmate
        flow: {FLOWS[0]}
        data: {{id: "${{recordId}}", seq: "${{record.?Seq__c}}", entity: "${{event.entity}}"}}
      - destination: flowmate
        flow: {FLOWS[1]}
        data: {{id: "${{recordId}}", seq: "${{record.?Seq__c}}", entity: "${{event.entity}}"}}
"""


def test_flowmate_gets_each_event_per_flow_with_its_own_request_id(binary, world):
    relay = make(world, 150, FLOWMATE_RULES)
    relay.receiver.call("fail", mode="status", status=503, prefix=f"/webhooks/{FLOWS[0]}", every=20)
    relay.receiver.call("fail", mode="lost_answer", prefix=f"/webhooks/{FLOWS[1]}", every=30)
    with relay.run() as sluice:
        for flow in FLOWS:
            relay.wait_for_delivery(sluice, 150, path=f"/webhooks/{flow}")
        assert sluice.stop() == 0
    stats = relay.receiver.call("stats")
    for flow in FLOWS:
        ledger = stats["ledgers"][f"/webhooks/{flow}"]
        assert ledger["faults"] == {} and ledger["distinct"] == 150
    assert stats["ledgers"][f"/webhooks/{FLOWS[1]}"]["twice"] >= 4, "a lost answer is tried again, same id"
    sample = stats["samples"][f"/webhooks/{FLOWS[0]}"]
    assert sample["body"].startswith('{"data":{"id":"001'), sample["body"]
    assert not sluice.matching("|".join(FLOWS)), "a flow id is the only secret of its webhook: not for the log"


LISTENER_RULES = """
destinations:
  celigo:
    kind: integrator
    baseUrl: http://127.0.0.1:PORT
    allowHttp: true
    auth: {bearer: {env: CELIGO_TOKEN}}
    listeners:
      accounts:
        url: {env: LISTENER_URL}
        sign: {scheme: hmac, algorithm: sha256, encoding: hex, header: x-signature, prefix: "sha256=",
               secrets: [{env: HMAC_KEY}]}
rules:
  - id: to-listener
    match: {entity: Account, change: [create, update, delete, undelete]}
    to:
      destination: celigo
      listener: accounts
""" + body_yaml()


def test_an_integrator_listener_gets_signed_posts_in_order_per_record(binary, world):
    relay = make(world, 200, LISTENER_RULES)
    url = f"http://127.0.0.1:{relay.receiver.ready['port']}{LISTENER}"
    relay.workspace.environment.update(LISTENER_URL=url, HMAC_KEY="listener-key")
    relay.receiver.call("fail", mode="status", status=503, prefix=LISTENER, every=25)
    with relay.run() as sluice:
        relay.wait_for_delivery(sluice, 200, path=LISTENER)
        assert sluice.stop() == 0
    relay.check_everything_arrived_in_order(LISTENER)
    sample = relay.receiver.call("stats")["samples"][LISTENER]
    mac = hmac.new(b"listener-key", sample["body"].encode(), hashlib.sha256).hexdigest()
    assert sample["headers"]["x-signature"] == "sha256=" + mac
    assert not sluice.matching("s3cr3t-in-url"), "the listener's URL is a secret"


RUN_RULES = f"""
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
      flow: {RUN_FLOW}
      window: {{from: "${{batch.firstCommit}}", until: "${{batch.lastCommit}}"}}
      coalesce: {{quiet: 1s, max: 3s}}
"""


@pytest.mark.parametrize(
    "trouble",
    [
        {"outcomes": []},
        {"outcomes": [["failed", 0]]},
        {"outcomes": [["completed", 3]]},
        {"run_answers": [409, 503]},
    ],
    ids=["good weather", "first job fails", "job with record errors", "busy, then unavailable"],
)
def test_runs_cover_every_commit_and_never_overlap(binary, world, trouble):
    count = 60
    relay = make(world, count, RUN_RULES, rate=30)
    relay.receiver.call("integrator", **trouble)
    commits = [spec.base_ms + count * 1000 for spec in relay.specs]
    first = relay.specs[0].base_ms + 1000
    with relay.run() as sluice:
        wait_until(lambda: covered(relay, first, max(commits)), "windows over all commits", 45, or_fail=sluice.ended)
        relay.wait_for_cursors()
        assert sluice.stop() == 0
    stats = relay.receiver.call("stats")["integrator"]
    assert stats["faults"] == {}, "one open job per flow"
    assert len(stats["runs"]) <= 12, "events are gathered, not run one by one"
    assert {run["flow"] for run in stats["runs"]} == {RUN_FLOW}
    for run in stats["runs"]:
        assert run["window"][0] < run["window"][1]


def test_a_lost_answer_to_a_run_is_looked_up_and_its_window_run_once_more(binary, world):
    relay = make(world, 20, RUN_RULES)
    relay.receiver.call("integrator", queued=0.5, running=2)
    relay.receiver.call("fail", mode="lost_answer", prefix=f"/v1/flows/{RUN_FLOW}/run", count=1)
    with relay.run() as sluice:
        wait_until(
            lambda: [job for job in integrator(relay)["jobs"] if job["status"] == "completed"],
            "the run whose answer was lost completes", 20, or_fail=sluice.ended,
        )  # fmt: skip
        looked_up = ("list", "latest", "job")
        wait_until(lambda: set(looked_up) & set(integrator(relay)["calls"]), "the jobs are looked at", 30)
        wait_until(lambda: relay.workspace.count("outbox") == 0, "the run counts as done", 40, or_fail=sluice.ended)
        sluice.stop()
    stats = integrator(relay)
    assert stats["faults"] == {}, "never two runs at once"
    # Nobody can tell from a list that the first one was ours.
    first, second = stats["runs"]
    assert second["window"][0] <= first["window"][0] and second["window"][1] >= first["window"][1]


def integrator(relay):
    return relay.receiver.call("stats")["integrator"]


def covered(relay, first, last) -> bool:
    """Do the windows of well-ended jobs, joined, cover [first, last]?"""
    stats = integrator(relay)
    ended = [job["status"] == "completed" for job in stats["jobs"]]
    windows = sorted(run["window"] for run, good in zip(stats["runs"], ended) if good)
    reach = first
    for begin, end in windows:
        if begin <= reach:
            reach = max(reach, end)
    return reach >= last


WEBHOOK = {"concurrency": 16}


def test_a_webhook_that_often_fails_gets_everything_in_order(binary, world):
    relay = Relay(world, accounts(1500, records=100), rule=WEBHOOK)
    for index, failure in enumerate(
        [
            {"mode": "status", "status": 503},
            {"mode": "status", "status": 500},
            {"mode": "reset"},
            {"mode": "lost_answer"},
            {"mode": "slow", "seconds": 0.3},
        ]
    ):
        relay.receiver.call("fail", p=0.008, seed=index, **failure)
    with relay.run() as sluice:
        relay.wait_for_delivery(sluice, seconds=60)
        relay.wait_for_cursors()
        assert sluice.stop() == 0
    assert relay.check_everything_arrived_in_order()["twice"] > 0
    assert relay.workspace.count("dead_letters") == 0


def test_a_webhook_that_is_down_holds_everything_and_is_not_hammered(binary, world):
    relay = Relay(world, accounts(1500, records=100), rule=WEBHOOK)
    relay.receiver.call("fail", mode="status", status=503)
    with relay.run() as sluice:
        relay.wait_for_cursors()
        cpu = sluice.cpu_seconds()
        seen = relay.receiver.call("stats")["failures"][0]["seen"]
        try:
            wait_until(lambda: False, "four seconds pass", 4)
        except AssertionError:
            pass
        hammered = relay.receiver.call("stats")["failures"][0]["seen"] - seen
        assert hammered < 400, f"{hammered} attempts in 4 s at a target that is down"
        assert sluice.cpu_seconds() - cpu < 1.5
        relay.receiver.call("heal")
        relay.wait_for_delivery(sluice, seconds=60)
        assert sluice.stop() == 0
    relay.check_everything_arrived_in_order()


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured(binary, world, status):
    relay = Relay(world, accounts(20, records=20), rule=WEBHOOK)
    relay.receiver.call("fail", mode="status", status=status, retry_after=3, count=1)
    with relay.run() as sluice:
        relay.wait_for_delivery(sluice, seconds=30)
        assert sluice.stop() == 0
    (times,) = relay.receiver.call("arrivals").values()
    assert 2.9 <= times[1] - times[0] <= 12, "the second attempt is due after three seconds"
    relay.check_everything_arrived_in_order()


def test_a_refused_event_becomes_a_dead_letter_and_its_record_goes_on(binary, world):
    relay = Relay(world, accounts(300, records=30), rule=WEBHOOK)
    victim = "001000000000007AAA"
    relay.receiver.call("fail", mode="status", status=400, record=victim, body='{"error":"bad value"}')
    refused = sum(1 for record, *_ in relay.expected if record == victim)
    with relay.run() as sluice:
        relay.wait_for_delivery(sluice, len(relay.expected) - refused)
        wait_until(lambda: relay.workspace.count("dead_letters") == refused, "dead letters", 15, or_fail=sluice.ended)
        relay.wait_for_cursors()
        assert sluice.stop() == 0
    relay.check_everything_arrived_in_order(without=[victim])
    assert relay.receiver.call("stats")["failures"][0]["seen"] == refused, "a permanent refusal is not tried again"
    assert 1 <= len(sluice.matching("dead.?letter|400")) <= refused + 5


def test_retries_end_at_the_horizon(binary, world):
    relay = Relay(world, accounts(60, records=30), rule={**WEBHOOK, "retry": "      retry: {for: 2s}\n"})
    victim = next(record for record, *_ in relay.expected)
    relay.receiver.call("fail", mode="status", status=503, record=victim)
    refused = sum(1 for record, *_ in relay.expected if record == victim)
    with relay.run() as sluice:
        relay.wait_for_delivery(sluice, len(relay.expected) - refused)
        wait_until(lambda: relay.workspace.count("dead_letters") == refused, "dead letters", 40, or_fail=sluice.ended)
        assert sluice.stop() == 0
    stats = relay.receiver.call("stats")["ledgers"]["/hook"]
    assert stats["distinct"] == len(relay.expected) - refused
    # The receiver cannot know that a delivery was given up, so the victim's next ones look like overtaking to it.
    assert set(stats["faults"]) <= {"tried while an earlier one of its record was still open"}
    assert all(entry["first"].startswith(victim) for entry in stats["faults"].values()), stats["faults"]


def test_standard_webhooks_signature(binary, world):
    options = "    sign: {scheme: standard-webhooks, secrets: [{env: HOOK_SIGNING_KEY}]}\n"
    relay = Relay(world, accounts(5), rule={"options": options})
    relay.workspace.environment["HOOK_SIGNING_KEY"] = f"whsec_{SIGNING_KEY}"
    with relay.run() as sluice:
        relay.wait_for_delivery(sluice)
        assert sluice.stop() == 0
    sample = relay.receiver.call("stats")["samples"]["/hook"]
    headers = sample["headers"]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{sample['body']}"
    mac = hmac.new(base64.b64decode(SIGNING_KEY), signed.encode(), hashlib.sha256).digest()
    assert headers["webhook-signature"] == "v1," + base64.b64encode(mac).decode()


PLATFORM_RULES = """
destinations:
  hook: {kind: webhook, url: "http://127.0.0.1:PORT/hook", allowHttp: true}
rules:
  - id: order-ready
    match: {event: Order_Ready__e}
    to:
      destination: hook
      key: "${record.Order_Number__c}"
      body:
        id: "${record.Order_Number__c}"
        seq: "${record.Seq__c}"
        event: "${event.entity}"
        amount: "${record.?Amount__c}"
"""


def test_platform_events(binary, world):
    relay = Relay(world, [FeedSpec("/event/Order_Ready__e", 200, ["OrderReady"])])
    relay.workspace.write_rules("sluice: 1\n" + PLATFORM_RULES.replace("PORT", str(relay.receiver.ready["port"])))
    with relay.run() as sluice:
        relay.wait_for_delivery(sluice, 200)
        assert sluice.stop() == 0
    stats = relay.receiver.call("stats")["ledgers"]["/hook"]
    assert stats["faults"] == {}
    first = relay.receiver.call("bodies", path="/hook")[0]
    assert first.endswith('"event":"Order_Ready__e","amount":null}'), first


def test_two_targets_do_not_wait_for_each_other(binary, world):
    relay = make(world, 400)
    port = relay.receiver.ready["port"]
    relay.workspace.write_rules(
        "sluice: 1\ndestinations:\n"
        f"  good: {{kind: webhook, url: 'http://127.0.0.1:{port}/good', allowHttp: true}}\n"
        f"  bad: {{kind: webhook, url: 'http://127.0.0.1:{port}/bad', allowHttp: true}}\n"
        "rules:\n  - id: both\n    match: {entity: Account, change: [create, update, delete, undelete]}\n    to:\n"
        + "".join(f"      - destination: {name}\n{body_yaml(8)}" for name in ("good", "bad"))
    )
    relay.receiver.call("fail", mode="status", status=503, prefix="/bad")
    wanted = sum(1 for _ in expected_bodies(relay.specs[0]))
    with relay.run() as sluice:
        relay.wait_for_delivery(sluice, wanted, path="/good", seconds=15)
        assert relay.delivered("/bad") == 0
        relay.receiver.call("heal")
        relay.wait_for_delivery(sluice, wanted, path="/bad", seconds=60)
        assert sluice.stop() == 0
    for path in ("/good", "/bad"):
        relay.check_everything_arrived_in_order(path)
