from datetime import date

import pytest
from domicile_catalog import Catalogue, load_catalogue

TODAY = date(2026, 6, 1)


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return load_catalogue()


@pytest.fixture
def today() -> date:
    return TODAY
