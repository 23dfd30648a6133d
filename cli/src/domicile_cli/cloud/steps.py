"""What an operation would do to each resource, in the form of a preview's JSON. Pure: no engine, no terminal."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pulumi.automation import EngineEvent, StepEventStateMetadata


@dataclass(slots=True)
class Steps:
    """The steps of a preview, kept from the engine's events."""

    told: list[dict[str, Any]] = field(default_factory=list)

    def see(self, event: EngineEvent) -> None:
        """Take one event into account."""
        if event.resource_pre_event:
            step = event.resource_pre_event.metadata
            states = {"oldState": _state(step.old), "newState": _state(step.new)}
            self.told.append({"op": step.op.value, "urn": step.urn} | {key: one for key, one in states.items() if one})


def deletions(resources: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The steps that delete all of these, which are as a stack's state has them."""
    return [{"op": "delete", "urn": one["urn"], "oldState": one} for one in resources]


def _state(told: StepEventStateMetadata | None) -> dict[str, Any] | None:
    if told is None:
        return None
    return {
        "type": told.type,
        "protect": bool(told.protect),
        "retainOnDelete": bool(told.retain_on_delete),
        "parent": told.parent or None,
        "provider": told.provider or None,
        "inputs": dict(told.inputs or {}),
    }
