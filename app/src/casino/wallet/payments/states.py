"""The states of a payment and the transitions between them: a table, and one function that applies it.

A transition is a name, the states it leaves, the state it reaches, a guard, and what it does to money. Whatever is not
in the table does not happen. docs/payments.md shows the table as diagrams, drawn by `mermaid`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from casino.wallet.payments.models import Kind, MoneyStep, Payment


class TransitionRefused(Exception):
    """The table has no such transition from here, or its guard says no; nothing has changed."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the occasion: the amount it is about, who acts, when, and what the tenant's rules say."""

    amount: int | None = None
    actor: str | None = None
    now: datetime | None = None
    decline_code: str | None = None
    approvals_needed: int = 0
    reversal_window: timedelta = timedelta(0)


Guard = Callable[[Payment, Facts], str | None]
"""Null when the transition may happen, otherwise why not."""


@dataclass(frozen=True, slots=True)
class Transition:
    """A row of the table. `money` names operations of the ledger, in order; `late` leaves a terminal state."""

    name: str
    sources: tuple[str, ...]
    target: str
    guard: Guard | None = None
    money: tuple[str, ...] = ()
    late: bool = False


def _exact_amount(payment: Payment, facts: Facts) -> str | None:
    return None if facts.amount == payment.amount else "the provider took another amount than was asked for"


def _something_received(payment: Payment, facts: Facts) -> str | None:
    return None if payment.received > 0 and payment.captured == 0 else "no provider holds money that is to be judged"


def _nothing_received(payment: Payment, facts: Facts) -> str | None:
    return None if payment.received == 0 else "a provider holds the money: accept it or return it"


def _never_received(payment: Payment, facts: Facts) -> str | None:
    return None if payment.received == 0 and (facts.amount or 0) > 0 else "its money came, and went back, before"


def _late_and_exact(payment: Payment, facts: Facts) -> str | None:
    return _never_received(payment, facts) or _exact_amount(payment, facts)


def _refundable(payment: Payment, facts: Facts) -> str | None:
    amount = facts.amount or 0
    return None if 0 < amount <= payment.refundable else "more than is left of the deposit"


def _nothing_left(payment: Payment, facts: Facts) -> str | None:
    return None if payment.refunded + payment.refunding == payment.captured else "a part of the deposit is left"


def _something_left(payment: Payment, facts: Facts) -> str | None:
    return None if payment.refunded + payment.refunding < payment.captured else "nothing of the deposit is left"


def _first_refund(payment: Payment, facts: Facts) -> str | None:
    return None if payment.refunded == 0 else "a part was refunded before"


def _further_refund(payment: Payment, facts: Facts) -> str | None:
    return None if payment.refunded > 0 else "nothing was refunded before"


def _remainder(payment: Payment, facts: Facts) -> str | None:
    return None if payment.refundable > 0 else "nothing of the deposit is left"


def _new_approver(payment: Payment, facts: Facts) -> str | None:
    if not facts.actor:
        return "an approval has an approver"
    return "the same person approved before" if facts.actor in payment.approvals else None


def _enough_eyes(payment: Payment, facts: Facts) -> str | None:
    if refusal := _new_approver(payment, facts):
        return refusal
    return None if len(payment.approvals) + 1 >= facts.approvals_needed else "another approver is needed"


def _more_eyes(payment: Payment, facts: Facts) -> str | None:
    if refusal := _new_approver(payment, facts):
        return refusal
    return None if len(payment.approvals) + 1 < facts.approvals_needed else "no other approver is needed"


def _unattended(payment: Payment, facts: Facts) -> str | None:
    return None if facts.approvals_needed == 0 else "a person has to approve it"


def _within_window(payment: Payment, facts: Facts) -> str | None:
    assert facts.now is not None, "the reversal window is counted on a clock"
    inside = facts.now < payment.created_at + facts.reversal_window
    return None if inside else "the reversal window is closed"


