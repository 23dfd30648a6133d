"""Payment instruments: what players name, and what staff says of them."""

from __future__ import annotations

import uuid

from casino.kernel.errors import CasinoError, RequestInvalid
from casino.wallet.payments.flow import PORTABLE, VAULT, Flow
from casino.wallet.payments.models import Instrument, Method
from casino.wallet.payments.pan import require_no_pan

MOST = 20
"""How many instruments a player may have in use at once."""


class InstrumentNotFound(CasinoError):
    status, code = 404, "INSTRUMENT_NOT_FOUND"
    remedy = "Check the instrument's id."


class TooManyInstruments(CasinoError):
    status, code = 409, "TOO_MANY_INSTRUMENTS"
    rule = f"a player has at most {MOST} instruments"
    remedy = "Remove one that is not used any more."


class Instruments:
    """The instruments of players."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow

    async def list(self, player_id: uuid.UUID) -> list[Instrument]:
        """The player's instruments but the removed ones, oldest first."""
        found = await self._flow.repository.instruments_of(player_id)
        return [one for one in found if not one.removed]

    async def add(self, player_id: uuid.UUID, method: Method, token: str) -> Instrument:
        """Name an instrument by a provider's token. It is not verified by that; one that was removed is back.

        Raises PanRefused, TooManyInstruments, RequestInvalid where no route of the tenant has the method.
        """
        require_no_pan(token)
        provider = VAULT if method in PORTABLE else self._provider_of(method)
        async with self._flow.repository.transaction() as connection:
            await self._flow.repository.one_player_at_a_time(connection, player_id)
            known = [one for one in await self.list(player_id) if (one.method, one.token) != (method, token)]
            if len(known) >= MOST:
                raise TooManyInstruments("The player has as many instruments as there may be.")
            return await self._flow.repository.instrument(
                connection, player_id=player_id, method=method, provider=provider, token=token,
                now=self._flow.clock.now(),
            )  # fmt: skip

    async def remove(self, player_id: uuid.UUID, instrument_id: uuid.UUID) -> None:
        """Take an instrument out of use; money that came from it still goes back there. Raises InstrumentNotFound."""
        now = self._flow.clock.now()
        if not await self._flow.repository.remove_instrument(player_id, instrument_id, now):
            raise InstrumentNotFound("The player has no such instrument.")

    async def judge(self, instrument_id: uuid.UUID, owner_match: bool, actor: str, reason: str) -> Instrument:
        """A person says whether an instrument is the player's own, and so verifies it or takes that back.

        Raises InstrumentNotFound.
        """
        now = self._flow.clock.now()
        async with self._flow.repository.transaction() as connection:
            if await self._flow.repository.instrument_by_id(connection, instrument_id) is None:
                raise InstrumentNotFound("There is no such instrument.")
            await self._flow.repository.judge_instrument(
                connection, instrument_id, owner_match, actor, now, reason=reason
            )
            judged = await self._flow.repository.instrument_by_id(connection, instrument_id)
        assert judged is not None
        return judged

    def _provider_of(self, method: Method) -> str:
        for route in self._flow.setting.routes:
            if route.method == method:
                return route.provider
        raise RequestInvalid(f"This casino has no payments by {method}.", rule="a method that has a route")
