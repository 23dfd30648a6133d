"""The door of operations."""

from casino.ops.endpoints import router
from casino.ops.endpoints_history import router as history_router
from casino.ops.history import HistoryBook, PlayerHistory
from casino.ops.reports import LONGEST_REPORT_DAYS, DailyReports, PlayOfDay, Reports, play_by_day
from casino.ops.service import Readiness

__all__ = [
    "LONGEST_REPORT_DAYS",
    "DailyReports",
    "HistoryBook",
    "PlayOfDay",
    "PlayerHistory",
    "Readiness",
    "Reports",
    "history_router",
    "play_by_day",
    "router",
]
