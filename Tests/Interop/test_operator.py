"""What goes wrong in operation by somebody's hand, and how it is told and mended without a restart."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile

import pytest

from feed import FeedSpec
from harness import wait_until
from relay import Relay
from test_webhooks import Hooks

TOPIC = "/data/AccountChangeEvent"


def move(store, before, after):
    for suffix in ("", "-wal", "-shm"):
        os.rename(f"{store}{before}{suffix}", f"{store}{after}{suffix}")


def test_a_store_that_is_moved_away_under_the_relay(binary, world):
    relay = Relay(world, [FeedSpec(TOPIC, 3000, ["Account"], rate=60.0, merged_every=0)])
    with relay.run() as sluice:
        relay.wait_for_delivery(sluice, 60)
        move(relay.workspace.store, "", ".aside")
        line = sluice.wait_for_line("the file was removed or renamed. Put it back")
        assert " ERROR " in line and "Until then the streams are held back" in line
        move(relay.workspace.store, ".aside", "")
        sluice.wait_for_line("works again after .* nothing was lost")
        relay.wait_for_delivery(sluice, 400)
        assert sluice.stop() == 0
        assert len(sluice.matching("removed or renamed")) == 1
    with relay.run() as sluice:
        relay.end_of_feed()
        relay.wait_for_delivery(sluice)
        relay.wait_for_cursors()
        assert sluice.stop() == 0
    relay.check_everything_arrived_in_order()


def test_a_log_that_nobody_reads_holds_nothing_up(binary, world):
    """The pipe of a container's log whose collector stands still, or a pager that waits."""
    relay = Relay(world, [FeedSpec(TOPIC, 500, ["Account"], merged_every=0)])
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writing, b"x" * 4096)
    os.set_blocking(writing, True)
    workspace = relay.workspace
    process = subprocess.Popen(
        [binary, "run", "--config", str(workspace.config_path)], cwd=workspace.folder, env=workspace.environment,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=writing,
    )  # fmt: skip
    os.close(writing)
    try:
        relay.wait_for_delivery(None)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
        os.close(reading)
    relay.check_everything_arrived_in_order()


def test_a_secret_that_is_corrected_in_the_file_beside_the_configuration(binary, world):
    hooks = Hooks(world, events=3000, rate=40)
    dotenv = hooks.workspace.config_path.parent / ".env"
    dotenv.write_text("FILE_TOKEN=old-token\n")
    hooks.add("secret", "auth: {bearer: {env: FILE_TOKEN}}")

    def came_with(token):
        return sum(one["headers"]["authorization"] == f"Bearer {token}" for one in hooks.requests("/secret"))

    with hooks.run() as sluice:
        wait_until(lambda: came_with("old-token") >= 5, "requests with the old token", 20, or_fail=sluice.ended)
        dotenv.write_text("FILE_TOKEN=new-token\n")
        done = hooks.workspace.command("rules", "reload", "--config", str(hooks.workspace.config_path))
        assert done.returncode == 0 and "secret" in done.stdout, done.stdout + done.stderr
        wait_until(lambda: came_with("new-token") >= 5, "requests with the new token", 20, or_fail=sluice.ended)
        dotenv.write_text("FILE_TOKEN=newest-token\n")
        done = hooks.workspace.command("destination", "try", "secret", "--config", str(hooks.workspace.config_path))
        assert done.returncode == 0, done.stderr
        wait_until(lambda: came_with("newest-token") >= 5, "requests with the newest token", 20, or_fail=sluice.ended)
        assert sluice.stop() == 0
        assert not sluice.matching("-token")


def test_what_cannot_be_rendered_is_said_in_the_log(binary, world):
    hooks = Hooks(world, events=60)
    hooks.add("bad", delivery='body: {site: "${record.Website}"}')
    with hooks.run() as sluice:
        line = sluice.wait_for_line("put to the dead letters")
        assert " ERROR " in line and "'Website' is absent" in line and "dlq list" in line, line
        assert sluice.stop() == 0
        assert len(sluice.matching("put to the dead letters")) <= 2


