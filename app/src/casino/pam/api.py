"""The door of player account management."""

from casino.pam.crypto import Unopenable
from casino.pam.endpoints import router
from casino.pam.endpoints_staff import Staff
from casino.pam.endpoints_staff import router as staff_router
from casino.pam.endpoints_staff_players import router as staff_players_router
from casino.pam.fields import required_fields
from casino.pam.four_eyes import Role, require_role, require_second_person
from casino.pam.lifecycle import AccountMerger, Lifecycle
from casino.pam.messages import Message, MessageSender
from casino.pam.models import LoginRequest, Registration, registration_model
from casino.pam.module import PlayerModule, build, check_configuration
from casino.pam.proof import Claim, require_recent
from casino.pam.protection import PlayerProtection
from casino.pam.service import PlayerAccounts, Where
from casino.pam.session_reader import SessionReader
from casino.pam.sessions import SessionStore
from casino.pam.staff import StaffPrincipal
from casino.pam.status import Actor, Status, may_log_in, may_play

__all__ = [
    "AccountMerger",
    "Actor",
    "Claim",
    "Lifecycle",
    "LoginRequest",
    "Message",
    "MessageSender",
    "PlayerAccounts",
    "PlayerModule",
    "PlayerProtection",
    "Registration",
    "Role",
    "SessionReader",
    "SessionStore",
    "Staff",
    "StaffPrincipal",
    "Status",
    "Unopenable",
    "Where",
    "build",
    "check_configuration",
    "may_log_in",
    "may_play",
    "registration_model",
    "require_recent",
    "require_role",
    "require_second_person",
    "required_fields",
    "router",
    "staff_players_router",
    "staff_router",
]
