"""A tenant's series: one of each, true of what was written last, and gone with the tenant."""

from collections.abc import Iterator

import pytest
from domicile_operator import metrics, tenant_series
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

NAMES = st.sampled_from(["acme-gb", "acme-br", "lucky-gb"])
VALUES = st.sampled_from(["", "a", "b"])


@pytest.fixture(autouse=True)
def alone() -> Iterator[None]:
    tenant_series.forget_all()
    yield
    tenant_series.forget_all()


def infos() -> list[dict[str, str]]:
    return [sample.labels for metric in tenant_series.INFO.collect() for sample in metric.samples]


def record(name: str, **status: str) -> None:
    tenant_series.record({"metadata": {"name": name}, "spec": {"jurisdiction": "GB"}}, status)


def test_a_tenants_info_is_one_series_that_follows_it() -> None:
    record("acme-gb", state="Onboarding")
    record("acme-gb", state="Live", place="eu-west-2", version="0.1.0-a")
    assert infos() == [
        {"tenant": "acme-gb", "jurisdiction": "GB", "place": "eu-west-2", "state": "Live", "version": "0.1.0-a"}
    ]


@settings(max_examples=50)
@given(st.lists(st.tuples(NAMES, VALUES, VALUES, st.booleans())))
def test_there_is_a_series_for_each_tenant_that_is_there_and_for_no_other(
    steps: list[tuple[str, str, str, bool]],
) -> None:
    tenant_series.forget_all()
    there: dict[str, tuple[str, str]] = {}
    for name, place, state, goes in steps:
        if goes:
            metrics.forget(name)
            there.pop(name, None)
        else:
            record(name, place=place, state=state)
            there[name] = (place, state)
    assert sorted((one["tenant"], one["place"], one["state"]) for one in infos()) == sorted(
        (name, *labels) for name, labels in there.items()
    )


def test_a_pass_that_settled_is_dated_and_the_date_goes_with_the_tenant() -> None:
    name = "domicile_tenant_last_settled_timestamp_seconds"
    tenant_series.settled("acme-gb")
    first = REGISTRY.get_sample_value(name, {"tenant": "acme-gb"})
    assert first and first > 1_700_000_000
    metrics.forget("acme-gb")
    metrics.forget("acme-gb")
    assert REGISTRY.get_sample_value(name, {"tenant": "acme-gb"}) is None


def test_a_tenant_without_spec_or_status_has_an_info() -> None:
    tenant_series.record({"metadata": {"name": "x"}}, {})
    assert infos() == [{"tenant": "x", "jurisdiction": "", "place": "", "state": "", "version": ""}]
