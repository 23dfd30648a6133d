"""The Pulumi engine, through its Automation API: the same program, project and state as `pulumi up` in a shell."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml
from domicile_catalog.environment import TrustAnchor
from domicile_infra.stacks import StackRef, stack_file
from domicile_policies.names import CELL_SETTING
from pulumi import automation
from pulumi.automation import EngineEvent

PROJECT_FILE = "Pulumi.yaml"
_REMEDIES = (
    ("PULUMI_ACCESS_TOKEN", "Say where stacks' state is kept: `pulumi login s3://<bucket>`, or PULUMI_BACKEND_URL."),
    ("incorrect passphrase", "PULUMI_CONFIG_PASSPHRASE, or the file of PULUMI_CONFIG_PASSPHRASE_FILE, has another."),
)
"""What to do about words of the engine's that do not say it."""
OnEvent = Callable[[EngineEvent], None]


class Operation(StrEnum):
    """What the engine is asked to do with a stack."""

    PREVIEW = "preview"
    UP = "up"
    REFRESH = "refresh"
    DESTROY = "destroy"


class EngineError(Exception):
    """The engine could not do what it was asked; the message is for people, `detail` has its last words."""

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Engine:
    """The engine over one project folder. `policy_pack` is a folder, or None for no pack.

    `variables` are for the program and the pack beside the process's own environment: where the environment's folder
    lies, and whose word counts there.
    """

    root: Path
    variables: Mapping[str, str]
    policy_pack: Path | None = None
    parallel: int | None = None

    def run(self, ref: StackRef, operation: Operation, on_event: OnEvent) -> None:
        """Run one operation on a stack, telling every event; EngineError when it fails."""
        stack = self._select(ref)
        packs = [str(self.policy_pack)] if self.policy_pack else None
        common: dict[str, Any] = {"on_event": on_event, "parallel": self.parallel, "suppress_outputs": True}
        try:
            match operation:
                case Operation.PREVIEW:
                    common.pop("suppress_outputs")
                    stack.preview(policy_packs=packs, **common)
                case Operation.UP:
                    stack.up(policy_packs=packs, **common)
                case Operation.REFRESH:
                    stack.refresh(**common)
                case Operation.DESTROY:
                    _without_hooks(stack)
                    stack.destroy(**common)
        except automation.ConcurrentUpdateError as error:
            raise EngineError(
                f"The stack {ref.name} is locked: another update runs, or one ended without unlocking it. "
                f"If none runs, `pulumi cancel --stack {ref.name}` removes the lock.",
                str(error),
            ) from error
        except automation.CommandError as error:
            raise EngineError(f"{operation} of the stack {ref.name} failed.", last_words(str(error))) from error

    def output(self, ref: StackRef, name: str) -> Any:
        """What a stack exports under a name as of its last update; None where it exports nothing of that name."""
        try:
            found = self._select(ref).outputs().get(name)
        except automation.CommandError as error:
            raise EngineError(f"The stack {ref.name} does not tell what it exports.", str(error)) from error
        return None if found is None else found.value

    def standing(self, ref: StackRef) -> list[Mapping[str, Any]]:
        """Every resource of the stack, as its state has it; EngineError where it cannot be read."""
        try:
            return _resources(self._select(ref).export_stack())
        except automation.CommandError as error:
            raise EngineError(f"The state of the stack {ref.name} cannot be read.", str(error)) from error

    def _select(self, ref: StackRef) -> automation.Stack:
        write_stack_file(self.root, ref)
        options = automation.LocalWorkspaceOptions(env_vars={"PULUMI_SKIP_UPDATE_CHECK": "true", **self.variables})
        try:
            return automation.create_or_select_stack(ref.name, work_dir=str(self.root), opts=options)
        except automation.CommandError as error:
            raise EngineError(f"The stack {ref.name} cannot be opened.", last_words(str(error))) from error


def last_words(told: str) -> str:
    """What the engine wrote to standard error before it ended, of the Automation API's account, and what to do.

    Standard output has been told by events; where nothing else was written, the whole account.
    """
    said = told.rpartition("\n stderr: ")[2].strip() or told
    return "\n".join([said, *(remedy for words, remedy in _REMEDIES if words in said)])


def _resources(state: automation.Deployment) -> list[Mapping[str, Any]]:
    return (state.deployment or {}).get("resources") or []


def _without_hooks(stack: automation.Stack) -> None:
    """Take the program's hooks out of the state: to run them, a destroy would need the program.

    The program refuses what has become unlawful, and that above all must go. What the hooks ask is asked before.
    """
    state = stack.export_stack()
    hooked = [one for one in _resources(state) if one.get("resourceHooks")]
    if hooked:
        for one in hooked:
            del one["resourceHooks"]  # type: ignore[attr-defined]
        stack.import_stack(state)


def project_root(start: Path) -> Path:
    """The folder of the Pulumi project that a folder is in; EngineError where there is none."""
    for folder in (start.resolve(), *start.resolve().parents):
        if (folder / PROJECT_FILE).exists():
            return folder
    raise EngineError(f"{start} is inside no Pulumi project: {PROJECT_FILE} is in none of its parent folders.")


def variables_of(folder: Path, anchor: TrustAnchor) -> dict[str, str]:
    """What tells the program and the pack to read the folder that was checked, and to trust whom it was checked by."""
    found = {"DOMICILE_ENVIRONMENTS": str(folder.resolve().parent)}
    if anchor.root is not None:
        found["DOMICILE_ATTESTATION_ROOT"] = anchor.root
    if anchor.minimum_serial is not None:
        found["DOMICILE_ATTESTATION_SERIAL"] = str(anchor.minimum_serial)
    return found


def write_stack_file(root: Path, ref: StackRef) -> None:
    """Make the stack's file where there is none; one that names another environment or cell is refused."""
    path = root / "environments" / f"Pulumi.{ref.name}.yaml"
    if not path.exists():
        path.write_text(stack_file(ref))
        return
    written = yaml.safe_load(path.read_text()) or {}
    kept = written.get("config") or {}
    other = [key for key in (*ref.config, CELL_SETTING) if kept.get(key, ref.config.get(key)) != ref.config.get(key)]
    if other:
        raise EngineError(f"{path.name} belongs to another environment or cell: its {other[0]} is {kept[other[0]]}.")
    if ref.config.items() - kept.items():  # `pulumi stack init` makes the file without what is ours
        path.write_text(yaml.safe_dump({**written, "config": {**kept, **ref.config}}, sort_keys=False))
