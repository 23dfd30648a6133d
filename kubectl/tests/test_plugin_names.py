"""The plugin imports nothing of the operator: what both mean the same by is held against the operator's files."""

import re
from pathlib import Path

import pytest
import yaml
from domicile_kubectl import names
from domicile_kubectl.completion import complete
from domicile_kubectl.main import app
from domicile_kubectl.next_steps import STEPS, Where, next_step
from typer.main import get_command

ROOT = Path(__file__).resolve().parents[2]
CRD = yaml.safe_load((ROOT / "operators/deploy/crd.yaml").read_text())["spec"]
SOURCES = "\n".join(file.read_text() for file in (ROOT / "operators/src").rglob("*.py"))
OF_THE_PLUGIN = "\n".join(file.read_text() for file in (ROOT / "kubectl/src").rglob("*.py"))


def schema():
    return CRD["versions"][0]["schema"]["openAPIV3Schema"]["properties"]


def test_group_version_and_plural_are_the_crd_s():
    assert (CRD["group"], CRD["versions"][0]["name"], CRD["names"]["plural"]) == (
        names.GROUP, names.VERSION, names.PLURAL,
    )  # fmt: skip


def test_every_condition_that_is_walked_is_one_of_the_crd():
    types = schema()["status"]["properties"]["conditions"]["items"]["properties"]["type"]["enum"]
    assert set(names.BUILT_IN_ORDER) < set(types)


def test_the_deployments_and_the_migration_are_named_as_the_operator_names_them():
    for name in (*names.DEPLOYMENTS, names.MIGRATION.rstrip("-")):
        assert f'"{name}"' in SOURCES or f'"{name}-' in SOURCES or f"{name}-" in SOURCES, name


@pytest.mark.parametrize("code", [code for code in STEPS if code.isupper()])
def test_every_code_with_a_step_is_one_that_the_operator_or_the_plugin_says(code):
    said = OF_THE_PLUGIN.replace((ROOT / "kubectl/src/domicile_kubectl/next_steps.py").read_text(), "")
    assert f'"{code}"' in SOURCES or f'"{code}"' in said


@pytest.mark.parametrize("code", [*STEPS, "SOMETHING_ELSE", "SomethingElse"])
def test_every_step_names_the_tenant_s_own_things_and_leaves_no_gap(code):
    for answer in (True, False):
        step = next_step(code, Where("acme-gb", "GB", "casino-acme-gb"), answer)
        assert step and not re.search(r"\{[a-z]", step)


# Completion


COMMAND = get_command(app)


def completed(*words):
    return [one.split("\t")[0] for one in complete(words, COMMAND, lambda given: ["acme-br", "acme-gb", str(given)])]


def test_commands_are_completed_with_what_they_do():
    assert {"list", "explain", "why-not-ready"} <= set(completed(""))
    assert completed("expl") == ["explain"]
    assert all("\t" in line for line in complete([""], COMMAND, lambda given: []))


def test_a_tenant_s_name_is_completed_once_and_by_the_cluster_that_was_named():
    assert completed("explain", "acme-g") == ["acme-gb"]
    assert completed("explain", "acme-gb", "") == []
    assert completed("list", "acme") == []
    assert "{'context': 'live', 'kubeconfig': '/k'}" in completed("explain", "--context", "live", "--kubeconfig=/k", "")


def test_options_are_completed_and_their_values_are_not():
    assert set(completed("explain", "--")) >= {"--json", "--context", "--kubeconfig"}
    assert completed("explain", "--context", "") == []
    assert completed("no-such-command", "") == []
    assert completed()
