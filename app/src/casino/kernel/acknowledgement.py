"""Whether a party outside takes us for who we are: a signed call that moves nothing, and how it was answered."""

from __future__ import annotations

from enum import StrEnum


class Acknowledgement(StrEnum):
    """How a call was answered that asks for nothing but an answer."""

    ACKNOWLEDGED = "acknowledged"
    """In the party's own words, to a call that it must have found well signed."""
    REFUSED = "refused"
    """It does not take us for its customer: the key, the name or the right is wrong."""
    NO_ANSWER = "no_answer"
    """Nothing, a fault of theirs, or a certificate that is not theirs."""
    NOT_UNDERSTOOD = "not_understood"
    """Something that is no answer of this protocol: mostly an address where somebody else answers."""


def judge(status: int | None, understood: bool) -> Acknowledgement:
    """What an HTTP status means; None where no answer came. `understood`: the body is the protocol's answer."""
    if status is None or status >= 500 or status == 429:
        return Acknowledgement.NO_ANSWER
    if status in (401, 403):
        return Acknowledgement.REFUSED
    return Acknowledgement.ACKNOWLEDGED if understood else Acknowledgement.NOT_UNDERSTOOD
