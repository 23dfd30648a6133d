"""Which register of excluded persons a casino asks, and when, by what the law is known to say."""

import json
from datetime import date

import pytest
from catalog_testkit.papers import attest
from domicile_catalog import load_catalogue, tenant_rules
from domicile_catalog.vocabulary import Moment
from hypothesis import given
from hypothesis import strategies as st

TODAY = date(2026, 6, 1)
CATALOGUE = load_catalogue()
FACT, MOMENTS = "self_exclusion_register", "register_check_moments"


def told(code, *attestations, **given_):
    return tenant_rules(CATALOGUE, code, {}, on=TODAY, attestations=attestations, **given_)


def asked(found):
    content = json.loads(found.to_json())
    return content.get("exclusion_register"), content.get("exclusion_register_moments")


@pytest.mark.parametrize(
    ("code", "register", "moments"),
    [
        ("GB", "GAMSTOP", ["registration", "login"]),
        ("BR", "Plataforma Centralizada de Autoexclusão", ["registration", "login"]),
        ("BG", "NRA register of vulnerable persons", ["registration", "login", "deposit", "marketing"]),
        # A session begins with a log-in.
        ("EE", "HAMPI", ["registration", "login"]),
        # Registration alone would never find who comes onto it later; nothing is asked at payouts.
        ("ES", "RGIAJ", ["registration", "login"]),
        # No bet waits for a register: deposits are the nearest.
        ("US-PA", "PGCB iGaming self-exclusion list", ["registration", "login", "deposit", "marketing"]),
        # Nobody knows when, and: the law names no moment.
        ("GR", "HGC self-exclusion", ["registration", "login"]),
        ("AU", "BetStop", ["registration", "login"]),
        ("MT", None, None),
    ],
)
def test_a_register_of_the_law_is_asked_whatever_is_known_of_when(code, register, moments):
    assert asked(told(code)) == (register, moments)


def test_that_nobody_knows_when_the_law_has_it_asked_is_told():
    found = told("GR")
    assert (found.confidence["exclusion_register"], found.confidence["exclusion_register_moments"]) == (
        "recalled", "unknown",
    )  # fmt: skip


def test_a_register_that_cannot_be_reached_is_left_out_and_still_named_as_the_laws():
    for registers in ((), ("Spelpaus", "gamstop")):
        found = told("GB", registers=registers)
        assert asked(found) == (None, None)
        assert found.parameters[FACT] == "GAMSTOP"
        assert not {"exclusion_register", "exclusion_register_moments"} & set(found.confidence)
    assert told("GB", registers=("Spelpaus", "GAMSTOP")) == told("GB")


def test_an_officer_names_a_register_that_nobody_knew_of_or_says_that_there_is_none():
    assert asked(told("TH")) == (None, None)
    assert asked(told("TH", attest("TH", FACT, "Thai register"))) == ("Thai register", ["registration", "login"])
    assert asked(told("GR", attest("GR", FACT, None))) == (None, None)


@given(st.sets(st.sampled_from(Moment), min_size=1))
def test_whatever_moments_the_law_names_nobody_enters_unasked_and_each_that_the_casino_has_is_one(named):
    papers = attest("GR", FACT, "A register"), attest("GR", MOMENTS, sorted(named))
    register, moments = asked(told("GR", *papers))
    assert register == "A register"
    assert {"registration", "login"} <= set(moments) and len(set(moments)) == len(moments)
    assert {moment.value for moment in named} & {"deposit", "marketing"} <= set(moments)
    assert set(moments) <= {"registration", "login", "deposit", "marketing"}


@given(st.sampled_from(sorted(CATALOGUE.jurisdictions)), st.booleans())
def test_everywhere_a_register_and_its_moments_come_together(code, reached):
    record = CATALOGUE.jurisdiction(code, TODAY)
    if not (record.facts.currency.known and record.facts.timezone.known and record.facts.min_age.known):
        return
    law = record.facts.get(FACT).value
    register, moments = asked(told(code, registers=(law,) if reached else ()))
    assert register == (law if reached else None)
    assert bool(moments) == (register is not None)
