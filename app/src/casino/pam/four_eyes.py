"""Nobody approves what they asked for. Pure: identities and roles in, a refusal or nothing out."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from enum import StrEnum

from casino.kernel.errors import CasinoError


class Role(StrEnum):
    """What a member of staff is there for. `admin` manages staff, and is no substitute for the others."""

    COMPLIANCE = "compliance"
    SUPPORT = "support"
    FINANCE = "finance"
    ADMIN = "admin"


class RoleMissing(CasinoError):
    status, code = 403, "ROLE_MISSING"
    rule = "each role has its acts"
    remedy = "Ask somebody of the role."


class SecondPersonRequired(CasinoError):
    status, code = 403, "SECOND_PERSON_REQUIRED"
    rule = "nobody approves what they asked for"
    remedy = "Ask another person of the role to approve."


def require_role(role: Role, allowed: Collection[Role]) -> None:
    """Refuse with RoleMissing who has none of the roles."""
    if role not in allowed:
        raise RoleMissing(f"This is for {', '.join(sorted(allowed))}, and not for {role}.")


def require_second_person(
    *,
    asked_by: uuid.UUID,
    approved_by: uuid.UUID,
    approver_role: Role,
    allowed: Collection[Role],
    before: Collection[uuid.UUID] = (),
) -> None:
    """Refuse an approval by who asked, by who approved a step before (`before`), or by who has not the role."""
    require_role(approver_role, allowed)
    if approved_by == asked_by or approved_by in before:
        raise SecondPersonRequired("An approval is given by somebody who had no hand in the request.")
