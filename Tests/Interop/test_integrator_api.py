"""`sluice integrator …` against an integrator.io that was written from its documents alone."""

import json
import time

import pytest

from peer_process import PeerProcess
from platform_commands import Commands

EXPORT, IMPORT, SOURCE, TARGET = "e" * 24, "d" * 24, "c" * 24, "a1" * 12
INTEGRATION = "1" * 24
EXPORTS = [{"_id": EXPORT, "name": "changed", "type": "delta", "_connectionId": SOURCE}]
IMPORTS = [{"_id": IMPORT, "name": "to erp", "adaptorType": "HTTPImport", "_connectionId": TARGET}]
CONNECTIONS = [{"_id": SOURCE, "name": "sf", "offline": False}, {"_id": TARGET, "name": "erp", "offline": False}]
DAY = 1_767_225_600_000  # 2026-01-01T00:00:00Z


def flow_id(number):
    return f"{number + 0xF000:024x}"


FLOW = flow_id(0)


def flow(number=0, **changes):
    return {
        "_id": flow_id(number), "name": f"flow {number}", "disabled": False, "_integrationId": INTEGRATION,
        "schedule": "? 0 3 * * *", "timezone": "Europe/Berlin", "createdAt": "2025-01-01T00:00:00.000Z",
        "lastModified": "2025-06-01T00:00:00.000Z", "pageGenerators": [{"_exportId": EXPORT, "skipRetries": False}],
        "pageProcessors": [{"type": "import", "_importId": IMPORT}], **changes,
    }  # fmt: skip


@pytest.fixture
def start(binary, tmp_path):
    peers = []

    def begin(flows=None, **config):
        config = {"flows": [flow()] if flows is None else flows, "exports": EXPORTS, "imports": IMPORTS,
                  "connections": CONNECTIONS, **config}  # fmt: skip
        peer = PeerProcess("integrator_api_peer.py", config, tmp_path, "integrator")
        peers.append(peer)
        return peer, Commands(binary, tmp_path / "sluice", "integrator", peer.ready["port"], "celigo-token")

    yield begin
    for peer in peers:
        peer.stop()


def asked(peer, method, path):
    return [one for one in peer.call("stats")["requests"] if (one["method"], one["path"]) == (method, "/v1" + path)]


def no_faults(peer):
    assert peer.call("stats")["faults"] == []


def test_the_token_is_checked_and_its_scope_told(start):
    _, sluice = start()
    assert "works" in sluice.text("token") and sluice.json("token")["scope"] == "*"
    sluice.environment["THE_TOKEN"] = "wrong-token-value"
    assert "401: unauthorized Unauthorized. Is the token right, not purged, and of the region" in sluice.error(
        "token", code=3
    )


def test_an_account_without_flows_has_an_empty_list(start):
    _, sluice = start([])
    assert sluice.json("flows") == []
    assert sluice.text("flows") == ""


def test_lists_follow_link_headers_to_the_end(start):
    peer, sluice = start([flow(number) for number in range(25)], page=10)
    assert [one["_id"] for one in sluice.json("flows")] == [flow_id(number) for number in range(25)]
    assert [dict(one["query"]).get("skip") for one in asked(peer, "GET", "/flows")] == [None, "10", "20"]
    lines = sluice.text("flows").splitlines()
    assert lines[0].split() == ["ID", "STATE", "SCHEDULE", "LAST", "RUN", "NAME"] and "? 0 3 * * *" in lines[1]
    assert len(sluice.json("flows", "--integration", INTEGRATION)) == 25
    assert sluice.json("flows", "--integration", "2" * 24) == []


def test_a_next_page_on_another_host_is_not_read(start):
    _, sluice = start([flow(number) for number in range(25)], page=10, foreign_link=True)
    assert "the next page is not below" in sluice.error("flows", code=2)


def test_a_flow_is_shown_with_what_stands_in_its_way(start):
    exports = [{**EXPORTS[0], "type": None}]
    connections = [CONNECTIONS[0], {**CONNECTIONS[1], "offline": True}]
    _, sluice = start([flow(disabled=True)], exports=exports, connections=connections, watermark=DAY)
    text = sluice.text("flow", "show", FLOW)
    assert "is disabled" in text and "ignores the date window" in text and "('erp') is offline" in text
    assert "Exported to 2026-01-01T00:00:00.000Z" in text
    assert sluice.json("flow", FLOW)["timezone"] == "Europe/Berlin"
    assert "404: not_found" in sluice.error("flow", "9" * 24, code=2)


