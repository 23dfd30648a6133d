"""What an update has done so far, kept from the engine's events. Pure: no engine, no terminal."""

from collections import Counter
from dataclasses import dataclass, field

from pulumi.automation import EngineEvent, OpType

QUIET = {OpType.SAME, OpType.READ, OpType.REFRESH, OpType.DISCARD}
"""Operations that change nothing: what was only read, such as another stack's outputs, is forgotten by the last."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that the engine, a provider or a policy said of a resource; `name` is empty where it is of none."""

    name: str
    message: str
    error: bool
    policy: str = ""


@dataclass(slots=True)
class Tally:
    """The state of an update. `total` is how many resources it is expected to touch; 0 is not known."""

    total: int = 0
    done: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    running: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    summary: dict[str, int] | None = None

    @property
    def count(self) -> int:
        """How many resources are behind us, changed or not."""
        return self.done.total() + len(self.failed)

    @property
    def changes(self) -> dict[str, int]:
        """How many resources were changed, by operation."""
        counted = self.summary if self.summary is not None else self.done
        return {op: number for op, number in sorted(counted.items()) if op not in QUIET and number}

    def see(self, event: EngineEvent) -> None:
        """Take one event into account."""
        if event.resource_pre_event:
            step = event.resource_pre_event.metadata
            self.running[step.urn] = step.op.value
        elif event.res_outputs_event:
            step = event.res_outputs_event.metadata
            self.running.pop(step.urn, None)
            self.done[step.op.value] += 1
        elif event.res_op_failed_event:
            step = event.res_op_failed_event.metadata
            self.running.pop(step.urn, None)
            self.failed.append(name_of(step.urn))
        elif event.policy_event:
            found = event.policy_event
            error = found.enforcement_level == "mandatory"
            name = name_of(found.resource_urn or "")
            self.problems.append(Problem(name, plain(found.message), error, found.policy_name))
        elif event.diagnostic_event:
            said = event.diagnostic_event
            if said.severity in ("error", "warning") and not said.ephemeral and not _of_plugins(said.message):
                self.problems.append(Problem(name_of(said.urn or ""), plain(said.message), said.severity == "error"))
        elif event.summary_event:
            self.summary = {
                getattr(op, "value", op): number for op, number in event.summary_event.resource_changes.items()
            }


def _of_plugins(message: str) -> bool:
    """Where the engine found a plugin: told at every run of the lab, whose plugins are on PATH by intention."""
    return plain(message).startswith("using pulumi-") and "from $PATH" in message


def name_of(urn: str) -> str:
    """The name and last type of a URN as `name (module:Type)`; the stack's own, or none, is empty."""
    parts = urn.split("::")
    if len(parts) != 4 or parts[2].endswith("pulumi:Stack"):
        return ""
    kind = parts[2].rsplit("$", 1)[-1]
    return f"{parts[3]} ({kind.split(':', 1)[-1]})"


def plain(message: str) -> str:
    """The message without the engine's colour marks and empty lines."""
    text = message
    for start in ("<{%", "\x1b["):
        while start in text:
            before, _, rest = text.partition(start)
            end = "%}>" if start == "<{%" else "m"
            text = before + rest.partition(end)[2]
    return "\n".join(line.rstrip() for line in text.splitlines() if line.strip())
