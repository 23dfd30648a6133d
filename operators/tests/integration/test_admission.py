"""What the API server refuses by itself: no operator, no controller and no webhook runs here.

For every rule there is something that is let in, and the same with one thing changed that is not.
"""

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from domicile_catalog import cell_law, load_catalogue
from domicile_operator.law import law_manifest
from operator_testkit.servers import Cluster, eventually, stopped_afterwards
from operator_testkit.tenants import manifest, namespace_from_before
from operator_testkit.tls import Authority

pytestmark = pytest.mark.apiserver

DEPLOY = Path(__file__).parents[2] / "deploy"
NOW = datetime.now(UTC)
LAW = cell_law(
    load_catalogue(),
    cell="test",
    places=("eu-west-2", "sa-east-1"),
    production=False,
    attestations=(),
    now=NOW,
    serves=("GB", "BR", "DE", "NO", "CN"),
)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("admission")
    with stopped_afterwards():
        made = Cluster(folder, Authority(folder))
        for file in ("namespace.yaml", "crd.yaml", "tenant-admission.yaml"):
            made.kubectl("apply", "-f", str(DEPLOY / file))
        eventually(lambda: "casinotenants" in made.kubectl("api-resources"), what="the CRD")
        eventually(lambda: "no params found" in _apply(made, manifest("early-gb")), what="the policies")
        write_law(made, LAW)
        eventually(lambda: "created" in _apply(made, manifest("first-gb")), what="the law")
        yield made


def write_law(cluster: Cluster, law: dict[str, str]) -> None:
    cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=yaml.safe_dump(law_manifest(law)))


def _apply(cluster: Cluster, document: dict[str, Any]) -> str:
    return cluster.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(document), check=False)


def admitted(cluster: Cluster, document: dict[str, Any]) -> None:
    said = _apply(cluster, document)
    assert "created" in said or "configured" in said or "unchanged" in said, said


def refused(cluster: Cluster, document: dict[str, Any], *words: str) -> None:
    said = _apply(cluster, document)
    assert "denied request" in said, said
    for word in words:
        assert word in said, said


def test_a_cell_without_its_law_admits_no_tenant(cluster: Cluster) -> None:
    cluster.kubectl("delete", "configmap", "domicile-law", "-n", "domicile-system")
    eventually(lambda: "no params found" in _apply(cluster, manifest("lawless-gb")), what="a refusal")
    # Nor does anything new of a tenant run; what is no tenant's goes on, the operator that writes the law before all.
    eventually(
        lambda: "no params found" in _apply(cluster, namespace("casino-lawless", tenant="lawless")), what="a refusal"
    )
    for what in ({"kind": "Namespace", "metadata": {"name": "no-tenants"}}, operator_deployment()):
        admitted(cluster, {"apiVersion": "v1", **what})
    write_law(cluster, LAW)
    eventually(lambda: "created" in _apply(cluster, manifest("lawful-gb")), what="the law")


def operator_deployment() -> dict[str, Any]:
    found = yaml.safe_load_all((DEPLOY / "deployment.yaml").read_text())
    return next(one for one in found if one["kind"] == "Deployment")


def test_a_jurisdiction_that_is_in_no_catalogue(cluster: Cluster) -> None:
    admitted(cluster, manifest("known", jurisdiction="GB"))
    refused(cluster, manifest("unknown", jurisdiction="ZZ"), "JURISDICTION_UNKNOWN", "ZZ")


def test_a_jurisdiction_that_the_cell_is_not_for(cluster: Cluster) -> None:
    admitted(cluster, manifest("served", jurisdiction="BR"))
    refused(cluster, manifest("unserved", jurisdiction="SE"), "NOT_SERVED", "GB, BR")


def test_a_jurisdiction_whose_rule_nobody_has_read(cluster: Cluster) -> None:
    refused(cluster, manifest("unread", jurisdiction="NO"), "FACT_UNKNOWN", "attestation of NO data_residency")


def test_a_jurisdiction_that_licenses_no_casino(cluster: Cluster) -> None:
    refused(cluster, manifest("prohibited", jurisdiction="CN"), "PRODUCT_NOT_LICENSED", "China")


