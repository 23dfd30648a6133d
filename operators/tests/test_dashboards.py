"""Dashboards and alerts name what is exported, and what is exported is on a panel or said to be left out.

Grafana does not run here: that the files are what it reads is held against its schema's parts that we use.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import casino.kernel.metrics
import casino.realtime.metrics
import pytest
import yaml
from domicile_operator import metrics, tenant_series
from domicile_operator.certificates import metrics as certificate_metrics
from prometheus_client.metrics import MetricWrapperBase

MONITORING = Path(__file__).parents[1] / "deploy" / "monitoring"
DASHBOARDS = {file.stem: json.loads(file.read_text()) for file in sorted((MONITORING / "dashboards").glob("*.json"))}
RULES = {
    rule["alert"]: rule
    for file in sorted(MONITORING.glob("*.yaml"))
    for document in yaml.safe_load_all(file.read_text())
    if isinstance(document, dict)
    for group in document.get("groups", ())
    for rule in group["rules"]
}
SUFFIXES = {
    "counter": ("_total",),
    "gauge": ("",),
    "histogram": ("_bucket", "_sum", "_count"),
}
OF_THE_SCRAPE = {"tenant", "component", "pod", "job", "instance", "namespace", "jurisdiction"}
"""Labels that a scrape gives every series, from the pod."""
NAME = re.compile(r"\b(?:casino|domicile)_[a-z0-9_]+")


def wrappers() -> Iterator[MetricWrapperBase]:
    for module in (metrics, tenant_series, certificate_metrics, casino.kernel.metrics, casino.realtime.metrics):
        yield from (one for one in vars(module).values() if isinstance(one, MetricWrapperBase))


def exported() -> dict[str, frozenset[str]]:
    """Every series' name with its labels, as Prometheus has them."""
    found: dict[str, frozenset[str]] = {}
    for one in wrappers():
        for suffix in SUFFIXES[one._type]:
            labels = {f"exported_{name}" if name == "job" else name for name in one._labelnames}
            found[f"{one._name}{suffix}"] = frozenset(labels | ({"le"} if suffix == "_bucket" else set()))
    return found


EXPORTED = exported()


def panels(dashboard: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", ())


def expressions() -> list[tuple[str, str]]:
    """Where each expression stands, and the expression."""
    of_panels = [
        (f"{name}: {panel['title']}", target["expr"])
        for name, dashboard in DASHBOARDS.items()
        for panel in panels(dashboard)
        for target in panel.get("targets", ())
    ]
    of_variables = [
        (f"{name}: ${one['name']}", one["definition"])
        for name, dashboard in DASHBOARDS.items()
        for one in dashboard["templating"]["list"]
        if one["type"] == "query"
    ]
    return of_panels + of_variables + [(name, rule["expr"]) for name, rule in RULES.items()]


def test_there_are_a_dashboard_of_the_fleet_one_of_a_casino_and_alerts() -> None:
    assert set(DASHBOARDS) == {"fleet", "tenant"} and RULES
    assert len(EXPORTED) > 40 and len(expressions()) > 50


@pytest.mark.parametrize(("where", "expression"), expressions())
def test_no_expression_names_a_metric_or_a_label_that_nobody_exports(where: str, expression: str) -> None:
    names = set(NAME.findall(expression))
    assert names or re.search(r"\bup\b", expression), where
    assert names <= set(EXPORTED), (where, names - set(EXPORTED))
    for name, selector in re.findall(r"\b((?:casino|domicile)_[a-z0-9_]+)\{([^}]*)\}", expression):
        asked = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector))
        assert asked <= EXPORTED[name] | OF_THE_SCRAPE, (where, name, asked)
    grouped = {one.strip() for by in re.findall(r"\b(?:by|on) ?\(([^)]*)\)", expression) for one in by.split(",")}
    known = OF_THE_SCRAPE.union(*(EXPORTED[name] for name in names))
    assert grouped <= known, (where, grouped - known)


