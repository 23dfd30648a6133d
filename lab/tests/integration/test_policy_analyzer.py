"""Policy packs run by the real engine through the lab's launcher. Needs DOMICILE_TOOLS (pulumi)."""

from pathlib import Path

import pytest
from engine_testkit import Project

PROGRAM = """
import pulumi

class Shelf(pulumi.ComponentResource):
    def __init__(self, name, boards):
        super().__init__("trial:index:Shelf", name, {"boards": boards})
        self.register_outputs({})

Shelf("one", pulumi.Config().get_int("boards") or 3)
"""
PACK = """
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy, StackValidationPolicy

def boards(args, report):
    if args.resource_type == "trial:index:Shelf" and args.props["boards"] > 5:
        report(f"{args.name} has {args.props['boards']:g} boards")

def count(args, report):
    report(f"{len(args.resources)} resources in {args.resources[0].urn.split(':')[2]}")

PolicyPack("furniture", policies=[
    ResourceValidationPolicy(name="at-most-five-boards", description="Shelves have at most five boards.",
                             validate=boards, enforcement_level=EnforcementLevel.MANDATORY),
    StackValidationPolicy(name="count", description="Says how many there are.",
                          validate=count, enforcement_level=EnforcementLevel.ADVISORY),
])
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path, PROGRAM)
    made.write("pack/PulumiPolicy.yaml", "runtime: python\nversion: 1.2.3\ndescription: rules of the test\n")
    made.write("pack/__main__.py", PACK)
    return made


def test_a_mandatory_violation_fails_preview_and_update_and_names_the_policy(project: Project) -> None:
    project.pulumi("config", "set", "boards", "6")
    for command in (["preview"], ["up", "--yes", "--skip-preview"]):
        shown = project.pulumi(*command, "--policy-pack", "pack", fails=True)
        assert "furniture@v1.2.3" in shown
        assert "[mandatory]  at-most-five-boards" in shown and "one has 6 boards" in shown


def test_advice_is_printed_and_fails_nothing(project: Project) -> None:
    shown = project.pulumi("preview", "--policy-pack", "pack")
    assert "[advisory]  count" in shown and "2 resources in test" in shown
    assert "mandatory" not in shown


def test_a_pack_that_cannot_start_fails_the_preview_with_its_fault(project: Project) -> None:
    project.write("pack/__main__.py", "raise ValueError('a rule is missing')\n")
    shown = project.pulumi("preview", "--policy-pack", "pack", fails=True)
    assert "ValueError: a rule is missing" in shown


def test_a_pack_without_its_virtual_environment_says_how_to_make_it(project: Project) -> None:
    project.write("pack/PulumiPolicy.yaml", "runtime:\n  name: python\n  options:\n    virtualenv: gone\n")
    assert "uv venv" in project.pulumi("preview", "--policy-pack", "pack", fails=True)
