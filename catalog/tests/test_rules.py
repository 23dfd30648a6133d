"""The rules of play, and limits that may only be stricter."""

import json
import re
from datetime import date

import pytest
from catalog_testkit.papers import attest
from domicile_catalog import LaxerLimitError, RulesError, load_catalogue, tenant_rules
from domicile_catalog.forms import Lockout
from domicile_catalog.play_law import BINDING, FACT_OF_OPTION, NEEDED
from domicile_catalog.protection import longest_days
from domicile_catalog.vocabulary import OnlineCasino
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

TODAY = date(2026, 6, 1)
CATALOGUE = load_catalogue()


def rules(code, **limits):
    return tenant_rules(CATALOGUE, code, limits, on=TODAY)


def bands(found):
    return [(band.min_age_years, band.stake_minor) for band in found.slot_max_stake]


def test_rules_json_has_the_contract_s_shape():
    content = json.loads(rules("GB").to_json())
    assert list(content)[:3] == ["schema", "catalogue_version", "jurisdiction"]
    for key, value in {
        "schema": 1,
        "jurisdiction": "GB",
        "jurisdiction_name": "Great Britain",
        "regulator": "Gambling Commission",
        "currency": "GBP",
        "currency_exponent": 2,
        "timezone": "Europe/London",
        "min_age_years": 18,
        "slot_max_stake": [{"min_age_years": 18, "stake_minor": 200}, {"min_age_years": 25, "stake_minor": 500}],
        "slot_min_cycle_ms": 2500,
        "rtp_minimum_basis_points": None,
        "session_idle_timeout_s": None,
        "record_retention_years": 5,
    }.items():
        assert content[key] == value, key
    assert content["catalogue_version"] == CATALOGUE.version
    assert content["confidence"]["min_age_years"] == "sourced"
    assert content["confidence"]["record_retention_years"] == "recalled"
    assert content["sources"]["slot_max_stake"].startswith("https://")


def test_no_rule_and_an_unknown_rule_are_told_apart():
    confidence = rules("GB").confidence
    assert confidence["rtp_minimum_basis_points"] == "sourced"
    assert confidence["session_idle_timeout_s"] == "unknown"


def test_brazil_s_percent_and_minutes_become_basis_points_and_seconds():
    assert (rules("BR").rtp_minimum_basis_points, rules("BR").session_idle_timeout_s) == (8500, 1800)


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({}, [(18, 200), (25, 500)]),
        ({"slotMaxStakeMinor": 500}, [(18, 200), (25, 500)]),
        ({"slotMaxStakeMinor": 300}, [(18, 200), (25, 300)]),
        ({"slotMaxStakeMinor": 200}, [(18, 200)]),
        ({"slotMaxStakeMinor": 100}, [(18, 100)]),
        ({"minAgeYears": 21}, [(21, 200), (25, 500)]),
        ({"minAgeYears": 25}, [(25, 500)]),
        ({"minAgeYears": 30, "slotMaxStakeMinor": 300}, [(30, 300)]),
    ],
)
def test_a_stricter_limit_tightens_every_age_band(limits, expected):
    assert bands(rules("GB", **limits)) == expected


def test_a_limit_where_the_jurisdiction_sets_none_is_the_rule():
    assert rules("GB", sessionIdleTimeoutSeconds=900).session_idle_timeout_s == 900
    assert bands(rules("BR", slotMaxStakeMinor=1000, minAgeYears=21)) == [(21, 1000)]


@pytest.mark.parametrize(
    ("code", "limits", "rule", "value"),
    [
        ("GB", {"slotMaxStakeMinor": 501}, "slot_max_stake", "500"),
        ("GB", {"minAgeYears": 17}, "min_age", "18"),
        ("BR", {"sessionIdleTimeoutSeconds": 1801}, "session_idle_minutes", "1800 s"),
    ],
)
def test_a_laxer_limit_is_refused_with_the_rule_its_value_and_its_source(code, limits, rule, value):
    with pytest.raises(LaxerLimitError) as caught:
        rules(code, **limits)
    fact = CATALOGUE.jurisdiction(code, TODAY).facts.get(rule)
    assert (caught.value.code, caught.value.rule) == ("LIMIT_LAXER", rule)
    assert rule in str(caught.value)
    assert value in str(caught.value)
    assert (fact.source or fact.confidence) in str(caught.value)


@pytest.mark.parametrize(
    "limits", [{"slotMaxStake": 1}, {"minAgeYears": 0}, {"minAgeYears": True}, {"minAgeYears": 21.0}]
)
def test_a_limit_that_is_none_is_refused(limits):
    with pytest.raises(RulesError) as caught:
        rules("GB", **limits)
    assert caught.value.code == "LIMIT_INVALID"


