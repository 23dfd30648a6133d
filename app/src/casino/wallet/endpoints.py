"""HTTP of the wallet."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from casino.compliance.api import RulesInForce, require_located, require_may_play
from casino.kernel.addresses import request_address_hash
from casino.kernel.clock import Clock
from casino.kernel.http import ERRORS, IdempotencyKey, Parts, Player, request_hash
from casino.wallet.deposits import Deposits
from casino.wallet.models import Balance, DepositAnswer, DepositRequest, History
from casino.wallet.payments.pan import refuse_pan
from casino.wallet.service import Wallet

router = APIRouter(prefix="/api/v1", tags=["wallet"], responses=ERRORS)


@router.get("/wallet")
async def balance(parts: Parts, player: Player) -> Balance:
    """The player's balance."""
    wallet = parts.get(Wallet)
    return Balance(
        balance_minor=await wallet.balance(player.account_id),
        currency=wallet.currency,
        currency_exponent=wallet.currency_exponent,
    )


@router.post("/deposits", status_code=201, dependencies=[Depends(refuse_pan)])
async def deposit(
    body: DepositRequest, request: Request, parts: Parts, player: Player, key: IdempotencyKey
) -> DepositAnswer:
    """Deposit by card token. The same key never charges twice."""
    require_may_play(player)
    rules = parts.get(RulesInForce).current
    if rules.geolocation_moments:
        now = parts.get(Clock).now()  # type: ignore[type-abstract]  # mypy: a protocol is as good a key as a class
        require_located(rules, player, "deposit", now, request_address_hash(request, parts))
    return await parts.get(Deposits).deposit(player.account_id, key, request_hash(request, body), body)


@router.get("/history")
async def history(
    parts: Parts,
    player: Player,
    before: Annotated[str | None, Query(pattern=r"^[1-9][0-9]{0,17}$")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> History:
    """Transactions, newest first; `next` of one answer is `before` of the following request."""
    return await parts.get(Wallet).history(player.account_id, int(before) if before else None, limit)
