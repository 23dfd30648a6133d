"""One cell for the whole run; a tenant's name for each test keeps the tests apart."""

from collections.abc import Iterator

import pytest
from operator_testkit.cell import Cell, Operator
from operator_testkit.servers import stopped_afterwards


@pytest.fixture(scope="session")
def cell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cell]:
    with stopped_afterwards():
        yield Cell(tmp_path_factory.mktemp("cell"))


@pytest.fixture(scope="session")
def operator(cell: Cell) -> Iterator[Operator]:
    running = Operator(cell).start()
    yield running
    running.stop()