def test_a_casino_cannot_run_without_a_minimum_age():
    with pytest.raises(RulesError) as caught:
        rules("UZ")
    assert (caught.value.code, caught.value.rule) == ("FACT_UNKNOWN", "min_age")


def test_an_attestation_completes_the_rules():
    found = tenant_rules(CATALOGUE, "UZ", {}, on=TODAY, attestations=[attest("UZ", "min_age", 21)])
    assert (found.min_age_years, found.confidence["min_age_years"]) == (21, "attested")


def test_an_attested_age_below_the_first_band_gets_the_first_band_s_stake():
    stakes = attest("BR", "slot_max_stake", [{"min_age": 21, "stake_minor": 300}, {"min_age": 25, "stake_minor": 900}])
    found = tenant_rules(CATALOGUE, "BR", {}, on=TODAY, attestations=[stakes])
    assert bands(found) == [(18, 300), (25, 900)]


def test_an_attested_currency_without_a_known_minor_unit_is_refused():
    with pytest.raises(RulesError) as caught:
        tenant_rules(CATALOGUE, "BG", {}, on=TODAY, attestations=[attest("BG", "currency", "ZZZ")])
    assert (caught.value.code, caught.value.rule) == ("FACT_UNKNOWN", "currency")


def test_rules_do_not_choose_between_a_source_and_an_attestation():
    with pytest.raises(RulesError) as caught:
        tenant_rules(CATALOGUE, "BR", {}, on=TODAY, attestations=[attest("BR", "session_idle_minutes", 60)])
    assert caught.value.code == "ATTESTATION_CONTRADICTS"


def test_an_unknown_jurisdiction_is_refused_with_a_suggestion():
    with pytest.raises(RulesError, match="Did you mean BR"):
        rules("Brazill")


@given(st.integers(1, 1000), st.integers(18, 90))
def test_tightened_rules_are_never_laxer_for_any_player(stake, min_age):
    lawful = CATALOGUE.jurisdiction("GB", TODAY).facts.slot_max_stake.given
    try:
        found = rules("GB", slotMaxStakeMinor=stake, minAgeYears=min_age)
    except LaxerLimitError:
        assert stake > 500
        return
    for age in range(min_age, 100):
        law = [band.stake_minor for band in lawful if band.min_age <= age][-1]
        here = [band.stake_minor for band in found.slot_max_stake if band.min_age_years <= age][-1]
        assert here == min(law, stake)


def test_production_enforces_no_rule_that_is_only_recalled():
    limits = ("slot_max_stake", "slot_min_cycle_seconds", "session_idle_minutes")
    no_limits = [attest("GI", name, None) for name in limits]
    with pytest.raises(RulesError) as caught:
        tenant_rules(CATALOGUE, "GI", {}, on=TODAY, attestations=no_limits, production=True)
    assert (caught.value.code, caught.value.rule) == ("FACT_RECALLED", "min_age")
    answered = [attest("GI", "min_age", 18), *no_limits]
    assert tenant_rules(CATALOGUE, "GI", {}, on=TODAY, attestations=answered, production=True).min_age_years == 18
    assert tenant_rules(CATALOGUE, "GI", {}, on=TODAY).min_age_years == 18


def test_in_production_a_limit_that_nobody_has_read_does_not_pass_for_none():
    with pytest.raises(RulesError) as caught:
        tenant_rules(CATALOGUE, "BR", {}, on=TODAY, production=True)
    assert caught.value.code == "FACT_UNKNOWN"
    for name in ("slot_max_stake", "slot_min_cycle_seconds"):
        assert name in str(caught.value)
    answered = [attest("BR", name, None) for name in ("slot_max_stake", "slot_min_cycle_seconds")]
    assert tenant_rules(CATALOGUE, "BR", {}, on=TODAY, attestations=answered, production=True).slot_max_stake is None


def test_every_control_of_play_that_is_known_reaches_the_casino():
    rules = tenant_rules(CATALOGUE, "DE", {}, on=TODAY)
    assert rules.parameters["autoplay"] == "banned"
    assert rules.parameters["self_exclusion_register"] == "OASIS"
    assert {"period": "month", "min_age": 0, "amount_minor": 100_000} in rules.parameters["deposit_cap"]
    assert "data_residency" not in rules.parameters
    assert set(rules.parameters) <= set(rules.confidence)
    known = CATALOGUE.jurisdiction("DE", TODAY).facts
    for control in CATALOGUE.controls.values():
        if control.fact in rules.parameters:
            assert known.get(control.fact).known


def test_the_digest_tells_rules_apart():
    one, other = (
        tenant_rules(CATALOGUE, "GB", {}, on=TODAY),
        tenant_rules(CATALOGUE, "GB", {"minAgeYears": 21}, on=TODAY),
    )
    assert one.digest == tenant_rules(CATALOGUE, "GB", {}, on=TODAY).digest != other.digest


