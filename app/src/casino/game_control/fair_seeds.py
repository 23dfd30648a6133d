"""A player's seeds of provably fair rounds: what is committed to, drawn from and, at its time, shown.

A round begins in two modules: its nonce is taken here, its stake and state are written by the wallet. A nonce belongs
to one request and one round's id, so what is asked again draws the same. A seed is shown when it gives no more nonces
and nothing can be played from it any more: every round of it is over, and whoever took a nonce without a round to show
for it is too late by now (`FENCE`; the wallet refuses to begin such a round).
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from casino.game_control.fair import CLIENT_SEED, FairDraw, checked_client_seed, commitment
from casino.game_control.repository_fair import FairRepository, Seed
from casino.kernel.errors import CasinoError

FENCE = timedelta(seconds=30)
"""How long after its nonce was taken a round may be begun."""
Statuses = Callable[[Collection[uuid.UUID]], Awaitable[Mapping[uuid.UUID, str]]]
"""`open` or how they ended, of those rounds that there are."""


class SeedRotated(CasinoError):
    status, code = 409, "SEED_ROTATED"
    rule = "a rotation replaces the seed that the player has seen"
    remedy = "Read GET /api/v1/fair/seeds, and rotate the seed that is current there."


class SeedNotRevealed(CasinoError):
    status, code = 409, "SEED_NOT_REVEALED"
    rule = "a server seed is shown when no round can be drawn from it any more"
    remedy = "Rotate the seeds, finish their rounds, and ask again after half a minute."


class RoundNotFair(CasinoError):
    status, code = 409, "ROUND_NOT_FAIR"
    rule = "only rounds that were asked for as provably fair have a proof"
    remedy = 'Start a round with "provably_fair": true.'


@dataclass(frozen=True, slots=True)
class Reserved:
    """The nonce of a request. `before` is the moment, on the database's clock, until which its round may begin."""

    seed_id: uuid.UUID
    nonce: int
    round_id: uuid.UUID
    client_seed: str
    draw: FairDraw
    before: datetime


@dataclass(frozen=True, slots=True)
class ShownSeed:
    """A seed as its player may see it: `server_seed` in hexadecimal once it is revealed, and None before."""

    seed_id: uuid.UUID
    state: str
    commitment: str
    client_seed: str | None
    server_seed: str | None
    rounds: int
    """How many nonces it has given: 0 to `rounds` - 1."""


class FairSeeds:
    """`fresh` draws a server seed from the generator; `statuses` asks the wallet how rounds stand."""

    def __init__(self, repository: FairRepository, fresh: Callable[[], bytes], statuses: Statuses) -> None:
        self._repository = repository
        self._fresh = fresh
        self._statuses = statuses
        self.fence = FENCE

    async def reserve(self, player_id: uuid.UUID, key: str) -> Reserved:
        """The nonce of a request: the same for each repeat of it while its seed is current."""
        seed, nonce, round_id, now = await self._repository.reserve(player_id, key, self._fresh)
        assert seed.client_seed is not None
        draw = FairDraw(seed.server_seed, seed.client_seed, nonce)
        return Reserved(seed.seed_id, nonce, round_id, seed.client_seed, draw, now + self.fence)

    async def draw_of(self, draws: Mapping[str, object]) -> FairDraw:
        """Where an open round goes on drawing; `draws` is what was stored with it."""
        seed = await self._repository.seed(uuid.UUID(str(draws["seed_id"])))
        assert seed is not None and seed.client_seed is not None
        return FairDraw(seed.server_seed, seed.client_seed, int(str(draws["nonce"])), int(str(draws["taken"])))

    async def shown(self, player_id: uuid.UUID, limit: int = 20) -> Sequence[ShownSeed]:
        """The player's seeds, newest first: the next, the current one, and those before. Reveals what may be."""
        seeds = await self._repository.seeds_of(player_id, limit, self._fresh)
        return [await self._show(seed) for seed in seeds]

    async def rotate(self, player_id: uuid.UUID, seed_id: uuid.UUID, client_seed: str) -> Sequence[ShownSeed]:
        """Retire the current seed, and go on with the next one under a client seed of the player's choice.

        A repeat finds it done. Raises SeedRotated when another seed is current, ChoiceInvalid for a malformed seed.
        """
        if not await self._repository.rotate(player_id, seed_id, checked_client_seed(client_seed), self._fresh):
            raise SeedRotated("The seed is not the current one of this player.")
        return await self.shown(player_id)

    async def revealed(self, player_id: uuid.UUID, draws: Mapping[str, object] | None) -> ShownSeed:
        """The revealed seed of a round. Raises RoundNotFair, SeedNotRevealed."""
        if draws is None:
            raise RoundNotFair("The round was drawn by the casino's generator.")
        seed = await self._repository.seed(uuid.UUID(str(draws["seed_id"])))
        shown = await self._show(seed) if seed is not None and seed.player_id == player_id else None
        if shown is None or shown.server_seed is None:
            raise SeedNotRevealed("The server seed of this round is not revealed yet.")
        return shown

    async def _show(self, seed: Seed) -> ShownSeed:
        state = seed.state
        if state == "retired" and await self._is_spent(seed):
            await self._repository.reveal(seed)
            state = "revealed"
        return ShownSeed(
            seed_id=seed.seed_id,
            state=state,
            commitment=commitment(seed.server_seed),
            client_seed=seed.client_seed,
            server_seed=seed.server_seed.hex() if state == "revealed" else None,
            rounds=seed.nonce,
        )

    async def _is_spent(self, seed: Seed) -> bool:
        """Whether nothing can be played from a retired seed any more."""
        # Read in this order: what is reserved does not grow any more, and a round that is begun is asked for after.
        rounds, rested = await self._repository.rounds_of(seed.seed_id, self.fence)
        found = await self._statuses(rounds)
        if any(status == "open" for status in found.values()):
            return False
        return rested or all(one in found for one in rounds)


__all__ = [
    "CLIENT_SEED",
    "FENCE",
    "FairSeeds",
    "Reserved",
    "RoundNotFair",
    "SeedNotRevealed",
    "SeedRotated",
    "ShownSeed",
]
