"""`sluice flowmate …` against a FlowMate that was written from its documents alone."""

import pytest

from peer_process import PeerProcess
from platform_commands import Commands

USERS = [
    {"_id": f"{0xA0:024x}", "username": "a1b2", "status": "ACTIVE", "tenant": "t1", "roles": [], "canLogin": True},
    {"id": f"{0xB0:024x}", "username": "c3d4", "status": "ACTIVE", "tenant": "t1"},
    {"_id": f"{0xC0:024x}", "username": "e5f6", "status": "DISABLED", "tenant": "t1"},
]


def flow_id(number):
    return f"{number + 0xF000:024x}"


def flow(number, **changes):
    first = {"id": "first", "componentId": "c", "function": "receive"}
    return {
        "id": flow_id(number), "name": f"flow {number}", "description": "", "type": "ordinary", "status": "active",
        "owners": [{"id": USERS[0]["_id"], "type": "USER"}], "tenant": "t1",
        "createdAt": f"2026-01-01T00:{number // 60:02d}:{number % 60:02d}.000Z",
        "updatedAt": "2026-02-01T00:00:00.000Z",
        "graph": {"nodes": [first, {"id": "last", "function": "send"}],
                  "edges": [{"source": "first", "target": "last"}]},
        **changes,
    }  # fmt: skip


RULES = f"""
rules:
  - id: to-first
    match: {{entity: Account, change: [create]}}
    to: {{destination: there, flow: {flow_id(0)}, conform: off, data: {{id: "${{recordId}}"}}}}
  - id: to-nowhere
    match: {{entity: Account, change: [create]}}
    to: {{destination: there, flow: {"9" * 24}, conform: off, data: {{id: "${{recordId}}"}}}}
"""


@pytest.fixture
def start(binary, tmp_path):
    peers = []

    def begin(flows=(), users=USERS, rules="rules: []", **config):
        peer = PeerProcess("flowmate_api_peer.py", {"users": users, "flows": list(flows), **config}, tmp_path, "flowmate")
        peers.append(peer)
        return peer, Commands(binary, tmp_path / "sluice", "flowmate", peer.ready["port"], "flowmate-token", rules)

    yield begin
    for peer in peers:
        peer.stop()


def asked(peer, path):
    return [one for one in peer.call("stats")["requests"] if one["path"] == path]


def no_faults(peer):
    assert peer.call("stats")["faults"] == []


@pytest.mark.parametrize("form", ["list", "wrapped"])
def test_users_are_listed_with_both_ids_whichever_form_the_list_has(start, form):
    peer, sluice = start(users_form=form)
    lines = sluice.text("users").splitlines()
    assert lines[0].split() == ["USER", "ID", "FLOWMATE", "ID", "STATUS", "TENANT"]
    assert [line.split() for line in lines[1:]] == [
        [user["username"], user.get("_id") or user["id"], user["status"], "t1"] for user in USERS
    ]
    assert sluice.json("users") == USERS, "JSON is what FlowMate said, unknown fields included"
    assert asked(peer, "/users")[0]["query"] == [], "meta is left out: any text switches another form on"
    no_faults(peer)


def test_a_user_is_found_by_name_also_when_the_answer_is_the_user_itself(start):
    peer, sluice = start(users_form="single")
    assert sluice.json("users", "c3d4") == [USERS[1]]
    assert asked(peer, "/users")[0]["query"] == [["username", "c3d4"]]
    assert sluice.json("users", "a1b2", "e5f6") == [USERS[0], USERS[2]]
    assert sluice.json("users", "--id", USERS[1]["id"]) == [USERS[1]]
    assert "FlowMate has no user 'nobody'" in sluice.error("users", "nobody", code=2)
    no_faults(peer)


def test_a_malformed_user_id_is_not_sent(start):
    peer, sluice = start()
    assert "is it a user name?" in sluice.error("users", "--id", "a1b2", code=2)
    assert peer.call("stats")["requests"] == []


