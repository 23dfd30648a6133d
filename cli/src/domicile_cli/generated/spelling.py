"""Spells facts and their sources for a person, in Markdown."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any
from urllib.parse import quote, urlsplit

from domicile_catalog import Catalogue, Finding
from domicile_catalog.forms import Lockout, MoneyCap, Pause, StakeBand, TimeOut

_URL = re.compile(r"https?://[^\s;|<>]+|github:[\w.-]+/[\w.-]+")
# An underscore inside a word means nothing to Markdown.
_SPECIAL = re.compile(r"([\\`*\[\]#~|]|(?<!\w)_|_(?!\w))")


@dataclass(frozen=True, slots=True)
class Money:
    """What amounts are in: an ISO 4217 code and its exponent, or None while the currency is unknown."""

    currency: str | None
    exponent: int = 0

    @classmethod
    def of(cls, catalogue: Catalogue, code: str, on: date) -> "Money":
        """The currency of a jurisdiction on a day. KeyError where there is no such jurisdiction."""
        currency = catalogue.jurisdictions[code].on(on).facts.currency.value
        return cls(currency, catalogue.currencies[currency]) if currency else cls(None)

    def spelled(self, minor: int) -> str:
        """An amount of minor units, in the currency's major units."""
        if self.currency is None:
            return f"{minor} minor units"
        return f"{self.currency} {Decimal(minor).scaleb(-self.exponent):.{self.exponent}f}"


def spelled(name: str, value: Any, known: bool, money: Money) -> str:
    """The value of any fact in plain words, not yet escaped; the fact's name tells the unit of a number."""
    match value:
        case None:
            told = "no such rule" if known else "not known"
        case tuple():
            told = ", ".join(spelled(name, one, known, money) for one in value)
        case StakeBand():
            told = f"{money.spelled(value.stake_minor)} from age {value.min_age}"
        case MoneyCap():
            since = f" from age {value.min_age}" if value.min_age else ""
            told = f"{money.spelled(value.amount_minor)} a {value.period}{since}"
        case Pause():
            told = f"{_minutes(value.minutes)} after {_minutes(value.after_minutes)} of play"
        case TimeOut():
            told = _time_out(value)
        case Lockout():
            told = "until a reset" if value.minutes is None else _minutes(value.minutes)
        case Enum():
            told = "no rule" if value.value == "none" else str(value.value).replace("_", " ")
        case int() | Decimal():
            told = _quantity(name, value)
        case _:
            told = str(value)
    return told


def _time_out(value: TimeOut) -> str:
    match value.minimum_hours, value.maximum_hours:
        case None, None:
            return "no set length"
        case int(shortest), None:
            return f"at least {_hours(shortest)}"
        case None, int(longest):
            return f"at most {_hours(longest)}"
        case int(shortest), int(longest):
            return f"{_hours(shortest)} to {_hours(longest)}"
    raise AssertionError("a time-out has a minimum and a maximum, each a number or None")


def _quantity(name: str, value: int | Decimal) -> str:
    for suffix, spell in _UNITS.items():
        if name.endswith(suffix):
            return spell(value)
    return _number(value)


def _number(value: int | Decimal) -> str:
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)


def counted(value: int | Decimal, one: str, many: str = "") -> str:
    """A number and what it counts, in the singular or the plural."""
    return f"{_number(value)} {one if value == 1 else many or one + 's'}"


def _minutes(value: int | Decimal) -> str:
    return counted(value, "minute") if value < 60 or value % 60 else counted(value // 60, "hour")


def _hours(value: int | Decimal) -> str:
    if value == 0:
        return "0 hours (at once)"
    return counted(value, "hour") if value < 48 or value % 24 else counted(value // 24, "day")


def _months(value: int | Decimal) -> str:
    return counted(value, "month") if value < 24 or value % 12 else counted(value // 12, "year")


_UNITS: dict[str, Callable[[int | Decimal], str]] = {
    "_seconds": lambda value: counted(value, "second"),
    "_minutes": _minutes,
    "_reversal_hours": lambda value: _hours(value) if value else "not at all",
    "_hours": _hours,
    "_months": _months,
    "_years": lambda value: counted(value, "year"),
    "_age": lambda value: counted(value, "year"),
    "_percent": lambda value: f"{_number(value)} %",
    "_wagering_maximum": lambda value: counted(value, "time"),
    "_failures_maximum": lambda value: counted(value, "attempt"),
}


def plain(text: str) -> str:
    """Text that means nothing to Markdown, on one line, fit for the cell of a table."""
    flat = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # Renderers may take what stands between two dollar signs for a formula.
    return _SPECIAL.sub(r"\\\1", flat).replace("$", "&#36;")


def source(written: str | None) -> str:
    """A source with each address in it as a link that names its host, and the words around them as they are."""
    if not written:
        return ""
    told, at = [], 0
    for found in _URL.finditer(written):
        address = found[0].rstrip(".,:)'\"") if found[0].count("(") < found[0].count(")") else found[0].rstrip(".,:'\"")
        told += [plain_keeping_edges(written[at : found.start()]), _link(address)]
        at = found.start() + len(address)
    return "".join([*told, plain_keeping_edges(written[at:])]).strip()


def plain_keeping_edges(text: str) -> str:
    """Like `plain`, and a space at either end stays one: for text that other text follows."""
    before, after = text[:1].isspace(), text[-1:].isspace()
    inner = plain(text)
    return f"{' ' if before else ''}{inner}{' ' if after and inner else ''}"


def _link(address: str) -> str:
    repository = address.removeprefix("github:")
    url = address if repository == address else f"https://github.com/{repository}"
    told = urlsplit(url).netloc if repository == address else f"github.com/{repository}"
    return f"[{plain(told)}]({quote(url, safe=':/?#@!&+,;=%~-._')})"


def in_force(finding: Finding[Any]) -> str:
    """From when until when a finding holds, both days included, or nothing where no day is known."""
    begins = f"from {finding.valid_from}" if finding.valid_from else ""
    ends = f"until {finding.valid_to}" if finding.valid_to else ""
    return " ".join(filter(None, (begins, ends)))


def table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    """A Markdown table's lines; the cells are Markdown already."""
    lines = [heads, tuple("---" for _ in heads), *rows]
    return ["| " + " | ".join(cells) + " |" for cells in lines]
