"""What a provider has to know how to do, on plain Python values; `servicer.py` speaks to the engine for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import grpc

Values = dict[str, Any]
Kind = Literal["add", "delete", "update"]


class ProviderError(Exception):
    """A refusal or fault, told to the user as it stands: what, why, by whom, and what to do next."""

    def __init__(self, message: str, code: grpc.StatusCode = grpc.StatusCode.UNKNOWN) -> None:
        super().__init__(message)
        self.code = code


class Unfinished(ProviderError):
    """The resource exists, but not all of it could be made or changed. The engine keeps `outputs` in its state and
    tries an update the next time, so nothing is orphaned."""

    def __init__(self, message: str, id: str, inputs: Values, outputs: Values) -> None:
        super().__init__(message)
        self.id = id
        self.inputs = inputs
        self.outputs = outputs


@dataclass(frozen=True)
class Failure:
    """An input that cannot be accepted, and why."""

    property: str
    reason: str


@dataclass(frozen=True)
class Diff:
    """What changing a resource would do. `changes` maps property paths (`rules[0].name`) to what happens there;
    `replaces` names those among them that need a new resource."""

    changes: Mapping[str, Kind] = field(default_factory=dict)
    replaces: frozenset[str] = frozenset()
    delete_before_replace: bool = False


class Provider(Protocol):
    """One configured provider. Calls come from many threads at once, `configure` before all others."""

    name: str
    version: str

    def check_config(self, config: Values) -> list[Failure]: ...

    def diff_config(self, olds: Values, news: Values) -> Diff: ...

    def configure(self, config: Values) -> None: ...

    def check(
        self,
        type: str,
        inputs: Values,
        olds: Values,
        *,
        name: str,
        seed: bytes,
    ) -> tuple[Values, list[Failure]]:
        """Inputs with the defaults filled in (`olds` are the last accepted ones), and those that are refused."""
        ...

    def diff(
        self,
        type: str,
        id: str,
        old_inputs: Values,
        old_outputs: Values,
        inputs: Values,
        *,
        ignore_changes: Sequence[str],
    ) -> Diff: ...

    def preview_create(self, type: str, inputs: Values) -> Values:
        """Outputs of a resource that does not exist yet: `UNKNOWN` where only its creation will tell."""
        ...

    def preview_update(self, type: str, id: str, inputs: Values, old_inputs: Values, old_outputs: Values) -> Values:
        """Outputs after an update that has not happened yet."""
        ...

    def create(self, type: str, inputs: Values, timeout: float) -> tuple[str, Values]:
        """The new resource's id and outputs. Timeout in seconds, 0 for the provider's own."""
        ...

    def read(self, type: str, id: str, inputs: Values, outputs: Values) -> tuple[str, Values, Values] | None:
        """Id, inputs and outputs as the world has them now; None if the resource is gone. Without inputs and outputs
        (an import), inputs are to be filled from the world."""
        ...

    def update(
        self,
        type: str,
        id: str,
        old_inputs: Values,
        old_outputs: Values,
        inputs: Values,
        *,
        timeout: float,
    ) -> Values: ...

    def delete(self, type: str, id: str, inputs: Values, outputs: Values, timeout: float) -> None: ...

    def invoke(self, token: str, arguments: Values) -> Values: ...

    def cancel(self) -> None:
        """The engine is being stopped: calls that wait should give up."""
        ...
