"""The door of game aggregation."""

from casino.gal.endpoints import SPIN, router
from casino.gal.service import Games

__all__ = ["SPIN", "Games", "router"]
