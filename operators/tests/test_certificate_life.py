"""When a certificate is issued, renewed, revoked and removed, and that a pass may be cut off anywhere."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from domicile_operator.bao_documents import certificate_role
from domicile_operator.certificates import objects
from domicile_operator.certificates.life import Certificate, Issue, Remove, Revoke, steps
from domicile_operator.certificates.loop import ISSUED, Keeper
from domicile_operator.manifests.routes import ingress
from hypothesis import given
from hypothesis import strategies as st
from operator_testkit.pki import Bao
from operator_testkit.samples import CELL, plan

NOW = dt.datetime(2027, 3, 1, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
ISSUING = CELL.model_copy(update={"certificates": "OpenBao"})
A, B = "play.acme.example", "acme.example"

TENANTS = st.sampled_from([frozenset(), frozenset({"acme"}), frozenset({"bob"}), frozenset({"acme", "bob"})])
SOME = (frozenset({A}), frozenset({B}), frozenset({A, B}))
HOSTS = st.sampled_from([frozenset(), *SOME])
CERTIFICATES = st.builds(
    lambda hosts, age, serial, superseded: Certificate(
        hosts, serial, NOW - age * DAY, NOW + (30 - age) * DAY, superseded
    ),
    st.sampled_from(SOME),
    st.integers(-1, 31),
    st.sampled_from(["01", "02"]),
    st.sampled_from([(), ("0a",), ("0a", "0b")]),
)


def good(age: float = 0, hosts: frozenset[str] = frozenset({A}), superseded: tuple[str, ...] = ()) -> Certificate:
    return Certificate(hosts, "01", NOW - age * DAY, NOW + (30 - age) * DAY, superseded)


@given(
    wanted=st.fixed_dictionaries({}, optional={"acme": HOSTS, "bob": HOSTS}),
    tenants=TENANTS,
    present=st.fixed_dictionaries({}, optional={"acme": st.none() | CERTIFICATES, "bob": st.none() | CERTIFICATES}),
)
def test_a_step_is_taken_for_a_reason_and_nothing_is_taken_from_who_may_still_want_it(
    wanted: dict[str, frozenset[str]], tenants: frozenset[str], present: dict[str, Certificate | None]
) -> None:
    found = steps(wanted, tenants, present, NOW)
    assert len({step.tenant for step in found}) == len(found)
    for step in found:
        there = present.get(step.tenant)
        match step:
            case Issue():
                assert step.tenant in tenants and step.hosts == wanted[step.tenant] and step.hosts
                assert there is None or there.hosts != step.hosts or there.due <= NOW
                assert set(there.superseded if there else ()) <= set(step.superseded), "none is forgotten"
                if there is not None and there.serial in step.superseded:
                    assert there.hosts - step.hosts, "what still names its own hosts ends by itself"
            case Remove():
                assert step.tenant in present
                assert step.tenant not in tenants or wanted.get(step.tenant) == frozenset()
            case Revoke():
                assert there is not None and step.serials == there.superseded
    for tenant in tenants & {name for name, hosts in wanted.items() if hosts}:
        there = present.get(tenant)
        settled = there is not None and there.hosts == wanted[tenant] and there.due > NOW and not there.superseded
        assert settled == (tenant not in {step.tenant for step in found})


def test_it_is_renewed_at_two_thirds_of_its_life_and_a_clock_an_hour_off_changes_nothing() -> None:
    def told(age: float) -> list[Any]:
        return steps({"acme": {A}}, {"acme"}, {"acme": good(age)}, NOW)

    assert told(19.9) == told(-1 / 24) == []
    assert told(20) == [Issue("acme", frozenset({A}), "due")]


def test_a_tenant_without_an_ingress_for_a_moment_keeps_its_certificate_and_a_deleted_one_does_not() -> None:
    assert steps({}, {"acme"}, {"acme": good()}, NOW) == []
    assert steps({}, set(), {"acme": good(superseded=("00",))}, NOW) == [Remove("acme", ("00", "01"))]
    assert steps({"acme": frozenset()}, {"acme"}, {"acme": good()}, NOW) == [Remove("acme", ("01",))]


def test_a_host_that_is_no_longer_the_tenants_is_revoked_once_the_next_certificate_serves() -> None:
    both = good(hosts=frozenset({A, B}))
    assert steps({"acme": {A}}, {"acme"}, {"acme": both}, NOW) == [Issue("acme", frozenset({A}), "hosts", ("01",))]
    assert steps({"acme": {A, B}}, {"acme"}, {"acme": good()}, NOW) == [Issue("acme", both.hosts, "hosts")]
    after = good(superseded=("01",))
    assert steps({"acme": {A}}, {"acme"}, {"acme": after}, NOW) == [Revoke("acme", ("01",))]


class Cut(Exception):
    """The process ends here."""


@dataclass
class Ingresses:
    """A cluster that may be cut off before any of its writes."""

    hosts: dict[str, frozenset[str]]
    found: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    all: frozenset[str] = frozenset({"acme"})
    left: int = 10**6

    def tenants(self) -> frozenset[str]:
        return self.all

    def wanted(self) -> dict[str, frozenset[str]]:
        return self.hosts

    def secrets(self) -> dict[str, dict[str, Any]]:
        return {one["metadata"]["labels"]["domicile.dev/tenant"]: one for (kind, _), one in self.found.items()
                if kind == "Secret"}  # fmt: skip

    def _write(self) -> None:
        if self.left == 0:
            raise Cut
        self.left -= 1

    def apply(self, manifest: dict[str, Any]) -> None:
        self._write()
        self.found[manifest["kind"], manifest["metadata"]["name"]] = manifest

    def remove(self, tenant: str) -> None:
        for kind in ("Ingress", "Secret"):
            self._write()
            self.found.pop((kind, objects.name(tenant)), None)


def keeper(cluster: Ingresses, bao: Bao, seconds: Iterator[float] | None = None, now: dt.datetime = NOW) -> Keeper:
    passing = seconds or iter(range(0, 10**9, 10**5))
    return Keeper(cluster, bao, "ingress-system", "skipper", now=lambda: now, since=lambda: float(next(passing)))


def present(cluster: Ingresses) -> Certificate:
    (secret,) = cluster.secrets().values()
    found = objects.certificate(secret)
    assert found is not None
    return found


@pytest.mark.parametrize("writes", range(8))
def test_a_process_that_ends_before_any_of_its_writes_is_made_good_by_the_next(writes: int) -> None:
    bao, cluster = Bao(NOW), Ingresses({"acme": frozenset({A, B})})
    keeper(cluster, bao).pass_over()
    cluster.hosts, cluster.left = {"acme": frozenset({A})}, writes
    first = present(cluster).serial
    for _ in range(3):
        try:
            keeper(cluster, bao).pass_over()
        except Cut:
            assert ("Ingress", objects.name("acme")) in cluster.found, "what serves is never taken away"
        cluster.left = 10**6
    keeper(cluster, bao).pass_over()
    assert present(cluster).hosts == {A} and present(cluster).superseded == ()
    assert first in bao.revoked and present(cluster).serial not in bao.revoked
    ingress_of = cluster.found["Ingress", objects.name("acme")]
    assert ingress_of["spec"]["tls"] == [{"hosts": [A], "secretName": objects.name("acme")}]
    cluster.all, cluster.hosts, cluster.left = frozenset(), {}, writes
    last = present(cluster).serial
    for _ in range(2):
        try:
            keeper(cluster, bao).pass_over()
        except Cut:
            cluster.left = 10**6
    assert cluster.found == {} and last in bao.revoked


def test_an_openbao_that_is_away_leaves_what_is_there_and_is_asked_less_and_less_often() -> None:
    bao, cluster = Bao(NOW), Ingresses({"acme": frozenset({A})})
    keeper(cluster, bao).pass_over()
    before, asked = dict(cluster.found), []
    bao.away = True
    times = iter([float(second) for second in range(0, 7200, 15) for _ in range(2)])
    late = keeper(cluster, bao, times, now=NOW + 25 * DAY)
    whole = bao.ask

    def counted(path: str, data: dict[str, Any]) -> dict[str, Any]:
        asked.append(path)
        return whole(path, data)

    bao.ask = counted  # type: ignore[method-assign]
    for _ in range(200):
        late.pass_over()
    assert cluster.found == before and 5 <= len(asked) <= 15
    bao.away = False
    keeper(cluster, bao, now=NOW + 25 * DAY).pass_over()
    assert present(cluster).serial == "02" and bao.revoked == []


def test_a_clock_that_is_weeks_ahead_renews_once_an_hour_at_most() -> None:
    bao, cluster = Bao(NOW), Ingresses({"acme": frozenset({A})})
    ahead = keeper(cluster, bao, iter([float(n) for n in range(0, 10**6, 10)]), now=NOW + 40 * DAY)
    for _ in range(int(ISSUED / 10 / 4)):
        ahead.pass_over()
    assert bao.signed == 1


def test_a_secret_whose_key_is_of_another_certificate_is_replaced() -> None:
    bao, cluster = Bao(NOW), Ingresses({"acme": frozenset({A})})
    keeper(cluster, bao).pass_over()
    (secret,) = cluster.secrets().values()
    secret["data"]["tls.key"] = "bm8ga2V5"
    keeper(cluster, bao).pass_over()
    assert present(cluster).serial == "02"


def test_only_own_domains_are_asked_for_and_only_in_a_cell_that_has_certificates() -> None:
    assert certificate_role(plan(cell=ISSUING)) is None and certificate_role(plan(domains=[A])) is None
    role = certificate_role(plan(cell=ISSUING, domains=[A, B]))
    assert role is not None and role.data["allowed_domains"] == sorted([A, B]) and role.data["no_store"] is False
    assert ingress(plan(cell=ISSUING, domains=[A, B]))["spec"]["tls"] == [{"hosts": sorted([A, B])}]
    assert "tls" not in ingress(plan(domains=[A]))["spec"] and "tls" not in ingress(plan(cell=ISSUING))["spec"]
