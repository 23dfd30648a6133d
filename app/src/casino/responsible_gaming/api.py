"""The door of responsible gaming."""

from casino.responsible_gaming.endpoints import router
from casino.responsible_gaming.endpoints_staff import router as staff_router
from casino.responsible_gaming.models import PlayLimits
from casino.responsible_gaming.module import ResponsibleGaming, build_protection, check_protection, consumers
from casino.responsible_gaming.presence import LOOK_EVERY
from casino.responsible_gaming.register_key import open_register_key
from casino.responsible_gaming.service import round_limits, slot_limits

__all__ = [
    "LOOK_EVERY",
    "PlayLimits",
    "ResponsibleGaming",
    "build_protection",
    "check_protection",
    "consumers",
    "open_register_key",
    "round_limits",
    "router",
    "slot_limits",
    "staff_router",
]