def test_users_elsewhere_are_reported_with_the_path_that_answers(start):
    peer, sluice = start(users_path="/api/v1/users")
    said = sluice.error("users", code=3)
    assert "answers at /api/v1/users" in said and "--path users=/api/v1/users" in said
    assert sluice.json("users", "--path", "users=/api/v1/users") == USERS


def test_users_need_an_admin_and_the_message_says_so(start):
    _, sluice = start(deny_users=True)
    assert "403: FORBIDDEN" in sluice.error("users", code=3)


def test_all_pages_of_flows_are_read_from_page_one_and_in_hundreds(start):
    peer, sluice = start([flow(number) for number in range(250)])
    assert [one["id"] for one in sluice.json("flows")] == [flow_id(number) for number in range(250)]
    pages = [dict(one["query"]) for one in asked(peer, "/flows")]
    assert pages == [{"page[size]": "100", "page[number]": number} for number in ("1", "2", "3")]
    no_faults(peer)


def test_a_gateway_that_cuts_pages_hides_no_flow(start):
    peer, sluice = start([flow(number) for number in range(45)], max_page=20)
    assert len(sluice.json("flows")) == 45
    no_faults(peer)


def test_a_flow_that_is_switched_off_during_the_scan_makes_no_duplicates(start):
    peer, sluice = start([flow(number) for number in range(150)], shift_after=1)
    ids = [one["id"] for one in sluice.json("flows", "--status", "active")]
    assert len(ids) == len(set(ids)) and set(ids) <= {flow_id(number) for number in range(150)}
    assert len(ids) == 150, "what slipped past one reading is in the next"


def test_flows_are_filtered_by_status_owner_template_type_and_text(start):
    flows = [
        flow(0), flow(1, status="inactive"), flow(2, owners=[{"id": USERS[1]["id"], "type": "user"}]),
        flow(3, fromTemplate="7" * 24), flow(4, type="long_running"),
        flow(5, name="other", cron="0 3 * * *"),
    ]  # fmt: skip
    peer, sluice = start(flows)

    def numbers(*arguments):
        return [int(one["id"], 16) - 0xF000 for one in sluice.json("flows", *arguments)]

    assert numbers("--status", "inactive") == [1]
    assert numbers("--user", "c3d4") == [2] and numbers("--user", "C3D4") == [2]
    assert numbers("--user", USERS[1]["id"]) == [2], "FlowMate's own id works too"
    assert numbers("--template", "7" * 24) == [3]
    assert numbers("--type", "long_running") == [4]
    assert numbers("--search", "other") == [5]
    assert numbers("--sort", "name", "--reverse")[0] == 5
    assert numbers("--reverse")[0] == 5, "newest first"
    assert "FlowMate has no user" in sluice.error("flows", "--user", "8" * 24, code=2)
    assert "is invalid for '--sort" in sluice.error("flows", "--sort", "size", code=2)
    assert "0 3 * * *" in sluice.text("flows")
    no_faults(peer)


def test_a_flow_shows_its_contract_wherever_flowmate_keeps_it(start):
    payload = {"inputParameters": {"id": "string", "amount": "number"}, "outputParameters": {"ok": "boolean"}}
    in_step = flow(1)
    in_step["graph"]["nodes"][0]["fields"] = {"payload": payload}
    as_text = flow(2)
    as_text["graph"]["nodes"][0]["nodeSettings"] = {"payload": '{"inputParameters":{"id":"string","amount":"number"}}'}
    deep = flow(3)
    deep["graph"]["nodes"][1]["fields"] = {"any": [{"where": payload}]}
    _, sluice = start([flow(0, payload=payload), in_step, as_text, deep, flow(4)])
    for number in range(4):
        text = sluice.text("flow", "show", flow_id(number))
        assert "Takes     id: string\nTakes     amount: number" in text, (number, text)
    assert "it does not say" in sluice.text("flow", flow_id(4)), "show is what `flow ID` means"
    assert sluice.json("flow", "show", flow_id(0))["payload"] == payload


