"""The module's services, built together; what account management and the wallet ask of it; whom it listens to."""

from __future__ import annotations

import ssl
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from casino.compliance.api import Rules, RulesInForce
from casino.kernel.clock import Clock
from casino.kernel.db import Database
from casino.kernel.errors import ConfigurationError
from casino.kernel.events.model import Consumer, Event
from casino.kernel.settings import Settings
from casino.pam.api import PlayerModule
from casino.responsible_gaming.activity import Activity
from casino.responsible_gaming.events import CHANGED
from casino.responsible_gaming.limits import merge
from casino.responsible_gaming.presence import Presence
from casino.responsible_gaming.protection import Decision, Protection
from casino.responsible_gaming.register import HttpExclusionRegister
from casino.responsible_gaming.register_key import RegisterKey
from casino.responsible_gaming.repository import ProtectionRepository
from casino.responsible_gaming.repository_presence import PresenceRepository
from casino.wallet.api import PlayerLimits, Wallet


@dataclass(frozen=True, slots=True)
class ResponsibleGaming:
    """What endpoints, jobs and other modules ask for."""

    protection: Protection
    presence: Presence
    bindings: PlayerLimits
    wallet: Wallet
    rules: RulesInForce
    clock: Clock
    http: httpx.AsyncClient | None

    async def close(self) -> None:
        """Close what the module itself has opened."""
        if self.http is not None:
            await self.http.aclose()

    # What account management and the wallet ask (pam.PlayerProtection, wallet.DepositGuard).

    async def registering(self, person: Mapping[str, str]) -> None:
        await self.protection.registering(person)

    async def before_login(self, player_id: uuid.UUID, person: Mapping[str, str]) -> None:
        await self.protection.before_login(player_id, person)
        await self.presence.count_up(player_id)
        await self.presence.require_time(player_id)

    async def after_login(self, player_id: uuid.UUID, account_id: int) -> None:
        await self.presence.begin(player_id, account_id)

    async def suppressed(self, player_id: uuid.UUID) -> bool:
        return await self.protection.suppressed(player_id)

    async def depositing(self, player_id: uuid.UUID) -> None:
        await self.protection.depositing(player_id)

    # What its consumers do.

    async def apply(self, _: Any, event: Event) -> None:
        """A decision is to be enforced: in transactions of its own, since to bring it once more does no harm."""
        await self.protection.apply(event.aggregate)

    async def registered(self, _: Any, event: Event) -> None:
        """What a player answered to the prompt for a limit, or was bound by where they came from."""
        payload, player_id = event.payload, event.aggregate
        amount, period = payload.get("deposit_limit_minor"), payload.get("deposit_limit_period")
        if payload["status"] == "self_excluded":
            state = await self.protection.repository.state(player_id)
            if not state.exclusions:
                imported = Decision("staff", None, "imported as self-excluded")
                await self.protection.exclude(player_id, "self_exclusion", None, imported)
        place = ("deposit", period)
        known = await self.protection.repository.state(player_id)
        if amount is not None and period is not None and (place, "player") not in known.limits:
            # Never looser than the rules have it; what is above their maximum is bound by that.
            told = {(rule.kind, rule.period): rule.maximum for rule in self.rules.current.limits}
            most = told.get(("deposit", period))
            own = min(amount, most) if most is not None else amount
            await self.protection.set_limit(
                player_id, ("deposit", period), own, Decision("player", player_id, "registration")
            )
        await self.protection.bring_up_to_date(player_id)

    async def merged(self, _: Any, event: Event) -> None:
        """What bound either of two accounts binds the one that they became."""
        await self.protection.take_over(event.aggregate, uuid.UUID(event.payload["merged_player_id"]), merge)


async def _not_here(_: Any, event: Event) -> None:
    raise RuntimeError(f"{event.type} is for the worker to handle")


def consumers(timezone: str, module: ResponsibleGaming | None = None) -> list[Consumer]:
    """The module's readers of events: of its own decisions, of players, and of what they do.

    Without `module` they can be looked at, and not read with: what they hear they bring to other modules.
    """
    apply, registered, merged = (module.apply, module.registered, module.merged) if module else (_not_here,) * 3
    return [
        Consumer(
            "protection_applied",
            "responsible_gaming",
            "responsible_gaming",
            {(CHANGED, 1): apply},
            ignores_others=True,
        ),
        Consumer(
            "protected_players",
            "responsible_gaming",
            "pam",
            {("pam.player_registered", 1): registered, ("pam.players_merged", 1): merged},
            ignores_others=True,
        ),
        Activity(timezone).consumer(),
    ]


def check_protection(settings: Settings, rules: Rules) -> None:
    """What can be known before anything connects. Raises ConfigurationError."""
    named, given = rules.exclusion_register, settings.exclusion_register
    if named is not None and (given is None or given.register_name != named):
        told = "is not set" if given is None else f"leads to {given.register_name}"
        raise ConfigurationError(f"the rules have the register {named} asked, and CASINO_EXCLUSION_REGISTER {told}")


def build_protection(
    *,
    database: Database,
    wallet_database: Database,
    wallet: Wallet,
    players: PlayerModule,
    settings: Settings,
    rules: RulesInForce,
    clock: Clock,
    register_key: RegisterKey | None = None,
) -> ResponsibleGaming:
    """Wire the module, and let account management ask it."""
    check_protection(settings, rules.current)
    http = register = None
    if (given := settings.exclusion_register) is not None:
        http = httpx.AsyncClient(
            verify=ssl.create_default_context(cafile=str(settings.ca_file)) if settings.ca_file else True
        )
        register = HttpExclusionRegister(http, given.register_name, given.url, register_key)

    async def people(player_id: uuid.UUID) -> Mapping[str, str]:
        return (await players.accounts.profile(player_id))[1]

    bindings = PlayerLimits(wallet_database)
    protection = Protection(
        repository=ProtectionRepository(database),
        wallet=wallet,
        bindings=bindings,
        lifecycle=players.lifecycle,
        people=people,
        register=register,
        rules=rules,
        clock=clock,
    )
    presence = Presence(PresenceRepository(database), protection, players.sessions, bindings, rules=rules, clock=clock)
    module = ResponsibleGaming(protection, presence, bindings, wallet, rules, clock, http)
    players.accounts.protect_by(module)
    return module