def test_enabling_changes_one_field_by_patch(start):
    peer, sluice = start([flow(disabled=True)])
    sluice.run("enable", FLOW)
    assert asked(peer, "PATCH", f"/flows/{FLOW}")[0]["body"] == '[{"op":"replace","path":"/disabled","value":false}]'
    assert sluice.json("disable", FLOW) == {"id": FLOW, "disabled": True}
    assert asked(peer, "PUT", f"/flows/{FLOW}") == []
    assert peer.call("stats")["flows"][FLOW] == flow(disabled=True), "everything else is as it was"


def test_single_fields_are_patched_and_others_refused_before_sending(start):
    peer, sluice = start()
    sluice.run("flow", "patch", FLOW, "--set", "name=new name", "--set", "pageGenerators/0/skipRetries=true",
               "--set", "schedule=? 5 * * * *")  # fmt: skip
    changed = peer.call("stats")["flows"][FLOW]
    assert changed["name"] == "new name" and changed["schedule"] == "? 5 * * * *"
    assert changed["pageGenerators"][0]["skipRetries"] is True
    assert "'/pageProcessors'" in sluice.error("flow", "patch", FLOW, "--set", "pageProcessors=[]", code=2)
    no_faults(peer)


def test_replacing_shows_what_would_be_erased_and_wants_a_yes(start):
    peer, sluice = start()
    (sluice.folder / "flow.json").write_text(json.dumps({"name": "renamed", "disabled": False}))
    said = sluice.error("flow", "replace", FLOW, "--file", "flow.json", code=2)
    for field in ("_integrationId", "schedule", "timezone", "pageGenerators", "pageProcessors"):
        assert f"erased   {field}\n" in said
    assert "changed  name" in said and "createdAt" not in said
    assert asked(peer, "PUT", f"/flows/{FLOW}") == []
    sluice.run("flow", "replace", FLOW, "--file", "flow.json", "--yes")
    assert peer.call("stats")["flows"][FLOW] == {"name": "renamed", "disabled": False, "_id": FLOW}


def test_replacing_by_a_whole_definition_erases_nothing_and_asks_nothing(start):
    peer, sluice = start()
    whole = json.dumps({**sluice.json("flow", FLOW), "name": "renamed"})
    assert "erased" not in sluice.error("flow", "replace", FLOW, "--file", "-", code=0, stdin=whole)
    assert peer.call("stats")["flows"][FLOW] == flow(name="renamed")


def test_flows_are_made_and_deleted(start):
    peer, sluice = start()
    (sluice.folder / "flow.json").write_text(json.dumps({"name": "made"}))
    made = sluice.json("flow", "create", "--file", "flow.json")["_id"]
    assert "was not deleted" in sluice.error("flow", "delete", made, code=2)
    sluice.run("flow", "delete", made, "--yes")
    assert list(peer.call("stats")["flows"]) == [FLOW]


def test_a_clone_maps_every_connection(start):
    peer, sluice = start()
    text = sluice.text("clone", FLOW, "--integration", "2" * 24, "--name", "copy", "--map", f"{SOURCE}={'f' * 24}")
    assert text == f"Made flow {'b' * 24}.\n"
    assert peer.call("stats")["calls"] == [
        {"clone": {"connectionMap": {SOURCE: "f" * 24, TARGET: TARGET}, "_integrationId": "2" * 24, "name": "copy"}}
    ]


def test_a_run_without_a_window_posts_an_empty_object_once(start):
    peer, sluice = start(records=[DAY])
    assert sluice.json("run", FLOW)["jobs"] == [f"{0xE00:024x}"]
    assert [one["body"] for one in asked(peer, "POST", f"/flows/{FLOW}/run")] == ["{}"]
    no_faults(peer)


@pytest.mark.parametrize("shape", ["nested", "topLevel"])
def test_a_run_with_a_window_is_followed_to_its_end(start, shape):
    peer, sluice = start(records=[DAY + 1000 * one for one in range(1, 8)], shape=shape, running=3.0)
    done = sluice.run("run", FLOW, "--from", "2026-01-01", "--until", "2026-01-01T00:00:05.000Z", "--wait",
                      "--export", EXPORT, "--run-body", shape)  # fmt: skip
    assert done.stdout == "Completed: 5 done, 0 errors.\n"
    assert "queued" in done.stderr and "completed, 5 exported" in done.stderr
    window = {"startDate": "2026-01-01T00:00:00.000Z", "endDate": "2026-01-01T00:00:05.000Z"}
    body = {"export": window} if shape == "nested" else window
    assert peer.call("stats")["runs"] == [{"flow": FLOW, "body": {**body, "_exportIds": [EXPORT]}}]
    no_faults(peer)


