"""A map of the world's AWS regions, and how many jurisdictions may keep a cell in each, as one SVG."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from textwrap import wrap
from xml.sax.saxutils import escape, quoteattr

from domicile_catalog import Catalogue, Place

from domicile_cli.generated.cells import Standing, standings
from domicile_cli.generated.geometry import Box, Point, Window, World, outline
from domicile_cli.generated.labels import Label, Marker, place_labels, spread
from domicile_cli.generated.legend import DARK, LIGHT, Shades, panel, text, words

WIDTH = 1400.0
_WORLD = World(frame=Box(16, 88, WIDTH - 16, 688), north=83.7)
# Europe's regions stand too close for the world's scale; the South Pacific has none.
_INSET = Window(frame=Box(24, 412, 372, 688), west=-14, north=61.5, south=37.5)
_RADIUS = 9.5
_REACH = 12.3
_LETTER = 7.85
_LABEL_HEIGHT = 14.0
_LETTERS_IN_A_LINE = 170
_STYLE = (
    "text{font-family:Helvetica,Arial,'Liberation Sans',sans-serif;fill:#1f2937}"
    ".code{font:13px Menlo,'DejaVu Sans Mono','Liberation Mono',monospace;paint-order:stroke;stroke:#f8fafc;"
    "stroke-width:3px;stroke-linejoin:round}"
    ".count{font-size:10.5px;font-weight:bold;text-anchor:middle}"
    ".line{stroke:#64748b;stroke-width:.8}"
    ".land{fill:#d6dde5;stroke:#bcc6d1;stroke-width:.5}"
    ".small{font-size:12.5px}.head{font-size:14px;font-weight:bold}.title{font-size:22px;font-weight:bold}"
)


@dataclass(frozen=True, slots=True)
class _Region:
    """An AWS region on the map: where, whether it must be named, and whose cells it may hold."""

    place: Place
    latitude: float
    longitude: float
    separate: bool
    jurisdictions: tuple[str, ...]

    @property
    def marker(self) -> Marker:
        """Its marker before it has a place on a sheet."""
        radius = _REACH if self.separate else _RADIUS
        return Marker(self.place.code, (0, 0), radius, _LETTER * len(self.place.code) + 2, _LABEL_HEIGHT)


def atlas(catalogue: Catalogue, on: date) -> str:
    """The map as a self-contained SVG document, for a casino outside production under the law of a day.

    A region without coordinates is listed below the map and not drawn. The same arguments give the same text.
    """
    found = standings(catalogue, on)
    regions, undrawn = _regions(catalogue, found)
    shades = Shades.of([len(region.jurisdictions) for region in regions])
    inside = [region for region in regions if _INSET.shows(region.longitude, region.latitude)]
    outside = [region for region in regions if region not in inside]
    bottom, below = panel(catalogue, found, shades, undrawn, Box(24, _WORLD.frame.bottom + 14, WIDTH - 24, 0))
    height = bottom + 16
    title, told = "Where a casino's cell may stand", words(catalogue, found)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:.0f} {height:.0f}" role="img" '
        'aria-labelledby="map-title map-told">',
        f'<title id="map-title">{title}</title><desc id="map-told">{escape(told)}</desc>',
        f"<style>{_STYLE}</style>",
        "<defs>",
        *(_clip(name, frame) for name, frame in (("world", _WORLD.frame), ("inset", _INSET.frame))),
        "</defs>",
        f'<rect width="{WIDTH:.0f}" height="{height:.0f}" rx="14" fill="#f8fafc"/>',
        f'<text class="title" x="24" y="38">{title}</text>',
        *(text(line, 24, 60 + 18 * at) for at, line in enumerate(wrap(told, _LETTERS_IN_A_LINE))),
        f'<path class="land" clip-path="url(#world)" d="{outline(_WORLD)}"/>',
        *_shown_in_the_inset(inside),
        *_drawn(catalogue, outside, _WORLD, shades, blocked=(_INSET.frame,)),
        _frame(_INSET.frame),
        f'<path class="land" clip-path="url(#inset)" d="{outline(_INSET)}"/>',
        *_drawn(catalogue, inside, _INSET, shades),
        *below,
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _regions(catalogue: Catalogue, found: Sequence[Standing]) -> tuple[list[_Region], list[str]]:
    """Every AWS region that has coordinates, and the codes of those that have none."""
    regions, undrawn = [], []
    for code, place in sorted(catalogue.places.items()):
        if place.kind != "aws" or place.partition is None:
            continue
        if place.latitude is None or place.longitude is None:
            undrawn.append(code)
            continue
        homes = tuple(standing.code for standing in found if code in standing.regions)
        separate = not catalogue.partitions[place.partition].implicit
        regions.append(_Region(place, place.latitude, place.longitude, separate, homes))
    return regions, undrawn


def _drawn(
    catalogue: Catalogue,
    regions: Sequence[_Region],
    projection: World | Window,
    shades: Shades,
    blocked: Sequence[Box] = (),
) -> list[str]:
    """The markers of regions and their labels; the lines first, so that no marker is crossed out."""
    blank = [region.marker for region in regions]
    at = [projection.at(region.longitude, region.latitude) for region in regions]
    markers = spread([Marker(m.key, here, m.radius, m.width, m.height) for m, here in zip(blank, at, strict=True)])
    labels = place_labels(markers, projection.frame, blocked)
    lines = [_line(label.line) for label in labels.values() if label.line]
    drawn = [
        _region(catalogue, region, marker.at, labels[marker.key], shades)
        for region, marker in zip(regions, markers, strict=True)
    ]
    return [*lines, *drawn]


def _region(catalogue: Catalogue, region: _Region, at: Point, label: Label, shades: Shades) -> str:
    count, code = len(region.jurisdictions), region.place.code
    fill, ink = shades.of_count(count)
    x, y = at
    return (
        f"<g id={quoteattr(code)}><title>{escape(_told(catalogue, region))}</title>"
        f"{shape(x, y, region.separate, fill)}"
        f'<text class="count" x="{x:.1f}" y="{y + 3.8:.1f}" style="fill:{ink}">{count}</text>'
        f'<text class="code" x="{label.box.left + 1:.1f}" y="{label.box.bottom - 3:.1f}">{escape(code)}</text></g>'
    )


def shape(x: float, y: float, separate: bool, fill: str) -> str:
    """A marker: a disc, or a diamond for a region of a separate partition."""
    if not separate:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{_RADIUS}" fill="{fill}" stroke="{LIGHT}"/>'
    corners = ((x, y - _REACH), (x + _REACH, y), (x, y + _REACH), (x - _REACH, y))
    points = " ".join(f"{across:.1f},{down:.1f}" for across, down in corners)
    return f'<polygon points="{points}" fill="{fill}" stroke="#b45309" stroke-width="2"/>'


def _told(catalogue: Catalogue, region: _Region) -> str:
    """What the pointer is told over a marker."""
    place, codes = region.place, region.jurisdictions
    names = ", ".join(f"{catalogue.jurisdictions[code].name} ({code})" for code in codes)
    by_name = ", only where it is named" if region.separate else ""
    told = f"{place.code}: {place.city}, {place.territory}; partition {place.partition}{by_name}."
    return f"{told} {len(codes)} of {len(catalogue.jurisdictions)} jurisdictions may keep a cell here" + (
        f": {names}." if names else "."
    )


def _shown_in_the_inset(regions: Sequence[_Region]) -> list[str]:
    """Dots on the world for what the inset shows at length."""
    points = [_WORLD.at(region.longitude, region.latitude) for region in regions]
    west, east, north, south = _INSET.west, _INSET.east, _INSET.north, _INSET.south
    around = [_WORLD.at(*corner) for corner in ((west, north), (east, north), (east, south), (west, south))]
    edge = " ".join(f"{x:.1f},{y:.1f}" for x, y in around)
    return [
        f'<polygon points="{edge}" fill="none" stroke="#94a3b8"/>',
        *(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{DARK}"/>' for x, y in points),
    ]


def _line(line: tuple[Point, Point]) -> str:
    (ax, ay), (bx, by) = line
    return f'<line class="line" x1="{ax:.1f}" y1="{ay:.1f}" x2="{bx:.1f}" y2="{by:.1f}"/>'


def _clip(name: str, frame: Box) -> str:
    return f'<clipPath id="{name}">{_rectangle(frame)}</clipPath>'


def _frame(frame: Box) -> str:
    return _rectangle(frame, ' fill="#eef2f6" stroke="#94a3b8"')


def _rectangle(box: Box, more: str = "") -> str:
    return f'<rect x="{box.left:.1f}" y="{box.top:.1f}" width="{box.width:.1f}" height="{box.height:.1f}"{more}/>'
