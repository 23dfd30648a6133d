"""Markers of these tests, and which of them run by default."""

import sys
from pathlib import Path

import pytest

# Tests are imported by path, so what they share needs a name that no other member's tests use.
sys.path.insert(0, str(Path(__file__).parent))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "apiserver: needs DOMICILE_TOOLS, the folder of kube-apiserver and etcd")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave tests/integration out unless it is named, or selected by `-m apiserver`: it boots servers."""
    if collection_path.name != "integration":
        return None
    named = any("integration" in str(argument) for argument in config.args)
    return None if named or "apiserver" in (config.option.markexpr or "") else True
