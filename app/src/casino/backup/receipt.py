"""What is written down with a backup. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from casino.backup.errors import BackupUnknown
from casino.wallet.api import Figures

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Receipt:
    """One backup, as it is told beside the dump and in the status of the CasinoBackup.

    `instant` is the snapshot's, aware; `snapshot` is restic's id of the dump; `bytes` and `sha256` are of the dump
    before it was sealed, `stored_bytes` what it added to the store. `schema` is the name of the newest migration.
    """

    backup: str
    tenant: str
    licence: str
    instant: datetime
    snapshot: str
    bytes: int
    stored_bytes: int
    sha256: str
    image: str
    catalogue: str
    schema: str
    server: str
    ledger: Figures

    def as_json(self) -> dict[str, Any]:
        return {"format": FORMAT, **asdict(self), "instant": self.instant.isoformat()}

    @classmethod
    def read(cls, text: str) -> Receipt:
        """What `as_json` wrote. Raises BackupUnknown for anything else."""
        try:
            found: dict[str, Any] = json.loads(text)
            if found.pop("format") != FORMAT:
                raise ValueError
            ledger = Figures(**found.pop("ledger"))
            return cls(**found | {"instant": datetime.fromisoformat(found["instant"]), "ledger": ledger})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BackupUnknown("what lies beside the dump is no receipt of this program's format") from error


def differences(written: Figures, found: Figures) -> list[str]:
    """What of a ledger is not as it was written down, a sentence each."""
    was: Mapping[str, Any] = written.as_json()
    now: Mapping[str, Any] = found.as_json()
    return [f"{name} is {now[name]}, and {was[name]} was written down" for name in was if was[name] != now[name]]
