"""May a game be offered? A decision over values: the switch, the jurisdiction's approved list, the verification."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Offered:
    """A game as it is on disk: `signature` is its component's in the manifest."""

    game_id: str
    version: str
    signature: str


@dataclass(frozen=True, slots=True)
class Approval:
    """An entry of a regulator's or laboratory's list. `signature` is None where the list names versions alone.

    It holds from `valid_from` to `valid_until`, both days included, in the licence's time zone.
    """

    game_id: str
    version: str
    signature: str | None
    valid_from: date
    valid_until: date | None = None

    def holds_on(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)


@dataclass(frozen=True, slots=True)
class Switch:
    """What an operator has last set: for one version, or for all versions of the game when `version` is None."""

    game_id: str
    version: str | None
    enabled: bool
    reason: str

    def is_about(self, game: Offered) -> bool:
        return self.game_id == game.game_id and self.version in (None, game.version)


class Refusal(StrEnum):
    """Why a game may not be offered: stable names, for records and screens."""

    NOT_ADMITTED = "not_admitted_under_the_rules"
    DISABLED = "disabled_by_operator"
    VERIFICATION_FAILED = "software_verification_failed"
    GENERATOR_FAILED = "generator_failed"
    NOT_APPROVED = "not_on_the_approved_list"
    OTHER_SIGNATURE = "approved_with_another_signature"
    NOT_YET = "approval_not_yet_valid"
    EXPIRED = "approval_expired"


@dataclass(frozen=True, slots=True)
class Decision:
    """Every reason, not only the first: an operator mends them together."""

    game: Offered
    refusals: tuple[Refusal, ...]

    @property
    def playable(self) -> bool:
        return not self.refusals


def decide(
    game: Offered,
    day: date,
    *,
    switches: Iterable[Switch] = (),
    approved: Iterable[Approval] | None = None,
    disabled_components: frozenset[str] = frozenset(),
    generator: str = "generator",
    admitted: bool = True,
) -> Decision:
    """Whether the game may be offered on a day.

    `switches` are in the order in which they were set; a game that none is about is enabled. Any switch that is off
    binds until a later one about the same scope is on: to enable all versions does not enable one that was switched
    off by itself. `approved` is None where the jurisdiction keeps no list; an empty list approves nothing. `admitted`
    says whether its figures are its own and fulfil the rules.
    """
    refusals = [] if admitted else [Refusal.NOT_ADMITTED]
    last: dict[str | None, bool] = {s.version: s.enabled for s in switches if s.is_about(game)}
    if not all(last.values()):
        refusals.append(Refusal.DISABLED)
    if game.game_id in disabled_components:
        refusals.append(Refusal.VERIFICATION_FAILED)
    if generator in disabled_components:
        refusals.append(Refusal.GENERATOR_FAILED)
    if approved is not None:
        refusal = _approval_refusal(game, day, list(approved))
        refusals += [refusal] if refusal is not None else []
    return Decision(game, tuple(refusals))


def _approval_refusal(game: Offered, day: date, approved: list[Approval]) -> Refusal | None:
    listed = [a for a in approved if (a.game_id, a.version) == (game.game_id, game.version)]
    if not listed:
        return Refusal.NOT_APPROVED
    signed = [a for a in listed if a.signature in (None, game.signature)]
    if not signed:
        return Refusal.OTHER_SIGNATURE
    if any(approval.holds_on(day) for approval in signed):
        return None
    return Refusal.NOT_YET if all(day < approval.valid_from for approval in signed) else Refusal.EXPIRED
