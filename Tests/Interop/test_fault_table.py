"""FAULTS.md tells the truth: each test that it names exists, and each fault that is tested is named."""

import importlib
import pathlib
import re

import test_faults

TABLE = (pathlib.Path(__file__).parent / "FAULTS.md").read_text()
NAMED = re.findall(r"`(test_\w+)\.py::(test_\w+)(?:\[((?:[^`])*)\])?`", TABLE)


def cases(function) -> set:
    """The ids of its parameters, as pytest makes them."""
    found = {""}
    for mark in getattr(function, "pytestmark", []):
        if mark.name != "parametrize":
            continue
        values, names = mark.args[1], mark.kwargs.get("ids")
        if callable(names):
            ids = [names(value) for value in values]
        else:
            ids = names or ["-".join(str(item) for item in (v if isinstance(v, tuple) else (v,))) for v in values]
        found = {f"{one}-{other}".strip("-") for one in found for other in ids}
    return found


def test_every_test_that_the_table_names_exists():
    assert len(NAMED) > 50, "the table is read as it is written"
    for module, name, case in NAMED:
        function = getattr(importlib.import_module(module), name, None)
        assert function, f"{module}.py has no {name}"
        case = case.replace("\\|", "|")
        assert case in cases(function), f"{module}.py::{name} has no case '{case}': {sorted(cases(function))}"


def test_every_fault_is_in_the_table():
    named = {(name, case) for module, name, case in NAMED if module == "test_faults"}
    for name, faults in [
        ("test_salesforce", test_faults.SALESFORCE), ("test_receiver", test_faults.RECEIVERS),
        ("test_machine", test_faults.MACHINE),
    ]:  # fmt: skip
        for fault in faults:
            assert (name, fault.name) in named, f"{fault.name} is not in FAULTS.md"
