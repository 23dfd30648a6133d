"""A pause after a server did not answer.

Without it, a frozen store holds every worker for a whole timeout per tenant, and a tenant that needs nothing
of that store (a refused one, say) waits behind all the others.
"""

import time
from collections.abc import Callable

from domicile_operator.errors import Fault

PAUSE_SECONDS = 5.0


class Breaker:
    """Remembers the last failure to reach a server. Takes a monotonic clock in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._fault: Fault | None = None
        self._until = 0.0

    def check(self) -> None:
        """Raise the last fault anew while the pause lasts."""
        if self._fault is not None and self._clock() < self._until:
            raise Fault(self._fault.code, self._fault.message)

    def trip(self, fault: Fault, seconds: float = PAUSE_SECONDS) -> Fault:
        """Begin a pause; gives the fault back to be raised."""
        self._fault, self._until = fault, self._clock() + seconds
        return fault
