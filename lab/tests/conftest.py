"""Which of these tests run by default."""

import sys
from pathlib import Path

import pytest

# Tests are imported by path, so what they share needs a name that no other member's tests use.
sys.path.insert(0, str(Path(__file__).parent))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave tests/integration out unless it is named: it runs the Pulumi engine and boots an API server."""
    if collection_path.name != "integration":
        return None
    return None if any("integration" in str(argument) for argument in config.args) else True
