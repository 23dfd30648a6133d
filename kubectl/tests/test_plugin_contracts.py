"""What the plugin writes and waits for is what the operator reads and tells."""

from pathlib import Path

import yaml
from domicile_kubectl import names
from domicile_kubectl.commands.operation import State

ROOT = Path(__file__).resolve().parents[2]
SOURCES = "\n".join(file.read_text() for file in (ROOT / "operators/src").rglob("*.py"))
CRD = yaml.safe_load((ROOT / "operators/deploy/crd.yaml").read_text())["spec"]


def schema():
    return CRD["versions"][0]["schema"]["openAPIV3Schema"]["properties"]


def test_the_annotations_and_answers_are_named_as_the_operator_names_them():
    for name in (names.PAUSED, names.PLAN, names.RECONCILE_AT):
        assert name.replace(names.GROUP, 'f"{GROUP}', 1) in SOURCES, name
    status = schema()["status"]["properties"]
    assert {"plan", "lastHandledReconcileAt", "operation"} <= set(status)
    assert {"observedGeneration", "create", "update", "delete", "unchanged", "changes"} <= set(
        status["plan"]["properties"]
    )
    assert {"acts", "since", "playUntil"} <= set(status["operation"]["properties"])


def test_the_conditions_that_are_waited_for_are_those_of_the_crd():
    types = schema()["status"]["properties"]["conditions"]["items"]["properties"]["type"]["enum"]
    assert {"Paused", "OperationInForce"} | names.BAD_WHEN_TRUE <= set(types)


def test_the_states_are_those_of_the_crd():
    spec = schema()["spec"]["properties"]
    assert {state.value for state in State} | {"Suspended"} == set(spec["state"]["enum"])
    assert set(spec["suspension"]["properties"]) == {"withdrawals"}
