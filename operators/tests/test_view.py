"""The view of the cluster: what may be believed of it, and what a settled tenant is then not asked for."""

import copy
import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from domicile_operator.clients import viewed
from domicile_operator.clients.kube import PAGE, PLURALS, KubernetesApi
from domicile_operator.clients.viewed import ViewedKube, fill
from domicile_operator.handlers import KINDS, WATCHED
from domicile_operator.names import API_VERSION, KIND, LABEL_TENANT
from domicile_operator.runtime import BELIEVED_SECONDS
from domicile_operator.view import GRAVES, View, mark, pack, unpack
from domicile_operator.watches import Watches
from hypothesis import given
from hypothesis import strategies as st

Object = dict[str, Any]
NAMESPACE = "casino-acme-gb"
KEY = ("ConfigMap", NAMESPACE, "casino-config")
OURS = {"manager": "domicile-operator", "operation": "Apply", "fieldsV1": {"f:data": {}}, "time": "T1"}


def config(version: int = 5, data: str = "1", **metadata: Any) -> Object:
    labels = {LABEL_TENANT: "acme-gb"}
    more = {"managedFields": [OURS], "uid": "u1", "labels": labels, "resourceVersion": str(version)}
    return {"apiVersion": "v1", "kind": "ConfigMap", "data": {"rules": data},
            "metadata": {"name": "casino-config", "namespace": NAMESPACE} | more | metadata}  # fmt: skip


MANIFEST = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"rules": "1"},
            "metadata": {"name": "casino-config", "namespace": NAMESPACE,
                         "labels": {LABEL_TENANT: "acme-gb"}}}  # fmt: skip


