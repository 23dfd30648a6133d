"""Register, log in, log out, and the person behind an account."""

from __future__ import annotations

import hashlib
import logging
import secrets
import uuid
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from casino.compliance.api import Rules, RulesInForce, require_of_age
from casino.kernel.addresses import network_of
from casino.kernel.clock import Clock, local_date
from casino.kernel.errors import RequestInvalid
from casino.kernel.identity import Principal, new_id
from casino.kernel.metrics import LOGINS
from casino.pam import crypto, repository_messages
from casino.pam.ceremonies import Options
from casino.pam.consents import Consents
from casino.pam.events import DeviceSeen, Event, EventLog, PlayerRegistered
from casino.pam.factors import Factors
from casino.pam.fields import FIELDS, email_key, required_fields
from casino.pam.geolocation.models import Position
from casino.pam.geolocation.service import Geolocation
from casino.pam.lifecycle import Lifecycle
from casino.pam.messages import Messages
from casino.pam.models import AnyRegistration, DepositLimit, Player
from casino.pam.proof import Claim, Proofs
from casino.pam.protection import PlayerProtection
from casino.pam.refusals import AccountNotAvailable, EmailTaken, PlayerUnknown, RateLimited
from casino.pam.repository import PlayerRepository
from casino.pam.sessions import SessionStore, Throttle
from casino.pam.status import Actor, Status, may_log_in, may_play
from casino.pam.vault import Vault
from casino.wallet.api import OperationInForce, Wallet

log = logging.getLogger(__name__)

OLDEST_YEARS = 125


@dataclass(frozen=True, slots=True)
class Where:
    """What there is to judge a place by: the client's address, and the device's own answer."""

    address: str | None = None
    position: Position | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """`device_token` goes into the device's cookie; it is the one that came, or a new one."""

    token: str
    expires_at: datetime
    player_id: uuid.UUID
    device_token: str | None


