"""The door of game aggregation."""

from casino.gal.endpoints import SPIN, router
from casino.gal.live.endpoints import router as live_router
from casino.gal.live.models import LiveTable, load_tables
from casino.gal.live.repository import LiveRepository
from casino.gal.live.service import LiveTables
from casino.gal.service import Games

__all__ = ["SPIN", "Games", "LiveRepository", "LiveTable", "LiveTables", "live_router", "load_tables", "router"]
