"""Waits until a tenant is as a judge wants it."""

import time
from collections.abc import Callable
from contextlib import nullcontext

from rich.console import Console

from domicile_kubectl.clients.cluster import Cluster, read_tenant
from domicile_kubectl.progress import Judge, Verdict
from domicile_kubectl.tenant import Tenant

PAUSE = 1.0
"""Seconds between two looks."""


def wait(
    cluster: Cluster,
    name: str,
    judge: Judge,
    timeout: float,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[Verdict, Tenant]:
    """Look until the judge is content, for at most `timeout` seconds; at least once. Says what is waited for."""
    console, until = Console(stderr=True, highlight=False, markup=False), clock() + timeout
    with console.status("waiting") if console.is_terminal else nullcontext() as shown:
        while True:
            tenant = Tenant(read_tenant(cluster, name))
            verdict = judge(tenant)
            if verdict.done or clock() >= until:
                return verdict, tenant
            if shown is not None:
                shown.update(verdict.sentence)
            sleep(PAUSE)
