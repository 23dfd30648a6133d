"""A world for a whole run: its organisation is up before the first test that asks for it, and so is a cell."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Iterator

import pytest
from domicile_lab.cloud import running_cloud

from tests.cloud.world import GB, ORGANIZATION, ROOT, Up, World

sys.path.insert(0, str(ROOT / "operators" / "tests"))

from operator_testkit.servers import Cluster, stop_all
from operator_testkit.tls import Authority


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A cloud whose EKS clusters are one real kube-apiserver, which asks the cloud whose a token is."""
    folder = tmp_path_factory.mktemp("world")
    try:
        with running_cloud(folder / "cloud") as cloud:
            authority = Authority(folder)
            cluster = Cluster(folder, authority, asks_of_tokens=f"{cloud.raw_url}/domicile/tokenreview")
            ca = base64.b64encode(authority.certificate.read_bytes()).decode()
            about = {"endpoint": cluster.url, "certificate_authority": ca}
            (cloud.folder / "cluster.json").write_text(json.dumps(about))
            yield World(folder, cloud, cluster)
    finally:
        stop_all()


@pytest.fixture(scope="session")
def organization(world: World) -> Up:
    """The organisation, as its first `pulumi up` left it."""
    return world.up(ORGANIZATION)


@pytest.fixture(scope="session")
def cell(world: World, organization: Up) -> Up:
    """The cell for Great Britain, as its first `pulumi up` left it."""
    return world.up(GB)
