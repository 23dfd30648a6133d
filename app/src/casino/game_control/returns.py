"""What the games return in play: counted from the wallet's events, judged by the clock, told when out of bounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from casino.compliance.api import RulesInForce
from casino.game_control.drift import Drift, Verdict, judge_game
from casino.game_control.overseer import aggregate_of
from casino.game_control.repository import OversightRepository, add_play, forget_play
from casino.game_control.service import GameControl
from casino.kernel.clock import Clock, day_after, local_date
from casino.kernel.events.model import Consumer, Event
from casino.kernel.events.outbox import event
from casino.kernel.metrics import RTP_OUT_OF_BOUNDS

SPANS: Mapping[str, int | None] = {"7 days": 7, "30 days": 30, "ever": None}
"""Windows that are judged, in days of the licence's; `ever` is since the version was first played."""
OUT_OF_BOUNDS = frozenset({Verdict.BELOW, Verdict.ABOVE})
_ROUNDS = ("round", "bet_settled")
_KINDS = (*_ROUNDS, "win", "win_reversal", "bet_return")
"""A jackpot's win is not among them: its part of the return is certified by itself."""


class PlayCounters:
    """Counts rounds, stakes, wins and squared first stakes by game, version, currency and day of `timezone`."""

    def __init__(self, timezone: str) -> None:
        self._timezone = ZoneInfo(timezone)

    def consumer(self) -> Consumer:
        """Reads what the wallet tells."""
        return Consumer(
            "rtp_drift",
            "game_control",
            "wallet",
            {(f"wallet.{kind}", 1): self._one for kind in _KINDS},
            ignores_others=True,
            reset=forget_play,
            keep=self._keep,
            together=self._together,
        )

    async def _keep(self, connection: Any, until: datetime) -> datetime:
        day, begins = day_after(until, self._timezone)
        await forget_play(connection, day)
        return begins

    async def _one(self, connection: Any, event_: Event) -> None:
        await self._together(connection, [event_])

    async def _together(self, connection: Any, events: Sequence[Event]) -> None:
        sums: dict[tuple[str, str, str, date], list[int]] = {}
        for one in events:
            details = one.payload["details"]
            if not isinstance(details.get("game_id"), str):
                continue  # nobody certified what has no name
            key = (
                details["game_id"],
                str(details.get("version", "")),
                one.payload["currency"],
                one.occurred_at.astimezone(self._timezone).date(),
            )
            found = sums.setdefault(key, [0, 0, 0, 0])
            for place, amount in enumerate(_counts(one)):
                found[place] += amount
        if sums:
            # In one order, so that two readers do not deadlock.
            await add_play(connection, [(*key, *sums[key]) for key in sorted(sums)])


def _counts(one: Event) -> tuple[int, int, int, int]:
    """What an event adds to rounds, stakes, wins and squared first stakes."""
    taken, given = one.payload["taken_minor"], one.payload["given_minor"]
    match one.type.removeprefix("wallet."):
        case "win":
            return 0, 0, given, 0
        case "win_reversal":
            return 0, 0, -taken, 0
        case "bet_return":
            return 0, -given, 0, 0
        case _:
            # A round of several steps says its first stake; all of its stakes are the more careful guess.
            first = one.payload["details"].get("stake_minor")
            first = first if isinstance(first, int) and 0 < first <= taken else taken
            return 1, taken, given, first * first


class DriftWatch:
    """Judges what was counted. One runs it at a time; the last judgement is the base of the next one's events."""

    def __init__(
        self, repository: OversightRepository, control: GameControl, rules: RulesInForce, clock: Clock
    ) -> None:
        self._repository = repository
        self._control = control
        self._rules = rules
        self._clock = clock

    async def judge(self) -> Mapping[str, Any]:
        """Judge each window of each version whose figures this release has; answers who is out of bounds.

        A game that comes to be out of bounds, or within them again, is told of by an event.
        """
        today = local_date(self._clock, self._rules.current.timezone)
        before = {
            (one.game_id, one.version, one.currency, one.span): one.verdict for one in await self._repository.judged()
        }
        out, judged = [], 0
        for span, days in SPANS.items():
            since = None if days is None else today - timedelta(days=days - 1)
            for game_id, version, currency, play in await self._repository.played(since):
                definition = self._control.definition(game_id)
                if definition is None or definition.version != version:
                    continue
                drift = judge_game(definition.figures, play)
                key = (game_id, version, currency, span)
                await self._repository.add_judgement(
                    game_id=game_id,
                    version=version,
                    currency=currency,
                    span=span,
                    play=play,
                    drift=drift,
                    now=self._clock.now(),
                    told=self._change(key, before.get(key), drift),
                )
                RTP_OUT_OF_BOUNDS.labels(game_id, version, span).set(1 if drift.verdict in OUT_OF_BOUNDS else 0)
                judged += 1
                if drift.verdict in OUT_OF_BOUNDS:
                    out.append(f"{game_id} {version} {span}: {drift.verdict}")
        return {"judged": judged, "out_of_bounds": out}

    def _change(self, key: tuple[str, str, str, str], before: Verdict | None, drift: Drift) -> Any:
        if (before in OUT_OF_BOUNDS and drift.verdict == before) or (
            before not in OUT_OF_BOUNDS and drift.verdict not in OUT_OF_BOUNDS
        ):
            return None
        what = "rtp_out_of_bounds" if drift.verdict in OUT_OF_BOUNDS else "rtp_within_bounds"
        game_id, version, currency, span = key
        return event(
            f"game_control.{what}",
            aggregate_of(game_id),
            self._clock.now(),
            {
                "game_id": game_id,
                "version": version,
                "currency": currency,
                "span": span,
                "verdict": drift.verdict.value,
                "rounds": drift.rounds,
                "rtp": drift.rtp,
                "low": drift.low,
                "high": drift.high,
            },
        )
