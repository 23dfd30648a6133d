"""HTTP of staff for payments: what waits for a person, decisions with a reason, refunds, instruments, breaks.

Each act has its roles. The actor of a decision is `staff:<id>`, and its reason is kept in the payment's history.
"""

from __future__ import annotations

import uuid
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from casino.kernel.http import ERRORS, AmountMinor, Body, IdempotencyKey, Parts
from casino.pam.api import Role, Staff, StaffPrincipal, require_role, require_second_person
from casino.wallet.api import Instrument, OpenBreak, Payment, Payments, PaymentWaiting, require_no_pan

router = APIRouter(prefix="/api/v1/staff", tags=["staff payments"], responses=ERRORS)

SEE = frozenset({Role.COMPLIANCE, Role.FINANCE, Role.SUPPORT})
DECIDE = frozenset({Role.COMPLIANCE, Role.FINANCE})
REFUND = KEEP_BOOKS = frozenset({Role.FINANCE})
VOUCH = frozenset({Role.COMPLIANCE})


def _of(roles: frozenset[Role]) -> Any:
    async def allowed(staff: Staff) -> StaffPrincipal:
        """The member of staff, when theirs is one of the roles. Refuses ROLE_MISSING."""
        require_role(staff.role, roles)
        return staff

    return Depends(allowed)


Viewer = Annotated[StaffPrincipal, _of(SEE)]
Decider = Annotated[StaffPrincipal, _of(DECIDE)]
Refunder = Annotated[StaffPrincipal, _of(REFUND)]
Voucher = Annotated[StaffPrincipal, _of(VOUCH)]
Bookkeeper = Annotated[StaffPrincipal, _of(KEEP_BOOKS)]

