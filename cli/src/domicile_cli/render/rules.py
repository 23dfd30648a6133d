"""Rules of play, as a casino reads them."""

from typing import Any

from domicile_catalog import Confidence, Rules
from domicile_catalog.play_law import FACT_OF_OPTION
from domicile_catalog.protection import PlayLimit
from domicile_catalog.rules import PlayTerritory
from rich.table import Table

from domicile_cli.render.base import mark_of, money, new_table, or_none, percent, source_of


def rules(told: Rules) -> Table:
    """The rules that bind play, each with how it is known."""
    table = new_table("Rules that bind play", "", "rule", "value", "source")
    for rule, value in spelt_rules(told).items():
        table.add_row(mark_of(told.confidence[rule]), rule, value, source_of(told.sources.get(rule)))
    return table


def spelt_rules(told: Rules) -> dict[str, str]:
    """Each rule of play in words; one that nobody has read, and no limit sets, is unknown."""
    spelt = {
        "min_age_years": str(told.min_age_years),
        "slot_max_stake": _stakes(told),
        "slot_min_cycle_ms": or_none(told.slot_min_cycle_ms, "ms a spin at least"),
        "rtp_minimum_basis_points": percent(told.rtp_minimum_basis_points),
        "session_idle_timeout_s": or_none(told.session_idle_timeout_s, "s idle at most"),
        "record_retention_years": or_none(told.record_retention_years, "years"),
        "currency": told.currency,
        "timezone": told.timezone,
    }
    spelt |= {rule: _option(value, told) for rule in FACT_OF_OPTION if (value := getattr(told, rule)) is not None}
    unread = [rule for rule in spelt if told.confidence[rule] is Confidence.UNKNOWN and spelt[rule] == "none"]
    return spelt | dict.fromkeys(unread, "unknown")


def _option(value: Any, told: Rules) -> str:
    match value:
        case PlayLimit():
            return f"{value.kind} {told.currency} {money(value.maximum, told.currency_exponent)} a {value.period}"
        case bool():
            return "yes" if value else "no"
        case PlayTerritory():
            return ", ".join(value.regions)
        case tuple():
            return ", ".join(_option(one, told) for one in value)
        case _:
            return str(value)


def _stakes(told: Rules) -> str:
    if told.slot_max_stake is None:
        return "none"
    return ", ".join(
        f"{told.currency} {money(band.stake_minor, told.currency_exponent)} from {band.min_age_years}"
        for band in told.slot_max_stake
    )
