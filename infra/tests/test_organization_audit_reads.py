"""The audit's role may make the calls that the audit makes, and no other: read from its own source."""

import ast
from functools import cache
from pathlib import Path

import botocore.session
import domicile_audit.cloud
from botocore import xform_name
from domicile_infra.plan.audit_reads import audit_document
from domicile_policies.audit_actions import action_of

SOURCE = Path(domicile_audit.cloud.__file__).parent
SESSION = botocore.session.get_session()
SERVICES = set(SESSION.get_available_services())

IMPLIED = {"timestream:DescribeEndpoints"}
"""What boto3 asks by itself: Timestream's clients look for their endpoint first."""

OUTSIDE = {"sts:AssumeRole"}
"""By which the role is come to, and not what it does."""


@cache
def operations(service: str) -> dict[str, str]:
    return {xform_name(name): name for name in SESSION.get_service_model(service).operation_names}


def called() -> set[str]:
    """Every operation that the source names: as `("service", "operation")`, or beside the module's only service."""
    found = set()
    for path in sorted(SOURCE.rglob("*.py")):
        tree = ast.parse(path.read_text())
        texts = {
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        services = texts & SERVICES
        for node in ast.walk(tree):
            words = [one.value for one in _arguments(node) if isinstance(one, ast.Constant)]
            if len(words) > 1 and words[0] in SERVICES:
                found |= {
                    f"{words[0]}:{operations(words[0])[word]}" for word in words[1:] if word in operations(words[0])
                }
            elif words and isinstance(words[0], str):
                # A helper of the module's own, which is about one service.
                found |= {f"{one}:{operations(one)[words[0]]}" for one in services if words[0] in operations(one)}
            elif isinstance(node, ast.Attribute):
                found |= {f"{one}:{operations(one)[node.attr]}" for one in services if node.attr in operations(one)}
    return found


def _arguments(node: ast.AST) -> list[ast.expr]:
    return node.args if isinstance(node, ast.Call) else []


def test_the_audits_role_may_make_every_call_that_the_audit_makes():
    needed = {action_of(*one.split(":")) for one in called()} - OUTSIDE
    assert len(needed) > 80
    (statement,) = audit_document()["Statement"]
    allowed = set(statement["Action"])
    assert sorted(needed - allowed) == []
    assert sorted(allowed - needed - IMPLIED) == []