Reason = Annotated[str, Field(min_length=3, max_length=500, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]+$")]
Limit = Annotated[int, Query(ge=1, le=100)]


class Decision(Body):
    """Why: for the file, never for the player. No personal data, and no card numbers."""

    reason: Reason


class RefundRequest(Decision):
    amount_minor: AmountMinor


class InstrumentDecision(Decision):
    """Whether the instrument is the player's own."""

    owner_match: bool


class StaffPayment(BaseModel):
    """A payment as staff sees it."""

    payment_id: uuid.UUID
    kind: Literal["deposit", "withdrawal"]
    player_id: uuid.UUID
    method: str
    provider: str | None
    state: str
    amount_minor: int
    received_minor: int
    captured_minor: int
    refunded_minor: int
    currency: str
    decline_code: str | None
    instrument_id: uuid.UUID | None
    approvals: list[str]
    created_at: datetime


class FindingAnswer(BaseModel):
    check: str
    verdict: str
    reason: str
    details: dict[str, int]


class WaitingPayment(StaffPayment):
    """A payment in review: what the checks found, and how many people have to approve it."""

    findings: list[FindingAnswer]
    approvals_needed: int


class WaitingAnswer(BaseModel):
    """Longest waiting first; `next` goes into `after` for the page that follows, and is null at the end."""

    payments: list[WaitingPayment]
    next: uuid.UUID | None


class HistoryLine(BaseModel):
    transition: str
    state: str
    actor: str | None
    reason: str | None
    findings: list[FindingAnswer]
    money: list[dict[str, Any]]
    at: datetime


class PaymentHistory(StaffPayment):
    history: list[HistoryLine]


class StaffInstrument(BaseModel):
    """`verified_by` is `psp:<name>` or `staff:<id>`. The token is not shown."""

    instrument_id: uuid.UUID
    player_id: uuid.UUID
    method: str
    provider: str
    verified: bool
    owner_match: bool | None
    verified_by: str | None
    removed: bool
    added_at: datetime | None


class InstrumentList(BaseModel):
    instruments: list[StaffInstrument]


class BreakList(BaseModel):
    breaks: list[OpenBreak]


def actor_of(staff: StaffPrincipal) -> str:
    """How a member of staff is named in a payment's history."""
    return f"staff:{staff.staff_id}"


def _fields(payment: Payment) -> dict[str, Any]:
    return {
        "payment_id": payment.payment_id,
        "kind": payment.kind,
        "player_id": payment.player_id,
        "method": payment.method,
        "provider": payment.provider,
        "state": payment.state,
        "amount_minor": payment.amount,
        "received_minor": payment.received,
        "captured_minor": payment.captured,
        "refunded_minor": payment.refunded,
        "currency": payment.currency,
        "decline_code": payment.decline_code,
        "instrument_id": payment.instrument_id,
        "approvals": list(payment.approvals),
        "created_at": payment.created_at,
    }


def _shown(payment: Payment) -> StaffPayment:
    return StaffPayment(**_fields(payment))


def _page(found: list[PaymentWaiting], limit: int) -> WaitingAnswer:
    page = found[:limit]
    shown = [
        WaitingPayment(
            **_fields(one.payment),
            findings=[FindingAnswer(**finding) for finding in one.findings],
            approvals_needed=one.approvals_needed,
        )
        for one in page
    ]
    return WaitingAnswer(payments=shown, next=page[-1].payment.payment_id if len(found) > limit else None)


def _instrument(one: Instrument) -> StaffInstrument:
    return StaffInstrument(
        instrument_id=one.instrument_id,
        player_id=one.player_id,
        method=one.method,
        provider=one.provider,
        verified=one.verified,
        owner_match=one.owner_match,
        verified_by=one.verified_by,
        removed=one.removed,
        added_at=one.created_at,
    )


def _reason(body: Decision) -> str:
    """Raises PanRefused: what staff writes down is kept for years."""
    require_no_pan(body.reason)
    return body.reason


@router.get("/withdrawals")
async def waiting_withdrawals(
    parts: Parts, staff: Viewer, after: uuid.UUID | None = None, limit: Limit = 50
) -> WaitingAnswer:
    """Withdrawals that wait for a person, with what the checks found."""
    return _page(await parts.get(Payments).desk.waiting("withdrawal", after, limit + 1), limit)


@router.post("/withdrawals/{payment_id}/approve")
async def approve(payment_id: uuid.UUID, body: Decision, parts: Parts, staff: Decider) -> StaffPayment:
    """Approve; a large one is paid when two people have. The checks are run again: what they deny by now is ended.

    Refuses SECOND_PERSON_REQUIRED who approved it before, asked for it in the player's place, or has vouched for the
    instrument that it goes to.
    """
    withdrawals = parts.get(Payments).withdrawals
    payment, hands = await withdrawals.hands(payment_id)
    require_second_person(
        asked_by=payment.player_id,
        approved_by=staff.staff_id,
        approver_role=staff.role,
        allowed=DECIDE,
        before=hands,
    )
    return _shown(await withdrawals.approve(payment_id, actor_of(staff), _reason(body)))


@router.post("/withdrawals/{payment_id}/reject")
async def reject(payment_id: uuid.UUID, body: Decision, parts: Parts, staff: Decider) -> StaffPayment:
    """Reject: the money is the player's to play with again, who is told no reason."""
    return _shown(await parts.get(Payments).withdrawals.reject(payment_id, actor_of(staff), _reason(body)))


@router.post("/withdrawals/{payment_id}/cancel")
async def cancel(payment_id: uuid.UUID, body: Decision, parts: Parts, staff: Viewer) -> StaffPayment:
    """Take a withdrawal back for a player who asks for it, as long as no provider was asked."""
    return _shown(await parts.get(Payments).withdrawals.cancel(payment_id, actor_of(staff), _reason(body)))


@router.get("/deposits")
async def waiting_deposits(
    parts: Parts, staff: Viewer, after: uuid.UUID | None = None, limit: Limit = 50
) -> WaitingAnswer:
    """Deposits that wait for a person: another amount than was asked for, or not the player's own account."""
    return _page(await parts.get(Payments).desk.waiting("deposit", after, limit + 1), limit)


@router.post("/deposits/{payment_id}/accept")
async def accept(payment_id: uuid.UUID, body: Decision, parts: Parts, staff: Decider) -> StaffPayment:
    """Credit what a provider took."""
    return _shown(await parts.get(Payments).accept(payment_id, actor_of(staff), _reason(body)))


@router.post("/deposits/{payment_id}/reject")
async def reject_deposit(payment_id: uuid.UUID, body: Decision, parts: Parts, staff: Decider) -> StaffPayment:
    """End a deposit that no money has come for."""
    return _shown(await parts.get(Payments).reject(payment_id, actor_of(staff), _reason(body)))


@router.post("/deposits/{payment_id}/send-back")
async def send_back(payment_id: uuid.UUID, body: Decision, parts: Parts, staff: Decider) -> StaffPayment:
    """Return what a provider took to where it came from."""
    return _shown(await parts.get(Payments).send_back(payment_id, actor_of(staff), _reason(body)))


@router.post("/deposits/{payment_id}/refund")
async def refund(
    payment_id: uuid.UUID, body: RefundRequest, parts: Parts, staff: Refunder, key: IdempotencyKey
) -> StaffPayment:
    """Give back a part or all of a deposit, once for each key; less where the player's cash is short."""
    payments = parts.get(Payments)
    return _shown(await payments.refund(payment_id, body.amount_minor, actor_of(staff), _reason(body), key))


@router.get("/payments/{payment_id}")
async def payment_history(payment_id: uuid.UUID, parts: Parts, staff: Viewer) -> PaymentHistory:
    """A payment and all that it went through: who, why, what the checks had found, and the ledger's steps."""
    payments = parts.get(Payments)
    payment = await payments.get(payment_id)
    lines = await payments.desk.history(payment_id)
    return PaymentHistory(**_fields(payment), history=[HistoryLine(**asdict(line)) for line in lines])


@router.get("/players/{player_id}/instruments")
async def instruments(player_id: uuid.UUID, parts: Parts, staff: Viewer) -> InstrumentList:
    """All instruments of a player, removed ones among them."""
    found = await parts.get(Payments).flow.repository.instruments_of(player_id)
    return InstrumentList(instruments=[_instrument(one) for one in found])


@router.post("/instruments/{instrument_id}/verify")
async def verify(instrument_id: uuid.UUID, body: InstrumentDecision, parts: Parts, staff: Voucher) -> StaffInstrument:
    """Say whether an instrument is the player's own. Who says so approves no withdrawal that goes there."""
    payments = parts.get(Payments)
    judged = await payments.instruments.judge(instrument_id, body.owner_match, actor_of(staff), _reason(body))
    return _instrument(judged)


@router.get("/settlement-breaks")
async def breaks(parts: Parts, staff: Viewer, limit: Limit = 100) -> BreakList:
    """What does not agree between settlement files and our books, and is open; oldest first."""
    found = await parts.get(Payments).desk.open_breaks(limit)
    return BreakList(breaks=found)


@router.post("/settlement-breaks/{file_id}/{number}/resolve", status_code=204)
async def resolve_break(
    file_id: uuid.UUID, number: Annotated[int, Field(ge=1, le=10**9)], body: Decision, parts: Parts, staff: Bookkeeper
) -> Response:
    """Close a break that was cleared up, with a note of how."""
    await parts.get(Payments).close_break(file_id, number, actor_of(staff), _reason(body))
    return Response(status_code=204)
