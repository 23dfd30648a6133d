"""Fields of a registration, the account's life, one-time passwords: as functions of values."""

from __future__ import annotations

import itertools
import json
import re
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest
from casino.compliance.api import parse_rules
from casino.kernel.errors import ConfigurationError
from casino.pam import timing, totp
from casino.pam.fields import FIELDS, index_values, person_key, required_fields
from casino.pam.lifecycle import months_before
from casino.pam.status import (
    TRANSITIONS,
    Actor,
    Status,
    TransitionRefused,
    may_log_in,
    may_play,
    require_transition,
    strictest,
)
from hypothesis import given
from hypothesis import strategies as st


def test_rules_name_fields_or_groups_and_nothing_unknown() -> None:
    assert required_fields(()) == ()
    assert required_fields(("email", "phone", "name")) == ("given_name", "family_name", "phone")
    assert required_fields(("deposit_limit", "address")) == (
        "address_line", "postal_code", "city", "country", "deposit_limit",
    )  # fmt: skip
    with pytest.raises(ConfigurationError, match="shoe_size"):
        required_fields(("name", "shoe_size"))


@pytest.mark.parametrize(
    ("name", "given", "kept"),
    [
        ("given_name", "  Zoë   Anne ", "Zoë Anne"),
        ("family_name", "O'Neill-Smith", "O'Neill-Smith"),
        ("phone", "+44 (1632) 960-000", "+441632960000"),
        ("national_id", "12.345.678-K", "12345678K"),
        ("nationality", "gb", "GB"),
        ("gender", "Undisclosed", "undisclosed"),
        ("postal_code", "sw1a 1aa", "SW1A 1AA"),
        ("city", "Łódź", "Łódź"),
    ],
)
def test_a_field_is_kept_in_one_spelling(name: str, given: str, kept: str) -> None:
    assert FIELDS[name].check(given) == kept
    assert FIELDS[name].check(kept) == kept


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("given_name", "R2D2"), ("given_name", "..."), ("given_name", "a\u202eb"), ("phone", "01632 960000"),
        ("phone", "+0123456789"), ("phone", "+44163296000012345"), ("national_id", "abc"), ("national_id", "x" * 33),
        ("nationality", "GBR"), ("gender", "x"), ("postal_code", "!"), ("address_line", "é"), ("city", "a\x00b"),
    ],
)  # fmt: skip
def test_a_faulty_field_is_refused_and_not_quoted(name: str, given: str) -> None:
    with pytest.raises(ValueError) as refused:
        FIELDS[name].check(given)
    assert given not in str(refused.value)


@given(st.sampled_from(sorted(FIELDS)), st.text(max_size=60))
def test_a_check_answers_a_value_that_it_would_answer_again_or_refuses(name: str, value: str) -> None:
    try:
        kept = FIELDS[name].check(value)
    except ValueError:
        return
    assert FIELDS[name].check(kept) == kept


def test_two_spellings_of_one_person_have_one_key() -> None:
    key = person_key("José-María", "De la Cruz", "1980-01-01")
    assert key == person_key("JOSE MARIA", "delacruz", "1980-01-01")
    assert key != person_key("Jose", "Maria Delacruz", "1980-01-01")
    assert key != person_key("José-María", "De la Cruz", "1980-01-02")
    assert index_values({"email": "A@X.test", "given_name": "A"}) == {"email": "a@x.test"}


def test_every_step_of_the_life_is_allowed_to_those_named_and_to_nobody_else() -> None:
    for origin, target, actor in itertools.product(Status, Status, Actor):
        allowed = actor in TRANSITIONS.get((origin, target), ())
        if allowed:
            require_transition(origin, target, actor)
        else:
            with pytest.raises(TransitionRefused):
                require_transition(origin, target, actor)


def test_nobody_but_responsible_gaming_ends_an_exclusion_into_play() -> None:
    for (origin, target), actors in TRANSITIONS.items():
        if origin is Status.SELF_EXCLUDED and (may_play(target) or may_log_in(target)):
            assert actors == {Actor.RESPONSIBLE_GAMING}
        if target is Status.SELF_EXCLUDED:
            assert actors == {Actor.RESPONSIBLE_GAMING}


def test_a_player_can_always_close_an_account_that_lets_them_in_and_never_opens_what_others_shut() -> None:
    for status in Status:
        if may_log_in(status):
            assert Actor.PLAYER in TRANSITIONS[status, Status.CLOSED]
    opened = {key for key, actors in TRANSITIONS.items() if Actor.PLAYER in actors and key[1] is not Status.CLOSED}
    assert opened == {(Status.DORMANT, Status.ACTIVE)}


def test_the_documentation_draws_the_machine_as_it_is() -> None:
    text = (Path(__file__).parents[3] / "docs" / "players.md").read_text()
    drawn = {}
    for origin, target, actors in re.findall(r"^    (\w+) --> (\w+): (.+)$", text, re.MULTILINE):
        drawn[Status(origin), Status(target)] = frozenset(Actor(one) for one in actors.split(", "))
    for key, actors in drawn.items():
        assert TRANSITIONS[key] == actors, key
    # What is told in a sentence below the drawing.
    assert all(target in (Status.SELF_EXCLUDED, Status.MERGED) for _, target in set(TRANSITIONS) - set(drawn))


