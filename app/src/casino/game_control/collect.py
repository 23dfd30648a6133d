"""Output of the generator for a laboratory, by the same calls as every game makes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from casino.game_control.rng import RandomNumberGenerator
from casino.kernel.errors import ConfigurationError

CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Collected:
    """What was written. `bound` is None for raw output; `width` is the bytes of one number."""

    path: Path
    size: int
    sha256: str
    bound: int | None
    width: int


def width_of(bound: int) -> int:
    """How many bytes hold every number below the bound."""
    return max(1, ((bound - 1).bit_length() + 7) // 8)


def collect(
    generator: RandomNumberGenerator,
    path: Path,
    size: int,
    bound: int | None = None,
    *,
    force: bool = False,
    progress: Callable[[int], object] = lambda done: None,
) -> Collected:
    """Write `size` bytes: raw output, or with a bound numbers from `below`, each big-endian in its width.

    Raises ConfigurationError when the file exists and `force` is not given, when it cannot be written, or when the
    size holds no whole count of numbers; RngFailure when a health test fails. What was half written is removed.
    """
    width = 1 if bound is None else width_of(bound)
    if size <= 0 or size % width:
        raise ConfigurationError(f"{size} bytes hold no whole count of numbers of {width} bytes")
    try:
        file = path.open("wb" if force else "xb")
    except FileExistsError:
        raise ConfigurationError(f"{path} exists; --force writes over it") from None
    except OSError as error:
        raise ConfigurationError(f"cannot write {path}: {error.strerror}") from error
    try:
        with file:
            digest = _write(generator, file, size, bound, progress)
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise ConfigurationError(f"cannot write {path}: {error.strerror}") from error
        raise
    return Collected(path, size, digest, bound, width)


def _write(
    generator: RandomNumberGenerator,
    file: BinaryIO,
    size: int,
    bound: int | None,
    progress: Callable[[int], object],
) -> str:
    digest = hashlib.sha256()
    width = 1 if bound is None else width_of(bound)
    written = 0
    while written < size:
        amount = min(CHUNK - CHUNK % width, size - written)
        if bound is None:
            chunk = generator.random_bytes(amount)
        else:
            chunk = b"".join(generator.below(bound).to_bytes(width, "big") for _ in range(amount // width))
        file.write(chunk)
        digest.update(chunk)
        written += amount
        progress(written)
    return digest.hexdigest()
