"""The fact of a day: who outranks whom, what is stricter, and from when to when."""

from datetime import date, timedelta

import pytest
from domicile_catalog.facts import MAY_BE_NONE, Facts, Finding
from domicile_catalog.forms import Lockout, MoneyCap, Pause, StakeBand, TimeOut
from domicile_catalog.resolution import rank, resolve
from domicile_catalog.strictness import STRICTEST, strictest
from domicile_catalog.vocabulary import (
    AccessNotice,
    Demand,
    Frequency,
    IdentityData,
    Kyc,
    LicenceRegime,
    LimitKind,
    Localisation,
    Moment,
    OnlineCasino,
    PaymentMethod,
    Period,
    Permission,
    Product,
    Residency,
)
from hypothesis import given
from hypothesis import strategies as st

DAY = date(2026, 6, 1)


def finding(value, kind="law", confidence="sourced", **more):
    """A finding with a source where it needs one."""
    source = {"source": f"https://{kind}.example"} if confidence == "sourced" else {}
    return Finding(
        value=value, confidence=confidence, source_kind=kind if confidence == "sourced" else None, **source, **more
    )


def of(enum):
    return st.sampled_from(list(enum))


stakes = st.dictionaries(st.integers(16, 30), st.integers(1, 1000), min_size=1, max_size=4).map(
    lambda bands: tuple(StakeBand(min_age=age, stake_minor=stake) for age, stake in sorted(bands.items()))
)
caps = st.dictionaries(st.tuples(of(Period), st.sampled_from([0, 18, 25])), st.integers(1, 1000), min_size=1).map(
    lambda found: tuple(MoneyCap(period=p, min_age=age, amount_minor=most) for (p, age), most in found.items())
)


def sets_of(enum):
    return st.lists(of(enum), min_size=1, unique=True).map(tuple)


hours = st.none() | st.integers(1, 100)
VALUES = {
    "licence_regime": of(LicenceRegime),
    "online_casino": of(OnlineCasino),
    "licensed_products": st.lists(of(Product), min_size=1, unique=True).map(tuple),
    "data_residency": of(Residency),
    "record_retention_years": st.integers(1, 20),
    "aml_retention_years": st.integers(1, 20),
    "min_age": st.integers(16, 25),
    "slot_max_stake": stakes,
    "slot_min_cycle_seconds": st.integers(1, 10),
    "other_games_min_cycle_seconds": st.integers(1, 10),
    "rtp_minimum_percent": st.integers(0, 99),
    "session_idle_minutes": st.integers(1, 90),
    "kyc_before_play": of(Kyc),
    **{
        name: of(Permission)
        for name in ("live_casino", "autoplay", "speed_features", "concurrent_games", "concurrent_sessions", "bonus")
    },
    "reality_check_minutes": st.integers(1, 90),
    "forced_pause": st.builds(Pause, after_minutes=st.integers(1, 90), minutes=st.integers(1, 90)),
    "limits_required": sets_of(LimitKind),
    "limits_offered": sets_of(LimitKind),
    "limit_increase_hours": st.integers(0, 200),
    "deposit_cap": caps,
    "loss_cap": caps,
    "time_out": st.builds(TimeOut, minimum_hours=hours, maximum_hours=hours),
    "self_exclusion_minimum_months": st.integers(1, 60),
    "register_check_moments": sets_of(Moment),
    "kyc_deadline_hours": st.integers(0, 1000),
    "bonus_wagering_maximum": st.integers(0, 50),
    "payment_methods_banned": sets_of(PaymentMethod),
    "geolocation_moments": sets_of(Moment),
    "geolocation_recheck_minutes": st.integers(1, 90),
    "login_failures_maximum": st.integers(1, 10),
    "login_lockout": st.builds(Lockout, minutes=st.integers(1, 90)) | st.just(Lockout(until_reset=True)),
    "login_notice": of(AccessNotice),
    "game_approval": of(Demand),
    "reality_check_acknowledgement": of(Demand),
    "limit_increase_confirmation": of(Demand),
    "identity_data": sets_of(IdentityData),
    "dormancy_months": st.integers(1, 60),
    "withdrawal_reversal_hours": st.integers(0, 200),
    "reporting_frequency": of(Frequency),
    "personal_data_localisation": of(Localisation),
    "payment_data_localisation": of(Localisation),
}
named_values = st.sampled_from(sorted(VALUES)).flatmap(
    lambda name: st.tuples(st.just(name), st.lists(VALUES[name], min_size=1, max_size=5))
)


def test_every_fact_with_an_order_has_values_to_test_it_with():
    assert set(VALUES) == set(STRICTEST) <= set(Facts.model_fields)


def same(name, one, other):
    """Whether two values of a fact say the same: sets in any order, stakes however many bands spell them."""
    if name in ("deposit_cap", "loss_cap"):
        return set(strictest(name, [one])) == set(strictest(name, [other]))
    if name != "slot_max_stake" and isinstance(one, tuple):
        return set(one) == set(other)
    return strictest(name, [one]) == strictest(name, [other])


@given(named_values, st.randoms(use_true_random=False))
def test_the_strictest_does_not_depend_on_the_order_of_sources(named, random):
    name, values = named
    shuffled = list(values)
    random.shuffle(shuffled)
    assert same(name, strictest(name, values), strictest(name, shuffled))


