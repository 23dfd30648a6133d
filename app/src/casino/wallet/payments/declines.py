"""Decline codes: which of them let another provider be tried.

Another provider helps where the fault lies between us and the issuer. What the issuer itself said (no funds, stolen,
do not honour) it would say again, and card schemes fine merchants who ask on: those are final.
"""

from __future__ import annotations

RETRYABLE = frozenset(
    {
        "processor_unavailable",
        "issuer_unavailable",
        "acquirer_error",
        "try_another_route",
        "currency_not_supported",
        "provider_limit_reached",
        "request_refused",
    }
)


def is_retryable(code: str | None) -> bool:
    """Whether another provider may be tried after a decline with `code`; what is not known is final."""
    return code in RETRYABLE
