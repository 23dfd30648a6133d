"""The interpreter of a Pulumi program or policy pack, and what is installed in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

INSTALLED = """
import importlib.metadata, json, platform
found = [
    {"name": d.metadata["Name"], "version": d.version, "requires": d.requires or []}
    for d in importlib.metadata.distributions()
]
print(json.dumps({"python": platform.python_version(), "distributions": found}))
"""


class InterpreterError(Exception):
    """The program's interpreter cannot be used; the text says what to do."""


def interpreter(root: str, options: Mapping[str, Any], environment: Mapping[str, str]) -> str:
    """The Python for a program: the option `virtualenv` (a folder, relative to `root`), DOMICILE_PYTHON, or ours.

    Raises InterpreterError when the virtualenv option names a folder that has no interpreter.
    """
    if folder := options.get("virtualenv"):
        python = Path(root) / str(folder) / "bin" / "python"
        if not os.access(python, os.X_OK):
            raise InterpreterError(
                f"The virtual environment {folder!r}, which Pulumi.yaml's runtime option `virtualenv` names, has no "
                f"{python}. Make it with `uv venv {python.parent.parent}` and install the program's dependencies, or "
                "take the option out: the program is then run by DOMICILE_PYTHON or the lab's own interpreter."
            )
        return str(python)
    return environment.get("DOMICILE_PYTHON") or sys.executable


def installed(python: str) -> dict[str, Any]:
    """What `python` has: {python: version, distributions: [{name, version, requires}]}."""
    result = subprocess.run([python, "-P", "-c", INSTALLED], capture_output=True, text=True, check=False)
    if result.returncode:
        raise InterpreterError(f"{python} cannot list its packages: {result.stderr.strip()[-500:]}")
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def normal(name: str) -> str:
    """A distribution's name in the spelling that compares (PEP 503)."""
    return name.lower().replace("_", "-").replace(".", "-")


def distribution(requirement: str) -> str:
    """The distribution that a requirement (PEP 508) names."""
    end = next((i for i, c in enumerate(requirement) if not (c.isalnum() or c in "-_.")), len(requirement))
    return normal(requirement[:end])
