"""Every command that the README shows, run as it stands there."""

import json
import pathlib
import re
import shutil
import subprocess

import pytest

from harness import wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


def blocks(language):
    """The fenced blocks of a language, without the indentation of the list they stand in."""
    found, block, indent = [], None, 0
    for line in README.splitlines():
        text = line.strip()
        if not text.startswith("```"):
            if block is not None:
                block.append(line[indent:])
        elif block is None:
            opened, block, indent = text[3:], [], len(line) - len(text)
        else:
            if opened == language:
                found.append("\n".join(block) + "\n")
            block = None
    return found


COMMANDS = [line for block in blocks("sh") for line in block.splitlines() if line.strip()]


@pytest.fixture
def emulator(binary):
    process = subprocess.Popen([binary, "emulate", "--rate", "5"], stdout=subprocess.PIPE, text=True)
    try:
        lines = []
        while not any("SF_CLIENT_SECRET=" in line for line in lines):
            line = process.stdout.readline()
            assert line, "the emulator ended"
            lines.append(line)
        yield "".join(lines)
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def folder(binary, emulator, tmp_path):
    """What a user has after step 4: `sluice init`, then the emulator's settings in place of an org's."""
    subprocess.run([binary, "init"], cwd=tmp_path, check=True, capture_output=True)
    settings = emulator.split("sluice.yaml:\n")[1].split("environment:\n")
    (tmp_path / "sluice.yaml").write_text(settings[0])
    (tmp_path / ".env").write_text(settings[1].replace("  ", "") + "ERP_TOKEN=any\n")
    rule = tmp_path / "rules" / "production-orders.yaml"
    hook = emulator.split("What arrived: ")[1].split("/emulator")[0] + "/hooks/erp"
    rule.write_text(re.sub(r"url: https\S+", f"url: {hook}\n    allowHttp: true", rule.read_text()))
    (tmp_path / "events.jsonl").write_text('{"schema": "long", "payloadHex": "02"}\n')
    return tmp_path


def sluice(binary, command, folder, **options):
    assert command.startswith("sluice ")
    return subprocess.run(
        command.replace("sluice", str(binary), 1), shell=True, cwd=folder, text=True, capture_output=True, **options
    )


def test_the_readme_shows_the_commands_this_file_knows():
    known = {
        "deploy/demo.sh", "deploy/test.sh", "sluice init", "sluice doctor", "sluice run", "sluice rules lint",
        "sluice status", "sluice cursor list", "sluice decode --json-lines < events.jsonl", "sluice emulate --rate 5",
        "sluice rules init --entity Account --kind webhook -o rules/account.yaml", "sluice rules lint --fix",
        "sluice rules test", "sluice rules eval \"x * 2.0 > 10.0\" --bindings '{\"x\": 6.5}'",
        "sluice rules explain event.json", "sluice rules dry-run edited/ --since 1h", "sluice rules reload",
        "sluice top --once", "sluice dlq list", "sluice dlq retry --since 2h", "sluice replay --since 2h --source journal --dry-run",
    }
    assert set(COMMANDS) == known


@pytest.mark.parametrize("script", ["deploy/demo.sh", "deploy/test.sh"])
def test_the_scripts_are_there_and_are_valid(script):
    path = ROOT / script
    assert path.stat().st_mode & 0o111
    subprocess.run(["bash", "-n", str(path)], check=True)


def test_init_doctor_lint_run_status_and_cursor(binary, folder):
    for command in ["sluice doctor", "sluice rules lint"]:
        result = sluice(binary, command, folder)
        assert result.returncode == 0, f"{command}: {result.stdout}{result.stderr}"
    relay = subprocess.Popen([str(binary), "run"], cwd=folder, stderr=subprocess.PIPE, text=True)
    try:
        wait_until(lambda: "ChangeEvents" in sluice(binary, "sluice cursor list", folder).stdout, "a cursor")
        status = sluice(binary, "sluice status", folder)
        assert status.returncode == 0 and "streaming" in status.stdout
        assert json.loads(sluice(binary, "sluice status --json", folder).stdout)["topics"]
        assert f"process {relay.pid} " in status.stdout
    finally:
        relay.terminate()
        _, errors = relay.communicate(timeout=30)
    assert relay.returncode == 0, errors
    after = sluice(binary, "sluice status", folder).stdout
    assert "No relay is running" in after and "streaming" not in after


