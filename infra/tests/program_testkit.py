"""What a Pulumi program registers, without an engine: each resource as the engine would be told of it."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pulumi.runtime import mocks, rpc


@dataclass(frozen=True)
class Registered:
    """One resource. `provider` is the provider's URN and id, empty for the default one; `dependencies` are URNs.

    `properties_from` has the URNs that each input was made from, and `depends_on` those and the declared ones.
    """

    urn: str
    type: str
    name: str
    parent: str
    custom: bool
    inputs: dict[str, Any]
    provider: str
    protect: bool
    retain: bool
    import_id: str
    aliases: tuple[str, ...]
    ignored: tuple[str, ...]
    dependencies: frozenset[str]
    properties_from: dict[str, tuple[str, ...]]

    @property
    def provider_urn(self) -> str | None:
        """The engine names a provider as <urn>::<id>."""
        return self.provider.rpartition("::")[0] or None

    @property
    def depends_on(self) -> frozenset[str]:
        return self.dependencies.union(*self.properties_from.values())


class Monitor(mocks.MockMonitor):
    """Tells `keep` of every resource but the stack, with the options that mocks are not told."""

    def __init__(self, answers: mocks.Mocks, keep: Callable[[Registered], None]) -> None:
        super().__init__(answers)
        self._keep = keep

    def RegisterResource(self, request: Any) -> Any:
        answer = super().RegisterResource(request)
        if request.type != "pulumi:pulumi:Stack":
            self._keep(
                Registered(
                    urn=answer.urn,
                    type=request.type,
                    name=request.name,
                    parent=request.parent,
                    custom=request.custom,
                    inputs=dict(rpc.deserialize_properties(request.object)),
                    provider=request.provider or request.providers.get(request.type.split(":")[0], ""),
                    protect=request.protect,
                    retain=request.retainOnDelete,
                    import_id=request.importId,
                    aliases=tuple(one.spec.name for one in request.aliases if one.spec.name),
                    ignored=tuple(request.ignoreChanges),
                    dependencies=frozenset(request.dependencies),
                    properties_from={key: tuple(one.urns) for key, one in request.propertyDependencies.items()},
                )
            )
        return answer


@contextmanager
def engine(stack: str, answers: mocks.Mocks, monitor: Monitor) -> Iterator[None]:
    """In it a program can be run; whatever ran before in this process may have left no loop, and this leaves none."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        mocks.set_mocks(answers, project="domicile", stack=stack, preview=False, monitor=monitor)
        yield
    finally:
        # A program that failed leaves others waiting.
        waiting = asyncio.all_tasks(loop)
        for task in waiting:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*waiting, return_exceptions=True))
        loop.close()
        asyncio.set_event_loop(None)
