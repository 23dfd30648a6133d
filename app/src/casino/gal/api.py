"""The door of game aggregation."""

from casino.gal.endpoints import router
from casino.gal.service import Games

__all__ = ["Games", "router"]
