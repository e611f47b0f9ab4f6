"""`sluice rules schema` held against an independent validator: it takes and refuses what `rules lint` does."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from rest_org import WritableOrg

jsonschema = pytest.importorskip("jsonschema")
yaml = pytest.importorskip("yaml")

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "schemas" / "examples"
CORPUS = ROOT / "Tests" / "RulesTests" / "Corpus"
RULE_FILES = sorted(path for path in [*EXAMPLES.glob("*.yaml"), *CORPUS.glob("*.yaml")] if not path.name.endswith(".test.yaml"))
TEST_FILES = sorted(EXAMPLES.glob("*.test.yaml"))

# What is wrong with a file as YAML: the two parsers need not see the same in it.
YAML_CODES = {
    "yaml", "yaml-tag", "yaml-flow", "yaml-alias", "yaml-tab", "yaml-encoding", "yaml-documents", "duplicate-key", "too-deep",
}


class CoreLoader(yaml.SafeLoader):
    """YAML 1.2 core schema, as editors read it: `on`, times and dates are text."""


CoreLoader.yaml_implicit_resolvers = {}
CoreLoader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])
CoreLoader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))
CoreLoader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?[0-9]+$"), list("-+0123456789"))
CoreLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$"), list("-+0123456789.")
)


def run(binary, *arguments):
    return subprocess.run([binary, "rules", *map(str, arguments)], capture_output=True, text=True, timeout=60)


def validator(binary, *arguments):
    done = run(binary, "schema", *arguments)
    assert done.returncode == 0, done.stderr
    schema = json.loads(done.stdout)
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


def findings(binary, path):
    return json.loads(run(binary, "lint", path, "--json").stdout)["findings"]


def load(path):
    return yaml.load(path.read_bytes(), Loader=CoreLoader)


def refused_keys(errors):
    """Paths of keys that may not be there, looking into the branch of anyOf and oneOf that was meant."""
    found = set()
    for error in errors:
        path = tuple(error.absolute_path)
        if error.validator == "additionalProperties" and error.validator_value is False:
            allowed = set(error.schema.get("properties", {}))
            patterns = [re.compile(pattern) for pattern in error.schema.get("patternProperties", {})]
            found |= {
                (*path, key) for key in error.instance if key not in allowed and not any(p.search(key) for p in patterns)
            }
        elif error.schema is False:
            found.add(path)
        elif error.context:
            branches = {}
            for inner in error.context:
                branches.setdefault(inner.schema_path[0], []).append(inner)
            meant = [
                branch
                for branch in branches.values()
                if not any(
                    (inner.validator in ("type", "enum") and tuple(inner.absolute_path) == path) or inner.validator == "const"
                    for inner in branch
                )
            ]
            if meant:
                found |= refused_keys(min(meant, key=len))
    return found


@pytest.mark.parametrize("path", RULE_FILES, ids=lambda path: path.name)
def test_lint_and_schema_refuse_the_same_keys(binary, path):
    found = findings(binary, path)
    if any(finding["code"] in YAML_CODES for finding in found):
        pytest.skip("not a file that two YAML parsers read alike")
    errors = list(validator(binary).iter_errors(load(path)))
    lint = sorted(
        re.match(r"'(.*?)'", finding["message"])[1]
        for finding in found
        # The kind of a delivery is that of its destination, which may be in another file.
        if finding["code"] == "unknown-key"
    )
    assert sorted(key[-1] for key in refused_keys(errors) if key[-1] in lint) == lint
    if not any(finding["severity"] == "error" for finding in found):
        assert errors == []


@pytest.mark.parametrize("path", TEST_FILES, ids=lambda path: path.name)
def test_the_tests_of_the_examples_are_valid(binary, path):
    assert list(validator(binary, "--tests").iter_errors(load(path))) == []


def test_names_of_an_org(binary):
    check = validator(binary, "--org", CORPUS / "schema")
    for name, fits in [("schema-clean", True), ("schema-unknown-entity", False), ("schema-unknown-field", False)]:
        assert check.is_valid(load(CORPUS / f"{name}.yaml")) == fits, name


PICKLISTS = """sluice: 1
destinations:
  hook: {kind: webhook, url: https://erp.example/hook}
rules:
  - id: energy
    description: Accounts of industries
    match: {entity: Account, change: [update], changed: [FIELD]}
    when: "record.Industry == 'VALUE'"
    to: {destination: hook, body: {id: "${recordId}"}}
"""


def test_a_snapshot_that_sluice_itself_read_of_an_org(binary, tmp_path):
    """Describe answers and event schemas come from an org; names and picklist values are then checked offline."""
    org = WritableOrg(tmp_path)
    folder = tmp_path / "schema"
    folder.mkdir()
    try:
        (folder / "Account.json").write_text(org.ok("describe", "Account", "--raw"))
        (folder / "Order_Ready__e.avsc").write_text(org.ok("event-schema", "Order_Ready__e", "--json"))
    finally:
        org.end()
    check = validator(binary, "--org", folder)
    names = json.dumps(check.schema)
    assert "Industry" in names and "External_Id__c" in names and "Order_Ready__e" in names

    def linted(field, value):
        path = tmp_path / "rule.yaml"
        path.write_text(PICKLISTS.replace("FIELD", field).replace("VALUE", value))
        found = json.loads(run(binary, "lint", path, "--schema", folder, "--json").stdout)["findings"]
        return check.is_valid(load(path)), {finding["code"]: finding for finding in found}

    assert linted("Industry", "Energy") == (True, {})
    fits, found = linted("Industri", "Energy")
    assert not fits and "Industri" in found["unknown-field"]["message"]
    fits, found = linted("Industry", "Enrgy")
    assert fits, "values are for lint to judge"
    assert found["not-a-picklist-value"]["message"] == "'Enrgy' is not a value of Industry"
    assert "Energy" in found["not-a-picklist-value"]["hint"]
    assert "not-a-picklist-value" in linted("Industry", "Coal")[1], "nobody can choose it any more"
    assert "'energy' is written 'Energy'" in linted("Industry", "energy")[1]["case"]["message"]


def test_the_committed_schemas_are_current(binary):
    for arguments, name in [((), "sluice-rules-1.json"), (("--tests",), "sluice-rules-test-1.json")]:
        assert run(binary, "schema", *arguments).stdout == (ROOT / "schemas" / name).read_text()


def test_a_draft_is_clean_valid_and_passes(binary, tmp_path):
    event = {
        "id": "e-1", "kind": "change", "entity": "Opportunity", "change": "update", "topic": "/data/ChangeEvents",
        "replayId": "AAAAAAABAgM=", "schemaId": "s", "time": "2026-11-22T03:00:30Z", "receivedAt": "2026-11-22T03:00:31Z",
        "recordId": "006000000000001AAA", "org": {"id": "00D000000000001EAA", "alias": "prod"},
        "header": {
            "entityName": "Opportunity", "recordIds": ["006000000000001AAA"], "changeType": "UPDATE",
            "changedFields": ["StageName", "Amount"], "nulledFields": ["NextStep"], "commitTimestamp": 1, "commitNumber": 1,
        },
        "record": {"StageName": "Closed Won", "Amount": 1200, "NextStep": None}, "types": {"Amount": "double"},
    }
    (tmp_path / "won.json").write_text(json.dumps(event))
    for kind in ["webhook", "flowmate", "integrator"]:
        folder = tmp_path / kind
        folder.mkdir()
        arguments = ["init", "--event", tmp_path / "won.json", "--kind", kind, "-o", folder / "won.yaml"]
        done = run(binary, *arguments)
        assert done.returncode == 0, done.stderr
        names = ["sluice-rules-1.json", "sluice-rules-test-1.json", "won.event.json", "won.test.yaml", "won.yaml"]
        assert sorted(path.name for path in folder.iterdir()) == names
        linted = run(binary, "lint", folder, "--strict")
        assert linted.returncode == 0 and "0 errors, 0 warnings" in linted.stdout, linted.stdout
        tested = run(binary, "test", folder, "--coverage", "100")
        assert tested.returncode == 0, tested.stdout
        for name, schema in [("won.yaml", "sluice-rules-1.json"), ("won.test.yaml", "sluice-rules-test-1.json")]:
            check = jsonschema.Draft7Validator(json.loads((folder / schema).read_text()))
            assert list(check.iter_errors(load(folder / name))) == []
        before = {path: path.read_bytes() for path in folder.iterdir()}
        again = run(binary, *arguments)
        assert again.returncode == 2 and "nothing was written" in again.stderr
        assert {path: path.read_bytes() for path in folder.iterdir()} == before