@pytest.mark.parametrize(
    "outcome, said", [(["completed", 2], "Completed with errors: 1 done, 2 errors."), (["failed", 0], "Failed"),
                      (["canceled", 0], "Canceled")]
)  # fmt: skip
def test_a_run_that_does_not_go_well_fails_the_command(start, outcome, said):
    _, sluice = start(outcomes=[outcome], records=[1, 2, 3])
    assert said in sluice.run("run", FLOW, "--wait", code=1).stdout


def test_a_run_waits_for_its_place_in_the_queue_when_it_may(start):
    peer, sluice = start(records=[1], running=4.0)
    sluice.run("run", FLOW)
    said = sluice.error("run", FLOW, code=1)
    assert "409: flow_job_already_queued already queued. `run --wait` waits for its place" in said
    done = sluice.run("run", FLOW, "--wait")
    assert "waiting: a run of the flow is queued already" in done.stderr and done.stdout.startswith("Completed")
    assert len(peer.call("stats")["runs"]) == 2


def test_a_lost_answer_is_looked_up_and_not_posted_again(start):
    peer, sluice = start(lose_run_answer=True, records=[1])
    done = sluice.run("run", FLOW, "--wait")
    assert "Completed" in done.stdout
    assert len(peer.call("stats")["runs"]) == 1
    peer.call("configure", name_job=False)
    done = sluice.run("run", FLOW)
    assert "these appeared since" in done.stderr and len(peer.call("stats")["runs"]) == 2


def test_a_flow_that_cannot_run_is_not_run(start):
    peer, sluice = start([flow(disabled=True), flow(1, isAbstract=True), flow(2, pageGenerators=[{"_exportId": "b" * 24}])],
                         exports=[*EXPORTS, {"_id": "b" * 24, "type": "webhook"}])  # fmt: skip
    assert "is disabled" in sluice.error("run", FLOW, code=1)
    assert "is abstract" in sluice.error("run", flow_id(1), code=1)
    assert "waits for others" in sluice.error("run", flow_id(2), code=1)
    assert "has no source" in sluice.error("run", FLOW, "--export", "8" * 24, code=1)
    assert "window ends before" in sluice.error("run", FLOW, "--from", "2026-01-02", "--until", "2026-01-01", code=2)
    assert peer.call("stats")["runs"] == []
    assert "422: invalid_flow" in sluice.error("run", FLOW, "--force", code=1)


def test_the_account_waits_when_it_is_told_to(start):
    peer, sluice = start(limited=2)
    begin = time.monotonic()
    assert "works" in sluice.text("token")
    assert time.monotonic() - begin >= 2
    assert len(asked(peer, "GET", "/tokenInfo")) == 3


@pytest.mark.parametrize("shape, refuse", [("nested", False), ("topLevel", False), ("topLevel", True)])
def test_the_window_proof_finds_the_form_and_what_happens_to_the_watermark(start, shape, refuse):
    records = [DAY + 60_000 * one for one in range(1, 21)]
    peer, sluice = start(records=records, shape=shape, refuse_other_shape=refuse, watermark=DAY + 86_400_000)
    window = ["--from", "2026-01-01T00:00:30Z", "--until", "2026-01-01T00:05:30Z", "--expect", 5]
    assert "add --yes" in sluice.error("prove-window", FLOW, *window, code=2)
    proof = sluice.json("prove-window", FLOW, *window, "--yes", "--save", "proof.json")
    assert (proof["runBody"], proof["watermark"], proof["weak"]) == (shape, "unmoved", False)
    assert json.loads((sluice.folder / "proof.json").read_text()) == proof
    assert len(peer.call("stats")["runs"]) == (1 if shape == "nested" or refuse else 2)
    no_faults(peer)


def test_the_window_proof_sees_a_watermark_that_moves_and_an_end_that_is_ignored(start):
    records = [DAY + 60_000 * one for one in range(1, 21)]
    peer, sluice = start(records=records, moves_watermark=True, watermark=DAY + 86_400_000)
    window = ["--from", "2026-01-01T00:00:30Z", "--until", "2026-01-01T00:05:30Z", "--expect", 5, "--yes"]
    text = sluice.text("prove-window", FLOW, *window)
    assert "runBody: nested" in text and "to the window's end" in text
    peer.call("configure", uses_end=False, watermark=DAY + 86_400_000)
    failed = sluice.json("prove-window", FLOW, *window, code=1)
    assert failed["runBody"] is None
    assert [one["result"] for one in failed["trials"]][0] == "20 records, more than expected"


WINDOW = ["--from", "2026-01-01T00:00:30Z", "--until", "2026-01-01T00:05:30Z", "--expect", 5, "--yes"]