PROTECTION = {
    "limits", "limit_kinds_required", "limit_loosening_hours", "self_exclusion_minimum_days", "time_out_maximum_days",
    "reality_check_minutes", "reality_check_acknowledged", "limit_loosening_confirmed",
}  # fmt: skip
OF_THEIR_OWN = PROTECTION | {"verification_required", "exclusion_register", "exclusion_register_moments"}


def options(found):
    content = json.loads(found.to_json())
    return {rule: content[rule] for rule in FACT_OF_OPTION if rule in content and rule not in OF_THEIR_OWN}


def protection(found):
    content = json.loads(found.to_json())
    return {rule: content[rule] for rule in FACT_OF_OPTION if rule in content and rule in PROTECTION}


def deposits(maximum, period="month"):
    return {"kind": "deposit", "period": period, "maximum": maximum}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (
            "GB",
            {"limit_loosening_hours": 24, "reality_check_acknowledged": True, "limit_loosening_confirmed": True},
        ),
        (
            "US-PA",
            {"self_exclusion_minimum_days": 366, "reality_check_minutes": 60, "limit_loosening_confirmed": True},
        ),
        ("BR", {"limit_kinds_required": ["loss", "session"], "limit_loosening_hours": 24}),
        (
            "DE",
            {
                "limits": [deposits(100_000)], "limit_kinds_required": ["deposit"], "limit_loosening_hours": 168,
                "self_exclusion_minimum_days": 92, "reality_check_minutes": 60, "reality_check_acknowledged": True,
            },
        ),
        (
            "US-NJ",
            {"self_exclusion_minimum_days": 366, "time_out_maximum_days": 365, "reality_check_minutes": 30},
        ),
        # One maximum for everybody, so the one of the young; limits of the balance are none of the casino's.
        (
            "NL",
            {
                "limits": [deposits(30_000)], "limit_kinds_required": ["deposit", "session"],
                "limit_loosening_hours": 168, "self_exclusion_minimum_days": 184, "reality_check_minutes": 30,
            },
        ),
    ],
)  # fmt: skip
def test_what_protects_players_is_told_in_the_casinos_words(code, expected):
    found = rules(code)
    assert protection(found) == expected
    assert {found.confidence[rule] for rule in expected} == {"sourced"}


@pytest.mark.parametrize(
    ("fact", "value", "expected"),
    [
        ("deposit_cap", [{"period": "session", "amount_minor": 500}], {}),
        (
            "loss_cap",
            [{"period": "week", "amount_minor": 500}, {"period": "day", "amount_minor": 200}],
            {"limits": [{"kind": "loss", "period": "day", "maximum": 200},
                        {"kind": "loss", "period": "week", "maximum": 500}]},
        ),
        ("limits_required", ["balance"], {}),
        ("limits_required", ["stake", "time"], {"limit_kinds_required": ["stake", "session"]}),
        ("limits_required", None, {}),
        ("reality_check_acknowledgement", "required", {"reality_check_acknowledged": True}),
        ("reality_check_acknowledgement", "none", {"reality_check_acknowledged": False}),
        ("limit_increase_confirmation", "required", {"limit_loosening_confirmed": True}),
        ("limit_increase_confirmation", "none", {"limit_loosening_confirmed": False}),
        ("time_out", {"minimum_hours": 24, "maximum_hours": 24}, {}),
        ("time_out", {"minimum_hours": 24}, {}),
        ("time_out", {"maximum_hours": 49}, {"time_out_maximum_days": 3}),
    ],
)  # fmt: skip
def test_an_officer_may_answer_what_protects_players(fact, value, expected):
    found = tenant_rules(CATALOGUE, "TH", {}, on=TODAY, attestations=[attest("TH", fact, value)])
    assert protection(found) == expected
    assert {found.confidence[rule] for rule in expected} <= {"attested"}


@pytest.mark.parametrize(("months", "days"), [(1, 31), (2, 62), (3, 92), (6, 184), (12, 366), (24, 731), (60, 1827)])
def test_months_of_an_exclusion_are_never_fewer_days_than_the_calendars(months, days):
    assert longest_days(months) == days


@pytest.mark.parametrize(("code", "required"), [("GB", True), ("US-NJ", True), ("MT", False), ("CH", False)])
def test_who_must_be_verified_before_play_is_told(code, required):
    assert json.loads(rules(code).to_json())["verification_required"] is required
    assert rules(code).confidence["verification_required"] == rules(code).confidence["kyc_before_play"]


def test_new_jersey_locks_after_three_failures_until_a_reset_and_knows_one_session_for_each_player():
    found = rules("US-NJ")
    assert options(found) == {
        "max_failed_logins": 3,
        "lockout_until_reset": True,
        "one_session_per_player": True,
        "new_device_notice": True,
        "geolocation_moments": ["login", "bet"],
        "geolocation_territory": {"regions": ["US-NJ"]},
    }
    assert found.confidence["max_failed_logins"] == found.confidence["lockout_until_reset"] == "sourced"
    assert found.sources["one_session_per_player"].startswith("https://")


