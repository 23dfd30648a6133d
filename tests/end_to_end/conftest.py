"""The lab is up before the first test (`make test-lab` sees to it); the two tenants of environments/lab are Ready."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.end_to_end import lab


@pytest.fixture(scope="session", autouse=True)
def the_lab() -> None:
    assert lab.PATHS.kubeconfig.exists(), "The lab is not up: run `make up`."
    lab.resolve_localhost()
    for tenant in ("acme-gb", "acme-br"):
        lab.wait_for(lambda tenant=tenant: lab.is_ready(tenant), 60, f"{tenant} Ready")


@pytest.fixture
def gb() -> str:
    return lab.url("acme-gb")


@pytest.fixture(scope="module")
def spare() -> Iterator[str]:
    """A tenant of a test module's own, Ready; deleted with its database afterwards."""
    name = "e2e-spare"
    lab.delete(name)
    lab.apply(lab.tenant_manifest(name))
    lab.wait_until_it_serves(name)
    yield name
    lab.delete(name)
