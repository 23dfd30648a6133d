"""The Kubernetes provider's rules. What needs a cluster is in integration/test_provider_kubernetes.py."""

from __future__ import annotations

import base64
import json
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from domicile_lab.providers.interface import ProviderError
from domicile_lab.providers.kubernetes import rules, settings
from domicile_lab.providers.kubernetes.client import ApiError, Cause, Cluster, Unreachable
from domicile_lab.providers.kubernetes.fields import changes, covers, managed_by, observed_inputs, same_effect
from domicile_lab.providers.kubernetes.objects import (
    AUTONAMED,
    Kind,
    autoname,
    foreseen,
    identity,
    kind_of,
    manifest_of,
    parse_id,
    spelled_for_sdk,
)
from domicile_lab.providers.kubernetes.provider import KubernetesProvider
from domicile_lab.providers.kubernetes.readiness import readiness
from domicile_lab.providers.kubernetes.waits import Waits
from domicile_lab.providers.values import UNKNOWN
from hypothesis import given
from hypothesis import strategies as st

MAP = Kind("v1", "ConfigMap")
CRD = Kind("apiextensions.k8s.io/v1", "CustomResourceDefinition")
DEPLOYMENT = Kind("apps/v1", "Deployment")
KUBECONFIG = {
    "current-context": "one",
    "contexts": [{"name": c, "context": {"cluster": c, "user": "u", "namespace": f"in-{c}"}} for c in ("one", "two")],
    "clusters": [{"name": c, "cluster": {"server": f"https://{c}"}} for c in ("one", "two")],
    "users": [{"name": "u", "user": {"token": "t"}}],
}


# Kinds, names and manifests


@pytest.mark.parametrize(
    ("token", "inputs", "kind"),
    [
        ("kubernetes:core/v1:Namespace", {}, Kind("v1", "Namespace")),
        ("kubernetes:apps/v1:Deployment", {"apiVersion": "apps/v1", "kind": "Deployment"}, DEPLOYMENT),
        ("kubernetes:example.dev/v1alpha1:Thing", {}, Kind("example.dev/v1alpha1", "Thing")),
        ("kubernetes:core/v1:ConfigMapPatch", {"apiVersion": "v1", "kind": "ConfigMap"}, Kind("v1", "ConfigMap", True)),
        ("kubernetes:example.dev/v1:HotPatch", {"apiVersion": "example.dev/v1", "kind": "HotPatch"},
         Kind("example.dev/v1", "HotPatch")),
    ],
)  # fmt: skip
def test_a_type_token_stands_for_a_kind(token: str, inputs: dict[str, Any], kind: Kind) -> None:
    assert kind_of(token, inputs) == kind


def test_an_object_without_a_name_gets_one_that_is_kept() -> None:
    first = autoname({"metadata": {"labels": {"a": "b"}}}, {}, "map", b"seed")
    name = first["metadata"]["name"]
    assert name.startswith("map-") and len(name) == len("map-") + 8
    assert first["metadata"]["annotations"] == {AUTONAMED: "true"} and first["metadata"]["labels"] == {"a": "b"}
    assert autoname({"metadata": {}}, first, "map", b"other seed")["metadata"]["name"] == name
    assert autoname({"metadata": {}}, {}, "map", b"other seed")["metadata"]["name"] != name
    named = {"metadata": {"name": "own"}}
    assert autoname(named, first, "map", b"seed") == named
    assert autoname({"metadata": UNKNOWN}, first, "map", b"seed") == {"metadata": UNKNOWN}


def test_a_name_that_a_person_gave_is_not_kept_when_it_is_taken_away() -> None:
    assert autoname({}, {"metadata": {"name": "own"}}, "map", b"seed")["metadata"]["name"].startswith("map-")


@pytest.mark.parametrize(("namespace", "name"), [("ns", "a"), (None, "a"), (None, "system:node")])
def test_an_id_is_the_namespace_and_the_name(namespace: str | None, name: str) -> None:
    assert parse_id(identity(namespace, name)) == (namespace, name)


