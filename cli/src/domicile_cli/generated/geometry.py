"""Projections of the earth onto a sheet, and the outline of its land."""

import functools
import json
from dataclasses import dataclass
from importlib.resources import files
from math import cos, radians
from typing import Protocol

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle on the sheet, in its units; y grows downwards."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    def meets(self, other: "Box", margin: float = 0) -> bool:
        """Whether the two come closer than the margin."""
        return (
            self.left < other.right + margin
            and other.left < self.right + margin
            and self.top < other.bottom + margin
            and other.top < self.bottom + margin
        )

    def holds(self, other: "Box") -> bool:
        """Whether the other lies inside."""
        return (
            self.left <= other.left
            and other.right <= self.right
            and self.top <= other.top
            and other.bottom <= self.bottom
        )

    def nearest(self, point: Point) -> Point:
        """The point of this rectangle that is nearest to another."""
        return min(max(point[0], self.left), self.right), min(max(point[1], self.top), self.bottom)


class Projection(Protocol):
    """Puts the earth on a sheet."""

    @property
    def frame(self) -> Box:
        """What of the sheet it fills."""

    def at(self, longitude: float, latitude: float) -> Point:
        """Where a point of the earth, in degrees, stands on the sheet."""


@dataclass(frozen=True, slots=True)
class World:
    """The whole breadth of the earth between two latitudes, in the Natural Earth projection (Patterson, 2011)."""

    frame: Box
    north: float

    def at(self, longitude: float, latitude: float) -> Point:
        """Where a point of the earth, in degrees, stands on the sheet."""
        scale = self.frame.width / (2 * _natural_earth(180, 0)[0])
        x, y = _natural_earth(longitude, latitude)
        _, top = _natural_earth(0, self.north)
        return self.frame.left + self.frame.width / 2 + scale * x, self.frame.top + scale * (top - y)


@dataclass(frozen=True, slots=True)
class Window:
    """A smaller part, true to scale at its middle: equirectangular, from its north-west corner."""

    frame: Box
    west: float
    north: float
    south: float

    @property
    def east(self) -> float:
        """The longitude of its right edge."""
        return self.west + self.frame.width / self._across

    @property
    def _down(self) -> float:
        return self.frame.height / (self.north - self.south)

    @property
    def _across(self) -> float:
        return self._down * cos(radians((self.north + self.south) / 2))

    def at(self, longitude: float, latitude: float) -> Point:
        """Where a point of the earth, in degrees, stands on the sheet."""
        across = self.frame.left + (longitude - self.west) * self._across
        return across, self.frame.top + (self.north - latitude) * self._down

    def shows(self, longitude: float, latitude: float) -> bool:
        """Whether the point lies inside."""
        return self.west < longitude < self.east and self.south < latitude < self.north


def _natural_earth(longitude: float, latitude: float) -> Point:
    turn, rise = radians(longitude), radians(latitude)
    two = rise * rise
    four = two * two
    x = turn * (0.8707 + two * (-0.131979 + two * (-0.013791 + four * (0.003971 * two - 0.001529 * four))))
    y = rise * (1.007226 + two * (0.015085 + four * (-0.044475 + 0.028874 * two - 0.005916 * four)))
    return x, y


@functools.cache
def land() -> tuple[tuple[Point, ...], ...]:
    """The outline of the land: rings of longitude and latitude in degrees. See LAND.md for where it is from."""
    rings = json.loads((files(__package__) / "land.json").read_text(encoding="utf-8"))
    return tuple(tuple((ring[at] / 10, ring[at + 1] / 10) for at in range(0, len(ring), 2)) for ring in rings)


def _unbroken(ring: tuple[Point, ...]) -> list[Point]:
    """A ring that crosses the date line, in one piece east of it: a jump to the other edge would cross the map."""
    turn, before = 0, ring[0][0]
    found = []
    for longitude, latitude in ring:
        if abs(longitude - before) > 180:
            turn += 360 if longitude < before else -360
        before = longitude
        found.append((longitude + turn, latitude))
    if min(longitude for longitude, _ in found) < -180:
        return [(longitude + 360, latitude) for longitude, latitude in found]
    return found


def outline(projection: Projection) -> str:
    """The land as the data of an SVG path, to a tenth of the sheet's unit; what lies outside the frame is left out."""
    paths = []
    for ring in land():
        points: list[Point] = []
        for longitude, latitude in _unbroken(ring):
            x, y = projection.at(longitude, latitude)
            if not points or abs(x - points[-1][0]) + abs(y - points[-1][1]) >= 0.7:
                points.append((x, y))
        across, down = [x for x, _ in points], [y for _, y in points]
        if len(points) > 2 and projection.frame.meets(Box(min(across), min(down), max(across), max(down))):
            paths.append("M" + " ".join(f"{x:.1f},{y:.1f}" for x, y in points) + "Z")
    return "".join(paths)
