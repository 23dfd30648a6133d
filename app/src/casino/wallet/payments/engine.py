"""What an answer of a provider means for a payment, and what is to be done next. Pure.

The rule against charging twice: while an attempt is open, the provider may yet take the money, so nobody else is
asked. An answer that was lost is looked for (status query, webhook) until it is definite. Only a definite, retryable
decline lets the next provider be tried; "never heard of it", said for long enough, ends the payment but tries nobody
else, since the request may still be on its way. Should two providers take the money all the same (one of them said
that it had not), the first stands and the second is returned.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from casino.wallet.payments.declines import is_retryable
from casino.wallet.payments.models import NOT_RECEIVED, Answer, Attempt, Payment
from casino.wallet.payments.routing import Route
from casino.wallet.payments.states import Facts, Step, apply, first_of

GIVE_UP_AFTER = {
    "charge": timedelta(minutes=15),
    "refund": timedelta(hours=24),
    "return": timedelta(hours=24),
    "payout": timedelta(hours=24),
}
"""When a provider says for this long that it never received a request, nothing of it is under way any more."""
MAX_TRIES = 3


@dataclass(frozen=True, slots=True)
class Heard:
    """The attempt after an answer, the transitions of the payment that follow, in order, and whether money is stray."""

    attempt: Attempt
    steps: tuple[Step, ...] = ()
    contradiction: str | None = None


def hear(payment: Payment, attempt: Attempt, answer: Answer, now: datetime) -> Heard:
    """What `answer` about `attempt` changes. A repeat of what is known changes nothing."""
    if answer.reference != attempt.reference:
        raise ValueError("the answer is about another attempt")
    known = replace(attempt, provider_id=answer.provider_id or attempt.provider_id)
    return _BY_OUTCOME[answer.outcome](payment, known, answer, now)


def _unknown(payment: Payment, attempt: Attempt, answer: Answer, now: datetime) -> Heard:
    return Heard(replace(attempt, outcome="unknown") if attempt.outcome is None else attempt)


def _pending(payment: Payment, attempt: Attempt, answer: Answer, now: datetime) -> Heard:
    if attempt.outcome not in (None, "unknown", "pending"):
        return Heard(attempt)  # older than what is known
    return Heard(replace(attempt, outcome="pending", action=answer.action or attempt.action))


def _not_found(payment: Payment, attempt: Attempt, answer: Answer, now: datetime) -> Heard:
    waited = now - attempt.started_at >= GIVE_UP_AFTER[attempt.operation]
    if not attempt.open or not waited:
        return Heard(attempt)
    return _refused(payment, replace(attempt, outcome="not_found", decline_code=NOT_RECEIVED))


def _declined(payment: Payment, attempt: Attempt, answer: Answer, now: datetime) -> Heard:
    if not attempt.open:
        contrary = attempt.outcome == "captured"
        return Heard(attempt, contradiction="declined after it was captured" if contrary else None)
    return _refused(payment, replace(attempt, outcome="declined", decline_code=answer.decline_code or "declined"))


def _authorized(payment: Payment, attempt: Attempt, answer: Answer, now: datetime) -> Heard:
    if attempt.outcome not in (None, "unknown", "pending"):
        return Heard(attempt)
    # A card that is not the player's own is not even charged: the authorization lapses.
    name = "review" if answer.owner_match is False else "authorize"
    steps = (apply(payment, name),) if payment.state == "processing" else ()
    return Heard(replace(attempt, outcome="authorized"), steps)


def _captured(payment: Payment, attempt: Attempt, answer: Answer, now: datetime) -> Heard:
    if attempt.outcome == "captured":
        return Heard(attempt)
    if answer.currency not in (None, attempt.currency):
        return Heard(attempt, contradiction="the money moved in another currency")
    amount = answer.amount if answer.amount is not None else attempt.amount
    done = replace(attempt, outcome="captured", decline_code=None, moved=amount)
    if attempt.operation == "charge":
        return _charged(payment, done, amount, answer.owner_match)
    if attempt.operation == "return":
        return Heard(done)
    names = _DONE.get((attempt.operation, payment.state))
    if names is None or (attempt.operation == "refund" and not attempt.open):  # another refund may be under way
        return Heard(replace(done, stray=True), contradiction=f"a {attempt.operation} was done that was given up")
    carried = _carried(payment, done) if attempt.operation == "payout" else payment
    return Heard(done, (first_of(carried, names),))


_BY_OUTCOME = {
    "unknown": _unknown,
    "pending": _pending,
    "not_found": _not_found,
    "declined": _declined,
    "authorized": _authorized,
    "captured": _captured,
}
_DONE = {
    ("payout", "processing"): ("pay",),
    ("payout", "approved"): ("pay",),
    ("payout", "failed"): ("late_pay",),
    ("payout", "cancelled"): ("late_pay",),
    ("refund", "sending_back"): ("sent_back",),
    ("refund", "refunding"): ("refund_wholly", "refund_partly"),
}


def _refused(payment: Payment, attempt: Attempt) -> Heard:
    facts = Facts(decline_code=attempt.decline_code)
    match attempt.operation:
        case "refund" if payment.state == "sending_back":
            return Heard(attempt, (apply(payment, "send_back_failed", facts),))
        case "refund" if payment.state == "refunding":
            return Heard(attempt, (first_of(payment, ("refund_failed", "further_refund_failed"), facts),))
        case "charge" | "payout" if payment.state in ("processing", "authorized"):
            if is_retryable(attempt.decline_code) and payment.state == "processing":
                return Heard(attempt, (apply(payment, "try_next", facts),))
            return Heard(attempt, (apply(payment, "fail", facts),))
    return Heard(attempt)


def _charged(payment: Payment, attempt: Attempt, amount: int, owner_match: bool | None) -> Heard:
    if payment.received > 0 or payment.state not in _UNCHARGED:
        return Heard(replace(attempt, stray=True), contradiction="a second provider took the money")
    payment = _carried(payment, attempt)
    facts = Facts(amount=amount)
    # A deposit is paid from the player's own account: money from elsewhere waits for a person.
    plain = amount == payment.amount and owner_match is not False
    if payment.state == "failed":
        return Heard(attempt, (apply(payment, "late_capture" if plain else "late_review", facts),))
    if payment.state == "pending_review":
        return Heard(attempt, (apply(payment, "receive", facts),))
    steps: tuple[Step, ...] = ()
    if payment.state == "initiated":  # between two tries, the first one took the money after all
        steps = (apply(payment, "submit"),)
        payment = steps[0].payment
    return Heard(attempt, (*steps, apply(payment, "capture" if plain else "review", facts)))


_UNCHARGED = frozenset({"initiated", "processing", "authorized", "pending_review", "failed"})


def _carried(payment: Payment, attempt: Attempt) -> Payment:
    return replace(payment, provider=attempt.provider)


@dataclass(frozen=True, slots=True)
class Submit:
    """Ask this provider."""

    route: Route


@dataclass(frozen=True, slots=True)
class Resolve:
    """Ask about this attempt before anything else."""

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class End:
    """Nobody is left to ask."""

    decline_code: str


def next_move(payment: Payment, attempts: list[Attempt], ranked: list[Route]) -> Submit | Resolve | End | None:
    """What to do for a payment that is to be carried; null when there is nothing to do.

    `ranked` are the routes that are open now and were not tried, best first.
    """
    tries = [one for one in attempts if one.operation in ("charge", "payout")]
    for attempt in tries:
        if attempt.open:
            return Resolve(attempt)
    if payment.state != ("initiated" if payment.kind == "deposit" else "approved"):
        return None
    if ranked and len(tries) < MAX_TRIES:
        return Submit(ranked[0])
    if payment.kind == "withdrawal" and len(tries) < MAX_TRIES:
        return None  # its money is held: it waits until a road is open
    return End(tries[-1].decline_code or "declined" if tries else "no_route")
