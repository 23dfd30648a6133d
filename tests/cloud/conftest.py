"""A world for a whole run: its organisation is up before the first test that asks for it, and so is a cell."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cloud.world import GB, ORGANIZATION, Up, World, running_world


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_world(tmp_path_factory.mktemp("world")) as made:
        yield made


@pytest.fixture(scope="session")
def organization(world: World) -> Up:
    """The organisation, as its first `pulumi up` left it."""
    return world.up(ORGANIZATION)


@pytest.fixture(scope="session")
def cell(world: World, organization: Up) -> Up:
    """The cell for Great Britain, as its first `pulumi up` left it."""
    return world.up(GB)
