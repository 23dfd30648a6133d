"""Register, log in, log out."""

from __future__ import annotations

import logging
import uuid
from datetime import date, datetime

from casino.compliance.api import RulesInForce, require_of_age
from casino.kernel.clock import Clock, local_date
from casino.kernel.errors import CasinoError, RequestInvalid
from casino.kernel.identity import Principal, new_id
from casino.kernel.metrics import LOGINS
from casino.pam.models import email_key
from casino.pam.passwords import Passwords
from casino.pam.repository import PlayerRepository
from casino.pam.sessions import LoginThrottle, SessionStore
from casino.wallet.api import Wallet

log = logging.getLogger(__name__)

OLDEST_YEARS = 125


class EmailTaken(CasinoError):
    status, code = 409, "EMAIL_TAKEN"
    rule = "one account for each e-mail address"
    remedy = "Log in instead, or register with another address."


class BadCredentials(CasinoError):
    status, code = 401, "BAD_CREDENTIALS"
    rule = "address and password must match an account"
    remedy = "Check both and try again."


class LoginRateLimited(CasinoError):
    status, code = 429, "LOGIN_RATE_LIMITED"
    rule = f"at most {LoginThrottle.LIMIT} failed log-ins in {LoginThrottle.WINDOW_S // 60} minutes"


class PlayerAccounts:
    """The service behind the endpoints; also the casino's Authenticator."""

    def __init__(
        self,
        *,
        repository: PlayerRepository,
        sessions: SessionStore,
        throttle: LoginThrottle,
        passwords: Passwords,
        wallet: Wallet,
        rules: RulesInForce,
        clock: Clock,
    ) -> None:
        self._repository = repository
        self._sessions = sessions
        self._throttle = throttle
        self._passwords = passwords
        self._wallet = wallet
        self._rules = rules
        self._clock = clock

    async def register(self, email: str, password: str, date_of_birth: date) -> uuid.UUID:
        """Make a player, and then their cash account.

        These are two transactions, of two modules. A player whose account could not be opened at once is registered
        all the same: it is opened when they log in.

        Raises UnderAge (rules: min_age_years, counted where the licence is), EmailTaken, RequestInvalid for a date
        of birth that nobody has.
        """
        rules = self._rules.current
        today = local_date(self._clock, rules.timezone)
        if not (today.year - OLDEST_YEARS <= date_of_birth.year and date_of_birth <= today):
            raise RequestInvalid("The date of birth is not one that a living person has.", rule="date_of_birth")
        require_of_age(rules, date_of_birth, today)
        password_hash = await self._passwords.hash(password)
        player_id = new_id()
        added = await self._repository.add(
            player_id=player_id,
            email=email,
            password_hash=password_hash,
            date_of_birth=date_of_birth,
            registered_at=self._clock.now(),
        )
        if not added:
            raise EmailTaken("The e-mail address has an account already.")
        try:
            await self._wallet.open_account(player_id)
        except Exception:
            log.exception("a player's account is not open yet", extra={"player_id": str(player_id)})
        log.info("player registered", extra={"player_id": str(player_id)})
        return player_id

    async def login(self, email: str, password: str) -> tuple[str, datetime]:
        """A session's token and its end. Raises BadCredentials or LoginRateLimited."""
        key = email_key(email)
        if wait_s := await self._throttle.attempt(key):
            LOGINS.labels("rate_limited").inc()
            raise LoginRateLimited(
                "Too many log-ins failed for this address.",
                remedy=f"Wait {wait_s} seconds and try again.",
                headers={"Retry-After": str(wait_s)},
            )
        player = await self._repository.by_email(email)
        if not await self._passwords.verify(player.password_hash if player else None, password) or player is None:
            LOGINS.labels("refused").inc()
            raise BadCredentials("The e-mail address and the password do not match.")
        await self._throttle.forget(key)
        if self._passwords.outdated(player.password_hash):
            await self._repository.set_password_hash(player.player_id, await self._passwords.hash(password))
        account_id = await self._wallet.open_account(player.player_id)
        LOGINS.labels("opened").inc()
        return await self._sessions.open(player.player_id, account_id, player.date_of_birth)

    async def authenticate(self, token: str) -> Principal | None:
        """The principal of a session's token, or None."""
        return await self._sessions.find(token)

    async def logout(self, token: str) -> None:
        await self._sessions.close(token)
