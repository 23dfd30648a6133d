"""Puts markers and their labels on a sheet so that none covers another. The same markers give the same places."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import cos, hypot, pi, sin

from domicile_cli.generated.geometry import Box, Point

_GAPS = (3.0, 6.0, 12.0, 20.0, 30.0, 42.0, 56.0, 72.0, 90.0, 115.0, 145.0, 180.0)
_DIRECTIONS = 24
_LINE_FROM = 6.0
"""From which gap on a label needs a line to its marker."""


@dataclass(frozen=True, slots=True)
class Marker:
    """What is to be labelled: a disc around a point, and the size of its label."""

    key: str
    at: Point
    radius: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Label:
    """Where a label stands, and the line to its marker, if it needs one."""

    box: Box
    line: tuple[Point, Point] | None


def spread(markers: Sequence[Marker], margin: float = 1.5) -> list[Marker]:
    """The markers moved apart as little as it takes, so that none covers another."""
    points = {marker.key: marker.at for marker in markers}
    pairs = [(one, other) for at, one in enumerate(markers) for other in markers[:at]]
    for _ in range(200):
        moved = False
        for one, other in pairs:
            (ax, ay), (bx, by) = points[one.key], points[other.key]
            apart, needed = hypot(ax - bx, ay - by), one.radius + other.radius + margin
            if apart >= needed:
                continue
            dx, dy = ((ax - bx) / apart, (ay - by) / apart) if apart else (1.0, 0.0)
            push = (needed - apart) / 2 + 0.01
            points[one.key], points[other.key] = (ax + dx * push, ay + dy * push), (bx - dx * push, by - dy * push)
            moved = True
        if not moved:
            break
    return [Marker(m.key, points[m.key], m.radius, m.width, m.height) for m in markers]


def place_labels(markers: Sequence[Marker], bounds: Box, blocked: Sequence[Box] = ()) -> dict[str, Label]:
    """A label for each marker inside the bounds, as near as is free; the most crowded markers choose first.

    Where nothing near is free a label stands where it covers something, rather than nowhere.
    """
    placed: dict[str, Label] = {}
    for marker in sorted(markers, key=lambda one: (-_crowd(one, markers), one.key)):
        others = [one for one in markers if one.key != marker.key]
        around = list(_around(marker))
        inside = [one for one in around if bounds.holds(one.box)] or around
        free = (one for one in inside if _is_free(one, others, placed, blocked))
        placed[marker.key] = next(free, inside[0])
    return placed


def _crowd(marker: Marker, markers: Sequence[Marker]) -> int:
    x, y = marker.at
    return sum(abs(x - one.at[0]) < marker.width and abs(y - one.at[1]) < 3 * marker.height for one in markers)


def _around(marker: Marker) -> Iterator[Label]:
    """The places for a label, the best first: near before far, beside before above."""
    x, y = marker.at
    turns = sorted(range(_DIRECTIONS), key=lambda turn: (abs(sin(2 * pi * turn / _DIRECTIONS)), turn))
    for gap in _GAPS:
        for turn in turns:
            dx, dy = cos(2 * pi * turn / _DIRECTIONS), sin(2 * pi * turn / _DIRECTIONS)
            reach = marker.radius + gap
            middle_x = x + dx * reach + _lean(dx) * marker.width / 2
            middle_y = y + dy * reach + _lean(dy) * marker.height / 2
            left, top = middle_x - marker.width / 2, middle_y - marker.height / 2
            box = Box(left, top, left + marker.width, top + marker.height)
            yield Label(box, _line(marker, box) if gap >= _LINE_FROM else None)


def _lean(share: float) -> float:
    return max(-1.0, min(1.0, 1.4 * share))


def _line(marker: Marker, box: Box) -> tuple[Point, Point]:
    x, y = marker.at
    end = box.nearest(marker.at)
    far = hypot(end[0] - x, end[1] - y) or 1.0
    return (x + (end[0] - x) * marker.radius / far, y + (end[1] - y) * marker.radius / far), end


def _is_free(label: Label, others: Sequence[Marker], placed: dict[str, Label], blocked: Sequence[Box]) -> bool:
    if any(label.box.meets(box) for box in blocked):
        return False
    if any(_reaches(label.box.nearest(one.at), one) for one in others):
        return False
    if any(label.box.meets(other.box, 1.0) for other in placed.values()):
        return False
    if any(other.line and _crosses_box(other.line, label.box) for other in placed.values()):
        return False
    if label.line is None:
        return True
    line = label.line
    return not (
        any(_reaches(point, one) for one in others for point in _along(line))
        or any(_crosses_box(line, other.box) for other in placed.values())
        or any(_crosses_box(line, box) for box in blocked)
        or any(other.line and _cross(line, other.line) for other in placed.values())
    )


def _reaches(point: Point, marker: Marker, margin: float = 1.5) -> bool:
    return hypot(point[0] - marker.at[0], point[1] - marker.at[1]) < marker.radius + margin


def _along(line: tuple[Point, Point]) -> list[Point]:
    """Points of a line, a unit or less apart."""
    (ax, ay), (bx, by) = line
    steps = int(hypot(bx - ax, by - ay)) + 1
    return [(ax + (bx - ax) * at / steps, ay + (by - ay) * at / steps) for at in range(steps + 1)]


def _crosses_box(line: tuple[Point, Point], box: Box) -> bool:
    return any(box.left <= x <= box.right and box.top <= y <= box.bottom for x, y in _along(line))


def _cross(one: tuple[Point, Point], other: tuple[Point, Point]) -> bool:
    (a, b), (c, d) = one, other
    return _side(a, b, c) * _side(a, b, d) < 0 and _side(c, d, a) * _side(c, d, b) < 0


def _side(a: Point, b: Point, point: Point) -> float:
    return (b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0])
