"""How player account management knows a player: for the checks of withdrawals, and for who transfers crypto-assets."""

from __future__ import annotations

import uuid

from casino.pam.api import PlayerModule, Status, Unopenable
from casino.wallet.api import Identity, Instrument, Payment, TravelRule


class AccountIdentities:
    """An account that is active is as verified as the rules ask (`verification_required`), and under no restriction.

    Any other one, a closed or an excluded one among them, is paid what is its own, but not without a person.
    """

    def __init__(self, players: PlayerModule) -> None:
        self._players = players

    async def identity(self, player_id: uuid.UUID) -> Identity | None:
        """The account's standing; None for nobody's."""
        status = await self._players.lifecycle.status_of(player_id)
        if status is None:
            return None
        return Identity(status.value, verified=status is Status.ACTIVE, ended=status is Status.MERGED)


class PayoutNames:
    """The travel rule's names for a payout in crypto-assets: the licence's holder sends, the player receives.

    `account` is what the sender's account is called. A name that is not known leaves no transfer to make.
    """

    def __init__(self, players: PlayerModule, holder: str, account: str) -> None:
        self._players = players
        self._holder = holder
        self._account = account

    async def travel_rule(self, payment: Payment, instrument: Instrument) -> TravelRule | None:
        """The names, or None where the holder or the player has none. Of a verified account alone they are true."""
        try:
            status, person = await self._players.accounts.profile(payment.player_id)
        except Unopenable:
            return None
        given, family = person.get("given_name"), person.get("family_name")
        if not (self._holder and given and family and status is Status.ACTIVE):
            return None
        return TravelRule(self._holder, self._account, f"{given} {family}", instrument.token)
