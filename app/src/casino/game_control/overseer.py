"""What the operator and the regulator decide about the games, kept and applied in every process.

A process looks every few seconds whether something was decided anywhere, and judges its games anew: a switch, a new
approved list, a verification that somebody asked for. It verifies its own files daily: another's say nothing of them.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import socket
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

from casino.compliance.api import RulesInForce
from casino.game_control.approval import Decision, Switch
from casino.game_control.approved_list import parse_list
from casino.game_control.manifest import Verification
from casino.game_control.repository import OversightRepository, SwitchRequest
from casino.game_control.service import GameControl, Oversight
from casino.kernel.clock import Clock, local_date
from casino.kernel.errors import CasinoError
from casino.kernel.events.outbox import event
from casino.kernel.metrics import GAMES_OFFERED, GAMES_VERIFIED

log = logging.getLogger(__name__)

POLL_S = 3.0
REQUEST_HOLDS = timedelta(hours=24)
_NAMESPACE = uuid.UUID("6f0b4f0e-7a0c-5d27-9b55-0d4e6c1c7a10")
Occasion = Literal["start", "daily", "demand"]


class GameNotKnown(CasinoError):
    status, code = 404, "GAME_NOT_KNOWN"
    rule = "the games of this release"
    remedy = "Choose one of GET /api/v1/staff/games."


class SwitchRequestUnknown(CasinoError):
    status, code = 404, "SWITCH_REQUEST_UNKNOWN"
    rule = "a request to offer a game again holds for 24 hours, and is granted once"
    remedy = "Ask anew: POST /api/v1/staff/games/{game_id}/enable."


class SameActor(CasinoError):
    status, code = 403, "SAME_ACTOR"
    rule = "two people offer a game again"
    remedy = "Name another person."


class VerificationNotSet(CasinoError):
    status, code = 409, "VERIFICATION_NOT_SET"
    rule = "software is verified against a signed manifest"
    remedy = "Set CASINO_GAMES_MANIFEST and CASINO_GAMES_MANIFEST_KEY."


@dataclass(frozen=True, slots=True)
class GameState:
    """A game of this release as it stands: its name, empty where its definition is refused, and the decision."""

    name: str
    signature: str
    decision: Decision


class Overseer:
    """One for a process. `control` is what it applies decisions to."""

    def __init__(
        self, repository: OversightRepository, control: GameControl, rules: RulesInForce, clock: Clock
    ) -> None:
        self.repository = repository
        self._control = control
        self._rules = rules
        self._clock = clock
        self._state: tuple[int, int, int] | None = None
        self._judged_for: tuple[date, bool] | None = None
        self._answered = 0
        self._refreshing = asyncio.Lock()
        self._process = f"{socket.gethostname()}/{os.getpid()}"[:100]

    async def start(self) -> None:
        """Apply what was decided before this process began, and keep what it found of itself. Raises what a database
        that does not answer raises: no game is offered by a process that does not know whether it may be."""
        self._answered = (await self.repository.state())[2]
        self._state = None
        await self.refresh()
        verification = self._control.verification
        if verification is not None and verification.last is not None:
            await self._keep(verification.last, "start")

    async def watch(self, poll_s: float = POLL_S) -> None:
        """Look for ever. What cannot be looked at leaves things as they are."""
        while True:
            await asyncio.sleep(poll_s)
            try:
                await self.look()
            except Exception as error:
                log.warning("the games' oversight could not be read", extra={"error": type(error).__name__})

    async def look(self) -> None:
        """Apply what was decided since, and verify where that is due or asked for."""
        await self.refresh()
        assert self._state is not None
        verification = self._control.verification
        if self._state[2] > self._answered:
            self._answered = self._state[2]
            await self.verify("demand")
        elif verification is not None and verification.due():
            await self.verify("daily")

    async def refresh(self) -> None:
        """Judge the games anew where a decision, or the day, is another. Approvals end at midnight where the licence
        is."""
        # One at a time: what was read before a decision must not be applied after it.
        async with self._refreshing:
            await self._refresh()

    async def _refresh(self) -> None:
        state = await self.repository.state()
        rules = self._rules.current
        day, required = local_date(self._clock, rules.timezone), rules.approved_games_required
        if self._state is None or state[:2] != self._state[:2] or (day, required) != self._judged_for:
            switches, approved = await self.repository.switches(), await self.repository.approved()
            if approved is None and required:
                approved = []  # a jurisdiction that keeps a list has approved nothing until it was taken over
            if approved is not None:
                await asyncio.to_thread(self._control.signature, "")  # digests files, where that was not done yet
            self._control.oversee(Oversight(day, tuple(switches), None if approved is None else tuple(approved)))
            self._tell(state, day)
        self._state, self._judged_for = state, (day, required)

    def states(self) -> list[GameState]:
        """Every game of this release: whether it is offered by this process, and every reason why not."""
        decisions = self._control.decisions()
        return [self._standing(name, decision) for name, decision in decisions.items()]

    def state(self, game_id: str) -> GameState:
        """One of them. Raises GameNotKnown."""
        decision = self._control.decisions().get(game_id)
        if decision is None:
            raise GameNotKnown("There is no game of that name in this release.")
        return self._standing(game_id, decision)

    async def disable(self, game_id: str, version: str | None, reason: str, actor: str) -> None:
        """Offer it no more: at once here, elsewhere within seconds. Rounds under way end. Raises GameNotKnown."""
        self.state(game_id)
        now = self._clock.now()
        told = self._event("game_disabled", game_id, {"version": version, "reason": reason, "actor": actor})
        await self.repository.add_switch(Switch(game_id, version, False, reason), actor=actor, now=now, told=told)
        await self.refresh()

    async def ask_to_enable(self, game_id: str, version: str | None, reason: str, actor: str) -> uuid.UUID:
        """Ask for it to be offered again; nothing changes until another person agrees. Raises GameNotKnown."""
        self.state(game_id)
        return await self.repository.add_request(game_id, version, reason, actor, self._clock.now())

    async def request(self, request_id: uuid.UUID) -> SwitchRequest:
        """A request that still can be granted. Raises SwitchRequestUnknown."""
        found = await self.repository.request(request_id)
        if found is None or found.done or self._clock.now() - found.asked_at > REQUEST_HOLDS:
            raise SwitchRequestUnknown("There is no such request, it was granted, or it is too old.")
        return found

    def require_about(self, request: SwitchRequest, game_id: str) -> None:
        """Raise SwitchRequestUnknown for a request about another game."""
        if request.game_id != game_id:
            raise SwitchRequestUnknown("There is no such request about this game.")

    async def grant(self, request: SwitchRequest, second_actor: str) -> None:
        """Offer it again. Raises SameActor, and SwitchRequestUnknown when somebody granted it at this moment."""
        await self._enable(
            game_id=request.game_id,
            version=request.version,
            reason=request.reason,
            actor=request.asked_by,
            second_actor=second_actor,
            request_id=request.request_id,
        )

    async def enable(self, game_id: str, version: str | None, reason: str, actor: str, second_actor: str) -> None:
        """The same for two who act together, as at a console. Raises GameNotKnown, SameActor."""
        self.state(game_id)
        await self._enable(game_id=game_id, version=version, reason=reason, actor=actor, second_actor=second_actor)

    async def take_over(self, text: bytes, actor: str) -> int:
        """Take a list over from its file, in place of the one before; answers how many entries it has.

        Raises ConfigurationError that names every fault: half a list is none.
        """
        found = parse_list(text)
        entries = found.approvals()
        digest = hashlib.sha256(text).digest()
        told = self._event(
            "approved_list_changed",
            "",
            {"source": found.source, "games": len(entries), "sha256": digest.hex(), "actor": actor},
        )
        await self.repository.add_list(
            entries, source=found.source, sha256=digest, actor=actor, now=self._clock.now(), told=told
        )
        await self.refresh()
        return len(entries)

    async def ask_verification(self, actor: str) -> int:
        """Let every process verify its files when it looks next; answers the request's number."""
        return await self.repository.ask_verification(actor, self._clock.now())

    async def verify_everywhere(self, actor: str) -> Verification:
        """Verify this process now, and let every other one do so when it looks next. Raises VerificationNotSet."""
        if self._control.verification is None:
            raise VerificationNotSet("There is no manifest to verify this installation against.")
        self._answered = max(self._answered, await self.ask_verification(actor))
        found = await self.verify("demand")
        assert found is not None
        return found

    async def verify(self, occasion: Occasion) -> Verification | None:
        """Verify this process's files, apply and keep what was found; None where there is no manifest."""
        verification = self._control.verification
        if verification is None:
            return None
        found = await asyncio.to_thread(verification.run)
        await self._keep(found, occasion)
        return found

    async def _enable(
        self,
        *,
        game_id: str,
        version: str | None,
        reason: str,
        actor: str,
        second_actor: str,
        request_id: uuid.UUID | None = None,
    ) -> None:
        if actor == second_actor:
            raise SameActor("Who asks for a game to be offered again does not agree to it as well.")
        about = {"version": version, "reason": reason, "actor": actor, "second_actor": second_actor}
        done = await self.repository.add_switch(
            Switch(game_id, version, True, reason),
            actor=actor,
            second_actor=second_actor,
            request_id=request_id,
            now=self._clock.now(),
            told=self._event("game_enabled", game_id, about),
        )
        if not done:
            raise SwitchRequestUnknown("The request was granted before.")
        await self.refresh()

    async def _keep(self, found: Verification, occasion: Occasion) -> None:
        about = {"process": self._process, "disabled": sorted(found.disabled), "faults": len(found.faults)}
        GAMES_VERIFIED.set(1 if found.ok else 0)
        await self.repository.add_verification(
            found,
            process=self._process,
            occasion=occasion,
            now=self._clock.now(),
            told=None if found.ok else self._event("verification_failed", "", about),
        )

    def _standing(self, name: str, decision: Decision) -> GameState:
        definition = self._control.definition(name)
        return GameState(definition.name if definition else "", self._control.signature(name), decision)

    def _tell(self, state: Sequence[int], day: date) -> None:
        decisions = self._control.decisions()
        for name, decision in decisions.items():
            GAMES_OFFERED.labels(name).set(1 if decision.playable else 0)
        log.info(
            "games judged",
            extra={
                "day": day.isoformat(),
                "switch": state[0],
                "list": state[1],
                "not_offered": {name: list(one.refusals) for name, one in decisions.items() if not one.playable},
            },
        )

    def _event(self, what: str, game_id: str, payload: dict[str, Any]) -> Any:
        named = {"game_id": game_id} if game_id else {}
        return event(f"game_control.{what}", aggregate_of(game_id), self._clock.now(), named | payload)


def aggregate_of(game_id: str) -> uuid.UUID:
    """What events of a game are about, as events name things."""
    return uuid.uuid5(_NAMESPACE, game_id)
