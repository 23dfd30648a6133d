"""Card numbers: found however they are written, and not found where there is none."""

from __future__ import annotations

import json
import uuid

import pytest
from casino.wallet.payments.pan import holds_pan, passes_luhn
from hypothesis import assume, given
from hypothesis import strategies as st

PREFIXES = st.sampled_from(["4", "51", "55", "2221", "2720", "34", "37", "36", "6011", "65", "5018"])


@st.composite
def numbers(draw: st.DrawFn, length: st.SearchStrategy[int] = st.integers(13, 19)) -> str:  # noqa: B008
    """A number with a right check digit."""
    body = draw(PREFIXES)
    size = draw(length)
    body += draw(st.text("0123456789", min_size=size - len(body) - 1, max_size=size - len(body) - 1))
    return next(body + digit for digit in "0123456789" if passes_luhn(body + digit))


@given(
    numbers(),
    st.sampled_from(['{"card_token": "%s"}', '{"note": "my card %s, thanks"}', "a=%s&b=1", '{"n": %s}', "%s"]),
)
def test_a_card_number_is_found_wherever_it_stands(number: str, place: str) -> None:
    assert holds_pan(place % number)


@given(numbers(st.just(16)), st.sampled_from(" -"))
def test_it_is_found_in_the_groups_of_the_card(number: str, between: str) -> None:
    assert holds_pan(json.dumps({"x": between.join(number[i : i + 4] for i in range(0, 16, 4))}))


@given(numbers(), st.integers(0, 18), st.integers(1, 9))
def test_a_mistyped_digit_is_no_card_number(number: str, place: int, by: int) -> None:
    assume(0 < place < len(number))
    wrong = number[:place] + str((int(number[place]) + by) % 10) + number[place + 1 :]
    assert not holds_pan(wrong)


@given(st.uuids(), st.integers(1, 10**12), st.text("0123456789abcdef", min_size=32, max_size=64))
def test_what_requests_really_hold_is_let_through(key: uuid.UUID, amount: int, token: str) -> None:
    assume(any(letter in token for letter in "abcdef"))
    assert not holds_pan(json.dumps({"id": str(key), "amount_minor": amount, "token": "tok_" + token}))


@pytest.mark.parametrize("known", ["4111111111111111", "378282246310005", "3782 822463 10005", "30569309025904"])
def test_the_schemes_own_test_numbers_are_found(known: str) -> None:
    assert holds_pan(known)
