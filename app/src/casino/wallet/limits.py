"""What the database says of a deposit that it refuses (migrations `responsible_gaming` and `operation`)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from casino.compliance.api import closed
from casino.kernel.errors import CasinoError


class DepositLimitReached(CasinoError):
    status, code = 403, "DEPOSIT_LIMIT_REACHED"
    rule = "the player's deposit limits"
    remedy = "Deposit less, or wait until the limit's day, week or month is over."


class DepositBarred(CasinoError):
    status, code = 403, "DEPOSIT_BARRED"
    rule = "who is excluded, takes a break or may not play does not deposit"
    remedy = "GET /api/v1/players/me/protection says why and until when; withdrawals are possible meanwhile."


@contextmanager
def deposit_refusals() -> Iterator[None]:
    """Within it a deposit is noted: raises DepositsClosed, DepositLimitReached and DepositBarred for what the database
    refuses."""
    try:
        yield
    except asyncpg.CheckViolationError as error:
        match error.constraint_name:
            case "deposit_limit":
                raise DepositLimitReached("The deposit, with those under way, is above the player's limit.") from None
            case "casino_closed":
                raise closed("deposit") from None
            case "player_barred":
                raise DepositBarred("The player may not deposit at present.") from None
        raise
