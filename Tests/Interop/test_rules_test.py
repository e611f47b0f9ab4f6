"""`sluice rules test` as a person runs it: the examples pass, a failure names its place, signatures are those that an
independent implementation makes."""

import base64
import hashlib
import hmac
import json
import subprocess
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[2] / "schemas" / "examples"

RULES = """sluice: 1
destinations:
  hook:
    kind: webhook
    url: https://hook.example.com/in
    sign: {scheme: standard-webhooks, secrets: [{env: NOT_SET_ANYWHERE}]}
rules:
  - id: hot-account
    match: {entity: Account, change: [create, update]}
    when: record.?Rating.orDefault('') == 'Hot'
    to: {destination: hook, body: {id: "${recordId}", name: "${record.?Name}"}}
"""

TEST = """sluice: 1
suite: accounts
given:
  now: 2026-11-22T03:00:00Z
  secrets: {NOT_SET_ANYWHERE: whsec_c2VjcmV0IG9mIHRoZSB0ZXN0cw==}
tests:
  - name: hot
    event: {entity: Account, change: update, ids: [001000000000001AAA], changed: {Rating: Hot, Name: "Zürich \\" AG"}}
    expect:
      # all of it
      deliveries:
        - rule: hot-account
          headers: {webhook-id: "?", webhook-timestamp: "?", webhook-signature: "?"}
          bodyText: "?"
"""


def sluice(binary, *arguments, cwd=None):
    command = [binary, "rules", "test", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=cwd)


def folder(tmp_path, test=TEST):
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "rules.yaml").write_text(RULES)
    (rules / "rules.test.yaml").write_text(test)
    return rules


def test_the_examples_pass_with_full_coverage(binary):
    done = sluice(binary, EXAMPLES, "--coverage", "100", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["suites"] == 7 and report["failed"] == 0 and report["tests"] >= 46
    assert report["coverage"]["percent"] == 100


def test_a_failure_names_its_place_and_the_shortest_path(binary, tmp_path):
    done = sluice(binary, "rules", cwd=folder(tmp_path).parent)
    assert done.returncode == 1
    first = done.stdout.splitlines()[0]
    assert first.startswith("rules/rules.test.yaml:1") and "failed[accounts / hot]: delivery 1" in first
    assert done.stdout.splitlines()[-1] == "1 suite, 1 test: 0 passed, 1 failed"


def test_an_update_writes_what_came_and_its_signature_is_right(binary, tmp_path):
    rules = folder(tmp_path)
    assert sluice(binary, rules, "--update").returncode == 1
    assert sluice(binary, rules).returncode == 0
    text = (rules / "rules.test.yaml").read_text()
    assert "      # all of it\n" in text
    values = dict(line.strip().split(": ", 1) for line in text.splitlines() if ": " in line)
    body = json.loads(values["bodyText"])
    assert json.loads(body) == {"id": "001000000000001AAA", "name": 'Zürich " AG'}
    message = f"{values['webhook-id']}.{json.loads(values['webhook-timestamp'])}.{body}".encode()
    mac = hmac.new(b"secret of the tests", message, hashlib.sha256).digest()
    assert json.loads(values["webhook-signature"]) == "v1," + base64.b64encode(mac).decode()
    assert json.loads(values["webhook-timestamp"]) == "1795316400"


def test_a_wrong_file_is_bad_input(binary, tmp_path):
    rules = folder(tmp_path, TEST.replace("event:", "evnt:"))
    done = sluice(binary, rules)
    assert done.returncode == 2
    assert "error[unknown-key]: 'evnt' is not a key of a test" in done.stdout
    assert "did you mean 'event'?" in done.stdout


def test_no_tests_at_all_do_not_pass(binary, tmp_path):
    rules = folder(tmp_path)
    (rules / "rules.test.yaml").unlink()
    assert sluice(binary, rules).returncode == 2
    assert sluice(binary, rules / "none.test.yaml").returncode == 2


def test_a_filter_chooses(binary):
    done = sluice(binary, EXAMPLES, "--filter", "overflow")
    assert done.returncode == 0 and ", 1 test: 1 passed, 0 failed" in done.stdout.splitlines()[-1]
    assert sluice(binary, EXAMPLES, "--filter", "no such test").returncode == 2
