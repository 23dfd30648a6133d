"""The course of a round of several steps: limits, draw, state and stake; what time does; and how one ends by rule."""

from __future__ import annotations

import hashlib
import logging
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from casino.compliance.api import RulesInForce
from casino.gal.jackpots import JackpotPlay, Paid
from casino.gal.rounds.models import ActionRequest, RoundAnswer, RoundGameAnswer, RoundPicture, StartRequest
from casino.gal.rounds.shown import answer, game_answer, picture, spin_picture
from casino.gal.service import GameUnknown
from casino.game_control.api import (
    ChoiceInvalid,
    Definition,
    FairDraw,
    FairSeeds,
    GameControl,
    RngFailure,
    RoundState,
    Seal,
    hide,
    whole,
)
from casino.kernel.clock import Clock, local_date
from casino.kernel.errors import CasinoError
from casino.kernel.identity import Principal, new_id
from casino.kernel.metrics import BETS, STAKES, WINS
from casino.responsible_gaming.api import PlayLimits, round_limits
from casino.wallet.api import (
    GameRound,
    GameRounds,
    GameRoundUnknown,
    RoundMovedOn,
    RoundOver,
    StepRequest,
    StepTaken,
)

log = logging.getLogger(__name__)

LATE = timedelta(seconds=1)
"""A round that runs out by itself is ended by rule so long after it has."""
NOT_FINISHED = "not finished in time"
GAME_GONE = "not finished in time, and its game is not offered any more"
TIME_DECIDED = "decided by time"
LIST_LIMIT = 50
_bets, _stakes, _wins = cache(BETS.labels), cache(STAKES.labels), cache(WINS.labels)


class GameSuspended(CasinoError):
    status, code = 409, "GAME_SUSPENDED"
    rule = "a round goes on under the version of its game that it began with, while that is offered"
    remedy = "Wait: the round goes on when its game does, and its stakes go back when that does not happen in time."


