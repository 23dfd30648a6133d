"""Findings that a person let through, each for a reason."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

import yaml

FILE: Final = Path(__file__).with_name("waivers.yaml")
KEYS: Final = frozenset({"check", "resource", "reason"})
SHORTEST: Final = 30
"""Characters of a reason; less explains nothing."""


@dataclass(frozen=True)
class Waiver:
    """`resource` is a resource's title, in which * stands for any text."""

    check: str
    resource: str
    reason: str

    def covers(self, check: str, title: str) -> bool:
        return self.check == check and fnmatchcase(title, self.resource)


def read_waivers(path: Path = FILE) -> list[Waiver]:
    """The waivers of a file. Raises ValueError with every fault in it, one a line."""
    entries = yaml.safe_load(path.read_text()) or []
    faults = [fault for at, one in enumerate(entries, start=1) for fault in _faults(f"{path.name}, entry {at}", one)]
    if faults:
        raise ValueError("\n".join(faults))
    found = [Waiver(one["check"], one["resource"], one["reason"].strip()) for one in entries]
    times = Counter((one.check, one.resource) for one in found)
    twice = [f"{path.name}: {check} on {resource} is waived twice" for (check, resource), n in times.items() if n > 1]
    if twice:
        raise ValueError("\n".join(twice))
    return found


def _faults(where: str, entry: Any) -> list[str]:
    if not isinstance(entry, dict) or set(entry) != KEYS:
        return [f"{where}: needs check, resource and reason, and nothing else"]
    empty = [key for key in sorted(KEYS) if not isinstance(entry[key], str) or not entry[key].strip()]
    if empty:
        return [f"{where}: {key} must be a text that says something" for key in empty]
    if len(entry["reason"].strip()) < SHORTEST:
        return [
            f"{where}: {entry['reason'].strip()!r} is no reason: say why this check does not hold for this resource"
        ]
    if not entry["resource"].strip("*?:"):
        return [
            f"{where}: waives {entry['check']} for everything: name the type at least, as `aws:s3/bucket:Bucket::*`"
        ]
    return []