@pytest.mark.parametrize(("where", "expression"), expressions())
def test_counters_are_read_as_rates_and_gauges_as_they_are(where: str, expression: str) -> None:
    """A rate of a gauge and a counter's bare count are the two slips that no parser sees."""
    for one in wrappers():
        for suffix in SUFFIXES[one._type]:
            uses = re.findall(rf"(\w*)\(*\b{one._name}{suffix}\b([^>]*> 0)?", expression)
            for function, counted in uses:
                grows = one._type != "gauge"
                assert grows if function in ("rate", "increase") else not grows or counted, where


@pytest.mark.parametrize(("where", "expression"), expressions())
def test_brackets_close(where: str, expression: str) -> None:
    closes = {")": "(", "]": "[", "}": "{"}
    waiting: list[str] = []
    for letter in re.sub(r'"(?:[^"\\]|\\.)*"', '""', expression):
        if letter in "([{":
            waiting.append(letter)
        elif letter in closes:
            assert waiting and waiting.pop() == closes[letter], where
    assert not waiting, where


def left_out() -> set[str]:
    text = (MONITORING / "dashboards" / "README.md").read_text()
    return {name for line in text.splitlines() if line.startswith("| `") for name in NAME.findall(line.split("|")[1])}


def test_every_exported_metric_is_on_a_panel_or_said_to_be_left_out() -> None:
    shown = {name for where, expression in expressions() if where not in RULES for name in NAME.findall(expression)}
    missing = {
        one._name
        for one in wrappers()
        if not {f"{one._name}{suffix}" for suffix in SUFFIXES[one._type]} & shown and one._name not in left_out()
    }
    assert missing == set()
    assert left_out() <= {one._name for one in wrappers()} - shown, "what is left out is exported, and on no panel"


@pytest.mark.parametrize("name", DASHBOARDS)
def test_a_dashboard_is_what_grafana_reads(name: str) -> None:
    dashboard = DASHBOARDS[name]
    assert dashboard["schemaVersion"] >= 39 and dashboard["uid"] == f"domicile-{name}" and dashboard["title"]
    found = list(panels(dashboard))
    assert len({panel["id"] for panel in found}) == len(found)
    taken: set[tuple[int, int]] = set()
    for panel in found:
        assert panel["type"] in {"row", "stat", "timeseries", "table", "state-timeline"} and panel["title"]
        at = panel["gridPos"]
        assert at["x"] >= 0 and at["x"] + at["w"] <= 24 and at["h"] > 0, panel["title"]
        ground = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not ground & taken, f"{panel['title']} lies over another panel"
        taken |= ground
        if panel["type"] == "row":
            continue
        assert panel["description"], panel["title"]
        assert panel["targets"] and len({one["refId"] for one in panel["targets"]}) == len(panel["targets"])
        for source in (panel["datasource"], *(one["datasource"] for one in panel["targets"])):
            assert source == {"type": "prometheus", "uid": "${datasource}"}, panel["title"]
    variables = {one["name"] for one in dashboard["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)", json.dumps([panel.get("targets") for panel in found])))
    assert used - {"__rate_interval", "__range"} <= variables


def test_links_lead_from_one_dashboard_to_the_other() -> None:
    links = {uid for dashboard in DASHBOARDS.values() for uid in re.findall(r'"/d/([\w-]+)', json.dumps(dashboard))}
    assert links == {dashboard["uid"] for dashboard in DASHBOARDS.values()}


@pytest.mark.parametrize("name", RULES)
def test_an_alert_says_how_grave_it_is_and_what_is_the_matter(name: str) -> None:
    rule = RULES[name]
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert rule["labels"]["severity"] in {"page", "ticket"} and rule["annotations"]["summary"].endswith(".")
    labels = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
    kept = {one.strip() for by in re.findall(r"\bby ?\(([^)]*)\)", rule["expr"]) for one in by.split(",")}
    of_series = OF_THE_SCRAPE.union(*(EXPORTED[one] for one in NAME.findall(rule["expr"])))
    assert labels <= (kept or of_series), name
    commands = re.findall(r"`kubectl casino ([a-z-]+)", rule["annotations"]["summary"])
    assert set(commands) <= {"explain", "why-not-ready"}
