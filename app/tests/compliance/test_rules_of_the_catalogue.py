"""What the catalogue writes, the casino reads: the two know nothing of each other but rules.json."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from casino.compliance.in_force import RulesInForce
from casino.compliance.models import Rules
from casino.compliance.service import parse_rules
from casino.kernel.metrics import REGISTRY
from casino.pam.fields import required_fields
from domicile_catalog import RulesError, load_catalogue, tenant_rules
from domicile_catalog.play_law import FACT_OF_OPTION
from domicile_catalog.vocabulary import IdentityData
from domicile_operator.clients.pods import ask_all, rules_of
from prometheus_client import generate_latest

CATALOGUE = load_catalogue()
DAY = date(2026, 11, 30)


@pytest.mark.parametrize("code", sorted(CATALOGUE.jurisdictions))
def test_the_rules_of_every_jurisdiction_that_has_some_can_be_read(code: str) -> None:
    try:
        written = tenant_rules(CATALOGUE, code, {}, on=DAY)
    except RulesError:
        return
    if written.regulator is None:
        return  # nobody licenses there
    read = parse_rules(written.to_json())
    for rule in FACT_OF_OPTION:
        meant = getattr(written, rule)
        if rule == "geolocation_territory":
            assert (meant and meant.regions) == (read.geolocation_territory and read.geolocation_territory.regions)
        elif rule == "limits":
            told = {(one.kind, one.period): one.maximum for one in meant or ()}
            assert told == {(one.kind, one.period): one.maximum for one in read.limits}
        else:
            assert meant is None or getattr(read, rule) == meant, rule
    required_fields(read.registration_fields)


def test_every_option_is_a_field_that_the_casino_has_and_may_do_without() -> None:
    for rule in FACT_OF_OPTION:
        assert not Rules.model_fields[rule].is_required()


def test_all_that_can_be_asked_of_a_player_is_known_to_the_casino() -> None:
    assert required_fields(list(IdentityData))


def test_the_operator_reads_from_a_casinos_metrics_which_rules_it_plays_by(tmp_path: Path) -> None:
    file = tmp_path / "rules.json"
    file.write_text(tenant_rules(CATALOGUE, "GB", {}, on=DAY).to_json())
    in_force = RulesInForce.read(file)
    assert rules_of(ask_all(["a pod"], lambda _: generate_latest(REGISTRY).decode())) == [in_force.digest]
    assert in_force.digest == tenant_rules(CATALOGUE, "GB", {}, on=DAY).digest