@pytest.mark.parametrize("shape", ["nested", "topLevel"])
@pytest.mark.parametrize("refuse", [False, True], ids=["takes other forms", "refuses other forms"])
@pytest.mark.parametrize("moves", [False, True], ids=["watermark stays", "watermark moves"])
@pytest.mark.parametrize("uses_end", [True, False], ids=["end counts", "end ignored"])
def test_the_window_proof_writes_the_form_that_works_into_the_rule_file(start, shape, refuse, moves, uses_end):
    records = [DAY + 60_000 * one for one in range(1, 21)]
    peer, sluice = start(records=records, shape=shape, refuse_other_shape=refuse, moves_watermark=moves,
                         uses_end=uses_end, watermark=DAY + 86_400_000)  # fmt: skip
    file = sluice.folder / "rules" / "all.yaml"
    before = file.read_text()
    if not uses_end:
        said = sluice.error("prove-window", FLOW, *WINDOW, "--write", code=1)
        assert "more than expected" in said and file.read_text() == before
        return
    proof = sluice.json("prove-window", FLOW, *WINDOW, "--write")
    # With the other form a run without a window moved the watermark to now, and the next one is judged from there.
    expected = "atWindowEnd" if moves else "unmoved"
    assert (proof["runBody"], proof["watermark"]) == (shape, expected)
    assert file.read_text() == before.replace("    kind:", f"    runBody: {shape}\n    kind:")
    sluice.run("prove-window", FLOW, *WINDOW, "--write")
    assert file.read_text().count("runBody") == 1, "again is the same"
    peer.call("configure", watermark=DAY + 86_400_000)
    runs = len(peer.call("stats")["runs"])
    sluice.run("run", FLOW, "--from", "2026-01-01", "--until", "2026-01-02", "--wait")
    body = peer.call("stats")["runs"][runs]["body"]
    assert ("export" in body) == (shape == "nested"), "runs take the form that was proven"
    no_faults(peer)


def test_the_window_proof_does_not_run_what_proves_nothing(start):
    peer, sluice = start(exports=[{**EXPORTS[0], "type": None}])
    window = ["--from", "2026-01-01", "--until", "2026-01-02", "--yes"]
    assert "ignores the date window" in sluice.error("prove-window", FLOW, *window, "--expect", 5, code=1)
    assert "at least one record" in sluice.error("prove-window", FLOW, *window, "--expect", 0, code=2)
    assert peer.call("stats")["runs"] == []


def jobs(count):
    return [
        {"id": f"{number + 1:024x}", "flow": FLOW, "created": DAY / 1000 + number, "ends": "completed", "errors": 0}
        for number in range(count)
    ]


def test_jobs_are_paged_by_time_and_need_a_filter(start):
    peer, sluice = start(jobs=jobs(2100))
    ids = [one["_id"] for one in sluice.json("jobs", "--flow", FLOW, "--limit", 5000)]
    assert ids == [f"{number + 1:024x}" for number in reversed(range(2100))]
    assert len(asked(peer, "GET", "/jobs")) == 3
    assert len(sluice.json("jobs", "--flow", FLOW)) == 100
    since = sluice.json("jobs", "--from", "2026-01-01T00:34:00Z")
    assert len(since) == 60, "100 s are over 2040 of 2100"
    assert "integrator.io wants a flow" in sluice.error("jobs", code=2)
    assert "listed by their run" in sluice.error("jobs", "--flow", FLOW, "--type", "export", code=2)
    assert sluice.json("jobs", "--flow", FLOW, "--status", "failed") == []
    no_faults(peer)


def test_one_job_is_shown_canceled_and_diagnosed(start):
    _, sluice = start(jobs=jobs(1))
    job = f"{1:024x}"
    assert "Status    completed" in sluice.text("job", "show", job)
    assert sluice.json("job", job)["numExport"] == 1
    assert sluice.json("job", "cancel", job)["status"] == "canceled"
    assert f"/v1/jobs/{job}/diagnostics" in sluice.text("job", "diagnostics", job)
    assert sluice.json("job", "errors", job) == [{"code": "legacy", "message": "m"}]
    assert "errorFile" in sluice.json("job", "errors", job, "--file")["signedURL"]
    assert sluice.json("jobs", "--flow", FLOW, "--latest")[0]["_id"] == job
    assert sluice.json("jobs", "--current") == []
    assert "404: not_found" in sluice.error("job", "9" * 24, code=2)


