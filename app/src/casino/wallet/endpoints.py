"""HTTP of the wallet."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request

from casino.compliance.api import ACTS
from casino.kernel.http import ERRORS, IdempotencyKey, Parts, Player, request_hash
from casino.wallet.guard import DepositGuard
from casino.wallet.models import Balance, DepositAnswer, DepositRequest, WhatIsOpen
from casino.wallet.operation import OperationInForce
from casino.wallet.payments.endpoints import require_may_deposit
from casino.wallet.payments.pan import refuse_pan
from casino.wallet.payments.service import Payments, status_of
from casino.wallet.service import Wallet

router = APIRouter(prefix="/api/v1", tags=["wallet"], responses=ERRORS)


@router.get("/operation")
async def operation(parts: Parts) -> WhatIsOpen:
    """What may be done here at present; anybody may ask. What is refused is said by `*_CLOSED` problems."""
    known = parts.get(OperationInForce)
    return WhatIsOpen(**{act: known.may(act) for act in ACTS})


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
    require_may_deposit(player, request, parts)
    await parts.get(DepositGuard).depositing(player.player_id)  # type: ignore[type-abstract]
    payment = await parts.get(Payments).deposit_by_card(
        player_id=player.player_id,
        account_id=player.account_id,
        amount=body.amount_minor,
        key=key,
        request_hash=request_hash(request, body),
        token=body.card_token,
    )
    return DepositAnswer(
        deposit_id=payment.payment_id,
        status=status_of(payment),
        decline_code=payment.decline_code,
        balance_minor=await parts.get(Wallet).balance(player.account_id),
    )
