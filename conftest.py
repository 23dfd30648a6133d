"""What every suite shares: drills, and properties whose examples are not timed.

Drills are tests that inject seeded faults, a sample of them in every run and the full count in `make soak`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import settings

# How long an example takes says how busy the machine is. CI tries the same examples each time, so that what fails there
# fails for the change; developers' runs look further.
settings.register_profile("domicile", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "domicile")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("drills")
    group.addoption("--soak", action="store_true", help="run every drill with its full count of faults")
    group.addoption("--drill-most", type=int, default=None, help="inject at most so many faults in each drill")
    group.addoption("--drill-seed", type=int, default=20, help="where the drills' randomness starts (default 20)")


@dataclass(frozen=True)
class Drill:
    """What a drill needs to know: its seed, how many faults to inject, and where to say how many it did."""

    seed: int
    soak: bool
    most: int | None
    record: Callable[[str, object], None]

    def count(self, sample: int, full: int) -> int:
        """How many faults (or examples) to run: `sample` in the suites, `full` in a soak."""
        wanted = full if self.soak else sample
        return wanted if self.most is None else max(1, min(wanted, self.most))

    def injected(self, faults: int) -> None:
        """Record what was really done; `make soak` writes it down. A drill that did nothing fails."""
        assert faults > 0, "the drill injected nothing"
        self.record("faults", faults)


@pytest.fixture
def drill(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> Drill:
    if request.node.get_closest_marker("drill") is None:
        raise pytest.UsageError("a test that uses `drill` is marked with it, so that `make soak` finds it")
    option = request.config.getoption
    return Drill(option("drill_seed"), option("soak"), option("drill_most"), record_property)