_LIVE = ("captured", "partially_refunded")

DEPOSIT = (
    Transition("submit", ("initiated",), "processing"),
    Transition("try_next", ("processing",), "initiated"),
    Transition("authorize", ("processing",), "authorized"),
    Transition("capture", ("processing", "authorized"), "captured", _exact_amount, ("captured",)),
    Transition("review", ("processing", "authorized"), "pending_review"),
    Transition("receive", ("pending_review",), "pending_review", _never_received),
    Transition("accept", ("pending_review",), "captured", _something_received, ("captured",)),
    Transition("send_back", ("pending_review",), "sending_back", _something_received),
    Transition("sent_back", ("sending_back",), "failed"),
    Transition("send_back_failed", ("sending_back",), "pending_review"),
    Transition("reject", ("pending_review",), "failed", _nothing_received),
    Transition("fail", ("initiated", "processing", "authorized"), "failed"),
    Transition("late_capture", ("failed",), "captured", _late_and_exact, ("captured",), late=True),
    Transition("late_review", ("failed",), "pending_review", _never_received, late=True),
    Transition("refund", _LIVE, "refunding", _refundable, ("refunded",)),
    Transition("refund_wholly", ("refunding",), "refunded", _nothing_left),
    Transition("refund_partly", ("refunding",), "partially_refunded", _something_left),
    Transition("refund_failed", ("refunding",), "captured", _first_refund, ("refund_failed",)),
    Transition("further_refund_failed", ("refunding",), "partially_refunded", _further_refund, ("refund_failed",)),
    Transition("charge_back", _LIVE, "charged_back", _remainder, ("charged_back",)),
    Transition("win_chargeback", ("charged_back",), "captured", _first_refund, ("chargeback_won",)),
    Transition("win_later_chargeback", ("charged_back",), "partially_refunded", _further_refund, ("chargeback_won",)),
    Transition("lose_chargeback", ("charged_back",), "chargeback_lost"),
)

WITHDRAWAL = (
    Transition("hold", ("created",), "requested", None, ("reserve",)),
    Transition("clear", ("requested",), "approved", _unattended),
    Transition("review", ("requested",), "pending_review"),
    Transition("deny", ("requested", "pending_review"), "failed", None, ("released",)),
    Transition("first_approval", ("pending_review",), "pending_review", _more_eyes),
    Transition("approve", ("pending_review",), "approved", _enough_eyes),
    Transition("reject", ("pending_review",), "failed", None, ("released",)),
    Transition("reverse", ("requested", "pending_review", "approved"), "cancelled", _within_window, ("released",)),
    Transition("cancel", ("requested", "pending_review", "approved"), "cancelled", None, ("released",)),
    Transition("submit", ("approved",), "processing"),
    Transition("try_next", ("processing",), "approved"),
    Transition("pay", ("approved", "processing"), "paid", None, ("paid",)),
    Transition("fail", ("approved", "processing"), "failed", None, ("released",)),
    Transition("late_pay", ("failed", "cancelled"), "paid", None, ("late_paid",), late=True),
    Transition("come_back", ("paid",), "returned", None, ("returned",), late=True),
)

TABLE: dict[Kind, dict[str, Transition]] = {
    "deposit": {one.name: one for one in DEPOSIT},
    "withdrawal": {one.name: one for one in WITHDRAWAL},
}
INITIAL: dict[Kind, str] = {"deposit": "initiated", "withdrawal": "created"}
TERMINAL: dict[Kind, frozenset[str]] = {
    "deposit": frozenset({"failed", "refunded", "chargeback_lost"}),
    "withdrawal": frozenset({"failed", "cancelled", "paid", "returned"}),
}


@dataclass(frozen=True, slots=True)
class Step:
    """What a transition came to: the payment after it, and what the ledger is to do in the same transaction."""

    transition: str
    payment: Payment
    money: tuple[MoneyStep, ...]