def test_a_flow_that_is_not_there_is_told_from_a_gateway(start):
    peer, sluice = start([flow(0)])
    assert f"FlowMate has no flow {'1' * 24}" in sluice.error("flow", "1" * 24, code=2)
    assert "24 hex digits" in sluice.error("flow", "xyz", code=2)
    peer.call("configure", outage={"status": 404, "body": "<html>", "type": "text/html"})
    assert "Is baseUrl right" in sluice.error("flow", flow_id(0), code=2)
    peer.call("configure", outage={"status": 500, "body": '{"errors":[{"message":"NO DB. Please try again later","code":500}]}'})
    assert "NO DB" in sluice.error("flow", flow_id(0), code=1)
    peer.call("configure", outage={"status": 200, "body": "<html>hello", "type": "text/html"})
    assert "the answer is not FlowMate's" in sluice.error("flow", flow_id(0), code=3)


@pytest.mark.parametrize("conflict", [False, True])
def test_flows_are_started_and_stopped_one_or_many(start, conflict):
    peer, sluice = start([flow(0, status="inactive"), flow(1), flow(2)], conflict=conflict)
    assert sluice.json("start", flow_id(0)) == [{"id": flow_id(0), "status": "starting"}]
    again = sluice.json("start", flow_id(0))
    assert again == [{"id": flow_id(0), "status": "already" if conflict else "starting"}]
    assert asked(peer, f"/flows/{flow_id(0)}/start")[0]["body"] == ""
    many = sluice.json("stop", flow_id(1), "1" * 24, flow_id(2), code=1)
    assert [one["status"] for one in many] == ["stopping", "failed", "stopping"]
    assert many[1] == {"id": "1" * 24, "status": "failed", "code": 404, "message": "No flow with this ID found"}
    assert "24 hex digits" in sluice.error("stop", "x", code=2)
    no_faults(peer)


def test_a_webhook_is_probed_by_head_without_the_token(start):
    peer, sluice = start([flow(0), flow(1, cron="0 3 * * *")])
    assert "is up" in sluice.text("probe", flow_id(0))
    assert "no webhook that answers" in sluice.error("probe", flow_id(1), code=1)
    assert [one["method"] for one in peer.call("stats")["requests"]] == ["HEAD", "HEAD"]
    no_faults(peer)


@pytest.mark.parametrize("status", [403, 405, 501])
def test_a_gateway_that_keeps_head_away_is_no_webhook_that_is_down(start, status):
    peer, sluice = start([flow(0)])
    peer.call("configure", head_status=status)
    said = sluice.error("probe", flow_id(0), code=1)
    assert f"refuses HEAD ({status})" in said and "a GET would run the flow" in said and "flow show" in said
    assert sluice.json("probe", flow_id(0), code=1) == {"id": flow_id(0), "ready": None}
    assert {one["method"] for one in peer.call("stats")["requests"]} == {"HEAD"}
    no_faults(peer)


def test_impersonating_makes_no_user_by_accident(start):
    peer, sluice = start()
    assert "add --create" in sluice.error("impersonate", "typo", code=2)
    assert asked(peer, "/impersonate") == [] and len(peer.call("stats")["users"]) == 3
    done = sluice.run("impersonate", "A1B2")
    assert "u" * 171 not in done.stdout and "Acting for 'a1b2'" in done.stdout
    assert asked(peer, "/impersonate")[0]["body"] == '{"username":"a1b2"}', "the name as FlowMate keeps it"
    assert sluice.json("impersonate", "new", "--create", "--show-token")["token"] == "u" * 171
    assert len(peer.call("stats")["users"]) == 4
    no_faults(peer)


def test_login_goes_without_the_token_and_hides_what_it_gets(start):
    peer, sluice = start()
    sluice.environment |= {"GOOD": "correct horse", "BAD": "wrong"}
    done = sluice.run("login", "relay", "--password-env", "GOOD")
    assert "Signed in as 'relay'." in done.stdout and "t" * 171 not in done.stdout
    assert "PASSWORD_INCORRECT" in sluice.error("login", "relay", "--password-env", "BAD", code=3)
    assert "the variable is not set" in sluice.error("login", "relay", "--password-env", "NONE", code=2)
    no_faults(peer)