ERRORS = [
    {"errorId": f"err{number}", "occurredAt": f"2026-01-0{number + 1}T00:00:00.000Z", "message": "bad\nrecord",
     "source": "mapping" if number % 2 else "application", "code": "x", "traceKey": "t",
     **({"retryDataKey": f"key{number}"} if number < 3 else {})}
    for number in range(5)
]  # fmt: skip


def test_errors_are_counted_listed_retried_and_resolved(start):
    peer, sluice = start(record_errors=ERRORS, page=2)
    assert sluice.text("errors", FLOW).splitlines()[1].split()[:2] == [IMPORT, "5"]
    assert sluice.json("errors", "--integration", INTEGRATION)[0]["numError"] == 2
    assert sluice.json("errors", FLOW, IMPORT) == ERRORS, "nextPageURL is followed"
    assert len(sluice.json("errors", FLOW, IMPORT, "--source", "mapping", "--limit", 2)) == 2
    assert sluice.json("errors", FLOW, IMPORT, "--from", "2026-01-02", "--until", "2026-01-03") == ERRORS[1:3]
    assert "bad record" in sluice.text("errors", FLOW, IMPORT)
    assert sluice.json("errors", FLOW, IMPORT, "--record", "k/1") == {"data": {"key": "k/1"}}
    assert sluice.text("retry", FLOW, IMPORT, "--all") == "Retrying 3 records.\n"
    sluice.run("retry", FLOW, IMPORT, "--error", "err1")
    sluice.run("retry", FLOW, IMPORT, "--key", "key1")
    sluice.run("resolve", FLOW, IMPORT, "--error", "err4")
    peer.call("configure", resolve_key="errorIds")
    assert "422" in sluice.error("resolve", FLOW, IMPORT, "--error", "err4", code=1)
    sluice.run("resolve", FLOW, IMPORT, "--error", "err4", "--resolve-key", "errorIds")
    assert peer.call("stats")["calls"] == [
        {"retry": {"errorIds": ["err0", "err1", "err2"]}}, {"retry": {"errorIds": ["err1"]}},
        {"retry": {"retryDataKeys": ["key1"]}}, {"resolved": {"errors": ["err4"]}}, {"resolved": {"errorIds": ["err4"]}},
    ]  # fmt: skip
    assert "name errors by --error, or take --all" in sluice.error("resolve", FLOW, IMPORT, code=2)
    no_faults(peer)


def test_what_surrounds_a_flow_is_printed(start):
    peer, sluice = start(page=2)
    assert len(sluice.json("audit", FLOW)) == 3
    assert "exports" in sluice.json("dependencies", FLOW)
    assert sluice.json("dependencies", FLOW, "--steps")["imports"] == IMPORTS
    assert sluice.text("flow", "template", FLOW).startswith("https://files.example/")
    assert sluice.json("flow", "stats", FLOW) == [{"_flowId": FLOW, "runs": 1}]
    assert "add --yes" in sluice.error("flow", "replace-connection", FLOW, SOURCE, TARGET, code=2)
    sluice.run("flow", "replace-connection", FLOW, SOURCE, TARGET, "--yes")
    assert peer.call("stats")["calls"][-1]["replaceConnection"] == {"_connectionId": SOURCE, "_newConnectionId": TARGET}
    no_faults(peer)


def test_resources_are_listed_read_and_invoked(start):
    _, sluice = start()
    assert sluice.json("list", "exports") == EXPORTS
    assert sluice.json("list", "connections", "--include", "name") == [
        {"_id": one["_id"], "name": one["name"]} for one in CONNECTIONS
    ]
    assert "not both" in sluice.error("list", "imports", "--include", "name", "--exclude", "type", code=2)
    assert "HTTPImport" in sluice.text("list", "imports")
    assert json.loads(sluice.text("get", "imports", IMPORT)) == IMPORTS[0]
    assert sluice.json("invoke", "export", EXPORT) == [{"statusCode": 200, "id": 0}]
    assert len(sluice.json("invoke", "import", IMPORT, "--file", "-", stdin='[{"a":1},{"a":2}]')) == 2
    assert "takes a list" in sluice.error("invoke", "import", IMPORT, "--file", "-", stdin="{}", code=2)
    assert "needs --file" in sluice.error("invoke", "import", IMPORT, code=2)


def test_state_is_kept_under_keys(start):
    _, sluice = start()
    sluice.run("state", "set", "a key/1", "--file", "-", stdin='{"n": 12345678901234567}')
    assert sluice.json("state", "get", "a key/1") == {"n": 12345678901234567}
    assert sluice.json("state", "list") == [{"key": "a key/1"}]
    sluice.run("state", "delete", "a key/1")
    assert "404" in sluice.error("state", "get", "a key/1", code=2)
