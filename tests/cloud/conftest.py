"""A world for a whole run, and what a test finds in it.

Building takes most of the time, so that the world is shared; but no test counts on another. Each asks for what it needs
to find by a fixture here, which builds it or takes it down where it is not so: in the order of the files next to
nothing, in any other order some more.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cloud.world import BR, GB, ORGANIZATION, Up, World, running_world


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


@pytest.fixture
def brazil(world: World, organization: Up) -> None:
    """The cell for Brazil stands."""
    if not world.stands(BR):
        world.up(BR)


@pytest.fixture
def no_brazil(world: World, organization: Up) -> None:
    """The cell for Brazil has not been built, or was taken down."""
    if world.stands(BR):
        world.domicile("destroy", "--stack", BR, "--yes")
