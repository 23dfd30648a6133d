"""A change of law: what begins on which day, and what a tenant has to do until then."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from catalog_testkit.papers import attest
from domicile_catalog import (
    TenantRequest,
    impact,
    law_changes,
    local_day,
    place_tenant,
    unlawful_since,
)
from domicile_catalog.facts import Finding
from domicile_catalog.vocabulary import Residency

DAY = date(2027, 3, 1)
BEFORE = date(2026, 12, 1)


@pytest.fixture
def changing(catalogue):
    """The catalogue with changes in Great Britain: a function of facts and their values from DAY on."""

    def change(**facts):
        record = catalogue.jurisdictions["GB"]
        law = {"confidence": "sourced", "source": "an Act", "source_kind": "law", "clause": "s. 1"}
        records = record.facts.model_copy(
            update={
                name: (*record.facts.get(name), Finding(value=value, valid_from=DAY, **law))
                for name, value in facts.items()
            }
        )
        changed = record.model_copy(update={"facts": records})
        return replace(catalogue, jurisdictions={**catalogue.jurisdictions, "GB": changed})

    return change


def ask(catalogue, limits=None, products=("casino",), on=DAY):
    request = TenantRequest(
        jurisdiction="GB", products=products, candidates=("eu-west-1", "eu-west-2"), production=False, on=BEFORE
    )
    return impact(catalogue, "acme-gb", request, limits or {}, on)


def test_a_change_is_told_with_its_day_and_its_source(changing):
    (change,) = law_changes(changing(min_age=21), "GB", BEFORE, DAY)
    assert (change.fact, change.day, change.before, change.after) == ("min_age", DAY, 18, 21)
    assert (change.source, change.clause) == ("an Act", "s. 1")


def test_the_first_day_is_not_part_of_the_span_and_the_last_is(changing):
    catalogue = changing(min_age=21)
    assert law_changes(catalogue, "GB", DAY, date(2028, 1, 1)) == ()
    assert law_changes(catalogue, "GB", BEFORE, date(2027, 2, 28)) == ()


def test_what_says_the_same_as_before_is_no_change(changing):
    assert law_changes(changing(min_age=18), "GB", BEFORE, DAY) == ()


def test_where_nothing_changes_nothing_is_told(catalogue, changing):
    assert ask(catalogue) is None
    assert ask(changing(min_age=21), on=BEFORE) is None


def test_a_changed_rule_is_told_from_local_midnight_on(changing):
    found = ask(changing(min_age=21))
    assert [(one.rule, one.before, one.after) for one in found.rules if one.rule == "min_age_years"] == [
        ("min_age_years", 18, 21)
    ]
    assert not found.unlawful
    assert found.effective == datetime(2027, 3, 1, 0, 0, tzinfo=UTC)


def test_a_tenant_that_is_strict_enough_already_is_not_touched(changing):
    assert ask(changing(min_age=21), {"minAgeYears": 21, "slotMaxStakeMinor": 200}) is None


def test_a_place_that_becomes_unlawful_has_to_be_left(changing):
    catalogue = changing(data_residency=Residency.IN_TERRITORY)
    request = TenantRequest(
        jurisdiction="GB", products=("casino",), candidates=("eu-west-1",), production=False, on=BEFORE
    )
    lost = impact(catalogue, "acme-gb", request, {}, DAY)
    assert (lost.place, lost.place_after, lost.unlawful) == ("eu-west-1", None, True)
    assert "must rest in Great Britain" in lost.must[0]
    assert ask(catalogue) is None  # eu-west-2 was preferred, and stands on the ground


def test_a_limit_that_becomes_laxer_than_the_law_is_unlawful(changing):
    found = ask(changing(min_age=21), {"minAgeYears": 19})
    assert found.unlawful
    assert "LIMIT_LAXER" in " ".join(found.must)


def test_a_day_begins_where_the_licence_is(catalogue):
    new_year = datetime(2026, 12, 31, 14, 0, tzinfo=UTC)
    assert local_day(catalogue, "AU-VIC", new_year) == date(2027, 1, 1)
    assert local_day(catalogue, "BR", new_year) == date(2026, 12, 31)


def test_what_an_attestation_held_up_is_unlawful_from_the_day_after_it(catalogue):
    paper = attest("NO", "data_residency", "none", attested_on=date(2026, 1, 1), expires_on=date(2026, 5, 1))
    request = TenantRequest(
        jurisdiction="NO", products=("casino",), production=False, attestations=(paper,), on=date(2026, 6, 1)
    )
    assert unlawful_since(catalogue, request, {}) == datetime(2026, 5, 1, 22, tzinfo=UTC)  # midnight in Oslo
    assert unlawful_since(catalogue, request.model_copy(update={"attestations": ()}), {}) is None


def test_days_begin_where_an_officer_says_the_clocks_stand(catalogue):
    now = datetime(2026, 6, 30, 22, 30, tzinfo=UTC)
    paper = attest("ES", "timezone", "Atlantic/Canary", attested_on=date(2026, 1, 1), expires_on=date(2026, 12, 31))
    assert local_day(catalogue, "ES", now) == date(2026, 7, 1)
    assert local_day(catalogue, "ES", now, (paper,)) == date(2026, 6, 30)


def test_where_a_cell_stands_its_copies_may_be_elsewhere(catalogue, changing):
    changed = changing(data_residency=Residency.COPY_IN_TERRITORY)
    request = TenantRequest(
        jurisdiction="GB", products=("casino",), candidates=("eu-west-1", "eu-west-2"), production=False, on=DAY
    )
    assert place_tenant(changed, request.model_copy(update={"cells": ("eu-west-1",)})).place == "eu-west-1"
    alone = request.model_copy(update={"candidates": ("eu-west-1",)})
    assert place_tenant(changed, alone).code == "NO_PLACE_IN_TERRITORY"
