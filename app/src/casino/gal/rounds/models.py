"""Bodies of the interface of rounds. Amounts are minor units."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from casino.kernel.http import AmountMinor, Body

Choices = Annotated[dict[str, Any], Field(max_length=16)]
"""What the game's `choices` offer; the game itself judges them."""


class StartRequest(Body):
    """`choices` as the game offers them. `provably_fair`: drawn from the player's seeds, and not by the generator."""

    stake_minor: AmountMinor
    choices: Choices = Field(default_factory=dict)
    provably_fair: bool = False


class ActionRequest(Body):
    """`step` is the step that the player saw when they chose; `choices` are what the action takes, such as cards."""

    step: int = Field(ge=1, le=1_000_000)
    action: Annotated[str, Field(pattern=r"^[a-z_]{1,32}$")]
    choices: Choices = Field(default_factory=dict)


class FairDrawsAnswer(BaseModel):
    """What a provably fair round is drawn from."""

    seed_id: uuid.UUID
    client_seed: str
    nonce: int


class JackpotWinAnswer(BaseModel):
    """What the round won of a jackpot, beside `win_minor`."""

    name: str
    win_minor: int


class JackpotPart(BaseModel):
    """What a jackpot returns besides, in percent with two decimals: at least and at most, in the long run."""

    name: str
    rtp_low: str
    rtp_high: str


class RoundAnswer(BaseModel):
    """A round after a step. `data` is what the player may see of the game; `actions` are what they may do.

    `stake_minor` is what this step took, `staked_minor` all stakes so far. `win_minor` is paid when the round is
    closed, and what it comes to so far before. `balance_minor` is the balance after the step, with what the round won
    of a `jackpot`.
    """

    round_id: uuid.UUID
    game_id: str
    version: str
    status: Literal["open", "closed", "voided"]
    step: int
    stake_minor: int
    staked_minor: int
    win_minor: int
    balance_minor: int
    actions: list[str]
    data: dict[str, Any]
    started_at: datetime
    fair: FairDrawsAnswer | None
    jackpot: JackpotWinAnswer | None = None


class RoundsAnswer(BaseModel):
    """Newest first."""

    rounds: list[RoundAnswer]


class PhaseAnswer(BaseModel):
    number: int
    name: str
    choices: dict[str, Any]
    shown: dict[str, Any]


class RoundPicture(BaseModel):
    """A round as it is shown again. `label` says that it is a replay, and is missing while the round is open.

    `balance_before_minor` is the balance before the first stake, `balance_after_minor` that after the last step.
    Hidden parts of a round that has no result are left out: then `complete` is false. `returned_minor` are the stakes
    of a voided round.
    """

    label: str | None
    round_id: uuid.UUID
    game_id: str
    version: str
    status: Literal["open", "closed", "voided"]
    step: int
    actions: list[str]
    played_at: datetime
    ended_at: datetime | None
    end_reason: str | None
    currency: str
    currency_exponent: int
    balance_before_minor: int
    balance_after_minor: int
    stakes: list[Mapping[str, Any]]
    staked_minor: int
    win_minor: int
    returned_minor: int
    complete: bool
    phases: list[PhaseAnswer]
    final_display: dict[str, Any]
    fair: FairDrawsAnswer | None


class WagerFigures(BaseModel):
    """Exact figures of a wager, fractions as text, per unit of the first stake; `rtp_percent` is cut, not rounded."""

    wager: str
    rtp: str
    rtp_percent: str
    hit_rate: str
    volatility: str
    mean_stake: str


class RoundGameAnswer(BaseModel):
    """A game of rounds. `actions` are all that its rounds may ask for; `choices` what a start may name. Its figures
    are without the `jackpot`'s part."""

    game_id: str
    name: str
    kind: str
    version: str
    stakes_minor: list[int]
    choices: dict[str, Any]
    actions: list[str]
    figures: list[WagerFigures]
    jackpot: JackpotPart | None = None


class SeedAnswer(BaseModel):
    """`commitment` is SHA-256 of the server seed, both in hexadecimal; the seed is null until it is revealed.

    `rounds`: how many nonces it has given, 0 to `rounds` - 1; of the current seed, the nonce of the next round.
    """

    seed_id: uuid.UUID
    state: Literal["next", "current", "retired", "revealed"]
    commitment: str
    client_seed: str | None
    server_seed: str | None
    rounds: int


class SeedsAnswer(BaseModel):
    """Newest first: the next seed, the current one, and those before."""

    seeds: list[SeedAnswer]


class RotationRequest(Body):
    """`seed_id` is the current seed, which is retired; `client_seed` is the player's for the next one."""

    seed_id: Annotated[uuid.UUID, Field(strict=False)]
    client_seed: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class ProofAnswer(BaseModel):
    """What `casino fair verify` and POST /api/v1/fair/verification take."""

    commitment: str
    server_seed: str
    client_seed: str
    nonce: int
    game_id: str
    version: str
    stake_minor: int
    choices: dict[str, Any]
    actions: list[dict[str, Any]]
    win_minor: int


class ProofRequest(Body):
    commitment: Annotated[str, Field(pattern=r"^[0-9a-fA-F]{64}$")]
    server_seed: Annotated[str, Field(pattern=r"^[0-9a-fA-F]{64}$")]
    client_seed: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    nonce: int = Field(ge=0, lt=2**63)
    game_id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,31}$")]
    version: Annotated[str, Field(pattern=r"^\d{1,9}\.\d{1,9}\.\d{1,9}$")]
    stake_minor: AmountMinor
    choices: Choices
    actions: Annotated[list[Choices], Field(max_length=1000)]
    win_minor: int = Field(ge=0, lt=2**63)


class VerdictAnswer(BaseModel):
    """`fair`: the round was played as was committed to; `faults` says what was not."""

    fair: bool
    win_minor: int | None
    outcome: dict[str, Any]
    faults: list[str]
