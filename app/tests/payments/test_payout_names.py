"""The travel rule's names come from the licence and the verified account, or no crypto-asset leaves."""

from __future__ import annotations

import uuid
from types import SimpleNamespace
from typing import Any

import pytest
from casino.backoffice.identities import PayoutNames
from casino.pam.api import PlayerModule
from casino.wallet.api import TravelRule

NAMED = ("email", "password", "date_of_birth", "name")
TO: Any = SimpleNamespace(token="bc1qmine")


async def names(casino: Any, person: dict[str, str], holder: str = "Acme Gaming Ltd") -> TravelRule | None:
    email = f"{uuid.uuid4().hex}@example.test"
    assert (await casino.register(email=email, **person)).status_code == 201
    players = casino.part(PlayerModule)
    player = await players.accounts.find(email)
    payment: Any = SimpleNamespace(player_id=player.player_id)
    return await PayoutNames(players, holder, "acme-gb").travel_rule(payment, TO)


async def test_the_licences_holder_sends_to_the_player_by_name(open_casino: Any) -> None:
    casino = await open_casino(registration_fields=NAMED)
    told = await names(casino, {"given_name": "Ada", "family_name": "Byron"})
    assert told == TravelRule("Acme Gaming Ltd", "acme-gb", "Ada Byron", "bc1qmine")
    assert await names(casino, {"given_name": "Ada", "family_name": "Byron"}, holder="") is None


async def test_who_has_no_name_or_is_not_verified_has_no_transfer(open_casino: Any) -> None:
    assert await names(await open_casino(), {}) is None
    unverified = await open_casino(registration_fields=NAMED, verification_required=True)
    assert await names(unverified, {"given_name": "Ada", "family_name": "Byron"}) is None


@pytest.mark.parametrize("setting", ["Acme Gaming Ltd", ""])
async def test_the_casino_pays_by_the_names_that_its_settings_give(open_casino: Any, setting: str) -> None:
    from casino.wallet.api import Payments

    casino = await open_casino({"CASINO_LICENCE_HOLDER": setting})
    owners = casino.part(Payments).flow._owners
    assert isinstance(owners, PayoutNames) and owners._holder == setting
