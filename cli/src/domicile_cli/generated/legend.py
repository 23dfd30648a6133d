"""What stands around the map: the legend, who needs a site, and the whole in one sentence."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from textwrap import wrap
from xml.sax.saxutils import escape

from domicile_catalog import Catalogue, DataClass, Refusal

from domicile_cli.generated.cells import Standing
from domicile_cli.generated.geometry import Box, Point

DARK, LIGHT, NOBODY = "#0b3c6f", "#ffffff", "#94a3b8"
_SCALE = (("#a9d0ea", "#062443"), ("#5aa5d6", "#062443"), ("#1f6fb2", LIGHT), (DARK, LIGHT))
_LINE_HEIGHT = 18.0
_LEGEND_WIDTH = 300.0
_COLUMN = 263.0
_LETTERS_IN_A_COLUMN = 37


@dataclass(frozen=True, slots=True)
class Shades:
    """Colours for counts: `bands` are ranges of counts that occur, both ends included, the fewest first."""

    bands: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, counts: Sequence[int]) -> "Shades":
        """A band for each count where there are few, and else bands of about as many different counts."""
        different = sorted({count for count in counts if count})
        bands = min(len(_SCALE), len(different))
        cuts = [round(at * len(different) / bands) for at in range(bands + 1)] if bands else []
        return cls(tuple((different[a], different[b - 1]) for a, b in pairwise(cuts)))

    def of_count(self, count: int) -> tuple[str, str]:
        """The colour of a marker, and that of the number on it."""
        for colours, (_, most) in zip(self.colours, self.bands, strict=True):
            if 0 < count <= most:
                return colours
        return NOBODY, LIGHT

    @property
    def colours(self) -> tuple[tuple[str, str], ...]:
        """The colours of the bands: the most is always the darkest."""
        return _SCALE[len(_SCALE) - len(self.bands) :]


# What stops a casino, in the plural of a sentence; any other refusal counts as the last.
_STOPPED = {
    "NO_PLACE_IN_TERRITORY": "need a site of their own",
    "NO_PLACE_IN_REGION": "need a site in their region",
    "FACT_UNKNOWN": "wait for a fact that nobody has read",
    "PRODUCT_NOT_LICENSED": "give no licence for online casino",
    "ONLINE_CASINO_UNREGULATED": "do not regulate online casino",
}


def words(catalogue: Catalogue, found: Sequence[Standing]) -> str:
    """The whole map in one sentence."""
    refused = Counter(one.outside.code for one in found if isinstance(one.outside, Refusal))
    told = [f"{sum(1 for one in found if one.regions)} may keep a cell in an AWS region"]
    told += [f"{refused.pop(code)} {what}" for code, what in _STOPPED.items() if code in refused]
    told += [f"{refused.total()} are refused for other reasons"] if refused else []
    listed = f"{', '.join(told[:-1])} and {told[-1]}" if len(told) > 1 else told[0]
    return f"Of {len(catalogue.jurisdictions)} jurisdictions, for an online casino outside production, {listed}."


def panel(
    catalogue: Catalogue, found: Sequence[Standing], shades: Shades, undrawn: Sequence[str], area: Box
) -> tuple[float, list[str]]:
    """The legend and the lists of those that need a site, from the area's top down; the bottom that it came to."""
    whole = [one for one in found if len(one.without_ground) == len(DataClass)]
    part = [one for one in found if one.without_ground and one not in whole]
    columns = max(1, int((area.width - _LEGEND_WIDTH) / _COLUMN))
    for_part = 1 if part else 0
    rows = max(1, -(-len(whole) // max(1, columns - for_part)), len(part))
    left = area.left + _LEGEND_WIDTH
    legend_bottom, lines = _legend(shades, undrawn, area)
    told = f"All data must rest at home, and no AWS region stands there ({len(whole)}): a site is needed"
    lines += _listed(catalogue, told, whole, (left, area.top), rows)
    if part:
        told = f"At least a copy must ({len(part)})"
        lines += _listed(catalogue, told, part, (left + (columns - 1) * _COLUMN, area.top), rows)
    note_at = area.top + 12 + _LINE_HEIGHT * (rows + 1.6)
    if any(_unlicensed(one) for one in (*whole, *part)):
        lines.append(text("* nothing is to be placed there yet: online casino has no licence", left, note_at))
    return max(legend_bottom, note_at) + _LINE_HEIGHT, lines


def _unlicensed(standing: Standing) -> bool:
    return isinstance(standing.outside, Refusal) and standing.outside.code == "PRODUCT_NOT_LICENSED"


def _listed(catalogue: Catalogue, told: str, standings: Sequence[Standing], corner: Point, rows: int) -> list[str]:
    left, top = corner
    lines = [text(told, left, top + 12, "head")]
    for at, standing in enumerate(standings):
        star = "*" if _unlicensed(standing) else ""
        name = f"{standing.code} {catalogue.jurisdictions[standing.code].name}{star}"
        x, y = left + (at // rows) * _COLUMN, top + 12 + _LINE_HEIGHT * (at % rows + 1.3)
        short = name if len(name) <= _LETTERS_IN_A_COLUMN else f"{name[: _LETTERS_IN_A_COLUMN - 1]}…"
        lines.append(text(short, x, y, more=f"<title>{escape(name)}</title>" if short != name else ""))
    return lines


def _legend(shades: Shades, undrawn: Sequence[str], area: Box) -> tuple[float, list[str]]:
    x, y = area.left + 10, area.top + 12
    lines = [text("Jurisdictions that may live there", area.left, y, "head")]
    for (fill, ink), (least, most) in zip(shades.colours, shades.bands, strict=True):
        y += _LINE_HEIGHT * 1.2
        counted = str(least) if least == most else f"{least} to {most}"
        lines.append(f'<circle cx="{x:.1f}" cy="{y - 4:.1f}" r="9" fill="{fill}" stroke="{ink}" stroke-width=".4"/>')
        lines.append(text(counted, x + 18, y))
    y += _LINE_HEIGHT * 1.2
    points = " ".join(f"{x + a:.1f},{y - 4 + b:.1f}" for a, b in ((0, -10), (10, 0), (0, 10), (-10, 0)))
    lines.append(f'<polygon points="{points}" fill="#5aa5d6" stroke="#b45309" stroke-width="2"/>')
    lines.append(text("separate partition, if named", x + 18, y))
    if undrawn:
        y += _LINE_HEIGHT * 0.2
        for line in wrap(f"not drawn: {', '.join(undrawn)}", _LETTERS_IN_A_COLUMN, break_on_hyphens=False):
            y += _LINE_HEIGHT
            lines.append(text(line, area.left, y))
    return y, lines


def text(told: str, x: float, y: float, kind: str = "small", more: str = "") -> str:
    """A line of text that begins at a point; `more` is what its element holds beside."""
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{more}{escape(told)}</text>'