def test_a_product_without_a_licence(cluster: Cluster) -> None:
    admitted(cluster, manifest("slots-de", jurisdiction="DE"))
    refused(cluster, manifest("bingo-de", jurisdiction="DE", products=["casino", "bingo"]), "bingo cannot be licensed")


@pytest.mark.parametrize(
    ("code", "limit", "key", "laxer"),
    [
        ("GB", "slotMaxStakeMinor", "maxStakeMinor", 1),
        ("GB", "minAgeYears", "minAgeYears", -1),
        ("BR", "sessionIdleTimeoutSeconds", "maxIdleSeconds", 1),
    ],
)
def test_a_limit_laxer_than_the_law(cluster: Cluster, code: str, limit: str, key: str, laxer: int) -> None:
    lawful = int(LAW[f"{code}.{key}"])
    name = f"limit-{limit.lower()[:12]}"
    admitted(cluster, manifest(name, jurisdiction=code, limits={limit: lawful}))
    admitted(cluster, manifest(name, jurisdiction=code, limits={limit: max(lawful - laxer, 18)}))
    if limit != "minAgeYears":  # below 18 the CRD itself refuses
        refused(cluster, manifest(name, jurisdiction=code, limits={limit: lawful + laxer}), "LIMIT_LAXER", str(lawful))
    stricter = LAW | {f"{code}.minAgeYears": "21"}
    if limit == "minAgeYears":
        write_law(cluster, stricter)
        eventually(lambda: "LIMIT_LAXER" in _apply(cluster, manifest("age-gb", limits={limit: 20})), what="the new law")
        admitted(cluster, manifest("age-gb", limits={limit: 21}))
        write_law(cluster, LAW)
        eventually(lambda: "created" in _apply(cluster, manifest("age-two", limits={limit: 20})), what="the old law")


def test_a_limit_where_the_law_sets_none(cluster: Cluster) -> None:
    assert "GB.maxIdleSeconds" not in LAW
    admitted(cluster, manifest("idle-gb", limits={"sessionIdleTimeoutSeconds": 86400}))


def licence(until: str) -> dict[str, str]:
    return {"number": "1", "holder": "Acme Ltd", "validUntil": until}


def test_a_licence_that_has_ended(cluster: Cluster) -> None:
    admitted(cluster, manifest("last-day", licence=licence(LAW["GB.today"])))
    refused(cluster, manifest("day-after", licence=licence("2026-01-23")), "LICENCE_EXPIRED", "2026-01-23")


def test_what_the_law_has_overtaken_can_be_tightened_and_deleted_and_not_widened(cluster: Cluster) -> None:
    tenant = manifest("overtaken", limits={"slotMaxStakeMinor": 400})
    admitted(cluster, tenant)
    law = {key: value for key, value in LAW.items() if not key.startswith("GB.products")}
    write_law(cluster, law | {"GB.refused": "NO_PLACE_IN_TERRITORY: must rest elsewhere.", "GB.maxStakeMinor": "200"})
    eventually(lambda: "NO_PLACE" in _apply(cluster, manifest("newcomer")), what="the new law")
    admitted(cluster, manifest("overtaken", limits={"slotMaxStakeMinor": 400}, brand="Another"))
    admitted(cluster, manifest("overtaken", limits={"slotMaxStakeMinor": 200}))
    refused(cluster, manifest("overtaken", limits={"slotMaxStakeMinor": 300}), "LIMIT_LAXER", "200")
    refused(cluster, manifest("overtaken", products=["casino", "bingo"]), "must rest elsewhere")
    cluster.kubectl("delete", "casino", "overtaken", "--wait=false")
    write_law(cluster, LAW)
    eventually(lambda: "created" in _apply(cluster, manifest("after-gb")), what="the old law")


LABELS = {"domicile.dev/tenant": "acme", "domicile.dev/jurisdiction": "GB", "domicile.dev/place": "eu-west-2"}


def namespace(name: str = "casino-acme", **labels: str | None) -> dict[str, Any]:
    given = {key: value for key, value in (LABELS | _full(labels)).items() if value is not None}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": given}}


