"""The door of operations."""

from casino.ops.endpoints import router
from casino.ops.service import Readiness

__all__ = ["Readiness", "router"]