def test_what_waits_for_a_destination_that_was_removed_can_be_given_up(binary, world):
    hooks = Hooks(world, events=30)
    hooks.receiver.call("plan", path="/gone", answers=[{"status": 410}])
    hooks.add("gone")
    hooks.add("there")
    config = str(hooks.workspace.config_path)

    def drop(*arguments):
        return hooks.workspace.command("destination", "drop", *arguments, "--config", config)

    with hooks.run() as sluice:
        hooks.wait(sluice, "/there", count=30)
        wait_until(lambda: hooks.workspace.count("outbox") == 30, "what waits is stored", 20, or_fail=sluice.ended)
        assert sluice.stop() == 0
    hooks.destinations = hooks.destinations[1:]
    hooks.rules = hooks.rules[1:]
    with hooks.run() as sluice:
        sluice.wait_for_line("no rule file names the destination gone any more")
        status = hooks.workspace.command("status", "--config", config).stdout
        assert "missing" in status and "sluice destination drop" in status, status
        running = drop("gone", "--yes")
        assert running.returncode == 1 and "stop it first" in running.stderr
        assert sluice.stop() == 0
    asked = drop("gone")
    assert asked.returncode == 2 and "gives up 30 deliveries for gone" in asked.stderr
    assert drop("other", "--yes").returncode == 2
    assert hooks.workspace.count("outbox") == 30 and hooks.workspace.count("dead_letters") == 0
    done = drop("gone", "--yes")
    assert done.returncode == 0 and done.stdout.startswith("30 deliveries put to the dead letters"), done.stderr
    assert hooks.workspace.count("outbox") == 0 and hooks.workspace.count("dead_letters") == 30

    def reasons(reason):
        listed = hooks.workspace.command("dlq", "list", "--reason", reason, "--json", "--config", config)
        return {letter["reason"] for letter in json.loads(listed.stdout)["letters"]}

    assert reasons("dropped") == {"dropped"} and reasons("rejected") == set(), "no receiver refused them"


def test_dead_letters_are_built_anew_by_a_rule_that_was_corrected(binary, world):
    hooks = Hooks(world, events=10)
    hooks.receiver.call("plan", path="/in/wrong", answers=[{"status": 422}])
    hooks.add("in", delivery='path: /wrong, body: {seq: "${record.Seq__c}"}')

    def retry(*arguments):
        return hooks.workspace.command("dlq", "retry", *arguments, "--config", str(hooks.workspace.config_path))

    with hooks.run() as sluice:
        wait_until(lambda: hooks.store_has("dead_letters", 10), "dead letters", 20, or_fail=sluice.ended)
        unknown = retry("sl_nobody")
        assert unknown.returncode == 2 and "there is no dead letter" in unknown.stderr
        hooks.rules = [hooks.rules[0].replace("/wrong", "/right")]
        hooks.write()
        sluice.wait_for_line("rules reloaded")
        assert retry("--all").returncode == 0
        hooks.wait(sluice, "/in/wrong", count=20)
        wait_until(lambda: hooks.store_has("dead_letters", 10), "they die again", 20, or_fail=sluice.ended)
        assert not hooks.requests("/in/right"), "what was built goes where it was to go"
        done = retry("--all", "--render")
        assert done.returncode == 0 and "10" in done.stdout, done.stdout + done.stderr
        hooks.wait(sluice, "/in/right", count=10)
        wait_until(lambda: hooks.store_has("dead_letters", 0), "all are delivered", 20, or_fail=sluice.ended)
        assert sluice.stop() == 0
    ids = [{one["headers"]["webhook-id"] for one in hooks.requests(path)} for path in ("/in/wrong", "/in/right")]
    assert ids[0] == ids[1] and len(ids[0]) == 10, "with the IDs that they had"