def _full(labels: dict[str, str | None]) -> dict[str, str | None]:
    return {f"domicile.dev/{key}": value for key, value in labels.items()}


def test_a_tenants_namespace_says_whose_and_where(cluster: Cluster) -> None:
    admitted(cluster, namespace())
    refused(cluster, namespace("casino-other", tenant="other", place=None), "NAMESPACE_UNLABELLED")
    refused(cluster, namespace("casino-other"), "NAMESPACE_MISNAMED")
    refused(cluster, namespace("casino-far", tenant="far", place="us-east-1"), "WRONG_CELL", "us-east-1")
    refused(cluster, namespace("casino-se", tenant="se", jurisdiction="SE"), "NOT_SERVED", "SE")
    admitted(cluster, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "monitoring"}})


def test_where_a_tenants_records_rest_does_not_change(cluster: Cluster) -> None:
    admitted(cluster, namespace("casino-fixed", tenant="fixed"))
    refused(cluster, namespace("casino-fixed", tenant="fixed", place="sa-east-1"), "NAMESPACE_FIXED")
    refused(cluster, namespace("casino-fixed", tenant="fixed", jurisdiction="BR"), "NAMESPACE_FIXED")
    said = cluster.kubectl("label", "namespace", "casino-fixed", "domicile.dev/place-", check=False)
    assert "NAMESPACE_" in said
    cluster.kubectl("label", "namespace", "casino-fixed", "team=blue")


POD = {
    "containers": [{"name": "casino", "image": "registry.test/casino:1"}],
    "automountServiceAccountToken": False,
}


def workload(kind: str, **labels: str | None) -> dict[str, Any]:
    given = {key: value for key, value in (LABELS | {"app": "x"} | _full(labels)).items() if value is not None}
    template = {"metadata": {"labels": given}, "spec": copy.deepcopy(POD)}
    match kind:
        case "Pod":
            version, spec = "v1", template["spec"]
        case "Job":
            template["spec"]["restartPolicy"] = "Never"
            version, spec = "batch/v1", {"template": template}
        case _:
            version, spec = "apps/v1", {"selector": {"matchLabels": {"app": "x"}}, "template": template}
    name = "-".join([kind.lower(), *(str(value).lower() for value in labels.values())])
    metadata = {"name": name, "namespace": "casino-acme", "labels": given}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}


@pytest.mark.parametrize("kind", ["Pod", "Deployment", "Job"])
def test_a_workload_of_another_cell_tenant_or_jurisdiction(cluster: Cluster, kind: str) -> None:
    admitted(cluster, namespace())
    admitted(cluster, workload(kind))
    refused(cluster, workload(kind, place="us-east-1"), "WRONG_")
    refused(cluster, workload(kind, place="sa-east-1"), "WRONG_NAMESPACE")
    refused(cluster, workload(kind, jurisdiction="BR"), "WRONG_NAMESPACE")
    refused(cluster, workload(kind, tenant="rival"), "WRONG_NAMESPACE")
    refused(cluster, workload(kind, tenant=None), "WORKLOAD_UNLABELLED")


def test_a_workload_where_the_cell_no_longer_stands(cluster: Cluster) -> None:
    admitted(cluster, namespace())
    write_law(cluster, LAW | {"places": "sa-east-1"})
    again = workload("Pod")
    again["metadata"]["name"] = "too-late"
    try:
        eventually(lambda: "WRONG_CELL" in _apply(cluster, again), what="a refusal")
    finally:
        write_law(cluster, LAW)


def test_what_is_no_tenants_is_not_judged(cluster: Cluster) -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "probe", "namespace": "default"}, "spec": POD}
    admitted(cluster, pod)


def _patched(cluster: Cluster, *arguments: str, labels: dict[str, str | None]) -> str:
    patch = json.dumps({"metadata": {"labels": {f"domicile.dev/{key}": value for key, value in labels.items()}}})
    return cluster.kubectl("patch", *arguments, "--type=merge", "-p", patch, check=False)


