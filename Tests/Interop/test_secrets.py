"""Marked secrets and tokens everywhere, and then a search: logs, store, errors, status, arguments, core files. The
fixture `no_secret_shows` looks into what every other test leaves behind."""

import os
import pathlib
import resource
import signal
import time

import pytest

from feed import FeedSpec
from harness import SECRETS, wait_until
from rest_org import RESTOrg
from rest_org import SECRETS as REST_SECRETS
from sweep import search, search_folder

pytestmark = pytest.mark.usefixtures("binary")
TOPIC = "/data/AccountChangeEvent"
MARK = "PLANTED-SECRET-7f3a9"


def test_a_relay_shows_no_secret(world):
    salesforce = world.salesforce([FeedSpec(TOPIC, 300, ["Account"], rate=100)], client_secret=MARK + "-client")
    hook = world.receiver()
    workspace = world.workspace(salesforce)
    workspace.environment["SF_CLIENT_SECRET"] = MARK + "-client"
    workspace.environment["HOOK_TOKEN"] = MARK + "-hook"
    workspace.environment["SWIFT_BACKTRACE"] = "enable=no"
    workspace.environment["SIGN"] = "whsec_" + "UExBTlRFRC1TRUNSRVQtN2YzYTk="
    workspace.write_config([TOPIC])
    workspace.webhook_rule(
        hook.ready["port"],
        options="    auth: {bearer: {env: HOOK_TOKEN}}\n    sign: {scheme: standard-webhooks, secrets: [{env: SIGN}]}\n")
    secrets = [MARK, "UExBTlRFRC1TRUNSRVQtN2YzYTk="]
    limits = lambda: resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))  # noqa: E731
    with workspace.run(preexec=limits) as sluice:
        wait_until(lambda: hook.call("distinct").get("/hook", 0) > 50, "deliveries", 30, or_fail=sluice.ended)
        tokens = salesforce.process.call("tokens")
        assert tokens, "there are tokens to look for"
        secrets += tokens
        salesforce.process.call("revoke")  # errors about tokens are written too
        hook.call("fail", mode="status", status=401, count=5)
        for command in (["status"], ["status", "--json"], ["doctor"], ["doctor", "--json"], ["cursor", "list", "--json"],
                        ["dlq", "list", "--json"], ["backfill", "list", "--json"]):  # fmt: skip
            result = workspace.command(*command, "--config", str(workspace.config_path), timeout=60)
            search(" ".join(command), (result.stdout + result.stderr).encode(), secrets)
        search("its arguments", pathlib.Path(f"/proc/{sluice.process.pid}/cmdline").read_bytes(), secrets)
        secrets += salesforce.process.call("tokens")
        assert core_limit(sluice.process.pid) == "0", "no core file can hold what is in memory"
        time.sleep(1)
        sluice.process.send_signal(signal.SIGSEGV)
        sluice.process.wait(30)
    search("the log", "".join(sluice.lines).encode(), secrets)
    assert search_folder(workspace.folder, secrets) >= 3
    assert [path for path in workspace.folder.rglob("core*")] == []


def core_limit(pid):
    lines = pathlib.Path(f"/proc/{pid}/limits").read_text().splitlines()
    return next(line.split()[4] for line in lines if line.startswith("Max core file size"))


@pytest.mark.parametrize("auth", ["clientCredentials", "jwtBearer", "password"])
def test_sign_ins_show_no_secret_whatever_goes_wrong(tmp_path, auth):
    org = RESTOrg(tmp_path, auth=auth, accounts=50)
    try:
        key = (tmp_path / "key.pem").read_text().splitlines()[2]
        planted = [REST_SECRETS[name] for name in ("SF_SECRET", "SF_PASSWORD", "SF_TOKEN")] + [key]
        assert org.run("query", "SELECT Id FROM Account").code == 0
        org.peer.call("fault", path="/query", status=400, code="MALFORMED_QUERY", count=1)
        org.run("query", "SELECT Id FROM Account")
        org.peer.call("fault", path="/query", status=500, code="UNKNOWN_EXCEPTION", count=9, body="<html>oops</html>")
        org.run("limits")
        org.run("query", "--bulk", "SELECT Id FROM Account")
        org.peer.call("fault", path="/jobs/query", status=400, code="INVALIDJOB", count=1)
        org.run("query", "--bulk", "SELECT Id FROM Account")
        for command in (["describe", "Account"], ["topics"], ["get", "Account", "001000000000001AAA"], ["logout"]):
            org.run(*command)
        secrets = planted + org.peer.call("tokens")
        assert len(secrets) > len(planted)
        for output in org.outputs:
            search("an output", output.encode(), secrets)
        search_folder(tmp_path, secrets, ignored=("key.pem", "salesforce-rest.json"))
    finally:
        org.stop()


def test_the_marks_are_found_where_they_are(tmp_path):
    """The search itself finds something."""
    (tmp_path / "leak").write_text("x" + MARK)
    with pytest.raises(AssertionError):
        search_folder(tmp_path, [MARK])
    assert os.environ.get("SLUICE_BIN") and SECRETS
