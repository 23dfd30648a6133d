"""HTTP of payments. Bodies that hold what looks like a card number are refused before anything else is done."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from casino.compliance.api import RulesInForce, require_located, require_may_play
from casino.kernel.addresses import request_address_hash
from casino.kernel.clock import Clock
from casino.kernel.container import Container
from casino.kernel.http import ERRORS, AmountMinor, Body, IdempotencyKey, Parts, Player, request_hash
from casino.kernel.identity import Principal
from casino.wallet.guard import DepositGuard
from casino.wallet.payments.models import Attempt, Instrument, Method, Payment
from casino.wallet.payments.pan import refuse_pan
from casino.wallet.payments.service import Payments

router = APIRouter(prefix="/api/v1", tags=["payments"], responses=ERRORS)
_NO_PAN = [Depends(refuse_pan)]


class MethodDeposit(Body):
    """`token` names a card in the vault; the other methods have none beforehand. The player returns to `return_url`."""

    amount_minor: AmountMinor
    method: Method
    token: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,128}$")] | None = None
    return_url: Annotated[str, Field(pattern=r"^https?://[^\s]{1,480}$")] | None = None


class WithdrawalRequest(Body):
    """`instrument_id` is one of the player's verified instruments."""

    amount_minor: AmountMinor
    instrument_id: Annotated[uuid.UUID, Field(strict=False)]


class ActionAnswer(BaseModel):
    """What the player does next: one of them is set."""

    url: str | None
    qr_payload: str | None
    address: str | None


class PaymentAnswer(BaseModel):
    """A payment as its player sees it. `state` is one of docs/payments.md."""

    payment_id: uuid.UUID
    method: Method
    state: str
    amount_minor: int
    refunded_minor: int
    currency: str
    decline_code: str | None
    created_at: datetime
    action: ActionAnswer | None = None


class WithdrawalsAnswer(BaseModel):
    """Newest first. One request may be several: money goes back first to where it came from."""

    withdrawals: list[PaymentAnswer]


class InstrumentRequest(Body):
    """`token` is a provider's name for the instrument, or an address of a chain; never a card's number."""

    method: Method
    token: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,128}$")]


class InstrumentAnswer(BaseModel):
    instrument_id: uuid.UUID
    method: Method
    verified: bool
    added_at: datetime | None


class InstrumentsAnswer(BaseModel):
    instruments: list[InstrumentAnswer]


class WebhookAnswer(BaseModel):
    """`repeated`: the event was here before, and changed nothing now."""

    repeated: bool


def _shown(payment: Payment, attempt: Attempt | None = None) -> PaymentAnswer:
    action = attempt.action if attempt is not None and payment.state == "processing" else None
    return PaymentAnswer(
        payment_id=payment.payment_id,
        method=payment.method,
        state=payment.state,
        amount_minor=payment.amount,
        refunded_minor=payment.refunded,
        currency=payment.currency,
        decline_code=payment.decline_code,
        created_at=payment.created_at,
        action=ActionAnswer(url=action.url, qr_payload=action.qr_payload, address=action.address) if action else None,
    )


def require_may_deposit(player: Principal, request: Request, parts: Container) -> None:
    """What a deposit asks of the session, by any method. Refuses ACCOUNT_MAY_NOT_PLAY, LOCATION_REQUIRED."""
    require_may_play(player)
    rules = parts.get(RulesInForce).current
    if rules.geolocation_moments:
        now = parts.get(Clock).now()  # type: ignore[type-abstract]  # mypy: a protocol is as good a key as a class
        require_located(rules, player, "deposit", now, request_address_hash(request, parts))


def _instrument(one: Instrument) -> InstrumentAnswer:
    return InstrumentAnswer(
        instrument_id=one.instrument_id, method=one.method, verified=one.verified, added_at=one.created_at
    )


@router.post("/payments/deposits", status_code=201, dependencies=_NO_PAN)
async def begin_deposit(
    body: MethodDeposit, request: Request, parts: Parts, player: Player, key: IdempotencyKey
) -> PaymentAnswer:
    """Begin a deposit by any method. The same key never charges twice."""
    require_may_deposit(player, request, parts)
    await parts.get(DepositGuard).depositing(player.player_id)  # type: ignore[type-abstract]
    payment, attempt = await parts.get(Payments).deposit(
        player_id=player.player_id,
        account_id=player.account_id,
        method=body.method,
        amount=body.amount_minor,
        key=key,
        request_hash=request_hash(request, body),
        token=body.token,
        return_url=body.return_url,
    )
    return _shown(payment, attempt)


@router.get("/payments/deposits/{payment_id}")
async def find_deposit(payment_id: uuid.UUID, parts: Parts, player: Player) -> PaymentAnswer:
    """How a deposit of the player's stands."""
    return _shown(*await parts.get(Payments).found(payment_id, player.account_id))


@router.get("/payments/instruments")
async def instruments(parts: Parts, player: Player) -> InstrumentsAnswer:
    """The player's instruments; withdrawals go to verified ones."""
    found = await parts.get(Payments).instruments.list(player.player_id)
    return InstrumentsAnswer(instruments=[_instrument(one) for one in found])


@router.post("/payments/instruments", status_code=201, dependencies=_NO_PAN)
async def add_instrument(body: InstrumentRequest, parts: Parts, player: Player) -> InstrumentAnswer:
    """Name an instrument by a provider's token; money goes there once it is verified. A repeat changes nothing."""
    return _instrument(await parts.get(Payments).instruments.add(player.player_id, body.method, body.token))


@router.delete("/payments/instruments/{instrument_id}", status_code=204)
async def remove_instrument(instrument_id: uuid.UUID, parts: Parts, player: Player) -> Response:
    """Take an instrument out of use; what came from it still goes back there."""
    await parts.get(Payments).instruments.remove(player.player_id, instrument_id)
    return Response(status_code=204)


@router.post("/withdrawals", status_code=201, dependencies=_NO_PAN)
async def withdraw(
    body: WithdrawalRequest, request: Request, parts: Parts, player: Player, key: IdempotencyKey
) -> WithdrawalsAnswer:
    """Ask for money. It is held at once, and no longer to be played with."""
    found = await parts.get(Payments).withdrawals.request(
        player_id=player.player_id,
        account_id=player.account_id,
        amount=body.amount_minor,
        instrument_id=body.instrument_id,
        key=key,
        request_hash=request_hash(request, body),
    )
    return WithdrawalsAnswer(withdrawals=[_shown(one) for one in found])


@router.get("/withdrawals")
async def list_withdrawals(parts: Parts, player: Player) -> WithdrawalsAnswer:
    """The player's last withdrawals."""
    found = await parts.get(Payments).withdrawals.list(player.account_id)
    return WithdrawalsAnswer(withdrawals=[_shown(one) for one in found])


@router.post("/withdrawals/{payment_id}/cancel")
async def reverse(payment_id: uuid.UUID, parts: Parts, player: Player) -> PaymentAnswer:
    """Take a withdrawal back, where the jurisdiction allows it and as long as no provider was asked."""
    return _shown(await parts.get(Payments).withdrawals.reverse(payment_id, player.account_id))


@router.post("/psp/{provider}/webhooks")
async def webhook(provider: Annotated[str, Field(max_length=64)], request: Request, parts: Parts) -> WebhookAnswer:
    """A provider's event, known by its signature. Answered with 200 once it is kept, whenever it is applied."""
    new = await parts.get(Payments).inbox.receive(provider, request.headers, await request.body())
    return WebhookAnswer(repeated=not new)
