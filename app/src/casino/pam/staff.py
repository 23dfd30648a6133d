"""Who works here: identities apart from players, and sessions that no password alone opens."""

from __future__ import annotations

import hashlib
import json
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from redis.asyncio import Redis

from casino.compliance.api import RulesInForce
from casino.kernel.clock import Clock
from casino.kernel.errors import CasinoError
from casino.kernel.identity import new_id
from casino.kernel.settings import Settings
from casino.pam import repository_staff
from casino.pam.factors import CodeWrong, Factors, FactorUnknown, TotpSetUp
from casino.pam.fields import email_key
from casino.pam.four_eyes import Role
from casino.pam.passwords import Passwords
from casino.pam.proof import Claim
from casino.pam.refusals import BadCredentials, RateLimited, SecondFactorRequired, SecondFactorWrong
from casino.pam.repository import PlayerRepository
from casino.pam.sessions import Throttle
from casino.pam.timing import EvenPace
from casino.pam.vault import Vault

IDLE_S = 15 * 60
LONGEST = timedelta(hours=12)


class StaffEmailTaken(CasinoError):
    status, code = 409, "STAFF_EMAIL_TAKEN"
    rule = "one identity for each member of staff"


@dataclass(frozen=True, slots=True)
class StaffPrincipal:
    """A member of staff with a session."""

    staff_id: uuid.UUID
    role: Role
    started_at: datetime


class StaffAccounts:
    """A session needs a second factor always: an authenticator app from the first day, or a key."""

    def __init__(
        self,
        *,
        repository: PlayerRepository,
        vault: Vault,
        factors: Factors,
        passwords: Passwords,
        redis: Redis,
        settings: Settings,
        rules: RulesInForce,
        clock: Clock,
    ) -> None:
        self._repository = repository
        self._vault = vault
        self._factors = factors
        self._passwords = passwords
        self._redis = redis
        self._prefix = f"{settings.redis_prefix}staff-session:"
        self._throttle = Throttle(redis, settings, "staff-login", limit=10, window_s=900)
        self._rules = rules
        self._clock = clock

    async def add(self, email: str, name: str, password: str, role: Role) -> tuple[uuid.UUID, TotpSetUp]:
        """A new member of staff, and the authenticator app's secret, shown once; the first code confirms it.

        Raises StaffEmailTaken.
        """
        staff_id = new_id()
        person = await self._vault.seal_new(staff_id, {"email": email, "name": name})
        password_hash = await self._passwords.hash(password)
        async with self._repository.transaction() as connection:
            now = self._clock.now()
            if not await repository_staff.add(
                connection, staff_id, person, password_hash=password_hash, role=role, now=now
            ):
                raise StaffEmailTaken("Somebody of the staff has this address.")
        return staff_id, await self._factors.begin_totp(staff_id)

    async def login(self, email: str, claim: Claim) -> tuple[str, datetime]:
        """A session's token and its end.

        Raises BadCredentials, SecondFactorRequired, SecondFactorWrong, RateLimited.
        """
        if wait_s := await self._throttle.attempt(email_key(email)):
            raise RateLimited("Too many log-ins failed.", headers={"Retry-After": str(wait_s)})
        pace, now = EvenPace(), self._clock.now()
        member = await repository_staff.by_email(
            self._repository.pool, self._vault.index("email", email_key(email)), now
        )
        usable = member is not None and member.active and not member.locked
        right = await self._passwords.verify(member.password_hash if member and usable else None, claim.password)
        if member is None or not right:
            if member is not None and usable:
                await self._count_failure(member.staff_id)
            await pace.wait()
            raise BadCredentials("The e-mail address and the password do not match.")
        try:
            await self._second_factor(member.staff_id, claim)
        except SecondFactorRequired:
            raise
        except CasinoError:
            await self._count_failure(member.staff_id)
            raise
        await self._throttle.forget(email_key(email))
        await repository_staff.forget_failures(self._repository.pool, member.staff_id)
        return await self._open(member.staff_id, member.role)

    async def find(self, token: str) -> StaffPrincipal | None:
        """The session's principal, its idle time begun anew. Who was put off duty a moment ago has none."""
        raw = await self._redis.getex(self._key(token), ex=IDLE_S)
        if raw is None:
            return None
        record = json.loads(raw)
        principal = StaffPrincipal(
            uuid.UUID(record["staff_id"]), Role(record["role"]), datetime.fromisoformat(record["started_at"])
        )
        if self._clock.now() - principal.started_at > LONGEST:
            return None
        # Asked each time: staff are few, and what they may do is much.
        return principal if await repository_staff.is_active(self._repository.pool, principal.staff_id) else None

    async def logout(self, token: str) -> None:
        await self._redis.delete(self._key(token))

    async def put_off_duty(self, staff_id: uuid.UUID) -> bool:
        """No session of theirs counts from now on; false when there is nobody of that id."""
        return await repository_staff.set_active(self._repository.pool, staff_id, active=False)

    async def _second_factor(self, staff_id: uuid.UUID, claim: Claim) -> None:
        if claim.webauthn is not None:
            credential = claim.webauthn.get("credential")
            await self._factors.check_key(
                staff_id, str(claim.webauthn.get("ceremony_id", "")), credential if isinstance(credential, dict) else {}
            )
            return
        if claim.code is None:
            raise SecondFactorRequired("The password is right; a second factor is needed as well.")
        if await self._factors.check_code(staff_id, claim.code):
            return
        try:
            await self._factors.confirm_totp(staff_id, claim.code)
        except (CodeWrong, FactorUnknown):
            raise SecondFactorWrong("The code is wrong, or was used before.") from None

    async def _count_failure(self, staff_id: uuid.UUID) -> None:
        now = self._clock.now()
        until = now + timedelta(minutes=self._rules.current.lockout_minutes)
        pool = self._repository.pool
        await repository_staff.count_failure(pool, staff_id, self._rules.current.max_failed_logins, now, until)

    async def _open(self, staff_id: uuid.UUID, role: Role) -> tuple[str, datetime]:
        token, now = secrets.token_urlsafe(32), self._clock.now()
        record = {"staff_id": str(staff_id), "role": role.value, "started_at": now.isoformat()}
        await self._redis.set(self._key(token), json.dumps(record), ex=IDLE_S)
        return token, now + timedelta(seconds=IDLE_S)

    def _key(self, token: str) -> str:
        return self._prefix + hashlib.sha256(token.encode()).hexdigest()