def test_a_manifest_has_neither_status_nor_nulls_and_goes_to_its_namespace() -> None:
    inputs = {"status": {"x": 1}, "metadata": {"name": "m", "labels": None}, "data": {"a": None, "b": "1"}}
    assert manifest_of(MAP, inputs, "ns") == {
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m", "namespace": "ns"}, "data": {"b": "1"}
    }  # fmt: skip
    assert "namespace" not in manifest_of(MAP, {"metadata": {"name": "m", "namespace": "x"}}, None)["metadata"]


def test_schemas_are_spelled_as_the_api_spells_them_in_definitions_only() -> None:
    value = {"spec": {"versions": [{"x_kubernetes_preserve_unknown_fields": True, "$ref": "r"}]}}
    spelled = manifest_of(CRD, {"metadata": {"name": "m"}, **value}, None)["spec"]
    assert spelled == {"versions": [{"x-kubernetes-preserve-unknown-fields": True, "$ref": "r"}]}
    assert spelled_for_sdk(CRD, {"spec": spelled}) == value
    data = {"metadata": {"name": "m"}, "data": {"x_kubernetes_a": "1"}}
    assert manifest_of(MAP, data, None)["data"] == {"x_kubernetes_a": "1"}


def test_what_only_creation_tells_is_not_foreseen() -> None:
    service = {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}}
    would_be = {"metadata": {"name": "s", "uid": "u"}, "spec": {"clusterIP": "10.0.0.1"}, "status": {"x": 1}}
    for seen in (foreseen(Kind("v1", "Service"), service, None), foreseen(Kind("v1", "Service"), service, would_be)):
        assert seen["spec"]["clusterIP"] is UNKNOWN
        assert seen["metadata"] == {"name": "s"} and "status" not in seen


# Drift