def test_great_britain_asks_for_name_and_address_and_gives_no_withdrawal_back():
    assert options(rules("GB")) == {"registration_fields": ["name", "address"], "withdrawal_reversal_window_s": 0}


@pytest.mark.parametrize(("code", "told"), [("DE", True), ("CH", True), ("PE", True), ("US-WV", True), ("GB", None)])
def test_where_each_game_needs_the_regulators_approval_that_is_told(code, told):
    assert json.loads(rules(code).to_json()).get("approved_games_required") is told


def test_maltas_reality_checks_stay_until_they_were_acknowledged():
    assert protection(rules("MT"))["reality_check_acknowledged"] is True


def test_an_option_of_which_nobody_knows_is_left_out():
    found = rules("MT")
    assert options(found) == {}
    assert not (set(FACT_OF_OPTION) - OF_THEIR_OWN) & set(found.confidence)


@pytest.mark.parametrize(
    ("fact", "value", "expected"),
    [
        ("identity_data", ["phone", "national_id"], {"registration_fields": ["phone", "national_id"]}),
        ("identity_data", None, {}),
        ("login_failures_maximum", 4, {"max_failed_logins": 4}),
        ("login_lockout", {"minutes": 45}, {"lockout_minutes": 45, "lockout_until_reset": False}),
        ("login_lockout", {"until_reset": True}, {"lockout_until_reset": True}),
        ("concurrent_sessions", "allowed", {"one_session_per_player": False}),
        ("concurrent_sessions", "banned", {"one_session_per_player": True}),
        ("login_notice", "none", {"new_device_notice": False}),
        ("login_notice", "new_device", {"new_device_notice": True}),
        ("dormancy_months", 12, {"dormancy_months": 12}),
        ("withdrawal_reversal_hours", 24, {"withdrawal_reversal_window_s": 86400}),
        ("game_approval", "required", {"approved_games_required": True}),
        ("game_approval", "none", {"approved_games_required": False}),
    ],
)
def test_an_officer_may_answer_each_option(fact, value, expected):
    found = tenant_rules(CATALOGUE, "MT", {}, on=TODAY, attestations=[attest("MT", fact, value)])
    assert options(found) == expected
    assert {found.confidence[rule] for rule in expected} <= {"attested"}


@pytest.mark.parametrize("value", [{}, {"minutes": 5, "until_reset": True}, {"minutes": 0}, {"until_reset": False}])
def test_a_lock_has_minutes_or_lasts_until_a_reset(value):
    with pytest.raises(ValidationError):
        Lockout.model_validate(value)


UNITED_STATES = sorted(
    code
    for code, found in CATALOGUE.jurisdictions.items()
    if found.parent == "US" and CATALOGUE.jurisdiction(code, TODAY).facts.online_casino.value is OnlineCasino.LEGAL
)


UNREAD = {"US-ME"}
"""Licensed in 2026; nobody has read its rules on places yet."""


@pytest.mark.parametrize("code", UNITED_STATES)
def test_no_state_of_the_united_states_takes_a_bet_from_beyond_its_border(code):
    if code in UNREAD:
        assert not CATALOGUE.jurisdiction(code, TODAY).facts.geolocation_moments.known
        return
    asked = options(rules(code))
    assert "bet" in asked["geolocation_moments"]
    assert asked["geolocation_territory"] == {"regions": [code]}


@pytest.mark.parametrize("code", sorted(CATALOGUE.jurisdictions))
def test_where_players_must_be_is_a_place_that_databases_of_networks_know(code):
    try:
        asked = options(rules(code))
    except RulesError:
        return
    assert ("geolocation_moments" in asked) == ("geolocation_territory" in asked)
    for region in asked.get("geolocation_territory", {"regions": []})["regions"]:
        assert re.fullmatch(r"[A-Z]{2}(-[A-Z0-9]{1,3})?", region) and "-X" not in region


@pytest.mark.parametrize(
    ("moments", "expected"),
    [
        (["registration"], {}),
        (["session", "payout"], {}),
        (["wager", "login", "session"], ["login", "bet"]),
        (["deposit"], ["deposit"]),
    ],
)
def test_moments_are_told_in_the_casinos_words(moments, expected):
    found = tenant_rules(CATALOGUE, "MT", {}, on=TODAY, attestations=[attest("MT", "geolocation_moments", moments)])
    assert options(found).get("geolocation_moments", {}) == expected


def test_no_option_stops_a_casino_for_being_unknown():
    assert not set(FACT_OF_OPTION.values()) & (BINDING | NEEDED)
