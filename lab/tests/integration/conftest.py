"""One API server for the whole run, of the operator's test kit; a namespace for each test keeps the tests apart."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[3] / "operators" / "tests"))

from operator_testkit.servers import Cluster, stopped_afterwards
from operator_testkit.tls import Authority


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("cluster")
    with stopped_afterwards():
        yield Cluster(folder, Authority(folder))