def apply(payment: Payment, name: str, facts: Facts = Facts()) -> Step:
    """The payment after the transition `name`. Raises TransitionRefused; what was passed in is unchanged."""
    transition = TABLE[payment.kind].get(name)
    if transition is None or payment.state not in transition.sources:
        raise TransitionRefused(f"a {payment.kind} that is {payment.state} has no transition {name}")
    if transition.guard is not None and (reason := transition.guard(payment, facts)):
        raise TransitionRefused(f"{name}: {reason}")
    after, money = payment, []
    for operation in transition.money:
        after, step = _book(after, operation, facts)
        money.append(step)
    approvals = payment.approvals
    if name in ("first_approval", "approve"):
        assert facts.actor is not None  # its guard asks for one
        approvals += (facts.actor,)
    if name in ("refund_wholly", "refund_partly"):
        after = replace(after, refunding=0, refunded=after.refunded + after.refunding)
    if name in ("review", "late_review", "receive") and payment.kind == "deposit":
        after = replace(after, received=facts.amount or 0)
    code = facts.decline_code if facts.decline_code is not None else payment.decline_code
    if transition.target in ("captured", "paid"):
        code = None
    return Step(name, replace(after, state=transition.target, approvals=approvals, decline_code=code), tuple(money))


def first_of(payment: Payment, names: tuple[str, ...], facts: Facts = Facts()) -> Step:
    """The first transition of `names` that may happen: for pairs whose guards exclude each other."""
    for name in names[:-1]:
        try:
            return apply(payment, name, facts)
        except TransitionRefused:
            continue
    return apply(payment, names[-1], facts)


def _book(payment: Payment, operation: str, facts: Facts) -> tuple[Payment, MoneyStep]:
    """The payment's sums after an operation of the ledger. What may happen again is numbered in its key."""
    one, key = payment, operation
    match operation:
        case "captured":
            amount = one.received or facts.amount or 0
            after = replace(one, received=amount, captured=amount)
        case "refunded":
            amount, key = facts.amount or 0, f"refunded:{one.refunds + 1}"  # its guard has bounded it
            after = replace(one, refunding=amount, refunds=one.refunds + 1)
        case "refund_failed":
            amount, key = one.refunding, f"refund_failed:{one.refunds}"
            after = replace(one, refunding=0)
        case "charged_back":
            amount, key = one.refundable, f"charged_back:{one.disputes + 1}"
            after = replace(one, disputed=amount, disputes=one.disputes + 1)
        case "chargeback_won":
            amount, key = one.disputed, f"chargeback_won:{one.disputes}"
            after = replace(one, disputed=0)
        case "reserve":
            amount, after = one.amount, replace(one, held=one.amount)
        case "released":
            amount, after = one.held, replace(one, held=0)
        case "paid" | "late_paid":
            amount, after = one.amount, replace(one, held=0, paid=one.amount)
        case "returned":
            amount, after = one.paid, replace(one, paid=0, returned=one.paid)
        case _:
            raise AssertionError(f"the ledger has no operation {operation}")
    return after, MoneyStep(operation, key, amount)


def with_less(step: Step, moved: int) -> Step:
    """A refund of which the ledger could take only `moved`: that, and no more, is asked of the provider."""
    assert step.money[-1].operation == "refunded" and 0 < moved <= step.payment.refunding
    return replace(step, payment=replace(step.payment, refunding=moved))


def mermaid(kind: Kind) -> str:
    """The table as a Mermaid state diagram; a movement of money is written below its transition's name."""
    lines = ["stateDiagram-v2", f"    [*] --> {INITIAL[kind]}"]
    for one in TABLE[kind].values():
        label = one.name + (f" / {', '.join(one.money)}" if one.money else "")
        lines += [f"    {source} --> {one.target}: {label}" for source in one.sources]
    lines += [f"    {state} --> [*]" for state in sorted(TERMINAL[kind])]
    return "\n".join(lines)
