"""Every refusal the casino makes. The code is stable: callers branch on it, never on the message."""

from __future__ import annotations


class CasinoError(Exception):
    """A refusal. The HTTP interface answers it as a problem document (problems.py).

    `message` says what was refused and why, `rule` names the rule (a key of rules.json, or a control of ours),
    `remedy` says what to do next. None of them may hold a secret or personal data.
    """

    status = 400
    code = "REQUEST_REFUSED"
    rule: str | None = None
    remedy = "Correct the request and send it again."

    def __init__(
        self,
        message: str,
        *,
        rule: str | None = None,
        remedy: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.rule = rule if rule is not None else self.rule
        self.remedy = remedy if remedy is not None else self.remedy
        self.headers = headers or {}

    @property
    def title(self) -> str:
        """What kind of refusal this is, the same for every one of its code."""
        return self.code.replace("_", " ").capitalize()


class RequestInvalid(CasinoError):
    status, code = 422, "REQUEST_INVALID"


class AmountInvalid(CasinoError):
    status, code = 422, "AMOUNT_INVALID"
    rule = "amounts are positive integers of minor units"
    remedy = "Send a whole, positive number of minor units, for example 100 for 1.00."


class IdempotencyKeyMissing(CasinoError):
    status, code = 422, "IDEMPOTENCY_KEY_MISSING"
    rule = "a request that moves money carries an Idempotency-Key"
    remedy = "Send a header Idempotency-Key of 1 to 128 printable ASCII characters, new for each intent."


class IdempotencyKeyReused(CasinoError):
    status, code = 409, "IDEMPOTENCY_KEY_REUSED"
    rule = "one key stands for one request"
    remedy = "Use a new key for a new request; repeat the old body to get the old answer."


class Unauthenticated(CasinoError):
    status, code = 401, "UNAUTHENTICATED"
    rule = "a session is needed"
    remedy = "Log in and send the session's token."


class NotReady(CasinoError):
    status, code = 503, "NOT_READY"
    rule = "the casino answers when its database, Redis and rules are there"
    remedy = "Try again in a few seconds."


class NotFound(CasinoError):
    status, code = 404, "NOT_FOUND"
    rule = "the interface"
    remedy = "See /openapi.json for what can be asked."


class MethodNotAllowed(CasinoError):
    status, code = 405, "METHOD_NOT_ALLOWED"
    rule = "the interface"
    remedy = "See /openapi.json for what can be asked."


class InternalError(CasinoError):
    status, code = 500, "INTERNAL_ERROR"
    rule = "none: this is a fault of the casino"
    remedy = "Repeat the request with the same Idempotency-Key; if it fails again, quote the request's id."


class ConfigurationError(Exception):
    """The process cannot start as configured; the message lists every fault and what to set."""
