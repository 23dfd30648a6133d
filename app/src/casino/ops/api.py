"""The door of operations."""

from casino.ops.endpoints import router
from casino.ops.reports import DailyReports, PlayOfDay, play_by_day
from casino.ops.service import Readiness

__all__ = ["DailyReports", "PlayOfDay", "Readiness", "play_by_day", "router"]