class Server:
    """Counts what it is asked, and applies as the API server does: the same again is the same version."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.objects: dict[tuple[str, str], Object] = {}
        self.version = 5

    def apply(self, manifest: Object, *, dry_run: bool = False) -> Object:
        self.asked.append("dry apply" if dry_run else "apply")
        key = (manifest["kind"], manifest["metadata"]["name"])
        found = self.objects.get(key)
        if found is None or found["data"] != manifest["data"]:
            self.version += 1
            found = config(self.version, manifest["data"]["rules"])
        if not dry_run:
            self.objects[key] = found
        return copy.deepcopy(found)

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Object:
        self.asked.append("get")
        return copy.deepcopy(self.objects[kind, name])

    def list(self, api_version: str, kind: str, namespace: str | None = None, selector: str = "") -> list[Object]:
        self.asked.append("list")
        return [copy.deepcopy(one) for (of, _), one in self.objects.items() if of == kind]

    def co_own(self, manifest: Object, manager: str) -> None:
        self.asked.append("co-own")

    def patch_status(self, api_version: str, kind: str, name: str, status: Object) -> Object:
        self.asked.append("status")
        self.version += 1
        found = self.objects[kind, name]
        found["status"] = status
        found["metadata"]["resourceVersion"] = str(self.version)
        return copy.deepcopy(found)

    def pages(self, api_version: str, kind: str, selector: str = "") -> Iterator[tuple[int, Sequence[Object]]]:
        for (of, _), one in self.objects.items():
            if of == kind:
                # As items of a list are: without these two.
                yield self.version, [{k: v for k, v in one.items() if k not in ("kind", "apiVersion")}]
        yield self.version, []


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def view() -> View:
    return View()


@pytest.fixture
def kube(server: Server, view: View) -> ViewedKube:
    return ViewedKube(server, view)  # type: ignore[arg-type]


def test_the_same_apply_is_sent_once(kube: ViewedKube, server: Server) -> None:
    first = kube.apply(MANIFEST)
    assert [kube.apply(MANIFEST) for _ in range(3)] == [first] * 3
    assert kube.apply(MANIFEST, dry_run=True) == first
    assert kube.get("v1", "ConfigMap", "casino-config", NAMESPACE) == first
    assert server.asked == ["apply"]


def test_another_manifest_is_applied(kube: ViewedKube, server: Server) -> None:
    kube.apply(MANIFEST)
    kube.apply(MANIFEST | {"data": {"rules": "2"}})
    kube.apply(MANIFEST)
    assert server.asked == ["apply"] * 3


@pytest.mark.parametrize(
    "drifted",
    [
        config(9, "spoilt"),
        config(9, labels={LABEL_TENANT: "acme-gb", "more": "x"}),
        config(9, managedFields=[{"manager": "kubectl", "operation": "Update"}]),
        config(9, uid="u2"),
        config(9, deletionTimestamp="2026-01-01T00:00:00Z"),
    ],
)
def test_what_somebody_changed_is_applied_again(kube: ViewedKube, server: Server, view: View, drifted: Object) -> None:
    kube.apply(MANIFEST)
    assert view.event("ConfigMap", drifted)
    kube.apply(MANIFEST)
    assert server.asked == ["apply", "apply"]


def test_what_somebody_deleted_is_applied_again(kube: ViewedKube, server: Server, view: View) -> None:
    applied = kube.apply(MANIFEST)
    gone = copy.deepcopy(applied)
    gone["metadata"]["resourceVersion"] = "9"
    assert view.event("ConfigMap", gone, deleted=True)
    assert view.applied(NAMESPACE) == {}
    kube.apply(MANIFEST)
    assert server.asked == ["apply", "apply"]


def test_an_answer_of_before_a_deletion_brings_nothing_back(view: View) -> None:
    view.event("ConfigMap", config(9), deleted=True)
    view.wrote("ConfigMap", config(8), "digest")
    assert view.get(KEY) is None and view.standing(KEY, "digest") is None
    assert view.event("ConfigMap", config(10)) and view.get(KEY) is not None


def test_a_deletion_of_before_takes_nothing_away(view: View) -> None:
    view.event("ConfigMap", config(10))
    view.event("ConfigMap", config(9), deleted=True)
    assert view.get(KEY) is not None


def test_the_echo_of_a_write_of_ours_wakes_nobody(kube: ViewedKube, view: View) -> None:
    applied = kube.apply(MANIFEST)
    assert not view.event("ConfigMap", applied)
    assert view.event("ConfigMap", applied | {"metadata": applied["metadata"] | {"resourceVersion": "99"}})


def test_what_controllers_say_of_an_object_is_news_and_no_reason_to_apply(
    kube: ViewedKube, server: Server, view: View
) -> None:
    applied = kube.apply(MANIFEST)
    metadata = applied["metadata"] | {"resourceVersion": "9", "generation": 1}
    metadata["managedFields"] = [OURS, {"manager": "controller", "subresource": "status", "time": "T2"}]
    told = applied | {"status": {"ready": 1}, "metadata": metadata}
    assert view.event("ConfigMap", told)
    assert kube.apply(MANIFEST)["status"] == {"ready": 1}
    assert server.asked == ["apply"]


def test_an_edit_that_comes_with_the_answer_to_our_status_is_still_news(
    kube: ViewedKube, server: Server, view: View
) -> None:
    """A person edits the spec, then our status is patched, then the edit's event comes: it must wake the tenant."""
    tenant = {"apiVersion": API_VERSION, "kind": KIND, "spec": {"brand": "A"},
              "metadata": {"name": "acme-gb", "resourceVersion": "6", "generation": 1}}  # fmt: skip
    view.event(KIND, tenant)
    server.version = 6
    server.objects[KIND, "acme-gb"] = copy.deepcopy(tenant)
    kube.patch_status(API_VERSION, KIND, "acme-gb", {"state": "Live"})
    assert kube.get(API_VERSION, KIND, "acme-gb")["status"] == {"state": "Live"}
    edited = server.objects[KIND, "acme-gb"]
    edited["spec"] = {"brand": "B"}
    edited["metadata"] |= {"resourceVersion": "50", "generation": 2}
    event, server.version = copy.deepcopy(edited), 50
    kube.patch_status(API_VERSION, KIND, "acme-gb", {"state": "Live", "more": "x"})
    assert view.event(KIND, event)
    assert kube.get(API_VERSION, KIND, "acme-gb")["spec"] == {"brand": "B"}


