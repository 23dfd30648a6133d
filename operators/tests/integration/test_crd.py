"""What the API server itself says to a tenant, before any operator sees it."""

import json
import ssl
import urllib.request

import pytest
from operator_testkit.cell import Cell
from operator_testkit.tenants import apply, manifest, refused

pytestmark = pytest.mark.apiserver

BOTH_WAYS = pytest.mark.parametrize("options", [(), ("--server-side",)], ids=["client-side", "server-side"])


def test_a_good_tenant_is_admitted_and_listed_by_its_short_name(cell: Cell) -> None:
    apply(cell, manifest("good-gb", size="large", domains=["play.acme.example"], limits={"minAgeYears": 21}))
    header, row = cell.cluster.kubectl("get", "casino", "good-gb").splitlines()
    assert header.split() == ["NAME", "JURISDICTION", "PLACE", "STATE", "READY", "VERSION", "AGE"]
    assert row.split()[:2] == ["good-gb", "GB"]
    found = json.loads(cell.cluster.kubectl("get", "casino", "good-gb", "-o", "json"))
    assert found["spec"]["deletionPolicy"] == "Retain"


@BOTH_WAYS
def test_an_unknown_field_is_refused_by_name(cell: Cell, options: tuple[str, ...]) -> None:
    typo = manifest("typo-gb", limits={"slotMaxStake": 200})
    assert 'unknown field "spec.limits.slotMaxStake"' in refused(cell, typo, *options) or (
        ".spec.limits.slotMaxStake: field not declared in schema" in refused(cell, typo, *options)
    )


def test_a_client_that_does_not_ask_for_strictness_is_warned(cell: Cell) -> None:
    body = json.dumps(manifest("loose-gb", colour="red")).encode()
    request = urllib.request.Request(
        f"{cell.cluster.url}/apis/casino.domicile.dev/v1alpha1/casinotenants?dryRun=All",
        data=body,
        headers={"Authorization": f"Bearer {cell.cluster.admin_token}", "Content-Type": "application/json"},
    )
    context = ssl.create_default_context(cafile=str(cell.authority.certificate))
    with urllib.request.urlopen(request, context=context) as answer:
        assert "unknown field" in answer.headers["Warning"] and "spec.colour" in answer.headers["Warning"]


@BOTH_WAYS
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"jurisdiction": "BR"}, "spec.jurisdiction cannot change"),
        (
            {"licence": {"number": "other", "holder": "Acme Ltd", "validUntil": "2099-12-31"}},
            "spec.licence.number cannot change",
        ),
    ],
    ids=["jurisdiction", "licence number"],
)
def test_what_a_ledger_hangs_on_cannot_change(
    cell: Cell, change: dict[str, object], said: str, options: tuple[str, ...]
) -> None:
    apply(cell, manifest("fixed-gb"))
    assert said in refused(cell, manifest("fixed-gb", **change), *options)


def test_the_licence_may_be_renewed(cell: Cell) -> None:
    apply(cell, manifest("renew-gb"))
    renewed = {"number": "000-012345-R-000001-001", "holder": "Acme Group Ltd", "validUntil": "2199-12-31"}
    apply(cell, manifest("renew-gb", licence=renewed))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a" * 33, "at most 32 characters"),
        ("9lives", "begins with a letter"),
        ("acme.gb", "has only a-z, 0-9 and -"),
        ("acme-migrate", "must not end with -migrate"),
        ("acme-realtime", "must not end with -migrate, -realtime or -backup"),
        ("acme-backup", "must not end with -migrate, -realtime or -backup"),
    ],
)
def test_a_name_that_children_cannot_bear_is_refused(cell: Cell, name: str, said: str) -> None:
    assert said in refused(cell, manifest(name))


LICENCE = {"number": "1", "holder": "Acme Ltd", "validUntil": "2099-12-31"}


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"brand": ""}, "spec.brand"),
        ({"brand": "x" * 65}, "spec.brand"),
        ({"jurisdiction": "Great Britain"}, "spec.jurisdiction"),
        ({"products": []}, "spec.products"),
        ({"products": ["casino", "casino"]}, "spec.products"),
        ({"products": ["roulette"]}, "spec.products"),
        ({"size": "huge"}, "spec.size"),
        ({"deletionPolicy": "Forget"}, "spec.deletionPolicy"),
        ({"limits": {"slotMaxStakeMinor": 0}}, "spec.limits.slotMaxStakeMinor"),
        ({"limits": {"slotMaxStakeMinor": 1.5}}, "spec.limits.slotMaxStakeMinor"),
        ({"limits": {"minAgeYears": 17}}, "spec.limits.minAgeYears"),
        ({"limits": {"sessionIdleTimeoutSeconds": 59}}, "spec.limits.sessionIdleTimeoutSeconds"),
        ({"licence": LICENCE | {"validUntil": "2028-13-45"}}, "spec.licence.validUntil"),
        ({"licence": LICENCE | {"validUntil": "tomorrow"}}, "spec.licence.validUntil"),
        ({"licence": {"number": "1", "validUntil": "2099-12-31"}}, "spec.licence.holder"),
        ({"paymentProviders": []}, "spec.paymentProviders"),
        ({"paymentProviders": [{"name": "Sand Box"}]}, "spec.paymentProviders[0].name"),
        ({"studios": [{"name": "Star Bright"}]}, "spec.studios[0].name"),
        ({"domains": ["https://acme.example/"]}, "spec.domains[0]"),
        ({"domains": ["localhost"]}, "spec.domains[0]"),
        ({"domains": [f"h{i}.acme.example" for i in range(17)]}, "spec.domains"),
    ],
    ids=str,
)
def test_a_value_out_of_bounds_is_refused_with_its_field(cell: Cell, spec: dict[str, object], field: str) -> None:
    assert field in refused(cell, manifest("bounds-gb", **spec))
