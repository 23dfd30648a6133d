"""The par sheet, the wins, the RTP and the generator: all but the last are pure."""

from __future__ import annotations

import json
import os
from collections import Counter
from fractions import Fraction
from importlib import resources
from typing import Any

import pytest
from casino.compliance.api import parse_rules
from casino.game_control.drbg import HmacDrbg, RngFailure, known_answer_test
from casino.game_control.entropy import EntropySource
from casino.game_control.models import ParSheet
from casino.game_control.rng import RandomNumberGenerator
from casino.game_control.service import Game, GameControl, GameRefused, admit, load_games, load_par_sheet
from casino.game_control.slot import LinePays, evaluate, exact_rtp, line_pay, window
from hypothesis import given
from hypothesis import strategies as st

TEXT = (resources.files("casino.game_control.games") / "harbour-lights.json").read_text()
PAR = load_par_sheet(TEXT, "harbour-lights.json")


def rules(**changes: Any) -> Any:
    text = (resources.files("casino.dev") / "rules.json").read_text()
    return parse_rules(json.dumps(json.loads(text) | changes))


def test_the_rtp_of_the_whole_cycle_is_what_the_par_sheet_declares() -> None:
    assert exact_rtp(PAR) == Fraction(6575, 6912) == PAR.certified_rtp


def test_the_rtp_agrees_with_the_probabilities_of_the_symbols() -> None:
    """Another way to the same number: each cell of a reel shows each stop equally often, so lines count alike."""
    first, second, third = (Counter(reel) for reel in PAR.reels)
    total = sum(
        line_pay(PAR, (a, b, c))[2] * first[a] * second[b] * third[c] for a in first for b in second for c in third
    )
    assert Fraction(total, 24**3) == exact_rtp(PAR)


@pytest.mark.parametrize(
    ("symbols", "pay"),
    [
        (("bell", "bell", "bell"), ("bell", 3, 16)),
        (("bell", "beacon", "bell"), ("bell", 3, 16)),
        (("beacon", "beacon", "fish"), ("fish", 3, 5)),
        (("beacon", "beacon", "beacon"), ("beacon", 3, 500)),
        (("shell", "shell", "bell"), ("shell", 2, 1)),
        (("beacon", "shell", "bell"), ("shell", 2, 1)),
        (("bell", "shell", "shell"), ("", 0, 0)),
        (("shell", "bell", "shell"), ("", 0, 0)),
        (("fish", "fish", "bell"), ("", 0, 0)),
    ],
)
def test_a_line_pays_from_the_left_and_the_beacon_stands_for_all(
    symbols: tuple[str, ...], pay: tuple[str, int, int]
) -> None:
    assert line_pay(PAR, symbols) == pay


@given(st.tuples(*(st.integers(0, 23) for _ in range(3))), st.sampled_from(PAR.stakes_minor))
def test_wins_are_whole_amounts_that_scale_with_the_stake(stops: tuple[int, ...], stake: int) -> None:
    outcome, smallest = evaluate(LinePays(PAR), stops, stake), evaluate(LinePays(PAR), stops, 5)
    assert outcome.win_minor * 5 == smallest.win_minor * stake
    assert outcome.reels == window(PAR, stops)
    assert all(win.win_minor > 0 for win in outcome.wins)


def test_a_strip_wraps_around() -> None:
    assert window(PAR, (23, 0, 0))[0] == (PAR.reels[0][23], PAR.reels[0][0], PAR.reels[0][1])


@pytest.mark.parametrize("stake", [0, -5, 7])
def test_a_stake_that_does_not_spread_is_refused(stake: int) -> None:
    with pytest.raises(ValueError, match="does not spread"):
        evaluate(LinePays(PAR), (0, 0, 0), stake)


def test_a_game_below_the_rules_minimum_is_not_offered() -> None:
    assert load_games(rules(rtp_minimum_basis_points=9512))
    assert load_games(rules(rtp_minimum_basis_points=9513)) == []
    with pytest.raises(GameRefused, match="rtp_minimum_basis_points"):
        admit(PAR, rules(rtp_minimum_basis_points=9600))