LIVE: dict[str, Any] = {
    "metadata": {
        "name": "d",
        "labels": {"of": "others"},
        "managedFields": [
            {"manager": "them", "operation": "Update", "fieldsV1": {"f:metadata": {"f:labels": {"f:of": {}}}}},
            {
                "manager": "us",
                "operation": "Apply",
                "fieldsV1": {
                    "f:spec": {
                        "f:replicas": {},
                        "f:args": {},
                        "f:containers": {'k:{"name":"c"}': {".": {}, "f:name": {}, "f:image": {}}},
                        "f:finalizers": {'v:"mine"': {}},
                        "f:ports": {'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:port": {}}},
                    }
                },
            },
        ],
    },
    "spec": {
        "replicas": 2,
        "strategy": "of the server",
        "args": ["a", "b"],
        "containers": [{"name": "sidecar", "image": "s"}, {"name": "c", "image": "i:1", "pullPolicy": "Always"}],
        "finalizers": ["theirs", "mine"],
        "ports": [{"port": 80, "protocol": "TCP", "nodePort": 30000}],
    },
}
ASKED: dict[str, Any] = {
    "metadata": {"name": "d"},
    "spec": {
        "replicas": 2,
        "args": ["a", "b"],
        "containers": [{"name": "c", "image": "i:1"}],
        "finalizers": ["mine"],
        "ports": [{"port": 80}],
    },
}


def observed(live: dict[str, Any], asked: dict[str, Any] = ASKED) -> dict[str, Any]:
    return observed_inputs(asked, live, managed_by(live, "us"))


def test_what_others_and_the_server_added_is_no_drift() -> None:
    assert observed(LIVE) == ASKED


@pytest.mark.parametrize(
    ("path", "value", "seen"),
    [
        (("replicas",), 3, 3),
        (("args",), ["a"], ["a"]),
        (("args",), ["a", "b", "c"], ["a", "b", "c"]),
        (("finalizers",), ["theirs"], []),
        (("containers",), [{"name": "sidecar", "image": "s"}], []),
        (("containers",), [{"name": "c", "image": "i:2", "more": 1}], [{"name": "c", "image": "i:2"}]),
        (("ports",), [{"port": 81, "protocol": "TCP"}], []),
    ],
    ids=["changed", "shortened", "lengthened", "value gone", "element gone", "element changed", "key changed"],
)
def test_a_change_of_what_we_applied_is_drift(path: tuple[str, ...], value: Any, seen: Any) -> None:
    live = json.loads(json.dumps(LIVE))
    live["spec"][path[0]] = value
    assert observed(live) == {**ASKED, "spec": {**ASKED["spec"], path[0]: seen}}


def test_a_field_that_was_taken_away_is_drift() -> None:
    live = json.loads(json.dumps(LIVE))
    del live["spec"]["replicas"]
    assert "replicas" not in observed(live)["spec"]


def test_a_secret_s_strings_are_found_where_the_server_keeps_them() -> None:
    def live(word: str) -> dict[str, Any]:
        return {"data": {"word": base64.b64encode(word.encode()).decode()}, "metadata": {}}

    asked = {"stringData": {"word": "swordfish"}}
    assert observed(live("swordfish"), asked) == asked
    assert observed(live("edited"), asked) == {"stringData": {"word": "edited"}}


KEYS = st.text("ab.", min_size=1, max_size=2)
PLAIN = st.recursive(
    st.integers(0, 9) | st.text("xyz", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(KEYS, PLAIN, max_size=4)


@given(OBJECTS, OBJECTS)
def test_changes_are_empty_exactly_when_nothing_differs(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert changes(old, old) == {}
    assert bool(changes(old, new)) == (old != new)


@given(OBJECTS, OBJECTS)
def test_additions_to_an_object_are_covered_and_observed_as_nothing(
    asked: dict[str, Any], more: dict[str, Any]
) -> None:
    live = {**more, **asked}
    assert covers(live, asked)
    assert observed_inputs(asked, live, {}) == asked


def test_changes_are_told_by_the_engine_s_paths() -> None:
    old = {"a": {"b.c": 1, "gone": 1}, "l": [{"x": 1}, 2], "m": [1]}
    new = {"a": {"b.c": 2, "new": 1}, "l": [{"x": 2}, 2], "m": [1, 2]}
    assert changes(old, new) == {
        'a["b.c"]': "update", "a.gone": "delete", "a.new": "add", "l[0].x": "update", "m": "update"
    }  # fmt: skip
    assert changes({"a": 1}, {"a": UNKNOWN}) == {"a": "update"}


def test_an_apply_that_changes_neither_the_object_nor_its_owners_has_no_effect() -> None:
    def live(generation: int, fields: dict[str, Any], **more: Any) -> dict[str, Any]:
        entry = {"manager": "us", "operation": "Apply", "fieldsV1": fields}
        return {"metadata": {"generation": generation, "managedFields": [entry]}, **more}

    assert same_effect(live(1, {"f:a": {}}), live(2, {"f:a": {}}), "us")
    assert not same_effect(live(1, {"f:a": {}}), live(1, {"f:a": {}}, spec=1), "us")
    assert not same_effect(live(1, {"f:a": {}, "f:b": {}}), live(1, {"f:a": {}}), "us")
    assert same_effect({"metadata": {}}, live(1, {"f:a": {}}), "us"), "an imported object, which nobody applied yet"


# Rules


def change(*paths: str) -> dict[str, Any]:
    return dict.fromkeys(paths, "update")


@pytest.mark.parametrize(
    ("found", "kind", "mutable", "replaced"),
    [
        (change("metadata.name"), MAP, True, {"metadata.name"}),
        (change("metadata.namespace", "data.a"), MAP, True, {"metadata.namespace"}),
        ({"metadata.namespace": "add"}, MAP, True, set()),
        (change("metadata.labels.name"), MAP, True, set()),
        (change('data["a.b"]', "metadata.labels"), MAP, False, {'data["a.b"]'}),
        (change("data.a"), MAP, True, set()),
        (change("stringData.a", "type"), Kind("v1", "Secret"), False, {"stringData.a", "type"}),
        (change("stringData.a"), Kind("v1", "Secret"), True, set()),
        (change("data.a"), Kind("example.dev/v1", "ConfigMap"), False, set()),
    ],
)
def test_which_changes_make_another_object(
    found: dict[str, Any], kind: Kind, mutable: bool, replaced: set[str]
) -> None:
    arguments = settings.Settings(None, config_map_mutable=mutable, secret_mutable=mutable)
    assert rules.replaced_by(found, kind, kind, arguments) == replaced


def test_another_group_is_another_object_and_another_version_is_not() -> None:
    found, arguments = change("apiVersion", "kind"), settings.Settings(None)
    now = Kind("networking.k8s.io/v1", "Ingress")
    assert rules.replaced_by(found, now, Kind("networking.k8s.io/v1beta1", "Ingress"), arguments) == set()
    assert rules.replaced_by(found, now, Kind("extensions/v1beta1", "Ingress"), arguments) == {"apiVersion"}


@pytest.mark.parametrize(
    "message",
    [
        "Invalid value: {...}: field is immutable",
        "Forbidden: field is immutable when `immutable` is set",
        "spec is immutable after creation except resources.requests",
        "Invalid value: []: may not change once set",
        "cannot change roleRef",
        "Forbidden: updates to statefulset spec for fields other than 'replicas' are forbidden",
    ],
)
def test_the_api_s_words_for_immutable_replace_the_object(message: str) -> None:
    error = ApiError(422, "Invalid", "it is invalid", [Cause("spec.selector", message)])
    assert rules.immutable(error, change("spec.selector.matchLabels.app", "spec.x")) == {
        "spec.selector.matchLabels.app"
    }
    assert rules.immutable(ApiError(422, "Invalid", message), change("a", "b")) == {"a", "b"}


@pytest.mark.parametrize(
    ("status", "messages"),
    [
        (
            422,
            ["jurisdiction is immutable"],
        ),  # a rule of the tenants' definition: a refusal, not a reason to delete one
        (422, ["field is immutable", "must be at least 1"]),
        (403, ["field is immutable"]),
    ],
)
def test_other_refusals_stay_refusals(status: int, messages: list[str]) -> None:
    error = ApiError(status, "Invalid", "it is invalid", [Cause("spec", m) for m in messages])
    with pytest.raises(ApiError):
        rules.immutable(error, change("spec.x"))


# Readiness

GENERATION = {"metadata": {"generation": 2}}


def conditions(**statuses: str) -> dict[str, Any]:
    return {"conditions": [{"type": t, "status": s, "message": f"{t} is {s}"} for t, s in statuses.items()]}


@pytest.mark.parametrize(
    ("kind", "live", "state"),
    [
        (CRD, {"status": {"conditions": None}}, "waiting"),
        (CRD, {"status": conditions(Established="False", NamesAccepted="False")}, "failed"),
        (CRD, {"status": conditions(Established="True", NamesAccepted="True")}, "ready"),
        (Kind("v1", "Namespace"), {"status": {"phase": "Active"}}, "ready"),
        (Kind("v1", "Namespace"), {"status": {"phase": "Terminating"}}, "waiting"),
        (DEPLOYMENT, {**GENERATION, "spec": {}, "status": {"observedGeneration": 1}}, "waiting"),
        (DEPLOYMENT, {**GENERATION, "spec": {"replicas": 2}, "status": {
            "observedGeneration": 2, "replicas": 3, "updatedReplicas": 2, "availableReplicas": 2}}, "waiting"),
        (DEPLOYMENT, {**GENERATION, "spec": {"replicas": 2}, "status": {
            "observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 1}}, "waiting"),
        (DEPLOYMENT, {**GENERATION, "spec": {"replicas": 2}, "status": {
            "observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}}, "ready"),
        (DEPLOYMENT, {**GENERATION, "spec": {"replicas": 0}, "status": {"observedGeneration": 2}}, "ready"),
        (DEPLOYMENT, {**GENERATION, "status": {"observedGeneration": 2, "conditions": [
            {"type": "Progressing", "reason": "ProgressDeadlineExceeded", "message": "late"}]}}, "failed"),
        (Kind("apps/v1", "StatefulSet"), {**GENERATION, "status": {
            "observedGeneration": 2, "readyReplicas": 1, "updatedReplicas": 1}}, "ready"),
        (Kind("apps/v1", "DaemonSet"), {**GENERATION, "status": {
            "observedGeneration": 2, "desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": 2}},
         "waiting"),
        (Kind("batch/v1", "Job"), {"status": conditions(Complete="True")}, "ready"),
        (Kind("batch/v1", "Job"), {"status": conditions(Failed="True")}, "failed"),
        (Kind("batch/v1", "Job"), {}, "waiting"),
        (Kind("v1", "Pod"), {"status": {"phase": "Running", **conditions(Ready="True")}}, "ready"),
        (Kind("v1", "Pod"), {"status": {"phase": "Failed"}}, "failed"),
        (Kind("v1", "Service"), {"spec": {"type": "ClusterIP"}}, "ready"),
        (Kind("v1", "Service"), {"spec": {"type": "LoadBalancer"}, "status": {"loadBalancer": {}}}, "waiting"),
        (Kind("apiregistration.k8s.io/v1", "APIService"), {"status": conditions(Available="False")}, "waiting"),
        (Kind("example.dev/v1", "Deployment"), {**GENERATION}, "ready"),
    ],
)  # fmt: skip
def test_when_an_object_is_ready(kind: Kind, live: dict[str, Any], state: str) -> None:
    found = readiness(kind, live)
    assert found.state == state
    assert (found.state == "ready") == (found.why == "")


def test_a_condition_that_was_asked_for_decides_alone() -> None:
    kind, live = Kind("example.dev/v1", "Thing"), {"status": conditions(Ready="False", Live="True")}
    assert readiness(kind, live, "condition=Live").state == "ready"
    assert readiness(kind, live, "condition=Ready=False").state == "ready"
    assert "Ready is False" in readiness(kind, live, "condition=Ready").why
    assert readiness(kind, live, "jsonpath={.x}").state == "failed"


# Waiting


class Answers(Cluster):
    """A cluster whose `get` gives the answers of a list, the last one for ever."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)

    def get(self, kind: Kind, namespace: str | None, name: str) -> Any:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def job(**statuses: str) -> dict[str, Any]:
    return {"metadata": {"name": "j", "namespace": "n", "uid": "1"}, "status": conditions(**statuses)}


def test_a_wait_bears_with_an_api_that_is_silent_for_a_while() -> None:
    cluster = Answers(Unreachable("silence"), job(Complete="True"))
    assert Waits().until_ready(cluster, Kind("batch/v1", "Job"), job(), wait_for=None, seconds=5) == job(
        Complete="True"
    )


def test_a_wait_ends_by_time_with_what_it_waited_for() -> None:
    held = {
        "metadata": {"name": "n", "uid": "1"},
        "spec": {"finalizers": ["kubernetes"]},
        "status": conditions(Held="True"),
    }
    with pytest.raises(ProviderError, match=r"finalizers kubernetes\. Held is True \(waited 0 s"):
        Waits().until_gone(Answers(held), Kind("v1", "Namespace"), None, "n", uid="1", seconds=0)


def test_an_object_that_was_made_again_by_others_is_gone() -> None:
    other = {"metadata": {"name": "n", "uid": "2"}}
    Waits().until_gone(Answers(other), MAP, None, "n", uid="1", seconds=0)


def test_a_cancelled_update_ends_its_waits() -> None:
    waits = Waits()
    threading.Timer(0.1, waits.cancel).start()
    with pytest.raises(ProviderError, match="the update was cancelled"):
        waits.until(lambda: False, 60, lambda: "not yet")


# The process


def test_the_plugin_ends_at_once_and_in_silence_when_the_engine_interrupts_it() -> None:
    """It once ignored the interrupt, and every command waited five seconds for it to be killed."""
    launcher = Path(__file__).parents[1] / "cloud" / "bin" / "pulumi-resource-kubernetes"
    started = subprocess.Popen(
        [launcher, "127.0.0.1:1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"DOMICILE_PYTHON": sys.executable, "PATH": "/usr/bin:/bin"},
    )
    try:
        assert started.stdout and int(started.stdout.readline())
        started.send_signal(signal.SIGINT)
        output, errors = started.communicate(timeout=4)
        assert (started.returncode, output, errors) == (0, "", "")
    finally:
        started.kill()


# Arguments


def test_the_kubeconfig_is_text_or_a_path_or_the_environment_s(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text(json.dumps({**KUBECONFIG, "users": [{"name": "u", "user": {"client-key": "k.pem"}}]}))
    for text, environment in ((json.dumps(KUBECONFIG), {}), (str(file), {}), (None, {"KUBECONFIG": f"/none:{file}"})):
        found = settings.kubeconfig(text, environment, tmp_path)
        assert found and found["current-context"] == "one"
    assert found and found["users"][0]["user"]["client-key"] == str(tmp_path / "k.pem")
    assert settings.kubeconfig(None, {}, tmp_path) is None
    with pytest.raises(ProviderError, match="cannot be read"):
        settings.kubeconfig("/none", {}, tmp_path)
    with pytest.raises(ProviderError, match="names no clusters"):
        settings.kubeconfig("a: b\nc: d\n", {}, tmp_path)


def test_arguments_come_before_the_environment(tmp_path: Path) -> None:
    config = {"kubeconfig": json.dumps(KUBECONFIG), "enablePatchForce": "false", "context": "two"}
    environment = {"PULUMI_K8S_ENABLE_PATCH_FORCE": "true", "PULUMI_K8S_ENABLE_SECRET_MUTABLE": "true"}
    found = settings.settings(config, environment, tmp_path)
    assert (found.patch_force, found.secret_mutable, found.config_map_mutable) == (False, True, False)
    assert settings.active(found)["namespace"] == "in-two"
    with pytest.raises(ProviderError, match="it has one, two"):
        settings.active(settings.settings({**config, "context": "three"}, {}, tmp_path))


def test_what_cannot_be_honoured_is_refused() -> None:
    assert not settings.check({"kubeconfig": "x", "enableServerSideApply": "true"})
    refused = settings.check({"renderYamlToDirectory": "out", "enableServerSideApply": "false"})
    assert {f.property for f in refused} == {"renderYamlToDirectory", "enableServerSideApply"}


def test_another_cluster_is_another_provider_unless_the_identifier_says_otherwise() -> None:
    provider = KubernetesProvider()
    one, two = ({"kubeconfig": json.dumps({**KUBECONFIG, "current-context": c})} for c in ("one", "two"))
    other_user = {"kubeconfig": json.dumps({**KUBECONFIG, "users": []})}
    assert provider.diff_config(one, two).replaces == {"kubeconfig"}
    assert provider.diff_config(one, other_user).replaces == frozenset()
    assert provider.diff_config(one, other_user).changes == {"kubeconfig": "update"}
    assert provider.diff_config(one, {"kubeconfig": UNKNOWN}).replaces == frozenset()
    mark = {"clusterIdentifier": "x"}
    assert provider.diff_config({**one, **mark}, {**two, **mark}).replaces == frozenset()
    assert provider.diff_config({**one, **mark}, {**one, "clusterIdentifier": "y"}).replaces == {"clusterIdentifier"}


@pytest.mark.parametrize(
    ("type", "inputs", "property"),
    [
        ("kubernetes:helm.sh/v3:Release", {}, ""),
        ("kubernetes:kustomize/v2:Directory", {}, ""),
        ("kubernetes:core/v1:ConfigMapList", {"items": []}, ""),
        ("kubernetes:core/v1:ConfigMap", {"metadata": {"generateName": "x-"}}, "metadata.generateName"),
        ("kubernetes:core/v1:ConfigMapPatch", {"metadata": {}}, "metadata.name"),
        ("kubernetes:core/v1:ConfigMap", {"metadata": "m"}, "metadata"),
    ],
)
def test_inputs_that_cannot_be_applied_are_refused_before_anything_is_done(
    type: str, inputs: dict[str, Any], property: str
) -> None:
    _, failures = KubernetesProvider().check(type, inputs, {}, name="n", seed=b"")
    assert [f.property for f in failures] == [property]


def test_yaml_is_decoded_for_programs_that_ask() -> None:
    text = "kind: A\n---\n---\nkind: List\nitems: [{kind: B}, {kind: C}]\n"
    assert KubernetesProvider().invoke("kubernetes:yaml:decode", {"text": text}) == {
        "result": [{"kind": "A"}, {"kind": "B"}, {"kind": "C"}]
    }
    with pytest.raises(ProviderError, match="kubernetes:helm:template"):
        KubernetesProvider().invoke("kubernetes:helm:template", {})