def test_a_process_that_starts_believes_the_status_and_applies_what_differs(server: Server) -> None:
    old = View()
    ViewedKube(server, old).apply(MANIFEST)  # type: ignore[arg-type]
    ((named, digest),) = old.applied(NAMESPACE).items()
    assert named == "ConfigMap/casino-config"
    status = {"applied": [f"{named} {digest}"]}
    tenant = {"metadata": {"name": "acme-gb", "resourceVersion": "7"}, "status": status}
    for live, sent in ((server.objects["ConfigMap", "casino-config"], []), (config(9, "spoilt"), ["apply"])):
        new, server.asked = View(), []
        kube = ViewedKube(server, new)  # type: ignore[arg-type]
        new.event("ConfigMap", live)
        new.event(KIND, tenant)
        kube.get(API_VERSION, KIND, "acme-gb")
        kube.apply(MANIFEST)
        assert server.asked == sent


def test_what_is_nobodys_child_is_never_believed(kube: ViewedKube, server: Server) -> None:
    """No watch tells of what bears no tenant's label."""
    server.objects["ConfigMap", "casino-config"] = config(labels={})
    kube.apply(MANIFEST)
    kube.apply(MANIFEST)
    assert server.asked == ["apply", "apply"]


def test_what_is_co_owned_is_asked_for(kube: ViewedKube, server: Server) -> None:
    kube.apply(MANIFEST)
    kube.co_own(MANIFEST, "another")
    kube.get("v1", "ConfigMap", "casino-config", NAMESPACE)
    assert server.asked == ["apply", "co-own", "get"]


def test_a_list_is_asked_for_until_everything_was_seen(kube: ViewedKube, server: Server, view: View) -> None:
    kube.apply(MANIFEST)
    ask = lambda selector="": kube.list("v1", "ConfigMap", NAMESPACE, selector)  # noqa: E731
    assert ask() and server.asked == ["apply", "list"]
    assert fill(view, "ConfigMap", server) == set()
    (found,) = ask(f"{LABEL_TENANT}=acme-gb")
    assert (found["kind"], found["apiVersion"]) == ("ConfigMap", "v1") and server.asked == ["apply", "list"]
    assert ask(f"{LABEL_TENANT}=other") == [] and len(ask(f"{LABEL_TENANT} in (x,acme-gb)")) == 1
    assert ask("a!=b") and server.asked == ["apply", "list", "list"]
    view.doubt("ConfigMap")
    assert ask() and server.asked == ["apply", "list", "list", "list"]


def test_what_a_new_list_lacks_is_gone_and_its_tenant_hears_of_it(kube: ViewedKube, server: Server, view: View) -> None:
    """A watch that begins anew tells nothing of what was deleted while it was away."""
    kube.apply(MANIFEST)
    server.objects.clear()
    server.version += 1
    view.doubt("ConfigMap")
    assert fill(view, "ConfigMap", server) == {"acme-gb"}
    kube.apply(MANIFEST)
    assert server.asked == ["apply", "apply"]


def test_what_was_made_since_a_list_began_stays(view: View) -> None:
    view.event("ConfigMap", config(9))
    assert view.listed("ConfigMap", [(8, [])]) == set()
    assert view.get(KEY) is not None