class PlayerAccounts:
    """The service behind the endpoints; also the casino's Authenticator."""

    def __init__(
        self,
        *,
        repository: PlayerRepository,
        vault: Vault,
        sessions: SessionStore,
        proofs: Proofs,
        factors: Factors,
        lifecycle: Lifecycle,
        consents: Consents,
        geolocation: Geolocation,
        messages: Messages,
        events: EventLog,
        hash_password: Any,
        wallet: Wallet,
        rules: RulesInForce,
        clock: Clock,
        operation: OperationInForce | None = None,
        throttle: Throttle | None = None,
    ) -> None:
        self._throttle = throttle
        self._operation = operation
        self._repository = repository
        self._vault = vault
        self._sessions = sessions
        self._proofs = proofs
        self._factors = factors
        self._lifecycle = lifecycle
        self._consents = consents
        self._geolocation = geolocation
        self._messages = messages
        self._events = events
        self._hash_password = hash_password
        self._wallet = wallet
        self._rules = rules
        self._clock = clock
        self._protection: PlayerProtection | None = None
        self.required = required_fields(rules.current.registration_fields)
        self.form_fields = tuple(FIELDS[name] for name in self.required if name in FIELDS)

    def protect_by(self, protection: PlayerProtection) -> None:
        """From now on responsible gaming is asked before accounts and sessions are opened."""
        self._protection = protection
        self._consents.protection = protection

    async def register(self, email: str, password: str, date_of_birth: date) -> uuid.UUID:
        """Register with no more than every jurisdiction asks for. As `register_person`."""
        person = {"email": email, "date_of_birth": date_of_birth.isoformat()}
        if self.required:
            missing = "; ".join(f"{name}: is required here" for name in self.required)
            raise RequestInvalid(f"The request is not valid: {missing}.", rule="registration_fields")
        return await self.register_person(person, password)

    async def register_body(self, body: AnyRegistration, address: str | None = None) -> uuid.UUID:
        """Register from a body that was validated against the rules' fields. Raises RateLimited as well."""
        # IPv6 by its 64 bits of network: a household has as many addresses in it as it likes.
        wait_s = await self._throttle.attempt(network_of(address)) if self._throttle is not None else 0
        if wait_s:
            raise RateLimited("Too many accounts were opened from this address.", headers={"Retry-After": str(wait_s)})
        return await self.register_person(
            body.person(),
            body.password,
            deposit_limit=getattr(body, "deposit_limit", None),
            terms_version=getattr(body, "terms_version", None),
        )

    async def register_person(
        self,
        person: dict[str, str],
        password: str,
        *,
        deposit_limit: DepositLimit | None = None,
        terms_version: str | None = None,
    ) -> uuid.UUID:
        """Make a player; their cash account is opened after that, and again with a log-in should it not have been.

        Raises RegistrationClosed, UnderAge (rules: min_age_years, counted where the licence is), EmailTaken,
        RequestInvalid for a date of birth that nobody has.
        """
        if self._operation is not None:
            await self._operation.require("register")
        require_possible_age(self._rules.current, self._clock, date.fromisoformat(person["date_of_birth"]))
        if self._protection is not None:
            await self._protection.registering(person)
        password_hash = await self._hash_password(password)
        player_id, now = new_id(), self._clock.now()
        sealed = await self._vault.seal_new(player_id, person)
        status = Status.PENDING_VERIFICATION if self._rules.current.verification_required else Status.ACTIVE
        registered = PlayerRegistered(
            status=status,
            deposit_limit_minor=deposit_limit.amount_minor if deposit_limit else None,
            deposit_limit_period=deposit_limit.period if deposit_limit and deposit_limit.amount_minor else None,
        )
        async with self._repository.transaction() as connection:
            added = await self._repository.add(
                connection,
                player_id=player_id,
                person=sealed,
                password_hash=password_hash,
                status=status,
                registered_at=now,
            )
            if not added:
                raise EmailTaken("The e-mail address has an account already.")
            await self._events.append(connection, Event(player_id, now, registered))
            if terms_version is not None:
                await self._consents.write(
                    connection, player_id, "terms", granted=True, version=terms_version, source="registration"
                )
        try:
            await self._wallet.open_account(player_id)
        except Exception:
            log.exception("a player's account is not open yet", extra={"player_id": str(player_id)})
        log.info("player registered", extra={"player_id": str(player_id)})
        return player_id

    async def login(self, email: str, password: str) -> tuple[str, datetime]:
        """A session's token and its end, for who has no second factor. As `open_session`."""
        opened = await self.open_session(email, Claim(password))
        return opened.token, opened.expires_at

    async def open_session(
        self, email: str, claim: Claim, device_token: str | None = None, where: Where | None = None
    ) -> Opened:
        """A session. Raises what Proofs.whole raises, AccountNotAvailable, LocationRefused."""
        player = await self._proofs.whole(await self.find(email), email_key(email), claim)
        if self._protection is not None and (may_log_in(player.status) or player.status is Status.SELF_EXCLUDED):
            await self._protection.before_login(player.player_id, await self.person(player))
            player = replace(player, status=await self._repository.status(player.player_id))
        if not self._may_enter(player.status):
            LOGINS.labels("not_available").inc()
            raise AccountNotAvailable("The account is not one that may be used at present.")
        located = None
        if "login" in self._rules.current.geolocation_moments:
            where = where or Where()
            located = await self._geolocation.locate(player.player_id, "login", where.address, where.position)
        if player.status is Status.DORMANT:
            await self._lifecycle.change(player.player_id, Status.ACTIVE, Actor.PLAYER, "logged_in")
        person = await self.person(player)
        account_id = await self._wallet.account_of(player.player_id)
        if account_id is None:
            account_id = await self._wallet.open_account(player.player_id)
        today = self._clock.now().date()
        if player.seen_on != today or player.failed_logins:
            await self._repository.seen(player.player_id, today)
        device_token = await self._see_device(player, device_token) if self._rules.current.new_device_notice else None
        token, expires_at = await self._sessions.open(
            player.player_id,
            account_id,
            date.fromisoformat(person["date_of_birth"]),
            may_play=may_play(player.status) or player.status is Status.DORMANT,  # which it is not any more
            located=located,
        )
        # Whoever changes a status ends or amends the sessions after that; one that was opened in between, from the
        # status of before, is seen to here.
        status = await self._repository.status(player.player_id)
        if not self._may_enter(status):
            await self._sessions.close(token)
            raise AccountNotAvailable("The account is not one that may be used at present.")
        if not may_play(status):
            await self._sessions.set_may_play(player.player_id, may_play=False)
        if self._protection is not None:
            await self._protection.after_login(player.player_id, account_id)
        LOGINS.labels("opened").inc()
        return Opened(token, expires_at, player.player_id, device_token)

    def _may_enter(self, status: Status) -> bool:
        """Whether a session may be opened; who is excluded has one, where the rules say so, to withdraw by."""
        if status is Status.SELF_EXCLUDED:
            return self._rules.current.self_excluded_may_log_in
        return may_log_in(status)

    async def key_options(self, email: str, password: str) -> Options:
        """Options to log in with a key. Raises what Proofs.password raises, and FactorUnknown."""
        player = await self._proofs.password(await self.find(email), email_key(email), password)
        return await self._factors.begin_check(player.player_id)

    async def reauthenticate(self, principal: Principal, token: str, claim: Claim) -> datetime:
        """Prove anew who one is, for what is sensitive; answers when. Raises what Proofs.whole raises."""
        player = await self._repository.by_id(principal.player_id, self._clock.now())
        await self._proofs.whole(player, f"again:{principal.player_id}", claim)
        return await self._sessions.authenticated(token)

    async def locate(self, principal: Principal, token: str, where: Where) -> datetime | None:
        """Judge where a session is; answers until when that counts, None where it does not matter.

        Raises LocationRefused.
        """
        located = await self._geolocation.locate(principal.player_id, "session", where.address, where.position)
        if located is None:
            return None
        await self._sessions.located(token, located)
        return located.until

    async def authenticate(self, token: str) -> Principal | None:
        """The principal of a session's token, or None."""
        return await self._sessions.find(token)

    async def logout(self, token: str) -> None:
        await self._sessions.close(token)

    async def find(self, email: str) -> Player | None:
        """The player of an address, however it is written."""
        return await self._repository.by_email(self._vault.index("email", email_key(email)), self._clock.now())

    async def person(self, player: Player) -> dict[str, str]:
        """The personal data of a player. Raises crypto.Unopenable."""
        if player.wrapped is None or player.sealed is None:
            raise crypto.Unopenable("the person's data key was destroyed")
        return await self._vault.open(player.player_id, player.wrapped, player.sealed)

    async def profile(self, player_id: uuid.UUID) -> tuple[Status, dict[str, str]]:
        """An account's status and personal data. Raises PlayerUnknown, crypto.Unopenable."""
        player = await self._repository.by_id(player_id, self._clock.now())
        if player is None:
            raise PlayerUnknown("There is no such account.")
        return player.status, await self.person(player)

    async def _see_device(self, player: Player, device_token: str | None) -> str:
        """Note the device; a new one, but for an account's first, is told to the player."""
        token = device_token or secrets.token_urlsafe(24)
        token_hash = hashlib.sha256(token.encode()).digest()
        device_id, now = new_id(), self._clock.now()
        async with self._repository.transaction() as connection:
            new, first = await repository_messages.see_device(connection, player.player_id, device_id, token_hash, now)
            if new and not first:
                event = Event(player.player_id, now, DeviceSeen(device_id=device_id))
                await self._events.append(connection, event)
                if player.wrapped is not None:
                    values = {"at": now.isoformat(timespec="seconds")}
                    await self._messages.add(connection, player.player_id, player.wrapped, "new_device", values)
        return token


def require_possible_age(rules: Rules, clock: Clock, date_of_birth: date) -> None:
    """Raises UnderAge, and RequestInvalid for a date of birth that no living person has."""
    today = local_date(clock, rules.timezone)
    if not (today.year - OLDEST_YEARS <= date_of_birth.year and date_of_birth <= today):
        raise RequestInvalid("The date of birth is not one that a living person has.", rule="date_of_birth")
    require_of_age(rules, date_of_birth, today)