class Rounds:
    """Starts rounds, takes them a step further, shows them and ends those that nobody finishes."""

    def __init__(
        self,
        *,
        control: GameControl,
        rounds: GameRounds,
        seeds: FairSeeds,
        jackpots: JackpotPlay,
        seal: Seal,
        rules: RulesInForce,
        clock: Clock,
        completion: timedelta,
    ) -> None:
        self._control = control
        self._jackpots = jackpots
        self._seal = seal
        self._rounds = rounds
        self._seeds = seeds
        self._rules = rules
        self._clock = clock
        self._completion = completion

    def offered(self, player: Principal | None) -> list[RoundGameAnswer]:
        """The games with their figures, and the stakes that the player, or anybody when there is none, may choose."""
        games = []
        for definition in self._control.round_games.values():
            cap = self._limits(player, definition.kind).stake_cap_minor if player is not None else None
            games.append(game_answer(definition, cap))
        return games

    async def start(
        self, player: Principal, game_id: str, key: str, request_hash: bytes, asked: StartRequest
    ) -> RoundAnswer:
        """Start a round, or answer the step that the same key stands for.

        Raises GameUnknown, ChoiceInvalid, RngFailure, and what GameRounds.take raises. The first step is drawn before
        it is written: a draw that the ledger refuses is thrown away unseen.
        """
        definition = self._control.round_games.get(game_id)
        if definition is None:
            raise GameUnknown("There is no such game here.")
        draw: FairDraw | None = None
        draws: dict[str, Any] | None = None
        round_id, before = new_id(), None
        if asked.provably_fair:
            known = await self._rounds.known(player.account_id, key, request_hash)
            if known is not None:
                return await self._answer(known)
            # Refused before a nonce is spent on it.
            self._control.start(game_id, asked.stake_minor, asked.choices)
            reserved = await self._seeds.reserve(player.player_id, key)
            draw, round_id, before = reserved.draw, reserved.round_id, reserved.before
            draws = {
                "seed_id": str(reserved.seed_id),
                "client_seed": reserved.client_seed,
                "nonce": reserved.nonce,
            }
        limits = self._limits(player, definition.kind)
        state = self._control.start(game_id, asked.stake_minor, asked.choices, draw)
        request = self._request(
            definition,
            state,
            round_id=round_id,
            account_id=player.account_id,
            seen=0,
            key=key,
            request_hash=request_hash,
            action={"choices": asked.choices},
            draws=draws | {"taken": draw.taken} if draws is not None and draw is not None else None,
        )
        request = replace(
            request, stake_cap_minor=limits.stake_cap_minor, min_cycle_ms=limits.min_cycle_ms, before=before
        )
        return answer(*await self._take(definition, request))

    async def act(
        self,
        player: Principal,
        round_id: uuid.UUID,
        key: str,
        request_hash: bytes,
        *,
        asked: ActionRequest,
        received_at: datetime,
        admit: Callable[[], None],
    ) -> RoundAnswer:
        """Take an open round a step further, or answer the step that the same key stands for.

        `received_at` is when the server heard the action: games in which time counts go by it, and by nothing that
        the player tells. `admit` raises for who may not stake, and is asked when the step takes a further stake.
        Raises GameRoundUnknown, RoundOver, RoundMovedOn, GameSuspended, ActionInvalid, ChoiceInvalid, RngFailure, and
        what GameRounds.take raises.
        """
        game = await self._rounds.find(round_id, player.account_id)
        if game.status != "open" or game.step != asked.step:
            known = await self._rounds.known(player.account_id, key, request_hash)
            if known is not None:
                return await self._answer(known)
            if game.status != "open":
                raise RoundOver("The round is over.")
            raise RoundMovedOn(f"The round is at step {game.step}, and not at step {asked.step}.")
        definition = self._definition(game)
        if "action" in asked.choices:
            raise ChoiceInvalid("The action is named beside its choices, and not among them.")
        action = definition.timed(asked.choices | {"action": asked.action}, _open_ms(game, received_at))
        limits = self._limits(player, definition.kind)
        return answer(
            *await self._step(definition, game, action, key=key, request_hash=request_hash, limits=limits, admit=admit)
        )

    async def show(self, round_id: uuid.UUID, account_id: int | None = None) -> RoundPicture:
        """A round of this account, or of anybody, as it is and was; a spin as well. Raises GameRoundUnknown.

        A round that time has decided meanwhile is ended by being looked at.
        """
        spin = await self._rounds.played(round_id, account_id)
        try:
            game = await self._rounds.find(round_id, account_id)
        except GameRoundUnknown:
            if spin is None:
                raise
            return spin_picture(spin, self._rules.current.currency_exponent)
        game = await self._decided(game)
        return picture(game, self._rounds.currency, self._rounds.currency_exponent)

    async def of_player(self, account_id: int, *, only_open: bool) -> list[RoundAnswer]:
        """The player's newest rounds; open ones are all there, since a game has one at most."""
        found = await self._rounds.of_player(account_id, only_open=only_open, limit=LIST_LIMIT)
        games = [await self._decided(game) for game in found]
        return [answer(game) for game in games if game.status == "open" or not only_open]

    async def void(self, round_id: uuid.UUID, reason: str, staff_id: uuid.UUID) -> RoundPicture:
        """End an open round without a result; the journal tells why and by whom. Raises GameRoundUnknown, RoundOver."""
        game = await self._rounds.void(round_id, reason, staff_id, self._clock.now())
        log.warning("round voided", extra={"round_id": str(round_id), "by": str(staff_id)})
        return picture(game, self._rounds.currency, self._rounds.currency_exponent)

    async def complete_due(self) -> tuple[int, int]:
        """End by rule what nobody has finished: `(finished, voided)`. One that fails does not keep the others."""
        ended = {"closed": 0, "voided": 0}
        after: tuple[datetime, uuid.UUID] | None = None
        now = self._clock.now()
        while page := await self._rounds.due(now, after):
            for game in page:
                after = (game.due_at, game.round_id)
                try:
                    ended[(await self._complete(game)).status] += 1
                except RngFailure:
                    raise
                except (RoundMovedOn, RoundOver):
                    pass  # the player was quicker
                except Exception:
                    log.exception("a round could not be ended by rule", extra={"round_id": str(game.round_id)})
        return ended["closed"], ended["voided"]

    async def _complete(self, game: GameRound) -> GameRound:
        while game.status == "open":
            action = None
            try:
                definition = self._definition(game)
                action = definition.default_action(self._whole(game))
            except GameSuspended:
                pass
            if action is None:
                return await self._rounds.void(game.round_id, GAME_GONE, None, self._clock.now())
            game = await self._by_rule(definition, game, action, NOT_FINISHED)
        return game

    async def _decided(self, game: GameRound) -> GameRound:
        """The round, ended when time has decided it by now."""
        definition = self._control.resumable.get(game.game_id)
        if game.status != "open" or definition is None or definition.version != game.version:
            return game
        action = definition.decided(self._whole(game), _open_ms(game, self._clock.now()))
        if action is None:
            return game
        try:
            return await self._by_rule(definition, game, action, TIME_DECIDED)
        except (RoundMovedOn, RoundOver):
            return await self._rounds.find(game.round_id)

    async def _by_rule(
        self, definition: Definition, game: GameRound, action: Mapping[str, Any], reason: str
    ) -> GameRound:
        # Not a key that a request could have: a header's has no space.
        key = f"rule {game.round_id} {game.step}"
        hash_ = hashlib.sha256(key.encode()).digest()
        taken, _ = await self._step(definition, game, action, key=key, request_hash=hash_, reason=reason)
        return taken.game

    async def _step(
        self,
        definition: Definition,
        game: GameRound,
        action: Mapping[str, Any],
        *,
        key: str,
        request_hash: bytes,
        limits: PlayLimits | None = None,
        admit: Callable[[], None] | None = None,
        reason: str | None = None,
    ) -> tuple[StepTaken, Paid | None]:
        draw = await self._seeds.draw_of(game.draws) if game.draws is not None else None
        state = self._control.act(self._whole(game), action, draw)
        if state.step_stake_minor and admit is not None:
            admit()
        request = self._request(
            definition,
            state,
            round_id=game.round_id,
            account_id=game.account_id,
            seen=game.step,
            key=key,
            request_hash=request_hash,
            action=action,
            draws={**game.draws, "taken": draw.taken} if game.draws is not None and draw is not None else None,
        )
        if limits is not None:
            cycle_ms = limits.min_cycle_ms if definition.kind == "video_slot" else None
            request = replace(request, stake_cap_minor=limits.stake_cap_minor, min_cycle_ms=cycle_ms)
        return await self._take(definition, replace(request, reason=reason))

    def _request(
        self,
        definition: Definition,
        state: RoundState,
        *,
        round_id: uuid.UUID,
        account_id: int,
        seen: int,
        key: str,
        request_hash: bytes,
        action: Mapping[str, Any],
        draws: Mapping[str, Any] | None,
    ) -> StepRequest:
        now = self._clock.now()
        runs_out = definition.runs_out_ms()
        due = now + self._completion if runs_out is None else now + timedelta(milliseconds=runs_out) + LATE
        return StepRequest(
            round_id=round_id,
            account_id=account_id,
            seen=seen,
            key=key,
            request_hash=request_hash,
            action=action,
            stake_minor=state.step_stake_minor,
            closes=state.closed,
            win_minor=state.win_minor if state.closed else 0,
            state=hide(state, self._seal, round_id, seen + 1),
            draws=draws,
            stake_cap_minor=None,
            min_cycle_ms=None,
            at=now,
            due_at=due,
        )

    async def _take(self, definition: Definition, request: StepRequest) -> tuple[StepTaken, Paid | None]:
        """Write a step; and what its round won of a jackpot.

        With the step that closes it, a round pays in for all that it has staked: one that is voided has paid nothing
        in. Whether it hits is drawn before it is written, as its outcome is, and thrown away with it when refused.
        """
        game_id = request.state["game_id"]
        if request.closes and definition.jackpot is not None:
            staked = request.state["staked_minor"]
            drawn = await self._jackpots.draw(definition.jackpot, request.account_id, request.key, staked)
            request = replace(request, jackpot=drawn.details["jackpot"])
        try:
            taken = await self._rounds.take(request)
        except CasinoError as refused:
            if request.seen == 0:
                _bets(game_id, refused.code.lower()).inc()
            raise
        if request.seen == 0:
            _bets(game_id, "replayed" if taken.replayed else "placed").inc()
        if not taken.replayed:
            _stakes(game_id).inc(request.stake_minor)
            _wins(game_id).inc(request.win_minor)
            if request.jackpot is None or "hit" not in request.jackpot:
                return taken, None
        return taken, await self._won(taken)

    async def _answer(self, known: StepTaken) -> RoundAnswer:
        """A step as it was answered."""
        return answer(known, await self._won(known))

    async def _won(self, taken: StepTaken) -> Paid | None:
        """What a round that this step closed has won of a jackpot; it is paid where it was not."""
        game = taken.game
        definition = self._control.resumable.get(game.game_id)
        if not taken.step.closed or definition is None or definition.jackpot is None:
            return None
        return await self._jackpots.settle_round(game.account_id, game.round_id)

    def _definition(self, game: GameRound) -> Definition:
        definition = self._control.resumable.get(game.game_id)
        if definition is None or definition.version != game.version:
            raise GameSuspended(f"{game.game_id} {game.version} is not offered at present.")
        return definition

    def _whole(self, game: GameRound) -> RoundState:
        return whole(game.state, self._seal, game.round_id, game.step)

    def _limits(self, player: Principal, kind: str) -> PlayLimits:
        rules = self._rules.current
        return round_limits(kind, rules, player.date_of_birth, local_date(self._clock, rules.timezone))


def _open_ms(game: GameRound, at: datetime) -> int:
    return int((at - game.started_at) / timedelta(milliseconds=1))
