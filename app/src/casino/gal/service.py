"""The course of a round: limits, outcome, ledger."""

from __future__ import annotations

from functools import cache

from casino.compliance.api import RulesInForce
from casino.gal.jackpots import Drawn, JackpotPlay, Paid
from casino.gal.models import GameAnswer, LineWinAnswer, SpinAnswer
from casino.gal.rounds.models import JackpotWinAnswer
from casino.gal.rounds.shown import jackpot_part
from casino.game_control.api import Game, GameControl, outcome_details
from casino.kernel.clock import Clock, local_date
from casino.kernel.errors import AmountInvalid, CasinoError
from casino.kernel.identity import Principal
from casino.kernel.metrics import BETS, STAKES, WINS
from casino.responsible_gaming.api import PlayLimits, slot_limits
from casino.wallet.api import Round, RoundRequest, Wallet

# Looking a series up by its labels costs more than counting; there are few of them.
_bets, _stakes, _wins = cache(BETS.labels), cache(STAKES.labels), cache(WINS.labels)


_NO_JACKPOT = Drawn("", 0, {})


class GameUnknown(CasinoError):
    status, code = 404, "GAME_UNKNOWN"
    rule = "only admitted games may be played"
    remedy = "Choose one of GET /api/v1/games."


class Games:
    """Lists games and plays rounds."""

    def __init__(
        self, control: GameControl, wallet: Wallet, rules: RulesInForce, clock: Clock, jackpots: JackpotPlay
    ) -> None:
        self._control = control
        self._jackpots = jackpots
        self._wallet = wallet
        self._rules = rules
        self._clock = clock

    def offered(self, player: Principal | None) -> list[GameAnswer]:
        """The games with the stakes that the player, or anybody when there is none, may choose."""
        if player is not None:
            cap = self._limits(player).stake_cap_minor
        else:
            bands = self._rules.current.slot_max_stake
            cap = max(band.stake_minor for band in bands) if bands else None
        return [_offer(game, cap) for game in self._control.games.values()]

    async def spin(
        self, player: Principal, game_id: str, key: str, request_hash: bytes, stake_minor: int
    ) -> SpinAnswer:
        """Play one round, or answer the round that the same key stands for.

        Raises GameUnknown, StakeAboveLimit, AmountInvalid for a stake that the game does not offer, and what
        Wallet.place_round raises. The outcome is drawn first and written with its money in one statement: a draw
        that the ledger refuses is thrown away unseen.
        """
        game = self._control.games.get(game_id)
        if game is None:
            raise GameUnknown("There is no such game here.")
        limits = self._limits(player)
        if stake_minor not in game.par.stakes_minor:
            raise self._not_offered(game, stake_minor, limits.stake_cap_minor)
        outcome = self._control.play(game, stake_minor)
        drawn = _NO_JACKPOT
        if game.par.jackpot is not None:
            drawn = await self._jackpots.draw(game.par.jackpot, player.account_id, key, stake_minor)
        try:
            round_ = await self._wallet.place_round(
                RoundRequest(
                    account_id=player.account_id,
                    key=key,
                    request_hash=request_hash,
                    stake_minor=stake_minor,
                    win_minor=outcome.win_minor,
                    stake_cap_minor=limits.stake_cap_minor,
                    min_cycle_ms=limits.min_cycle_ms,
                    details={**outcome_details(game, outcome), **drawn.details},
                    jackpot=drawn.jackpot or None,
                    contribution_micros=drawn.micros,
                )
            )
        except CasinoError as refused:
            _bets(game_id, refused.code.lower()).inc()
            raise
        if round_.replayed:
            _bets(game_id, "replayed").inc()
        else:
            _bets(game_id, "placed").inc()
            _stakes(game_id).inc(round_.stake_minor)
            _wins(game_id).inc(round_.win_minor)
        paid = None
        if "jackpot" in round_.details:
            paid = await self._jackpots.settle(player.account_id, round_.round_id, round_.details)
        return _answer(round_, paid)

    def _not_offered(self, game: Game, stake_minor: int, cap: int | None) -> CasinoError:
        # The limit is the better reason where both hold. For a stake that the game offers, the ledger checks the
        # limit itself: after the key, so that an old round is answered though the limit was lowered since.
        if cap is not None and stake_minor > cap:
            return self._wallet.stake_above_limit(stake_minor, cap)
        offered = ", ".join(str(stake) for stake in _offer(game, cap).stakes_minor)
        return AmountInvalid(
            f"The game takes no stake of {stake_minor} minor units.",
            rule="the game's stakes_minor",
            remedy=f"Choose one of {offered}.",
        )

    def _limits(self, player: Principal) -> PlayLimits:
        rules = self._rules.current
        return slot_limits(rules, player.date_of_birth, local_date(self._clock, rules.timezone))


def _offer(game: Game, cap: int | None) -> GameAnswer:
    stakes = [stake for stake in game.par.stakes_minor if cap is None or stake <= cap]
    return GameAnswer(
        game_id=game.par.game_id,
        name=game.par.name,
        version=game.par.version,
        paylines=[list(line) for line in game.par.paylines],
        rtp=game.rtp_percent,
        jackpot=jackpot_part(game.par.jackpot),
        stakes_minor=stakes,
    )


def _answer(round_: Round, paid: Paid | None = None) -> SpinAnswer:
    # From the ledger's row and not from the draw: on a repeat they differ, and the ledger is right.
    return SpinAnswer(
        round_id=round_.round_id,
        stake_minor=round_.stake_minor,
        win_minor=round_.win_minor,
        balance_minor=round_.balance_minor if paid is None else paid.balance_minor,
        jackpot=None if paid is None else JackpotWinAnswer(name=paid.jackpot, win_minor=paid.amount_minor),
        reels=round_.details["reels"],
        wins=[LineWinAnswer(**win) for win in round_.details["wins"]],
    )
