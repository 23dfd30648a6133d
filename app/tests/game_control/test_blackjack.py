"""Blackjack: each rule by fixed cards, and the maths by other ways to the same numbers."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest
from casino.game_control.catalogue import GameRefused, definition_texts, load_catalogue, parse_definition
from casino.game_control.definition import act, start
from casino.game_control.engines.blackjack import Blackjack
from casino.game_control.engines.blackjack_hands import UPCARDS, Hand, hand_of
from casino.game_control.engines.blackjack_maths import BUST, CHANCES, Player, dealer_ends
from casino.game_control.rounds import ActionInvalid, RoundState
from game_draws import SeededDraw, cards, exact_figures
from hypothesis import given
from hypothesis import strategies as st

TEXT = definition_texts()["lantern-blackjack.json"]
GAME = load_catalogue()["lantern-blackjack"]
assert isinstance(GAME, Blackjack)


def played(deal: str, *actions: str, game: Any = GAME) -> RoundState:
    """A round of 100 with these cards in drawing order: player, dealer, player, hole card, then as drawn."""
    draw = cards(*deal.split())
    state = start(game, 100, {}, draw)
    for action in actions:
        state = act(game, state, {"action": action}, draw)
    assert not draw.numbers, f"not drawn: {draw.numbers}"
    return state


@pytest.mark.parametrize(
    ("deal", "actions", "staked", "win"),
    [
        ("As 9s Ks 9d", [], 100, 250),  # blackjack pays three to two
        ("As Ks Kd Ad", [], 100, 100),  # against a blackjack it is returned
        ("9s Ks 9d Ad", [], 100, 0),  # the dealer looks under a ten
        ("Ts 9s 9d 8d", ["stand"], 100, 200),
        ("Ts 9s 8d Th", ["stand"], 100, 0),
        ("Ts 9s 8d 9h 5c", ["hit"], 100, 0),  # over 21: the dealer does not draw
        ("Ts 6s 2d Kh Kc", ["stand"], 100, 200),  # the dealer goes over 21
        ("Ts 6s 8d Kh 2c", ["stand"], 100, 100),  # equal totals are returned
        ("Ts 6s 8d Ah", ["stand"], 100, 200),  # the dealer stands on a soft 17
        ("5s 6s 6d Kh Tc Ks", ["double"], 200, 400),
        ("5s 6s 6d Kh 2c 5d", ["double"], 200, 0),
        ("5s 9s 6d 9h Tc", ["hit"], 100, 200),  # 21 is not asked
        ("9s As 9d Kh", ["insurance"], 150, 150),  # insurance pays two to one
        ("9s As 9d Kh", ["decline"], 100, 0),
        ("9s As 9d 9h", ["insurance", "stand"], 150, 0),
        ("As Ah Ks Kh", ["insurance"], 150, 250),  # even money
        ("As Ah Ks 9h", ["insurance"], 150, 250),
        # a pair of eights split: 8+3 doubled to 21, 8+T stands against 17
        ("8s 7s 8d Kh 3c Tc Td", ["split", "double", "stand"], 300, 600),
        # split aces get one card each and 21 is no blackjack
        ("As 7s Ad Kh Kc 5d", ["split"], 200, 200),
        # split, and split again up to four hands: then a further eight is no pair to split
        ("8s 7s 8d Kh 8c 8h Ts 8s Td Th", ["split", "split", "split", "stand", "stand", "stand", "stand"], 400, 600),
    ],
)
def test_a_round_is_paid_by_the_rules(deal: str, actions: list[str], staked: int, win: int) -> None:
    state = played(deal, *actions)
    assert (state.closed, state.staked_minor, state.win_minor) == (True, staked, win), state.data


def test_further_stakes_are_told_by_the_step_that_takes_them() -> None:
    draw = cards("8s", "As", "8d", "9h", "3c", "Tc", "Td")
    state = start(GAME, 100, {}, draw)
    assert state.step_stake_minor == 100 and state.actions == ("insurance", "decline")
    taken = []
    for action in ("insurance", "split", "double", "stand"):
        state = act(GAME, state, {"action": action}, draw)
        taken.append(state.step_stake_minor)
    assert taken == [50, 100, 100, 0] and state.staked_minor == 350


def test_the_hole_card_is_hidden_until_the_round_is_closed() -> None:
    open_round = played("Ts 9s 8d 9d")
    assert "9d" not in json.dumps(open_round.visible())
    assert open_round.visible()["data"]["dealer_shown"] == ["9s"]
    closed = act(GAME, open_round, {"action": "stand"}, cards())
    assert closed.visible()["data"]["dealer_shown"] == ["9s", "9d"]


@pytest.mark.parametrize(
    ("deal", "actions", "refused"),
    [
        ("Ts 9s 8d 9d", [], "split"),
        ("Ts 9s 8d 9d", [], "insurance"),
        ("5s 9s 4d 9d 2s", ["hit"], "double"),
        ("9s As 9d 9h", [], "hit"),
        ("9s As 9d 9h", ["decline"], "insurance"),
    ],
)
def test_what_the_rules_do_not_allow_is_refused(deal: str, actions: list[str], refused: str) -> None:
    state = played(deal, *actions)
    with pytest.raises(ActionInvalid):
        act(GAME, state, {"action": refused}, SeededDraw(1))


def altered(**rules: Any) -> Blackjack:
    document = json.loads(TEXT)
    document["rules"] |= rules
    definition = parse_definition(json.dumps(document), "altered")
    assert isinstance(definition, Blackjack)
    return definition


def test_other_tables_have_other_rules() -> None:
    hits = altered(dealer_hits_soft_17=True)
    assert played("Ts 6s 8d Ah 4c", "stand", game=hits).win_minor == 0
    one_hand = altered(max_hands=1, double_totals=[9, 10, 11])
    assert played("8s 7s 8d Kh", game=one_hand).actions == ("hit", "stand")
    resplit = altered(resplit_aces=True)
    state = played("As 7s Ad Kh Ac", "split", game=resplit)
    assert state.actions == ("stand", "split")


@given(st.lists(st.integers(1, 10), min_size=1, max_size=21))
def test_a_hand_counts_as_many_aces_eleven_as_fit(values: list[int]) -> None:
    hard = sum(values)
    soft = 1 in values and hard + 10 <= 21
    assert hand_of(values) == Hand(hard + 10 if soft else hard, soft)


def test_the_dealers_ends_agree_with_the_enumeration_of_every_hand() -> None:
    """By sequences of cards instead of states."""

    def ends(values: tuple[int, ...], chance: Fraction) -> Iterator[tuple[int, Fraction]]:
        hard = sum(values)
        total = hard + 10 if 1 in values and hard + 10 <= 21 else hard
        if total >= 17:
            yield (BUST if total > 21 else total), chance
        else:
            for card, more in CHANCES.items():
                yield from ends((*values, card), chance * more)

    mine: dict[int, Fraction] = {}
    for end, chance in ends((6,), Fraction(1)):
        mine[end] = mine.get(end, Fraction(0)) + chance
    assert mine == dealer_ends(GAME.rules, 6)


def test_no_row_of_the_strategy_can_be_bettered() -> None:
    """The stated strategy is the best for hit, stand and double: each cell against the exact worth of all three."""
    for upcard in UPCARDS:
        dealer = dealer_ends(GAME.rules, upcard)
        player = Player(GAME.rules, GAME.strategy, upcard)

        def worth(ends: dict[tuple[int, int], Fraction], dealer: dict[int, Fraction] = dealer) -> Fraction:
            return sum(
                chance * more * stakes * (-1 if total == BUST or total < end else 0 if total == end else 1)
                for (stakes, total), chance in ends.items()
                for end, more in dealer.items()
            )

        for hand in [*(Hand(t, False) for t in range(5, 21)), *(Hand(t, True) for t in range(13, 21))]:
            stand = worth({(1, hand.total): Fraction(1)})
            after = [(chance, hand.hit(card)) for card, chance in CHANCES.items()]
            hit = sum(chance * worth(player.drawn(next_hand)) for chance, next_hand in after)
            double = sum(chance * worth({(2, h.total if h.total <= 21 else BUST): Fraction(1)}) for chance, h in after)
            best = {"stand": stand, "hit": hit, "double": double}
            chosen = GAME.strategy.play(hand, upcard, may_double=True)
            assert best[chosen] == max(best.values()), (hand, upcard, chosen)
            without = GAME.strategy.play(hand, upcard, may_double=False)
            assert best[without] == max(stand, hit)


def test_no_pair_is_better_played_the_other_way() -> None:
    """Against every other card of the dealer: the rest takes as long again."""
    for upcard, card in itertools.product(UPCARDS[::2], CHANCES):
        player = Player(GAME.rules, GAME.strategy, upcard)
        split = whole = Fraction(0)
        for end, chance in dealer_ends(GAME.rules, upcard).items():
            split += chance * sum(Fraction(won - staked, 2) * p for (staked, won), p in player.split(card, end).items())
            ends = player.two_cards(hand_of((card, card)), split=False)
            for (stakes, total), p in ends.items():
                sign = -1 if total == BUST or total < end else 0 if total == end else 1
                whole += chance * p * stakes * sign
        assert GAME.strategy.splits(card, upcard) == (split > whole), (card, upcard, float(split), float(whole))


def test_a_tables_rules_move_the_figure_the_way_they_must() -> None:
    main = exact_figures("lantern-blackjack")["main"]
    poorer = altered(blackjack_pays_numerator=1, blackjack_pays_denominator=1).exact_figures()["main"]
    natural_alone = Fraction(8, 169) * (1 - Fraction(8, 169))
    assert main.mean_net - poorer.mean_net == natural_alone / 2
    assert main.mean_stake == poorer.mean_stake


@pytest.mark.parametrize(
    ("where", "row", "fault"),
    [
        ("hard", {"21": "HHHHHHHHHH"}, "21 stands"),
        ("hard", {"9": "PPPPPPPPPP"}, "only the rows of pairs"),
        ("soft", {"22": "SSSSSSSSSS"}, "rows"),
    ],
)
def test_a_strategy_that_is_none_is_refused(where: str, row: dict[str, str], fault: str) -> None:
    document = json.loads(TEXT)
    document["strategy"][where] |= row
    with pytest.raises(GameRefused, match=fault):
        parse_definition(json.dumps(document), "x")


def test_stakes_that_do_not_halve_are_refused() -> None:
    with pytest.raises(GameRefused, match="even"):
        parse_definition(json.dumps(json.loads(TEXT) | {"stakes_minor": [25]}), "x")