@given(named_values)
def test_the_strictest_is_as_strict_as_each(named):
    name, values = named
    found = strictest(name, values)
    for value in values:
        assert same(name, strictest(name, [found, value]), found)


@given(stakes, stakes, st.integers(16, 40))
def test_of_two_stake_tables_each_age_gets_the_lower(one, other, age):
    def stake(bands):
        reached = [band for band in bands if band.min_age <= age]
        return (reached[-1] if reached else bands[0]).stake_minor

    assert stake(strictest("slot_max_stake", [one, other])) == min(stake(one), stake(other))


@given(caps, caps, st.sampled_from(list(Period)), st.integers(0, 40))
def test_of_two_tables_of_caps_each_age_gets_the_lower(one, other, period, age):
    def cap(caps_):
        reached = {found.min_age: found.amount_minor for found in caps_ if found.period is period}
        reached = {from_age: most for from_age, most in reached.items() if from_age <= age}
        return reached[max(reached)] if reached else None

    told = [found for found in (cap(one), cap(other)) if found is not None]
    assert cap(strictest("deposit_cap", [one, other])) == min(told, default=None)


@pytest.mark.parametrize("name", sorted(MAY_BE_NONE))
@given(data=st.data())
def test_no_rule_is_laxer_than_any_rule(name, data):
    value = data.draw(VALUES.get(name, st.just("a system")))
    assert same(name, strictest(name, [None, value]), value)
    assert strictest(name, [None, None]) is None


def test_two_licences_that_share_no_product_license_nothing():
    assert strictest("online_casino", [OnlineCasino.SPORTS_ONLY, OnlineCasino.POKER_ONLY]) is OnlineCasino.PROHIBITED
    assert strictest("online_casino", [OnlineCasino.UNREGULATED, OnlineCasino.SPORTS_ONLY]) is OnlineCasino.PROHIBITED
    assert strictest("online_casino", [OnlineCasino.LEGAL, OnlineCasino.SPORTS_ONLY]) is OnlineCasino.SPORTS_ONLY


def test_a_region_and_a_copy_are_met_together_only_on_the_ground():
    assert strictest("data_residency", [Residency.IN_REGION, Residency.COPY_IN_TERRITORY]) is Residency.IN_TERRITORY


@pytest.mark.parametrize(
    ("weightier", "lighter"),
    [("law", "lawfirm"), ("regulator", "lawfirm"), ("lawfirm", "press"), ("lawfirm", "vendor"), ("law", "other")],
)
def test_authority_comes_before_strictness(weightier, lighter):
    lax, strict = finding(18, weightier), finding(21, lighter)
    fact = resolve("min_age", [strict, lax], DAY)
    assert (fact.value, fact.others) == (18, (strict,))


@pytest.mark.parametrize(("one", "other"), [("law", "regulator"), ("press", "vendor"), ("vendor", "other")])
def test_among_equals_the_stricter_binds_and_the_other_is_kept(one, other):
    fact = resolve("min_age", [finding(18, one), finding(21, other)], DAY)
    assert fact.value == 21
    assert [kept.value for kept in fact.others] == [18]


def test_a_report_does_not_make_laxer_what_is_remembered_as_stricter():
    recalled = finding("in_territory", confidence="recalled")
    assert resolve("data_residency", [finding("none", "press"), recalled], DAY).confidence == "recalled"
    assert resolve("data_residency", [finding("none", "lawfirm"), recalled], DAY).value == "none"


def test_what_satisfies_all_sources_is_no_better_known_than_the_worst_of_them():
    findings = [finding("in_region", "press"), finding("copy_in_territory", confidence="recalled")]
    fact = resolve("data_residency", [f.model_copy(update={"value": Residency(f.value)}) for f in findings], DAY)
    assert (fact.value, fact.confidence) == ("in_territory", "recalled")
    assert len(fact.others) == 2


def test_a_text_takes_the_newest_of_what_was_read():
    old = finding("old", valid_from=date(2020, 1, 1))
    new = finding("new", valid_from=date(2024, 1, 1))
    remembered = finding("remembered", confidence="recalled", valid_from=date(2025, 1, 1))
    assert resolve("gaming_tax", [remembered, old, new], DAY).value == "new"
    assert resolve("gaming_tax", [finding("report", "press"), remembered], DAY).value == "report"


def test_a_system_that_one_source_names_is_not_denied_by_a_newer_equal():
    named, none = finding("CDB", "press"), finding(None, "press", valid_from=date(2025, 1, 1))
    assert resolve("regulator_system", [named, none], DAY).value == "CDB"


def test_a_rule_holds_from_its_first_day_to_its_last():
    old = finding(18, valid_to=date(2026, 5, 31))
    new = finding(21, valid_from=date(2026, 6, 1))
    day = timedelta(days=1)
    assert resolve("min_age", [old, new], DAY - day).value == 18
    assert resolve("min_age", [old, new], DAY).value == 21
    assert not resolve("min_age", [new], DAY - day).known


@given(named_values, st.sampled_from(["law", "regulator", "lawfirm", "press", None]))
def test_a_further_source_never_makes_an_equal_laxer(named, kind):
    name, values = named
    findings = [finding(value, kind or "other") for value in values]
    fewer, all_ = resolve(name, findings[:-1], DAY), resolve(name, findings, DAY)
    if fewer.known:
        assert same(name, strictest(name, [all_.value, fewer.value]), all_.value)
    assert all(rank(other) == rank(findings[0]) for other in all_.others)
