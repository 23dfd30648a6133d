import sys
from datetime import date
from pathlib import Path

import pytest
from domicile_catalog import Catalogue, load_catalogue

# Tests are imported by path, so what they share needs a name that no other member's tests use.
sys.path.insert(0, str(Path(__file__).parent))

TODAY = date(2026, 6, 1)


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return load_catalogue()


@pytest.fixture
def today() -> date:
    return TODAY
