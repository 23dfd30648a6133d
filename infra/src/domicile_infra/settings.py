"""What a run of the program is told: its stack's two names, and where the environment lies. The program's edge."""

import os
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pulumi
from domicile_catalog import Fault, load_catalogue
from domicile_catalog.documents import located
from domicile_catalog.environment import Surroundings, TrustAnchor, check_cells, read_surroundings

from domicile_infra.stacks import StackRef, stacks_of


@dataclass(frozen=True, slots=True)
class Settings:
    """One run: the environment as it was read, the stack that is built, and the law's day.

    `root` is the project's folder, the one with Pulumi.yaml. `games_keys` are whose signatures under manifests of games
    count in a cell: like the anchor they are told to who runs the program, and stand in no environment.
    """

    root: Path
    folder: Path
    around: Surroundings
    ref: StackRef
    anchor: TrustAnchor
    on: date
    games_keys: tuple[str, ...] = ()


def read_settings() -> Settings:
    """Read the stack's configuration and its environment. Raises pulumi.RunError with everything that is wrong."""
    root = Path(pulumi.get_root_directory())
    config = pulumi.Config()
    name, cell = config.get("environment"), config.get("cell")
    if not name:
        raise pulumi.RunError(
            f"The stack {pulumi.get_stack()} says of no environment that it is part of it. Write its file with "
            "`domicile up`, or set it: `pulumi config set environment <name>`, and for a cell `pulumi config set cell "
            "<name>`."
        )
    folder = Path(os.environ.get("DOMICILE_ENVIRONMENTS") or root / "environments") / name
    serial = os.environ.get("DOMICILE_ATTESTATION_SERIAL")
    anchor = TrustAnchor(os.environ.get("DOMICILE_ATTESTATION_ROOT") or None, int(serial) if serial else None)
    today = datetime.now(UTC).date()
    around = _read(folder, anchor, today)
    keys = tuple(filter(None, os.environ.get("DOMICILE_GAMES_KEYS", "").split(",")))
    return Settings(root, folder, around, _stack(around, name, cell), anchor, today, keys)


def _read(folder: Path, anchor: TrustAnchor, on: date) -> Surroundings:
    faults: list[Fault] = []
    around = read_surroundings(folder, load_catalogue(), anchor, faults)
    faults += [located(fault, folder) for fault in check_cells(around, on)]
    if faults:
        lines = "\n".join(f"  {fault}" for fault in faults)
        raise pulumi.RunError(f"{folder.name} cannot be built, and nothing was changed:\n{lines}")
    return around


def _stack(around: Surroundings, name: str, cell: str | None) -> StackRef:
    """The stack of the environment that this run is; the configuration and the stack's own name must agree."""
    known = stacks_of(around.environment) if around.environment else ()
    wanted = StackRef(pulumi.get_stack(), name, cell)
    if wanted not in known:
        have = ", ".join(ref.name for ref in known) or "none"
        what = f"the cell {cell}" if cell else "the organisation"
        raise pulumi.RunError(f"{name} has no stack {wanted.name} that is {what}: it has {have}.")
    return wanted
