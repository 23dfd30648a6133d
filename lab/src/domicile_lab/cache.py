"""Folders that take long to make: filled beside their place and put there whole, so that one that exists is done."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def filled(target: Path) -> Iterator[Path]:
    """Yield a path beside `target` that does not exist yet; at the end, what was made there becomes `target`.

    On an exception what was made is removed and `target` is left as it was: absent.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        yield partial
        try:
            partial.rename(target)
        except OSError:
            if not target.exists():  # else another checkout was first, and what it made is the same
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
