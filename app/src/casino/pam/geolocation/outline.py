"""Whether the whole circle that a device may be in lies inside a territory. Pure geometry.

The border is looked at in a plane around the position: longitude and latitude scaled to metres there (the lengths of a
degree on the WGS 84 ellipsoid). That is linear, so that straight borders stay straight, and over the few kilometres
that a circle has, it is off by far less than the margin that is added.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

Ring = Sequence[tuple[float, float]]
Polygon = Sequence[Ring]

MARGIN_SHARE = 0.01
MARGIN_M = 1.0
"""Added to a device's radius: what the plane, and the rounding of borders to degrees, may be off by."""


def metres_per_degree(latitude: float) -> tuple[float, float]:
    """The length of a degree of longitude and of latitude, in metres, at a latitude."""
    phi = math.radians(latitude)
    east = 111_412.84 * math.cos(phi) - 93.5 * math.cos(3 * phi) + 0.118 * math.cos(5 * phi)
    north = 111_132.92 - 559.82 * math.cos(2 * phi) + 1.175 * math.cos(4 * phi)
    return east, north


def circle_inside(polygons: Sequence[Polygon], longitude: float, latitude: float, radius_m: float) -> bool:
    """Whether the circle lies whole within one polygon, and touches neither its border nor that of a hole."""
    needed = radius_m * (1 + MARGIN_SHARE) + MARGIN_M
    return any(_inside(polygon, longitude, latitude, needed) for polygon in polygons)


def distance_to_border(polygon: Polygon, longitude: float, latitude: float) -> float:
    """Metres to the nearest border."""
    return min(_distance(_plane(ring, longitude, latitude)) for ring in polygon)


def _inside(polygon: Polygon, longitude: float, latitude: float, needed_m: float) -> bool:
    rings = [_plane(ring, longitude, latitude) for ring in polygon]
    if not rings or not _around(rings[0]) or any(_around(hole) for hole in rings[1:]):
        return False
    return all(_distance(ring) > needed_m for ring in rings)


def _plane(ring: Ring, longitude: float, latitude: float) -> list[tuple[float, float]]:
    """The ring in metres east and north of the position, closed."""
    east, north = metres_per_degree(latitude)
    points = []
    before: float | None = None
    for vertex_longitude, vertex_latitude in ring:
        # The first vertex is taken the short way round from the position, each other one from the one before: a
        # territory on both sides of the 180th meridian is one piece.
        offset = vertex_longitude - longitude
        near = 0.0 if before is None else before
        offset -= 360 * round((offset - near) / 360)
        before = offset
        points.append((offset * east, (vertex_latitude - latitude) * north))
    if points and points[0] != points[-1]:
        points.append(points[0])
    return points


def _around(points: list[tuple[float, float]]) -> bool:
    """Whether the ring goes around the origin: a ray to the east crosses it an odd number of times."""
    inside = False
    for (x1, y1), (x2, y2) in pairwise(points):
        if (y1 > 0) != (y2 > 0) and x1 - y1 * (x2 - x1) / (y2 - y1) > 0:
            inside = not inside
    return inside


def _distance(points: list[tuple[float, float]]) -> float:
    return min((_to_segment(x1, y1, x2, y2) for (x1, y1), (x2, y2) in pairwise(points)), default=0.0)


def _to_segment(x1: float, y1: float, x2: float, y2: float) -> float:
    dx, dy = x2 - x1, y2 - y1
    length = dx * dx + dy * dy
    along = 0.0 if length == 0 else max(0.0, min(1.0, -(x1 * dx + y1 * dy) / length))
    return math.hypot(x1 + along * dx, y1 + along * dy)
