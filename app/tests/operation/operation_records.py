"""Records of what the casino may do, as the operator writes them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ALL = ("deposit", "register", "stake", "withdraw")
OPERATE = "SELECT outcome, (in_force).revision AS revision FROM wallet.operate($1, $2, $3, $4, $5)"


def record(revision: int = 1, acts: tuple[str, ...] = ALL, play_until: str | None = None, **changes: Any) -> Any:
    """The file's fields. `reason` is given where less than everything is allowed."""
    told = {
        "revision": revision,
        "state": "Live" if len(acts) == len(ALL) else "Suspended",
        "acts": sorted(acts),
        "play_until": play_until,
        "reason": "" if len(acts) == len(ALL) else "The regulator has suspended the licence.",
    }
    return told | changes


def moment(**delta: float) -> str:
    """A moment that far from now."""
    return (datetime.now(UTC) + timedelta(**delta)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


async def operate(pool: Any, told: Any) -> Any:
    """Bring a record into force by the ledger's function, as another pod would."""
    until = datetime.fromisoformat(told["play_until"]) if told["play_until"] else None
    return await pool.fetchrow(OPERATE, told["revision"], told["state"], told["acts"], until, told["reason"])


class Mounted:
    """The file as Kubernetes mounts it, in a folder of its own: a link into a folder that is itself a link."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder, self._version = folder, 0
        self.path = folder / "operation.json"

    def put(self, told: Any) -> None:
        text = told if isinstance(told, bytes) else json.dumps(told).encode()
        self._version += 1
        version = self._folder / f"..{self._version}"
        version.mkdir()
        (version / "operation.json").write_bytes(text)
        (self._folder / "..tmp").symlink_to(version.name)
        (self._folder / "..tmp").rename(self._folder / "..data")
        if not self.path.is_symlink():
            self.path.symlink_to("..data/operation.json")

    def remove(self) -> None:
        self.path.unlink()
