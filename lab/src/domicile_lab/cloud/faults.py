"""Faults that a test plants: the next calls of an operation fail as a real cloud's sometimes do."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, Field

from domicile_lab.cloud.http import Answer, Hangup
from domicile_lab.cloud.operations import Operation
from domicile_lab.cloud.refusals import Fault, refuse

_KINDS = {"InternalFailure": Fault.INTERNAL, "Throttling": Fault.THROTTLED}


class Planted(BaseModel):
    """One fault: `times` calls of `operation` (any, where it is "*") of botocore's `service` fail so.

    "hang" holds the call for `seconds` and then ends the connection without an answer.
    """

    model_config = ConfigDict(extra="forbid")

    service: str
    operation: str = "*"
    times: int = Field(default=1, ge=1)
    error: str = Field(default="InternalFailure", pattern="^(InternalFailure|Throttling|hang)$")
    seconds: float = Field(default=30, ge=0, le=3600)


@dataclass
class Faults:
    """The faults that wait, and how many have struck."""

    planted: list[Planted] = field(default_factory=list)
    struck: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _ended: threading.Event = field(default_factory=threading.Event)

    def plant(self, fault: Planted) -> None:
        with self._lock:
            self.planted.append(fault)

    def clear(self) -> None:
        """Forget what waits, and let go what hangs."""
        with self._lock:
            self.planted.clear()
            self._ended.set()
            self._ended = threading.Event()

    def strike(self, operation: Operation) -> Answer | None:
        """The fault's answer where one waits for this operation. Raises Hangup for one that hangs."""
        with self._lock:
            fault = next((one for one in self.planted if _meets(one, operation)), None)
            if fault is None:
                return None
            self.struck += 1
            self.planted.remove(fault)
            if fault.times > 1:
                self.planted.append(fault.model_copy(update={"times": fault.times - 1}))
            ended = self._ended
        if fault.error == "hang":
            ended.wait(fault.seconds)
            raise Hangup(f"a planted fault in {operation.key}")
        return refuse(_KINDS[fault.error], operation.protocol, operation.signing, "A fault that was planted.")


def _meets(fault: Planted, operation: Operation) -> bool:
    return fault.service == operation.service and fault.operation in ("*", operation.name)