def test_tokens_are_refreshed_and_made(start):
    peer, sluice = start()
    assert sluice.json("token", "refresh") == {"sameToken": True}
    assert sluice.text("token", "refresh") == "The token lives on.\n"
    assert sluice.json("token", "create", "5" * 24)["id"] == "6" * 24
    no_faults(peer)


def test_executions_are_counted_by_day_and_group(start):
    peer, sluice = start([flow(0), flow(1), flow(2)])
    lines = sluice.text("executions", "--from", "2026-11-01", "--until", "2026-11-02", "--by", "user").splitlines()
    assert lines[0].split()[0] == "USER" and lines[2].split()[:2] == [flow_id(1), "1"]
    query = dict(asked(peer, "/icenter/executions")[0]["query"])
    assert query == {"start": "2026-11-01", "end": "2026-11-02", "groupby": "user"}
    assert "no day" in sluice.error("executions", "--from", "yesterday", code=2)
    assert sluice.json("executions")["data"], "seven days to today by default"
    no_faults(peer)


def test_the_map_shows_users_flows_and_rules_and_why_not(start):
    flows = [
        flow(0), flow(1, status="inactive"), flow(2, owners=[{"id": USERS[2]["_id"], "type": "user"}]),
        flow(3, owners=[{"id": "t1", "type": "tenant"}]), flow(4, cron="0 3 * * *"),
    ]  # fmt: skip
    peer, sluice = start(flows, rules=RULES)
    document = sluice.json("map")
    by_user = {line["user"]: {one["id"]: one for one in line["flows"]} for line in document["users"]}
    assert by_user["a1b2"][flow_id(0)]["takesEvents"] and by_user["a1b2"][flow_id(0)]["rules"] == ["to-first"]
    assert by_user["a1b2"][flow_id(1)]["reason"] == "is inactive"
    assert "scheduled" in by_user["a1b2"][flow_id(4)]["reason"]
    assert "DISABLED" in by_user["e5f6"][flow_id(2)]["reason"]
    assert by_user[None][flow_id(3)]["reason"] == "has no owner among the users"
    assert by_user["c3d4"] == {}
    assert document["unknownFlows"] == [{"id": "9" * 24, "rules": ["to-nowhere"]}]
    assert "to-first" in sluice.text("map", "--user", "A1B2")
    assert "no flow that takes events" in sluice.error("map", "--user", "c3d4", code=1)
    assert "is DISABLED" in sluice.error("map", "--user", "e5f6", code=1)
    assert "no user 'x'" in sluice.error("map", "--user", "x", code=2)
    no_faults(peer)


def test_two_users_of_one_name_get_nothing(start):
    twin = {"_id": f"{0xD0:024x}", "username": "a1b2", "status": "ACTIVE"}
    _, sluice = start([flow(0)], users=[*USERS, twin])
    assert "the name of 2 users" in sluice.error("map", "--user", "a1b2", code=1)
    assert "2 users of this name" in sluice.error("impersonate", "a1b2", code=2)


def test_a_refused_token_and_a_dead_server_are_the_environments_fault(start):
    peer, sluice = start()
    sluice.environment["THE_TOKEN"] = "wrong-token-value"
    assert "Is the token right" in sluice.error("flows", code=3)
    peer.stop()
    assert "cannot list flows: cannot reach" in sluice.error("flows", code=3)


def test_step_logs_are_passed_on(start):
    _, sluice = start([flow(0)])
    log = sluice.json("flow", "logs", flow_id(0), "first", "--page-token", "abc")
    assert log["data"] == [{"step": "first", "pageSize": "100", "pageToken": "abc"}]


def test_the_destination_is_chosen_by_name_and_kind(start):
    _, sluice = start()
    assert "no destination is called 'x'" in sluice.error("users", "--destination", "x", code=2)
    assert sluice.json("users", "--destination", "there") == USERS
    sluice.kind = "integrator"
    assert "no destination of kind integrator" in sluice.error("flows", code=2)
    assert "is of kind flowmate" in sluice.error("flows", "--destination", "there", code=2)