def test_the_tasks_about_rules(binary, folder):
    for command in [
        "sluice rules init --entity Account --kind webhook -o rules/account.yaml",
        "sluice rules lint", "sluice rules lint --fix", "sluice rules test",
    ]:
        result = sluice(binary, command, folder)
        assert result.returncode == 0, f"{command}: {result.stdout}{result.stderr}"
    tried = sluice(binary, "sluice rules eval \"x * 2.0 > 10.0\" --bindings '{\"x\": 6.5}'", folder)
    assert tried.returncode == 0 and "true" in tried.stdout


def test_the_tasks_on_call(binary, folder):
    relay = subprocess.Popen([str(binary), "run"], cwd=folder, stderr=subprocess.PIPE, text=True)
    try:
        wait_until(lambda: "ChangeEvents" in sluice(binary, "sluice cursor list", folder).stdout, "a cursor")
        tap = subprocess.Popen(
            [str(binary), "tap", "--json", "--events"], cwd=folder, stdout=subprocess.PIPE, text=True)
        event = tap.stdout.readline()
        tap.terminate()
        tap.wait(10)
        (folder / "event.json").write_text(event)
        shutil.copytree(folder / "rules", folder / "edited")
        for command in [
            "sluice rules explain event.json", "sluice rules reload", "sluice rules dry-run edited/ --since 1h",
            "sluice top --once", "sluice dlq list", "sluice dlq retry --since 2h", "sluice replay --since 2h --source journal --dry-run",
        ]:
            result = sluice(binary, command, folder)
            assert result.returncode == 0, f"{command}: {result.stdout}{result.stderr}"
        found = sluice(binary, f"sluice rules explain {json.loads(event)['replayId']}", folder)
        assert found.returncode == 0 and json.loads(event)["entity"] in found.stdout, found.stderr
    finally:
        relay.terminate()
        _, errors = relay.communicate(timeout=30)
    assert relay.returncode == 0, errors


def test_init_never_overwrites(binary, tmp_path):
    assert sluice(binary, "sluice init", tmp_path).returncode == 0
    (tmp_path / "sluice.yaml").write_text("mine")
    again = sluice(binary, "sluice init", tmp_path)
    assert again.returncode == 2 and "nothing was written" in again.stderr
    assert (tmp_path / "sluice.yaml").read_text() == "mine"


def test_decode(binary, folder):
    result = sluice(binary, "sluice decode --json-lines < events.jsonl", folder)
    assert json.loads(result.stdout)["record"] == 1


def test_the_demo_ends_by_itself_with_a_summary(binary, tmp_path):
    result = sluice(binary, "sluice demo --events 20 --rate 50", tmp_path, timeout=60)
    assert result.returncode == 0, result.stderr
    assert "20 events" in result.stdout and "DEAD LETTERS" in result.stdout
    assert "\x1b[" not in result.stdout


def test_the_rule_of_the_readme_has_no_finding(binary, tmp_path):
    (rule,) = blocks("yaml")
    (tmp_path / "rule.yaml").write_text(rule)
    result = sluice(binary, "sluice rules lint --strict rule.yaml", tmp_path)
    assert result.returncode == 0, result.stdout


def test_the_finding_of_the_readme_is_what_lint_prints(binary, tmp_path):
    shown = next(text for text in blocks("") if "error[unknown-key]" in text)
    (tmp_path / "opportunity.yaml").write_text(
        "sluice: 1\ndestinations:\n  hook: {kind: webhook, url: 'https://x.example'}\nrules:\n  - id: a\n"
        "    description: b\n    match:\n      enity: Opportunity\n      change: [create]\n"
        "    to: {destination: hook, body: {}}\n"
    )
    result = sluice(binary, "sluice rules lint opportunity.yaml", tmp_path)
    assert result.returncode == 2 and shown in result.stdout, result.stdout
