"""What was read of mounted folders, for as long as no file in them has changed.

The cell's description and its attestations are asked for in every pass, so that a change needs no restart; with a
thousand tenants that is the same YAML and the same signatures again and again.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")
Stamp = tuple[tuple[str, int, int, int], ...]


class Unchanged(Generic[T]):
    """Takes the folders that the answers are read from. What cannot be read is asked for again."""

    def __init__(self, *folders: Path | None) -> None:
        self._folders = [folder for folder in folders if folder is not None]
        self._kept: tuple[Sequence[Stamp], object, T] | None = None

    def of(self, read: Callable[[], T], question: object = None) -> T:
        """What `read` gives, or gave to the same question while the files were the same: then the very same object.
        Raises what that raises."""
        # Before the reading: a file that is written meanwhile is read again.
        stamps, kept = [stamp_of(folder) for folder in self._folders], self._kept
        if kept is not None and kept[0] == stamps and kept[1] == question:
            return kept[2]
        found = read()
        self._kept = stamps, question, found
        return found


def stamp_of(folder: Path) -> Stamp:
    """Name, inode, time of writing and size of each file; of links, of what they lead to, since a mounted ConfigMap is
    links that are turned all at once."""
    found = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                status = entry.stat()
                found.append((entry.name, status.st_ino, status.st_mtime_ns, status.st_size))
    except OSError:
        return ()
    return tuple(sorted(found))
