"""The module's services, built together."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import datetime

import httpx
from redis.asyncio import Redis

from casino.compliance.api import Rules, RulesInForce
from casino.kernel.clock import Clock
from casino.kernel.credentials import Credentials
from casino.kernel.db import Database
from casino.kernel.errors import ConfigurationError
from casino.kernel.settings import Settings
from casino.pam.ceremonies import Ceremonies
from casino.pam.consents import Consents
from casino.pam.details import Details
from casino.pam.events import EventLog
from casino.pam.factors import Factors
from casino.pam.fields import required_fields
from casino.pam.geolocation.networks import Networks, load_networks
from casino.pam.geolocation.provider import HttpAnonymityProvider
from casino.pam.geolocation.service import Geolocation
from casino.pam.hidden_state import HiddenState, open_hidden_state
from casino.pam.keeping import erase_expired, open_vault, seal_what_is_clear
from casino.pam.keys import tenant_key
from casino.pam.lifecycle import Lifecycle, years_before
from casino.pam.messages import FolderSender, LogSender, Messages, MessageSender
from casino.pam.passwords import Passwords
from casino.pam.proof import Proofs
from casino.pam.recovery import LIMIT, WINDOW_S, Recovery
from casino.pam.repository import PlayerRepository
from casino.pam.service import PlayerAccounts
from casino.pam.sessions import LoginThrottle, SessionStore, Throttle
from casino.pam.staff import StaffAccounts
from casino.pam.vault import Vault
from casino.wallet.api import OperationInForce, Standings, Wallet


@dataclass(frozen=True, slots=True)
class PlayerModule:
    """What endpoints and jobs ask for."""

    accounts: PlayerAccounts
    proofs: Proofs
    factors: Factors
    recovery: Recovery
    lifecycle: Lifecycle
    consents: Consents
    details: Details
    sessions: SessionStore
    messages: Messages
    staff: StaffAccounts
    repository: PlayerRepository
    vault: Vault
    hidden_state: HiddenState
    events: EventLog
    rules: RulesInForce
    clock: Clock
    http: httpx.AsyncClient | None

    async def close(self) -> None:
        """Close what the module itself has opened."""
        if self.http is not None:
            await self.http.aclose()

    async def erase_expired(self) -> int:
        """Erase who closed longer ago than `record_retention_years`; nobody where the rules name no retention.

        For a daily job. Answers how many.
        """
        years = self.rules.current.record_retention_years
        if years is None:
            return 0
        now: datetime = self.clock.now()
        return await erase_expired(self.repository.pool, self.vault, self.events, now, years_before(now, years))


def check_configuration(settings: Settings, rules: Rules) -> None:
    """What can be known before anything connects. Raises ConfigurationError."""
    required_fields(rules.registration_fields)
    if settings.pii_keys is not None:
        tenant_key(settings, None)
    if rules.geolocation_moments and settings.ip_networks is None:
        raise ConfigurationError("the rules name geolocation_moments: set CASINO_IP_NETWORKS")


def geolocation_sources(settings: Settings, rules: Rules) -> tuple[Networks | None, httpx.AsyncClient | None]:
    """The database of networks and a client for the provider, where the rules ask where players are.

    Raises ConfigurationError when they ask and the database cannot be used: nobody could be let in.
    """
    check_configuration(settings, rules)
    if not rules.geolocation_moments or settings.ip_networks is None:
        return None, None
    networks = load_networks(settings.ip_networks)
    if settings.anonymity_url is None:
        return networks, None
    return networks, httpx.AsyncClient(
        verify=ssl.create_default_context(cafile=str(settings.ca_file)) if settings.ca_file else True
    )


async def build(
    *,
    database: Database,
    redis: Redis,
    settings: Settings,
    wallet: Wallet,
    standings: Standings | None = None,
    rules: RulesInForce,
    clock: Clock,
    operation: OperationInForce | None = None,
    credentials: Credentials | None = None,
    sender: MessageSender | None = None,
) -> PlayerModule:
    """Wire the module. Seals what an older version wrote in the clear before it answers.

    Raises ConfigurationError for keys and rules that cannot be used.
    """
    networks, http = geolocation_sources(settings, rules.current)
    provider = HttpAnonymityProvider(http, settings.anonymity_url) if http and settings.anonymity_url else None
    repository = PlayerRepository(database)
    vault = await open_vault(database.pool, tenant_key(settings, credentials), clock)
    hidden_state = await open_hidden_state(database.pool, vault.keys.tenant_key)
    await seal_what_is_clear(database.pool, vault)
    events = EventLog()
    sessions = SessionStore(
        redis,
        settings,
        clock,
        lambda: rules.current.idle_timeout_s,
        exclusive=lambda: rules.current.one_session_per_player,
    )
    passwords = Passwords()
    if sender is None:
        sender = FolderSender(settings.messages_folder) if settings.messages_folder else LogSender()
    messages = Messages(repository, vault, sender, clock)
    ceremonies = Ceremonies(redis, settings, "player")
    factors = Factors(
        repository=repository,
        vault=vault,
        ceremonies=ceremonies,
        events=events,
        clock=clock,
        issuer=settings.brand,
    )
    proofs = Proofs(
        repository=repository,
        throttle=LoginThrottle(redis, settings),
        passwords=passwords,
        factors=factors,
        messages=messages,
        events=events,
        rules=rules,
        clock=clock,
    )
    lifecycle = Lifecycle(repository, sessions, events, rules, clock, standings=standings)
    consents = Consents(repository, events, clock)
    recovery = Recovery(
        repository=repository,
        vault=vault,
        sessions=sessions,
        passwords=passwords,
        messages=messages,
        events=events,
        throttle=Throttle(redis, settings, "reset", limit=LIMIT, window_s=WINDOW_S),
        clock=clock,
    )
    geolocation = Geolocation(database.pool, networks, provider, rules, clock)
    per_hour = settings.registrations_per_hour
    accounts = PlayerAccounts(
        throttle=Throttle(redis, settings, "register", limit=per_hour, window_s=3600) if per_hour else None,
        repository=repository,
        vault=vault,
        sessions=sessions,
        proofs=proofs,
        factors=factors,
        lifecycle=lifecycle,
        consents=consents,
        geolocation=geolocation,
        messages=messages,
        events=events,
        hash_password=passwords.hash,
        wallet=wallet,
        rules=rules,
        clock=clock,
        operation=operation,
    )
    staff_factors = Factors(
        repository=repository,
        vault=vault,
        ceremonies=Ceremonies(redis, settings, "staff"),
        events=events,
        clock=clock,
        issuer=f"{settings.brand} staff",
    )
    staff = StaffAccounts(
        repository=repository,
        vault=vault,
        factors=staff_factors,
        passwords=passwords,
        redis=redis,
        settings=settings,
        rules=rules,
        clock=clock,
    )
    return PlayerModule(
        accounts=accounts,
        proofs=proofs,
        factors=factors,
        recovery=recovery,
        lifecycle=lifecycle,
        consents=consents,
        details=Details(repository, vault, messages, events, clock),
        sessions=sessions,
        messages=messages,
        staff=staff,
        repository=repository,
        vault=vault,
        hidden_state=hidden_state,
        events=events,
        rules=rules,
        clock=clock,
        http=http,
    )
