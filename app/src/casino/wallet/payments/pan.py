"""Card numbers are kept out: what looks like one is refused before it is read, logged or stored (PCI DSS 4.0, 3.3)."""

from __future__ import annotations

import re

from fastapi import Request

from casino.kernel.errors import CasinoError

# ISO/IEC 7812: 13 to 19 digits, written in one or in the groups that are printed on cards.
_CANDIDATE = re.compile(
    r"(?<![0-9A-Za-z])(?:[2-6]\d{12,18}|[2-6]\d{3}([ -])\d{4}\1\d{4}\1\d{4}(?:\1\d{1,3})?|3\d{3}([ -])\d{6}\2\d{4,5})"
    r"(?![0-9A-Za-z])",
    re.ASCII,
)


class PanRefused(CasinoError):
    """Its message does not repeat what was sent."""

    status, code = 422, "PAN_REFUSED"
    rule = "card numbers go to the payment service provider alone"
    remedy = "Send the provider's token for the card."


def passes_luhn(digits: str) -> bool:
    """The check digit of ISO/IEC 7812-1, annex B."""
    doubled = [int(d) * (1 + i % 2) for i, d in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def holds_pan(text: str) -> bool:
    """Whether something in `text` has a card number's length, first digit, form and check digit."""
    return any(passes_luhn(re.sub(r"\D", "", found[0])) for found in _CANDIDATE.finditer(text))


def require_no_pan(text: str) -> None:
    """Raises PanRefused."""
    if holds_pan(text):
        raise PanRefused("The request holds what looks like a card number.")


async def refuse_pan(request: Request) -> None:
    """A dependency of endpoints: looks through the raw body, whatever its form. Raises PanRefused."""
    require_no_pan((await request.body()).decode("utf-8", "replace"))
