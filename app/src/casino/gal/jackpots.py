"""Jackpots in play: what a round pays in, whether it hits, and the paying.

Whether a round hits is drawn before it is written, as its outcome is, and stands in the round's details. A hit is noted
before the round is written; should the casino die before the jackpot is paid, it is paid by who looks after the notes.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from casino.gal.repository_jackpots import Hit, HitRepository
from casino.game_control.api import MICROS, GameControl, Jackpot
from casino.kernel.clock import Clock
from casino.kernel.identity import new_id
from casino.kernel.metrics import JACKPOT_WINS
from casino.wallet.api import JackpotLedger, Request

RESTED = timedelta(minutes=1)
"""After so long a round that was asked for stands, or never will: no statement of the ledger takes as long."""
AT_ONCE = 100
FRESH_S = 1.0


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a round pays into a jackpot, and what its details say of it."""

    jackpot: str
    micros: int
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Paid:
    """What a round won of a jackpot, and the player's cash after it."""

    jackpot: str
    amount_minor: int
    balance_minor: int


@dataclass(frozen=True, slots=True)
class Shown:
    """A jackpot for everybody: what stands in it, in whole minor units, and the games that may hit it."""

    terms: Jackpot
    meter_minor: int
    currency: str
    games: Sequence[str]


class JackpotPlay:
    """The jackpots of the games on offer, in the tenant's one currency."""

    def __init__(
        self, control: GameControl, ledger: JackpotLedger, hits: HitRepository, currency: str, clock: Clock
    ) -> None:
        self._control = control
        self._ledger = ledger
        self._hits = hits
        self._currency = currency
        self._clock = clock
        self._begun: set[str] = set()
        self._shown: tuple[float, list[Shown]] = (0.0, [])

    async def draw(self, terms: Jackpot, account_id: int, key: str, stake_minor: int) -> Drawn:
        """Whether the round that is asked for by `key` hits the jackpot; a hit is noted. Raises RngFailure."""
        await self._begin(terms)
        told: dict[str, Any] = {"name": terms.name, "micros": terms.contribution_micros(stake_minor)}
        meter, cycle = 0, None
        if terms.kind == "must_hit_by":  # the others are hit with the same chance whatever stands in them
            meter, cycle = await self._ledger.meter(terms.name, self._currency)
        if self._control.hits(terms, stake_minor, meter):
            hit = Hit(new_id(), terms.name, cycle, account_id, key)
            await self._hits.note(hit, self._clock.now())
            told |= {"hit": str(hit.hit_id), "cycle": cycle, "seed_minor": terms.seed_minor}
        return Drawn(terms.name, told["micros"], {"jackpot": told})

    async def settle(self, account_id: int, round_id: uuid.UUID, details: Mapping[str, Any]) -> Paid | None:
        """Pay what a round that stands has hit, once however often this is called; None when it hit nothing.

        Who is the second to hit one cycle of a must-hit-by wins nothing.
        """
        told = details.get("jackpot")
        if not told or "hit" not in told:
            return None
        key = str(round_id)
        posted = await self._ledger.pay(
            told["name"],
            told["cycle"],
            Request(account_id, key, hashlib.sha256(key.encode()).digest()),
            seed_minor=told["seed_minor"],
            details={"game_id": details.get("game_id"), "version": details.get("version"), "round_id": key},
        )
        hit_id, now = uuid.UUID(told["hit"]), self._clock.now()
        if not posted.stands:
            await self._hits.resolve(hit_id, "gone", now, round_id=round_id)
            return None
        assert posted.amount_minor is not None and posted.balance_minor is not None
        await self._hits.resolve(hit_id, "paid", now, round_id=round_id, amount_minor=posted.amount_minor)
        if posted.outcome == "posted":
            JACKPOT_WINS.labels(told["name"]).inc(posted.amount_minor)
        return Paid(told["name"], posted.amount_minor, posted.balance_minor)

    async def settle_round(self, account_id: int, round_id: uuid.UUID) -> Paid | None:
        """The same for a round of several steps, by what closed it."""
        details = await self._ledger.ending(round_id)
        return None if details is None else await self.settle(account_id, round_id, details)

    async def look_after(self) -> int:
        """Pay what was hit and never paid; answers how many notes were looked into."""
        found = await self._hits.unresolved(self._clock.now() - RESTED, AT_ONCE)
        for hit in found:
            for round_id, details in await self._ledger.rounds_of(hit.account_id, hit.key):
                if (details.get("jackpot") or {}).get("hit") == str(hit.hit_id):
                    await self.settle(hit.account_id, round_id, details)
                    break
            else:
                # Refused, or the key stood for an earlier round: this draw was thrown away with its outcome.
                await self._hits.resolve(hit.hit_id, "no_round", self._clock.now())
        return len(found)

    async def _begin(self, terms: Jackpot) -> None:
        """Put the first seed in, before the first round that pays in; again, and nothing happens."""
        if terms.name not in self._begun:
            await self._ledger.begin(terms.name, self._currency, terms.seed_minor)
            self._begun.add(terms.name)

    async def shown(self) -> list[Shown]:
        """The jackpots of the games on offer, at most a second old."""
        at, shown = self._shown
        if time.monotonic() - at > FRESH_S:
            shown = []
            for terms, games in self._control.jackpots().values():
                meter = await self._ledger.meter(terms.name, self._currency)
                offered = [one for one in games if one in self._control.games or one in self._control.round_games]
                stands = meter.micros // MICROS if meter.cycle else terms.seed_minor  # nobody has played it yet
                if offered:
                    shown.append(Shown(terms, stands, self._currency, offered))
            self._shown = (time.monotonic(), shown)
        return shown
