"""What can stand between a tenant and its desired state.

A `Refused` is an answer: nothing is retried until the spec, the catalogue or the date changes.
A `Fault` is trouble: it is retried with backoff. Codes of both are stable.
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Refused:
    """A tenant that may not be built as written.

    `condition` is the condition type that carries the same code beside Ready, or None. `since` is the instant from
    which a change of law has refused what was lawful before.
    """

    code: str
    message: str
    condition: str | None = None
    since: datetime | None = None


class Fault(Exception):
    """Something the operator needs failed. `message` says what, and what a person can do about it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Gone(Fault):
    """The object asked for does not exist."""

    def __init__(self, what: str) -> None:
        super().__init__("NOT_FOUND", f"{what} does not exist.")
