"""A plan from what Pulumi writes of it: `pulumi preview --json`, or the file of `--save-plan`.

Pure: the text goes in, the plan comes out. The form is Pulumi 3.200's, `pkg/display/json.go` and
`sdk/go/common/apitype/plan.go`. A preview leaves out what stays as it is unless it is asked with `--show-sames`; a
saved plan has differences in place of properties, so that only what is to happen can be judged of it.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from domicile_policies.plan.resource import (
    UNKNOWN,
    Operation,
    Options,
    Plan,
    PlannedResource,
    Provider,
    name_of,
)

UNKNOWNS = frozenset(
    {
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
"""What Pulumi writes for a boolean, number, string, array, asset, archive or object that is not known."""
SECRET = "[secret]"  # noqa: S105
SIGNATURE = "4dabf18193072939515e22adb298388d"
_PROVIDER = "pulumi:providers:"

# An operation in several steps is what it comes to: a replacement is written as three.
_OPERATIONS = {
    "same": Operation.SAME,
    "create": Operation.CREATE,
    "import": Operation.CREATE,
    "update": Operation.UPDATE,
    "refresh": Operation.SAME,
    "read": Operation.READ,
    "delete": Operation.DELETE,
    "discard": Operation.READ,
    "read-discard": Operation.READ,
    "remove-pending-replace": Operation.SAME,
    "replace": Operation.REPLACE,
    "create-replacement": Operation.REPLACE,
    "delete-replaced": Operation.REPLACE,
    "discard-replaced": Operation.REPLACE,
    "read-replacement": Operation.REPLACE,
    "import-replacement": Operation.REPLACE,
}


class PreviewError(ValueError):
    """A text that is no plan of Pulumi's, or has what this reading of it does not know."""


def read_preview(text: str, stack: str | None = None) -> Plan:
    """The plan of a preview's JSON, or of a saved plan. Raises PreviewError.

    `stack` is needed for nothing but a plan without any resource; elsewhere the URNs tell.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise PreviewError(f"This is no JSON: {error}. Give the output of `pulumi preview --json`.") from None
    saved = document.get("plan", document) if isinstance(document, Mapping) else None
    bare = False
    if isinstance(saved, Mapping) and "resourcePlans" in saved:
        resources, changes, bare = _saved(saved["resourcePlans"]), True, True
    elif isinstance(document, Mapping) and "steps" in document:
        steps = document["steps"] or []
        resources = _steps(steps)
        # Providers are counted as well, and are no resources of the plan.
        shown = sum(_operation(one["op"], one["urn"]) is Operation.SAME for one in steps)
        changes = (document.get("changeSummary") or {}).get("same", 0) > shown
    elif isinstance(document, Mapping) and "changeSummary" in document:
        # Nothing is shown where nothing changes.
        resources, changes = (), True
    else:
        raise PreviewError("This is no plan: it has neither steps nor resourcePlans. Use `pulumi preview --json`.")
    named = {one.urn.split("::")[0].removeprefix("urn:pulumi:") for one in resources}
    if len(named) > 1:
        raise PreviewError(f"This is the plan of several stacks: {', '.join(sorted(named))}.")
    return Plan(stack=next(iter(named), stack or ""), resources=resources, changes_only=changes, without_inputs=bare)


def plan_of_steps(steps: Iterable[Mapping[str, Any]], stack: str) -> Plan:
    """The plan of steps that somebody else has gathered, in the form of a preview's JSON. Raises PreviewError.

    It may lack what stays as it is. Each step has `op` and `urn`, and `oldState` or `newState`.
    """
    return Plan(stack, _steps(list(steps)), changes_only=True)


def _steps(steps: list[Mapping[str, Any]]) -> tuple[PlannedResource, ...]:
    states: dict[str, Mapping[str, Any]] = {}
    operations: dict[str, Operation] = {}
    for step in steps:
        urn = step["urn"]
        operation = _operation(step["op"], urn)
        # Deleting what was replaced is a part of the replacement, and comes before or after it.
        if operations.get(urn) is not Operation.REPLACE:
            operations[urn] = operation
        if (state := step.get("newState")) or urn not in states:
            states[urn] = state or step.get("oldState") or {}
    inputs = {urn: _value(state.get("inputs") or {}) for urn, state in states.items()}
    return tuple(
        PlannedResource(
            urn=urn,
            type=state.get("type", urn.split("::")[2].rpartition("$")[2]),
            name=name_of(urn),
            properties=inputs[urn],
            options=Options(
                protect=bool(state.get("protect")),
                retain_on_delete=bool(state.get("retainOnDelete")),
                parent=state.get("parent"),
                aliases=tuple(state.get("aliases") or ()),
            ),
            provider=provider(state.get("provider"), inputs),
            operation=operations[urn],
            dependencies={key: tuple(urns or ()) for key, urns in (state.get("propertyDependencies") or {}).items()},
        )
        for urn, state in states.items()
        if not state.get("external") and not _is_provider(urn)
    )


def _saved(plans: Mapping[str, Mapping[str, Any]]) -> tuple[PlannedResource, ...]:
    found = []
    for urn, plan in plans.items():
        steps = [_operation(step, urn) for step in plan.get("steps") or ()]
        operation = next((one for one in steps if one is Operation.REPLACE), steps[-1] if steps else Operation.SAME)
        goal = plan.get("goal") or {}
        if _is_provider(urn):
            continue
        found.append(
            PlannedResource(
                urn=urn,
                type=goal.get("type", urn.split("::")[2].rpartition("$")[2]),
                name=name_of(urn),
                options=Options(protect=bool(goal.get("protect")), parent=goal.get("parent")),
                provider=provider(goal.get("provider"), {}),
                operation=operation,
            )
        )
    return tuple(found)


def provider(reference: str | None, inputs: Mapping[str, Mapping[str, Any]]) -> Provider | None:
    """The provider of a reference (its URN, `::`, its id), with its inputs where the plan has them."""
    if not reference:
        return None
    urn = reference.rpartition("::")[0]
    return Provider(name=name_of(urn), urn=urn, properties=inputs.get(urn))


def _operation(op: str, urn: str) -> Operation:
    if op not in _OPERATIONS:
        raise PreviewError(f"{name_of(urn)} is to be {op!r}, an operation that is not known here: nothing is judged.")
    return _OPERATIONS[op]


def _is_provider(urn: str) -> bool:
    return urn.split("::")[2].rpartition("$")[2].startswith(_PROVIDER)


def _value(value: Any) -> Any:
    """A value with UNKNOWN for what is unknown or kept secret."""
    if isinstance(value, str):
        return UNKNOWN if value in UNKNOWNS or value == SECRET else value
    if isinstance(value, list):
        return [_value(one) for one in value]
    if isinstance(value, Mapping):
        return UNKNOWN if SIGNATURE in value else {key: _value(one) for key, one in value.items()}
    return value