def test_the_documentation_lists_every_field() -> None:
    text = (Path(__file__).parents[3] / "docs" / "players.md").read_text()
    table = text[text.index("## Fields") : text.index("## Encryption")]
    assert all(f"`{name}`" in table for name in FIELDS)


def test_merged_is_an_end_and_every_other_state_can_reach_it() -> None:
    assert not [key for key in TRANSITIONS if key[0] is Status.MERGED]
    for status in set(Status) - {Status.MERGED}:
        assert (status, Status.MERGED) in TRANSITIONS


@given(st.sampled_from(Status), st.sampled_from(Status))
def test_a_merge_never_loosens_what_binds_either_account(first: Status, second: Status) -> None:
    kept = strictest(first, second)
    assert kept in (first, second)
    for bound in (Status.SELF_EXCLUDED, Status.SUSPENDED, Status.RESTRICTED):
        if bound in (first, second):
            assert not may_play(kept)
            break


RULES = {
    "schema": 1, "catalogue_version": "test", "jurisdiction": "TEST", "jurisdiction_name": "Testland",
    "regulator": "Test Commission", "currency": "GBP", "currency_exponent": 2, "timezone": "Europe/London",
    "min_age_years": 18, "slot_max_stake": None, "slot_min_cycle_ms": None, "rtp_minimum_basis_points": None,
    "session_idle_timeout_s": None, "record_retention_years": 5,
}  # fmt: skip

# RFC 6238, appendix B, SHA-1: the last six of the eight digits.
RFC = [
    (59, "94287082"), (1111111109, "07081804"), (1111111111, "14050471"), (1234567890, "89005924"),
    (2000000000, "69279037"), (20000000000, "65353130"),
]  # fmt: skip


@pytest.mark.parametrize(("at", "code"), RFC)
def test_codes_are_those_of_the_rfc(at: int, code: str) -> None:
    assert totp.code_at(b"12345678901234567890", at // 30) == code[-6:]


@given(st.binary(min_size=20, max_size=20), st.integers(120, 2**33), st.integers(-3, 3))
def test_a_code_counts_within_a_step_and_once(secret: bytes, at: int, off: int) -> None:
    step = at // 30 + off
    code = totp.code_at(secret, step)
    found = totp.matching_step(secret, code, at, -1)
    if abs(off) <= totp.SKEW_STEPS:
        assert found is not None and totp.code_at(secret, found) == code
        assert totp.matching_step(secret, code, at, at // 30 + 1) is None  # taken, or older than what was
    else:
        # Only by the accident of two equal codes.
        assert found is None or totp.code_at(secret, found) == code


@given(st.floats(0, 10))
async def test_a_refusal_takes_a_whole_number_of_tenths_however_long_it_took(taken: float) -> None:
    times, waited = iter((5.0, 5.0 + taken)), []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timing, "time", SimpleNamespace(monotonic=lambda: next(times)))
        patch.setattr(timing, "asyncio", SimpleNamespace(sleep=sleep))
        await timing.EvenPace().wait()
    (seconds,) = waited
    tenths = (taken + seconds) / timing.QUANTUM_S
    assert 0 < seconds <= timing.QUANTUM_S + 1e-9 and abs(tenths - round(tenths)) < 1e-6


def test_recovery_codes_are_known_however_they_are_typed() -> None:
    codes = totp.new_recovery_codes()
    assert len(set(codes)) == 10 and all(len(code) == 19 for code in codes)
    for code in codes:
        assert totp.recovery_hash(code) == totp.recovery_hash(code.upper().replace("-", " "))
    assert totp.recovery_hash("0o1l") == totp.recovery_hash("0011")


@pytest.mark.parametrize(
    ("day", "months", "before"),
    [
        (date(2026, 3, 31), 1, date(2026, 2, 28)), (date(2024, 3, 31), 1, date(2024, 2, 29)),
        (date(2026, 1, 15), 12, date(2025, 1, 15)), (date(2026, 1, 1), 1, date(2025, 12, 1)),
        (date(2026, 5, 31), 30, date(2023, 11, 30)),
    ],
)  # fmt: skip
def test_months_are_counted_back_to_a_day_that_there_is(day: date, months: int, before: date) -> None:
    assert months_before(day, months) == before


@given(st.dates(date(1900, 1, 1), date(2100, 1, 1)), st.integers(1, 600))
def test_more_months_are_never_later(day: date, months: int) -> None:
    assert months_before(day, months + 1) < months_before(day, months) < day


def test_rules_without_a_word_on_accounts_ask_for_nothing_more() -> None:
    rules = parse_rules(json.dumps(RULES))
    assert rules.registration_fields == () and not rules.verification_required and rules.geolocation_moments == ()
    assert (rules.max_failed_logins, rules.lockout_minutes, rules.lockout_until_reset) == (5, 30, False)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"geolocation_moments": ["bet"]}, "geolocation_territory"),
        ({"geolocation_moments": ["sleep"]}, "geolocation_moments"),
        ({"geolocation_territory": {"regions": []}}, "geolocation_territory.regions"),
        ({"geolocation_territory": {"regions": ["GB"], "polygon": []}}, "geolocation_territory.polygon"),
        ({"max_failed_logins": 0}, "max_failed_logins"),
        ({"dormancy_months": "12"}, "dormancy_months"),
    ],
)
def test_a_rule_that_cannot_be_is_named(changes: dict[str, object], place: str) -> None:
    with pytest.raises(ConfigurationError, match=place):
        parse_rules(json.dumps(RULES | changes))
