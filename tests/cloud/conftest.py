"""A world for a whole run: its organisation is up before the first test that asks for it, and so is a cell."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from domicile_lab.cloud import running_cloud

from tests.cloud.world import GB, ORGANIZATION, ROOT, Up, World

sys.path.insert(0, str(ROOT / "operators" / "tests"))

from operator_testkit.servers import Cluster, stop_all  # noqa: E402 - the path above leads there
from operator_testkit.tls import Authority  # noqa: E402


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A real kube-apiserver, which stands behind every EKS cluster of the world."""
    folder = tmp_path_factory.mktemp("cluster")
    try:
        yield Cluster(folder, Authority(folder))
    finally:
        stop_all()


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory, cluster: Cluster) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    with running_cloud(folder / "cloud") as cloud:
        yield World(folder, cloud)


@pytest.fixture(scope="session")
def organization(world: World) -> Up:
    """The organisation, as its first `pulumi up` left it."""
    return world.up(ORGANIZATION)


@pytest.fixture(scope="session")
def cell(world: World, organization: Up) -> Up:
    """The cell for Great Britain, as its first `pulumi up` left it."""
    return world.up(GB)


__all__ = ["Path", "json"]
