"""The door of responsible gaming."""

from casino.responsible_gaming.models import PlayLimits
from casino.responsible_gaming.service import slot_limits

__all__ = ["PlayLimits", "slot_limits"]
