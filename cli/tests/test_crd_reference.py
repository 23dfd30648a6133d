"""The reference page of CasinoTenant: every field of the schema, every condition, every code of the operator."""

import ast
import gc
import re
from pathlib import Path

import pytest
import yaml
from domicile_cli.generated.files import sources_of
from domicile_cli.generated.operator_codes import OPERATOR, read_codes
from domicile_cli.generated.reference import fields, meanings, reference

ROOT = Path(__file__).resolve().parents[2]
CRD = (ROOT / "operators/deploy/crd.yaml").read_text()
SCHEMA = yaml.safe_load(CRD)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
SOURCES = sources_of(ROOT)
PAGE = reference(CRD, SOURCES)
CODES = read_codes(SOURCES)


def of(text):
    return read_codes({f"{OPERATOR}/x.py": text})


@pytest.mark.parametrize("part", ["spec", "status"])
def test_every_field_is_described(part):
    """`kubectl explain` tells it too."""
    lacking = [one.path for one in fields(SCHEMA, part) if not one.schema.get("description")]
    assert lacking == [], "add `description` to operators/deploy/crd.yaml"


@pytest.mark.parametrize("part", ["spec", "status"])
def test_every_field_has_a_line_with_its_path(part):
    for one in fields(SCHEMA, part):
        assert f"\n| `{one.path}` | " in PAGE


def test_every_rule_of_the_schema_is_told_in_its_own_words():
    assert all(message in PAGE for message in _messages(SCHEMA))
    assert len(_messages(SCHEMA)) == len(re.findall(r"(?m)^ +- rule:", CRD)) > 0


def test_a_rule_over_the_whole_spec_is_told_below_its_heading():
    document = yaml.safe_load(CRD)
    schema = document["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    schema["properties"]["spec"]["x-kubernetes-validations"] = [{"rule": "true", "message": "Of the whole."}]
    assert "## spec\n\n- Of the whole.\n\n| field |" in reference(yaml.safe_dump(document), SOURCES)


def _messages(schema):
    return [
        " ".join(rule["message"].split())
        for node in _nodes(schema)
        for rule in node.get("x-kubernetes-validations", ())
    ]


def _nodes(schema):
    yield schema
    for child in (*schema.get("properties", {}).values(), *filter(None, [schema.get("items")])):
        yield from _nodes(child)


def test_every_condition_has_a_meaning_and_a_reason():
    types = SCHEMA["properties"]["status"]["properties"]["conditions"]["items"]["properties"]["type"]["enum"]
    assert set(meanings(SCHEMA)) == set(types), "each type has a line `Type: meaning` in the field's description"
    assert set(CODES.reasons) == set(types), "each type has a reason that the operator writes down"


def test_the_codes_are_those_that_the_sources_raise():
    raised = set(re.findall(r'\bFault\(\s*"([A-Z_]+)"', "\n".join(SOURCES.values())))
    refused = set(re.findall(r'\bRefused\(\s*"([A-Z_]+)"|\bcode="([A-Z_]+)"', "\n".join(SOURCES.values())))
    assert raised <= set(CODES.faults) and {code for pair in refused for code in pair if code} <= set(CODES.refusals)
    assert {"KUBERNETES_FORBIDDEN", "KUBERNETES_ERROR"} <= set(CODES.faults)
    assert {"LICENCE_EXPIRED", "LIMIT_LAXER", "PRODUCT_NOT_LICENSED"} <= set(CODES.refusals)
    assert "RULES" not in CODES.refusals and not set(CODES.faults) & set(CODES.refusals)


def test_a_message_is_told_up_to_its_first_stop_with_gaps_for_what_differs():
    found = of('Fault("A_B", f"Cell {name} has no " f"{what}. Add it.")\nRefused(code="C", message="No. Never.")')
    assert (found.faults, found.refusals) == ({"A_B": "Cell … has no …."}, {"C": "No."})


def test_a_reason_is_told_with_every_status_that_it_comes_with():
    found = of(
        'READY = "Ready"\nCondition(READY, "True", "Live", "")\nCondition(READY, "False", "A" if x else "B", "")\n'
        'Condition(READY, "Unknown", "A", "")\nCondition(READY, "False", fault.code, "")\nCondition(other, "True", "C")'
    )
    assert found.reasons == {"Ready": {"Live": "True", "A": "False, Unknown", "B": "False"}}


def test_a_bar_in_a_pattern_ends_no_cell_of_the_table():
    broken = CRD.replace("pattern: ^[a-z][a-z0-9-]*$", "pattern: ^(a|b)$")
    assert "^(a&#124;b)$" in reference(broken, SOURCES)
    for block in PAGE.split("\n\n"):
        rows = [line for line in block.splitlines() if line.startswith("|")]
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) <= 1


def test_the_page_is_made_of_the_schema_given():
    changed = CRD.replace("The name that players see.", "Another meaning.").replace("maxLength: 64", "maxLength: 65", 1)
    assert "| `spec.brand` | string | **required** | 1 to 65 characters | Another meaning. |" in reference(
        changed, SOURCES
    )


def test_a_finaliser_that_parses_spoils_no_reading():
    """Python before 3.11.8 counts the depth of all parsing in one place: SystemError, on a day of bad luck."""

    def of_a_finaliser(phase, info, depth=17):
        ast.parse("x = 1") if depth == 0 else of_a_finaliser(phase, info, depth - 1)

    gc.callbacks.append(of_a_finaliser)
    try:
        assert read_codes(SOURCES) == CODES
    finally:
        gc.callbacks.remove(of_a_finaliser)
    assert gc.isenabled()
