"""Structured logs: one JSON object a line on standard output, with the request's id.

What may be logged: codes, routes, ids of requests, rounds, deposits and players, durations. What may not: bodies,
tokens, passwords, addresses, names, birth dates.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from contextlib import nullcontext
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, TextIO

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)

_ENCODE = json.JSONEncoder(default=str, ensure_ascii=False).encode
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message", "taskName"}


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON; what was passed as `extra` becomes fields."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if (current := request_id.get()) is not None:
            line["request_id"] = current
        line |= {key: value for key, value in vars(record).items() if key not in _STANDARD}
        if record.exc_info and record.exc_info[0] is not None:
            # The traceback names code, not values; the exception's text may quote a row, so only its type goes out.
            line["exception"] = record.exc_info[0].__name__
            line["traceback"] = _frames(record.exc_info[2])
        return _ENCODE(line)


def _frames(traceback: Any) -> list[str]:
    frames = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        frames.append(f"{code.co_filename.rsplit('/casino/', 1)[-1]}:{traceback.tb_lineno} {code.co_name}")
        traceback = traceback.tb_next
    return frames


class GatheringHandler(logging.StreamHandler[TextIO]):
    """Writes many lines at once: at a few thousand bets a second, a write for each costs as much as the bet.

    Inside an event loop a line waits for `DELAY_S` at the most; a warning, or anything worse, waits for nothing and
    takes along what was waiting. A process that is killed loses what waited: money is in the ledger, not here.
    """

    DELAY_S = 0.1
    MOST = 500

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._lines.append(self.format(record))
        except Exception:
            self.handleError(record)
            return
        if record.levelno >= logging.WARNING or len(self._lines) >= self.MOST:
            self.flush()
        elif len(self._lines) == 1:
            try:
                asyncio.get_running_loop().call_later(self.DELAY_S, self.flush)
            except RuntimeError:  # no event loop here
                self.flush()

    def flush(self) -> None:
        """Write what waits. A stream that takes nothing loses the lines, and disturbs nobody who logs."""
        with self.lock or nullcontext():
            lines, self._lines = self._lines, []
            if not lines:
                return
            try:
                self.stream.write("\n".join([*lines, ""]))
                super().flush()
            except (OSError, ValueError) as error:
                print(f"casino: {len(lines)} log lines are lost: {type(error).__name__}", file=sys.stderr)


def configure_logging(level: str = "INFO") -> None:
    """Send every logger of the process through one JSON handler."""
    handler = GatheringHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # What our lines do not show need not be found out for each (Python's logging HOWTO, "Optimization").
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    # The access line is ours (kernel/http.py): it has the request's id and no query string.
    logging.getLogger("uvicorn.access").disabled = True
    logging.getLogger("httpx").setLevel(logging.WARNING)
