"""The door of the back office."""

from casino.backoffice.endpoints_free_rounds import router as free_rounds_router
from casino.backoffice.endpoints_games import router as games_router
from casino.backoffice.endpoints_operation import router as staff_operation_router
from casino.backoffice.endpoints_payments import router as staff_payments_router
from casino.backoffice.endpoints_reports import router as reports_router
from casino.backoffice.endpoints_rounds import router as staff_rounds_router

__all__ = [
    "free_rounds_router",
    "games_router",
    "reports_router",
    "staff_operation_router",
    "staff_payments_router",
    "staff_rounds_router",
]
