"""What a platform's Prometheus is given: that it finds every process that has metrics, and alerts on what there is."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from domicile_operator import conditions
from domicile_operator.children.base import KubernetesChild
from domicile_operator.children.order import BUILD
from domicile_operator.names import LABEL_SCRAPES
from operator_testkit.samples import plan

ROOT = Path(__file__).parents[2]
MONITORING = ROOT / "operators" / "deploy" / "monitoring"
SCRAPE = yaml.safe_load((MONITORING / "scrape.yaml").read_text())
MONITORS = list(yaml.safe_load_all((MONITORING / "podmonitor.yaml").read_text()))
RULES = [r for g in yaml.safe_load((MONITORING / "alerts.yaml").read_text())["groups"] for r in g["rules"]]
CODE = [
    ROOT / "app/src/casino/kernel/metrics.py",
    ROOT / "operators/src/domicile_operator/metrics.py",
    ROOT / "operators/src/domicile_operator/certificates/metrics.py",
]


def relabelled(labels: Mapping[str, str], steps: Sequence[Mapping[str, Any]]) -> dict[str, str] | None:
    """A target after Prometheus's relabelling (its manual, `relabel_config`); None for one that is dropped."""
    found = dict(labels)
    for step in steps:
        assert set(step) <= {"source_labels", "regex", "action", "target_label"}, "not evaluated"
        value = ";".join(found.get(name, "") for name in step["source_labels"])
        matches = re.fullmatch(step.get("regex", "(.*)"), value) is not None
        match step.get("action", "replace"):
            case "keep" if not matches:
                return None
            case "drop" if matches:
                return None
            case "replace" if matches:
                found[step["target_label"]] = value
    return {name: value for name, value in found.items() if not name.startswith("__")}


def target(pod: Mapping[str, Any], namespace: str, phase: str = "Running") -> dict[str, str]:
    """What discovery tells of a pod's first port (role `pod`)."""
    (container,) = pod["spec"]["containers"]
    ports = container.get("ports", [])
    labels = {
        "__meta_kubernetes_pod_label_" + re.sub(r"[^a-zA-Z0-9_]", "_", name): value
        for name, value in pod["metadata"]["labels"].items()
    }
    named = {"__meta_kubernetes_pod_container_port_name": ports[0]["name"]} if ports else {}
    where = {"__meta_kubernetes_namespace": namespace, "__meta_kubernetes_pod_phase": phase}
    return labels | named | where | {"__meta_kubernetes_pod_name": "one"}


def pods() -> dict[str, dict[str, Any]]:
    built = [m for child in BUILD if isinstance(child, KubernetesChild) for m in child.desired(plan())]
    found = [one["spec"]["template"] for one in built if "template" in one.get("spec", {})]
    return {pod["metadata"]["labels"]["app.kubernetes.io/component"]: pod for pod in found}


def test_every_process_is_scraped_under_its_tenants_name_and_a_migration_is_not() -> None:
    (job,) = [one for one in SCRAPE if one["job_name"] == "casinos"]
    found = {name: relabelled(target(pod, "casino-acme-gb"), job["relabel_configs"]) for name, pod in pods().items()}
    assert found == {"migrate": None} | {
        component: {
            "tenant": "acme-gb", "jurisdiction": "GB", "component": component, "namespace": "casino-acme-gb",
            "pod": "one",
        }
        for component in ("api", "worker", "realtime")
    }  # fmt: skip


def test_what_is_not_ours_or_has_ended_is_not_scraped() -> None:
    (job,) = [one for one in SCRAPE if one["job_name"] == "casinos"]
    api = pods()["api"]
    assert relabelled(target(api, "casino-acme-gb", "Succeeded"), job["relabel_configs"]) is None
    api["metadata"]["labels"]["app.kubernetes.io/managed-by"] = "somebody"
    assert relabelled(target(api, "casino-acme-gb"), job["relabel_configs"]) is None


def test_the_operator_is_scraped() -> None:
    (job,) = [one for one in SCRAPE if one["job_name"] == "domicile-operator"]
    (deployment,) = yaml.safe_load_all((ROOT / "operators/deploy/deployment.yaml").read_text())
    assert relabelled(target(deployment["spec"]["template"], "domicile-system"), job["relabel_configs"]) == {}


def test_pod_monitors_select_the_same_pods_and_the_port_that_they_name() -> None:
    casinos = next(one for one in MONITORS if one["metadata"]["name"] == "casinos")["spec"]
    (endpoint,) = casinos["podMetricsEndpoints"]
    for component, pod in pods().items():
        assert casinos["selector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
        ports = [port["name"] for port in pod["spec"]["containers"][0].get("ports", [])]
        assert (endpoint["port"] in ports) == (component != "migrate")
    mapped = {step["targetLabel"]: step["sourceLabels"] for step in endpoint["relabelings"]}
    (job,) = [one for one in SCRAPE if one["job_name"] == "casinos"]
    steps = [step for step in job["relabel_configs"] if step.get("target_label") in mapped]
    assert {step["target_label"]: step["source_labels"] for step in steps} == mapped


def known() -> set[str]:
    found = {name for file in CODE for name in re.findall(r'"((?:casino|domicile)_[a-z_]+)"', file.read_text())}
    assert len(found) > 20
    return found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_asks_for_metrics_that_there_are(rule: dict[str, Any]) -> None:
    asked = set(re.findall(r"\b(?:casino|domicile)_[a-z_]+\b", rule["expr"])) - {"domicile_operator"}
    assert asked <= known(), asked - known()
    assert asked or "up{" in rule["expr"]
    assert set(re.findall(r'condition="(\w+)"', rule["expr"])) <= set(conditions.TYPES)
    assert rule["labels"]["severity"] in ("page", "ticket") and rule["annotations"]["summary"].endswith(".")


def test_a_namespace_is_let_in_by_the_label_that_the_files_name() -> None:
    for name in ("scrape.yaml", "podmonitor.yaml"):
        assert f'{LABEL_SCRAPES}: "true"' in (MONITORING / name).read_text()
    assert LABEL_SCRAPES in (ROOT / "operators/deploy/networkpolicy.yaml").read_text()