def test_what_all_tenants_claim_is_known_once_all_were_seen(kube: ViewedKube, server: Server, view: View) -> None:
    def made(name: str, version: int, *domains: str) -> Object:
        metadata = {"name": name, "resourceVersion": str(version), "creationTimestamp": "T"}
        return {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": {"domains": list(domains)}}

    view.event(KIND, made("one", 1, "a.example"))
    assert view.claims() is None
    view.listed(KIND, [(3, [made("one", 1, "a.example"), made("two", 3)])])
    view.event(KIND, made("two", 5, "b.example"))
    view.event(KIND, made("two", 4, "late.example"))
    assert kube.claims() == [("T", "one", ("a.example",)), ("T", "two", ("b.example",))]
    view.event(KIND, made("one", 9), deleted=True)
    assert kube.claims() == [("T", "two", ("b.example",))] and server.asked == []


def test_while_the_watches_are_not_to_be_believed_everything_is_asked_for(
    kube: ViewedKube, server: Server, view: View
) -> None:
    kube.apply(MANIFEST)
    view.listed("ConfigMap", [])
    view.listed(KIND, [])
    view.live = lambda: False
    kube.get("v1", "ConfigMap", "casino-config", NAMESPACE)
    kube.list("v1", "ConfigMap", NAMESPACE)
    kube.apply(MANIFEST)
    assert server.asked == ["apply", "get", "list", "apply"] and view.claims() is None


def test_watches_that_show_nothing_of_the_lease_are_not_believed() -> None:
    now = [100.0]
    watches = Watches(70, lambda: now[0])
    assert watches.lag == 0
    watches.expect(["/x"])
    now[0] += 9
    watches.lease_polled()
    assert watches.lag == 9 < BELIEVED_SECONDS
    watches.lease_watched()
    assert watches.lag == 0


def test_a_list_comes_in_parts_and_an_empty_one_may_have_null_for_its_items(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = iter([
        {"metadata": {"resourceVersion": "7", "continue": "more"}, "items": [config(1)]},
        {"metadata": {"resourceVersion": "7"}, "items": None},
        {"metadata": {"resourceVersion": "8"}, "items": None},
    ])  # fmt: skip
    asked: list[dict[str, str]] = []

    def call(self: object, method: str, path: str, *, query: dict[str, str], accept: str) -> Object:
        asked.append(dict(query))
        return next(parts)

    monkeypatch.setattr(KubernetesApi, "_call", call)
    api = KubernetesApi(None)  # type: ignore[arg-type]
    assert list(api.pages("v1", "ConfigMap", "x=y")) == [(7, [config(1)]), (7, [])]
    assert asked == [{"labelSelector": "x=y", "limit": str(PAGE)} | more for more in ({}, {"continue": "more"})]
    assert list(api.names(API_VERSION, KIND)) == []


def test_graves_are_bounded(view: View) -> None:
    for at in range(GRAVES + 10):
        view.event("ConfigMap", config(9, name=f"c{at}"), deleted=True)
    assert len(view._graves) == GRAVES


def test_every_kind_that_is_viewed_is_watched() -> None:
    assert set(KINDS.values()) == viewed.WATCHED
    assert (
        len(WATCHED) + len(viewed.UNLABELLED) == len(viewed.WATCHED)
        and {kind for _, kind in PLURALS} > viewed.NOT_WATCHED
    )


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES, VALUES)
def test_a_mark_is_of_what_is_stated(one: Any, other: Any) -> None:
    same = mark(config() | {"spec": one}) == mark(config(7) | {"spec": other, "status": {"x": 1}})
    assert same == (json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True))
    assert unpack(pack({"x": one})) == {"x": one}


OPERATIONS = st.lists(st.tuples(st.sampled_from(["put", "delete", "wrote"]), st.integers(1, 40)), max_size=40)


@given(OPERATIONS)
def test_in_whatever_order_versions_come_the_newest_one_stays(operations: list[tuple[str, int]]) -> None:
    view, alive = View(), dict[int, str]()
    # One version is one thing that happened.
    what = {version: name for name, version in operations}
    for _, version in operations:
        name = what[version]
        if name == "delete":
            view.event("ConfigMap", config(version), deleted=True)
        elif name == "put":
            view.event("ConfigMap", config(version, str(version)))
        else:
            view.wrote("ConfigMap", config(version, str(version)), "digest")
        alive[version] = name
        newest = max(alive)
        found = view.get(KEY)
        if alive[newest] == "delete":
            assert found is None
        else:
            assert found is not None and found["data"] == {"rules": str(newest)}
