"""Five cards as poker hands, by the names that a paytable uses."""

from __future__ import annotations

from collections.abc import Sequence

RANK_ORDER = "23456789TJQKA"
HANDS = (
    "royal_flush",
    "straight_flush",
    "four_of_a_kind",
    "full_house",
    "flush",
    "straight",
    "three_of_a_kind",
    "two_pair",
    "jacks_or_better",
)
NOTHING = "nothing"
_WHEEL = [0, 1, 2, 3, 12]
_JACK = RANK_ORDER.index("J")


def poker_hand(cards: Sequence[tuple[int, int]]) -> str:
    """The best of HANDS that five cards make, or "nothing". A card is (rank 0 for two to 12 for ace, suit)."""
    ranks = sorted(rank for rank, _ in cards)
    distinct = len(set(ranks))
    if distinct < 5:
        return _grouped(ranks, distinct)
    straight = ranks[4] - ranks[0] == 4 or ranks == _WHEEL
    if len({suit for _, suit in cards}) == 1:
        if straight:
            return "royal_flush" if ranks[0] == 8 else "straight_flush"
        return "flush"
    return "straight" if straight else NOTHING


def _grouped(ranks: list[int], distinct: int) -> str:
    counts = sorted(ranks.count(rank) for rank in set(ranks))
    if distinct == 4:
        pair = next(rank for rank in ranks if ranks.count(rank) == 2)
        return "jacks_or_better" if pair >= _JACK else NOTHING
    if distinct == 3:
        return "three_of_a_kind" if counts[-1] == 3 else "two_pair"
    return "four_of_a_kind" if counts[-1] == 4 else "full_house"
