"""Where resources come from: the program run against its tests' stand-in of an engine, or an exported stack."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tests.scan.resource import Resource, Stack, stack_of

ROOT = Path(__file__).resolve().parents[2]
SECRET = "4dabf18193072939515e22adb298388d"
"""The key that marks a value as a special one in Pulumi's wire format; a secret is the only kind that is left here."""


def program() -> list[Stack]:
    """The organisation, a production cell with all that a cell may have, and one with a backup place elsewhere.

    Raises what the program raises. Takes seconds: it loads pulumi_aws.
    """
    sys.path.insert(0, str(ROOT / "infra" / "tests"))
    from cell_testkit import plan
    from cell_testkit.cloud import cell_program, run, whole
    from organization_testkit.recorder import full_world

    elsewhere = run(cell_program(plan(backupPlace="eu-west-1", given={"delegated": False}), workloads=False))
    return [
        _recorded("organization", list(full_world().resources.values())),
        _recorded("cell", whole().resources),
        _recorded("cell-with-backup-elsewhere", elsewhere.resources),
    ]


def _recorded(name: str, registered: list[Any]) -> Stack:
    return stack_of(
        name,
        [
            (
                Resource(one.urn, one.type, one.name, "", plain(one.inputs), one.properties_from),
                one.parent,
                one.custom,
            )
            for one in registered
        ],
    )


def exported(path: Path) -> Stack:
    """The stack of a file that `pulumi stack export` wrote.

    Raises ValueError where the file is no such export, or one of an empty stack.
    """
    document = json.loads(path.read_text())
    resources = (document.get("deployment") or {}).get("resources") if isinstance(document, dict) else None
    if not resources:
        raise ValueError(f"{path} has no deployment.resources: write it with `pulumi stack export --file {path.name}`.")
    return stack_of(
        path.stem,
        [
            (
                Resource(
                    one["urn"],
                    one["type"],
                    one["urn"].split("::", 3)[3],
                    "",
                    plain(one.get("inputs", {})),
                    {key: tuple(urns or ()) for key, urns in (one.get("propertyDependencies") or {}).items()},
                ),
                one.get("parent", ""),
                one.get("custom", False),
            )
            for one in resources
            if not one.get("delete")
        ],
    )


def plain(value: Any) -> Any:
    """The value without Pulumi's wrappings: a secret as what it is, or as a word where it is encrypted; 1 for 1.0."""
    if isinstance(value, dict):
        if SECRET in value:
            return plain(value["value"]) if "value" in value else "(secret)"
        return {key: plain(one) for key, one in value.items() if not key.startswith("__")}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