def test_a_tap_ends_with_its_reader_and_with_the_relay(binary, world):
    hooks = Hooks(world, events=3000, rate=40)
    hooks.add("there")

    def tap():
        return subprocess.Popen(
            [binary, "tap", "--config", str(hooks.workspace.config_path)], cwd=hooks.workspace.folder,
            env=hooks.workspace.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip

    with hooks.run() as sluice:
        hooks.wait(sluice, "/there", count=1)
        with tap() as left, tap() as right:
            assert left.stdout.readline() and right.stdout.readline()
            left.stdout.close()
            assert left.wait(20) == 0, "as `tap | head -1` does"
            assert sluice.stop() == 0
            assert right.wait(20) == 0 and "the relay has ended" in right.stderr.read()


def test_a_relay_that_is_stopped_by_a_signal_keeps_no_command_waiting(binary, world):
    relay = Relay(world, [FeedSpec(TOPIC, 50, ["Account"], merged_every=0)])
    workspace = relay.workspace

    def begin(*arguments):
        return subprocess.Popen(
            [binary, *arguments, "--config", str(workspace.config_path)], cwd=workspace.folder,
            env=workspace.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    with relay.run() as sluice:
        relay.wait_for_delivery(sluice)
        relay.wait_for_cursors()
        pid = sluice.process.pid
        os.kill(pid, signal.SIGSTOP)
        asked = {
            command: begin(*command.split())
            for command in ["status", "top --once", "tap", "replay cancel rp00000000", "rules reload"]
        }
        for command, process in asked.items():
            output, errors = process.communicate(timeout=30)
            assert process.returncode == 3 and output == "", f"{command}: {process.returncode}\n{output}{errors}"
            assert f"{workspace.store}.run/control: the relay (process {pid}) accepts connections there" in errors
            assert f"`kill -CONT {pid}` lets it go on" in errors and len(errors.splitlines()) == 1, errors
            assert ("may still be done" in errors) == command.startswith("replay"), errors
        os.kill(pid, signal.SIGCONT)
        assert f"process {pid} " in workspace.command("status", "--config", str(workspace.config_path)).stdout
        assert sluice.stop() == 0


def test_a_relay_that_answers_runs_whatever_its_lock_file_says(binary, world):
    relay = Relay(world, [FeedSpec(TOPIC, 50, ["Account"], merged_every=0)])
    workspace = relay.workspace
    with relay.run() as sluice:
        relay.wait_for_delivery(sluice)
        relay.wait_for_cursors()
        os.unlink(f"{workspace.store}.lock")
        shown = workspace.command("status", "--config", str(workspace.config_path)).stdout
        assert f"Relay: process {sluice.process.pid} " in shown and "streaming" in shown, shown
        checked = workspace.command("doctor", "--config", str(workspace.config_path)).stdout
        assert "store: in use by a relay" in checked, checked
        assert sluice.stop() == 0


def test_an_address_for_monitoring_that_is_taken(binary, world):
    hooks = Hooks(world, events=1)
    hooks.add("there")
    config = hooks.workspace.config_path
    with socket.create_server(("127.0.0.1", 0)) as taken:
        config.write_text(config.read_text() + f'console: {{listen: "127.0.0.1:{taken.getsockname()[1]}"}}\n')
        with hooks.run() as sluice:
            assert sluice.wait(20) == 3
    said = sluice.matching("cannot listen at 127.0.0.1")
    assert len(said) == 1 and "address already in use. Choose another address in console.listen" in said[0], said


def test_another_user_is_told_that_the_relay_is_not_his_to_ask(binary, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root can be somebody else")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        done = subprocess.run([binary, "init", "."], cwd=folder, capture_output=True, text=True, timeout=20)
        assert done.returncode == 0, done.stderr
        (folder / "sluice.db.run").mkdir(mode=0o700)
        try:
            done = subprocess.run(
                [binary, "tap"], cwd=folder, capture_output=True, text=True, timeout=20, user=65534, group=65534)
        except PermissionError:
            pytest.skip("the binary lies where nobody else may look")
    assert done.returncode == 3 and "ask as the relay's own user" in done.stderr, done.stderr


def test_an_output_that_cannot_be_written_is_an_error(binary):
    with open("/dev/full", "w") as full:
        done = subprocess.run([binary, "rules", "schema"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=20)
    assert done.returncode == 3 and done.stderr == "sluice: cannot write the output: no space left on device.\n"


def test_init_keeps_the_secrets_that_somebody_filled_in(binary, tmp_path):
    def init(*arguments):
        return subprocess.run([binary, "init", *arguments], capture_output=True, text=True, timeout=20, cwd=tmp_path)

    assert init("").returncode == 2 and "name of the folder is empty" in init("").stderr
    assert init("x").returncode == 0
    (tmp_path / "x" / ".env").write_text("SF_CLIENT_ID=mine\n")
    (tmp_path / "x" / "sluice.yaml").write_text("broken")
    assert init("x").returncode == 2
    done = init("x", "--force")
    assert done.returncode == 0 and ".env is there already, and was left as it is" in done.stderr
    assert (tmp_path / "x" / ".env").read_text() == "SF_CLIENT_ID=mine\n"
    assert (tmp_path / "x" / "sluice.yaml").read_text() != "broken"