def test_no_subresource_is_a_way_round_the_labels(cluster: Cluster) -> None:
    admitted(cluster, namespace())
    admitted(cluster, workload("Pod"))
    status = ["--subresource=status"]
    for labels in ({"place": "sa-east-1"}, {"jurisdiction": "BR"}, {"tenant": None}):
        said = _patched(cluster, "namespace", "casino-acme", *status, labels=labels)
        assert "NAMESPACE_" in said, said
        said = _patched(cluster, "pod", "pod", "-n", "casino-acme", *status, labels=labels)
        assert "denied request" in said, said
    binding = {
        "apiVersion": "v1",
        "kind": "Binding",
        "metadata": {"name": "pod", "labels": {"domicile.dev/place": "us-east-1"}},
        "target": {"kind": "Node", "name": "node1"},
    }
    path = "/api/v1/namespaces/casino-acme/pods/pod/binding"
    said = cluster.kubectl("create", "--raw", path, "-f", "-", stdin=json.dumps(binding), check=False)
    assert "BINDING_LABELLED" in said, said
    del binding["metadata"]["labels"]  # type: ignore[attr-defined]
    said = cluster.kubectl("create", "--raw", path, "-f", "-", stdin=json.dumps(binding), check=False)
    assert "denied" not in said, said


def test_a_tenants_labels_are_for_a_tenants_namespace_alone(cluster: Cluster) -> None:
    refused(cluster, namespace("gaming-gb", tenant="gb"), "NAMESPACE_MISNAMED")
    stray = workload("Pod", tenant="stray")
    stray["metadata"]["namespace"] = "default"
    refused(cluster, stray, "WRONG_NAMESPACE")


def test_a_namespace_from_before_the_policies_is_labelled_lawfully_or_not_at_all(cluster: Cluster) -> None:
    namespace_from_before(cluster, "casino-old")
    unlawful = {"tenant": "old", "jurisdiction": "SE", "place": "eu-west-2"}
    probe = ["create", "namespace", "casino-probe", "--dry-run=server"]
    eventually(lambda: "NAMESPACE_UNLABELLED" in cluster.kubectl(*probe, check=False), what="the policy again")
    assert "NOT_SERVED" in _patched(cluster, "namespace", "casino-old", labels=unlawful)
    lawful = unlawful | {"jurisdiction": "GB"}
    assert "patched" in _patched(cluster, "namespace", "casino-old", labels=lawful)


def test_what_was_unlawful_can_be_narrowed_step_by_step(cluster: Cluster) -> None:
    admitted(cluster, manifest("steps", products=["casino", "sports", "bingo"], limits={"slotMaxStakeMinor": 400}))
    law = LAW | {"GB.products": "casino", "GB.minAgeYears": "21", "GB.refused.sports": "no", "GB.refused.bingo": "no"}
    write_law(cluster, law)
    eventually(lambda: "denied" in _apply(cluster, manifest("other", products=["sports"])), what="the new law")
    admitted(cluster, manifest("steps", products=["sports", "casino"], limits={"slotMaxStakeMinor": 400}))
    admitted(cluster, manifest("steps", products=["casino"], limits={"slotMaxStakeMinor": 100}))
    refused(cluster, manifest("steps", products=["casino", "sports"], limits={"slotMaxStakeMinor": 100}), "no")
    write_law(cluster, LAW)
    eventually(lambda: "created" in _apply(cluster, manifest("again-gb", products=["sports"])), what="the old law")


def test_a_law_of_the_day_before_yesterday_admits_nobody(cluster: Cluster) -> None:
    admitted(cluster, manifest("before-gb"))
    write_law(cluster, LAW | {"validThrough": "2026-01-01T00:00:00Z"})
    eventually(lambda: "LAW_STALE" in _apply(cluster, manifest("stale-gb")), what="a refusal")
    admitted(cluster, manifest("before-gb", brand="Another"))
    write_law(cluster, LAW)
    eventually(lambda: "created" in _apply(cluster, manifest("fresh-gb")), what="the law")


def test_every_code_of_the_catalogue_passes_the_schema(cluster: Cluster) -> None:
    for code in ("CA-X-KAH", "GG-ALD", "US-NJ"):
        refused(cluster, manifest("code", jurisdiction=code), "NOT_SERVED")