def test_a_par_sheet_that_declares_another_rtp_is_refused() -> None:
    with pytest.raises(GameRefused, match="6575/6912"):
        admit(load_par_sheet(TEXT.replace('"bell": {"3": 16}', '"bell": {"3": 15}'), "edited"), rules())


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"paylines": [[0, 1, 3]]}, "payline"),
        ({"paylines": [[0, 1]]}, "payline"),
        ({"stakes_minor": [7]}, "divide evenly"),
        ({"stakes_minor": [5.0]}, "stakes_minor"),
        ({"wild": "moon"}, "wild"),
        ({"paytable": {"moon": {"3": 5}}}, "moon"),
        ({"reels": [list(PAR.reels[0]), ["fish", "ship"], ["fish", "ship"]]}, "shorter"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_faulty_par_sheet_is_refused_with_its_fault(change: dict[str, Any], fault: str) -> None:
    with pytest.raises(GameRefused, match=fault):
        load_par_sheet(json.dumps(json.loads(TEXT) | change), "faulty.json")


def test_the_told_rtp_is_cut_and_never_rounded_up() -> None:
    assert Game(PAR, Fraction(95129, 100_000)).rtp_percent == "95.12"
    assert Game(PAR, Fraction(9, 10)).rtp_percent == "90.00"


def test_the_generator_gives_nists_known_answer() -> None:
    known_answer_test()


def test_reseeding_changes_the_course_of_the_generator() -> None:
    one, two = (HmacDrbg(bytes(32), bytes(16)) for _ in range(2))
    assert one.generate(64) == two.generate(64)
    two.reseed(b"\1" * 32)
    assert one.generate(64) != two.generate(64)


@given(st.integers(1, 1 << 40))
def test_numbers_are_below_their_bound(bound: int) -> None:
    assert all(0 <= RNG.below(bound) < bound for _ in range(20))


RNG = RandomNumberGenerator("test")


@pytest.mark.parametrize("bound", [0, -1])
def test_an_impossible_bound_is_refused(bound: int) -> None:
    with pytest.raises(ValueError, match="below"):
        RNG.below(bound)


@pytest.mark.parametrize("bound", [2, 3, 24, 100])
def test_numbers_are_uniform(bound: int) -> None:
    """Chi-square over 40,000 draws; the limit lies six standard deviations out: a false alarm in a billion runs."""
    draws = 40_000
    counts = Counter(RNG.below(bound) for _ in range(draws))
    expected = draws / bound
    chi_square = sum((counts[value] - expected) ** 2 / expected for value in range(bound))
    degrees = bound - 1
    assert chi_square < degrees + 8 * (2 * degrees) ** 0.5 + 10


def test_a_bound_is_met_by_rejection_and_not_by_remainder() -> None:
    """With 5 bits and a bound of 24 a remainder would favour 0 to 7: 31 must be thrown away, not become 7."""
    rng = RandomNumberGenerator("test")
    rng._buffer = bytes([31, 24, 23, 255, 0])
    assert (rng.below(24), rng.below(24)) == (23, 0)


def test_an_entropy_source_that_repeats_itself_stops_play() -> None:
    with pytest.raises(RngFailure, match="repeats"):
        RandomNumberGenerator("test", EntropySource(lambda size: b"\7" * size))
    with pytest.raises(RngFailure, match="less"):
        RandomNumberGenerator("test", EntropySource(lambda size: os.urandom(size - 1)))


def test_a_forked_process_deals_other_outcomes() -> None:
    rng = RandomNumberGenerator("test")
    rng.below(256)
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(write, bytes(rng.below(256) for _ in range(32)))
        os._exit(0)
    os.waitpid(pid, 0)
    assert os.read(read, 32) != bytes(rng.below(256) for _ in range(32))


def test_the_played_rtp_comes_near_the_theoretical_one() -> None:
    """60,000 spins of a game whose wins vary by about 3.5 stakes: the mean lies within five standard errors."""
    control = GameControl([Game(PAR, exact_rtp(PAR))], RNG)
    game = control.games["harbour-lights"]
    played = 60_000
    returned = sum(control.play(game, 5).win_minor for _ in range(played)) / (5 * played)
    assert abs(returned - float(PAR.certified_rtp)) < 5 * 3.5 / played**0.5


def test_a_par_sheet_is_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        ParSheet.model_validate_json(TEXT).name = "x"  # type: ignore[misc]
