"""Asks for evidence at the moments that the rules name, decides, and keeps what was decided."""

from __future__ import annotations

import logging
import uuid
from datetime import timedelta
from typing import Any

from casino.compliance.api import RulesInForce
from casino.kernel.addresses import address_hash
from casino.kernel.clock import Clock
from casino.kernel.errors import CasinoError
from casino.kernel.identity import new_id
from casino.pam import repository_locations
from casino.pam.geolocation.decision import decide
from casino.pam.geolocation.models import Evidence, Position, Reason
from casino.pam.geolocation.networks import Networks
from casino.pam.geolocation.provider import AnonymityProvider
from casino.pam.sessions import Located

log = logging.getLogger(__name__)

VALID = timedelta(minutes=5)
"""How long a session counts as located, from the same address: then the next deposit or bet asks again."""

_REMEDIES = {
    Reason.NETWORK_UNKNOWN: "Use another connection.",
    Reason.ANONYMISER: "Switch off VPN, proxy and private relay, and try again.",
    Reason.PROVIDER_UNAVAILABLE: "Try again in a few minutes.",
    Reason.POSITION_MISSING: "Allow the browser to tell the device's position, and try again.",
    Reason.POSITION_STALE: "Let the device find its position anew.",
    Reason.POSITION_INACCURATE: "Let the device find its position more closely, for example by wireless network.",
    Reason.POSITION_OUTSIDE: "Go farther from the border, or let the device find its position more closely.",
}


class LocationRefused(CasinoError):
    """The rule names the reason."""

    status, code = 403, "LOCATION_REFUSED"
    remedy = "Play from where the casino is licensed."


class Geolocation:
    """`networks` is None where the rules name no moment."""

    def __init__(
        self,
        pool: Any,
        networks: Networks | None,
        provider: AnonymityProvider | None,
        rules: RulesInForce,
        clock: Clock,
    ) -> None:
        self._pool = pool
        self._networks = networks
        self._provider = provider
        self._rules = rules
        self._clock = clock

    @property
    def wanted(self) -> bool:
        """Whether the rules name any moment."""
        return bool(self._rules.current.geolocation_moments)

    async def locate(
        self, player_id: uuid.UUID, moment: str, address: str | None, position: Position | None
    ) -> Located | None:
        """Decide, and keep the decision. None where the rules name no moment. Raises LocationRefused."""
        territory = self._rules.current.geolocation_territory
        if not self.wanted or territory is None:
            return None
        network = self._networks.find(address) if self._networks is not None else None
        anonymity = None
        # Only of an address that would do: a provider is paid by the question.
        if self._provider is not None and network is not None and address is not None and not network.anonymiser:
            anonymity = await self._provider.look_up(address)
        now = self._clock.now()
        decision = decide(territory, Evidence(network, anonymity, position), now)
        await repository_locations.add(
            self._pool,
            new_id(),
            player_id,
            moment=moment,
            reason=decision.reason.value,
            region=network.region if network else None,
            at=now,
        )
        if not decision.allowed:
            log.info("location refused", extra={"player_id": str(player_id), "reason": decision.reason.value})
            raise LocationRefused(
                "The casino may not be used from where the request comes from.",
                rule=f"geolocation_territory: {decision.reason}",
                remedy=_REMEDIES.get(decision.reason),
            )
        return Located(now + VALID, address_hash(address))
