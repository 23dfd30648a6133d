"""Who decides how many pods there are, and that handing it over takes no pod away."""

from typing import Any

import pytest
from domicile_operator import handlers
from domicile_operator.children.scaling import REPLICAS_MANAGER, apply_autoscaled, states_replicas
from domicile_operator.errors import Fault
from domicile_operator.manifests import autoscaling, workload
from domicile_operator.plan import REALTIME_SIZES, SIZES, WORKER_SIZE
from domicile_operator.reconcile import reconcile
from hypothesis import given, settings
from hypothesis import strategies as st
from operator_testkit.fakes import Fakes
from operator_testkit.samples import CELL, plan, tenant

NAMESPACE = "casino-acme-gb"
LEAST, MOST = SIZES["large"].replicas, SIZES["large"].most


@pytest.mark.parametrize("size", list(SIZES))
def test_an_autoscaler_has_exactly_the_deployments_that_state_no_number(size: str) -> None:
    of = plan(size=size)
    made = [workload.deployment(of), workload.worker_deployment(of), workload.realtime_deployment(of)]
    open_ones = {one["metadata"]["name"] for one in made if "replicas" not in one["spec"]}
    scalers = autoscaling.autoscalers(of)
    assert {one["spec"]["scaleTargetRef"]["name"] for one in scalers} == open_ones
    assert bool(open_ones) == (size != "small")
    for one in scalers:
        assert 1 < one["spec"]["minReplicas"] < one["spec"]["maxReplicas"]


@pytest.mark.parametrize("size", [*SIZES.values(), *REALTIME_SIZES.values()])
def test_the_target_leaves_a_pod_room_up_to_its_limit_and_to_its_one_core(size: Any) -> None:
    assert min(size.cpu_limit_m, 1000) > autoscaling.CPU_TARGET_M


def test_the_most_of_a_casinos_processes_fit_a_server_of_two_hundred_connections() -> None:
    assert max((size.most + WORKER_SIZE.most) * 20 for size in SIZES.values()) <= 200


def test_pods_come_at_once_and_go_one_at_a_time_after_a_quarter_of_an_hour() -> None:
    for scaler in autoscaling.autoscalers(plan(size="large")):
        up, down = (scaler["spec"]["behavior"][way] for way in ("scaleUp", "scaleDown"))
        assert up["stabilizationWindowSeconds"] == 0 < down["stabilizationWindowSeconds"] == 900
        assert [policy["type"] for policy in down["policies"]] == ["Pods"] and down["policies"][0]["value"] == 1


def live(fakes: Fakes, name: str = "casino") -> dict[str, Any]:
    return fakes.kube.objects["Deployment", NAMESPACE, name]


def casino(size: str = "large") -> Fakes:
    made = Fakes(CELL)
    made.kube.put(tenant(size=size))
    reconcile("acme-gb", made.world)
    made.finish_migration()
    reconcile("acme-gb", made.world)
    made.roll_out()
    return made


def one_pass(fakes: Fakes) -> str:
    return reconcile("acme-gb", fakes.world).kind


def test_a_casino_begins_with_its_least_and_an_autoscaler_has_it_from_then_on() -> None:
    fakes = casino()
    assert live(fakes)["spec"]["replicas"] == LEAST
    assert [one["metadata"]["name"] for one in fakes.kube.find("HorizontalPodAutoscaler", NAMESPACE)] == [
        "casino", "casino-realtime",
    ]  # fmt: skip
    assert one_pass(fakes) == "settled"
    fakes.kube.scale("casino", NAMESPACE, 7)
    found = live(fakes)
    found["status"] |= {"observedGeneration": found["metadata"]["generation"], "replicas": 7, "updatedReplicas": 7}
    assert one_pass(fakes) == "settled", "a pod that the load asks for is not waited for"
    assert live(fakes)["spec"]["replicas"] == 7
    fakes.kube.writes.clear()
    assert one_pass(fakes) == "settled" and fakes.kube.writes == []


def of_the_release_before(fakes: Fakes, replicas: int) -> None:
    """That one stated the number in every pass."""
    made = workload.deployment(plan(size="large"))
    fakes.kube.apply(made | {"spec": made["spec"] | {"replicas": replicas}})


ACTS = st.lists(st.one_of(st.just("pass"), st.just("before"), st.integers(0, MOST)), min_size=1, max_size=12)


@settings(max_examples=40)
@given(ACTS)
def test_no_order_of_passes_releases_and_autoscaling_changes_what_was_decided_last(acts: list[str | int]) -> None:
    fakes, decided = casino(), LEAST
    for act in acts:
        if act == "pass":
            one_pass(fakes)
            decided = max(decided, LEAST)
        elif act == "before":
            of_the_release_before(fakes, LEAST)
            decided = LEAST
        else:
            fakes.kube.scale("casino", NAMESPACE, int(act))
            decided = int(act)
        assert live(fakes)["spec"]["replicas"] == decided
    one_pass(fakes)
    one_pass(fakes)
    assert live(fakes)["spec"]["replicas"] == max(decided, LEAST)
    assert not states_replicas(fakes.kube.get("apps/v1", "Deployment", "casino", NAMESPACE))


def test_an_autoscaler_that_writes_while_the_number_is_handed_over_is_left_its_number() -> None:
    fakes = casino()
    of_the_release_before(fakes, LEAST)
    asked, plain = [], fakes.kube.co_own

    def co_own(manifest: dict[str, Any], manager: str) -> None:
        fakes.kube.scale("casino", NAMESPACE, MOST)
        asked.append((manifest["spec"], manager))
        plain(manifest, manager)

    fakes.kube.co_own = co_own  # type: ignore[method-assign]
    apply_autoscaled(workload.deployment(plan(size="large")), LEAST, fakes.world)
    assert asked == [({"replicas": LEAST}, REPLICAS_MANAGER)] and live(fakes)["spec"]["replicas"] == MOST


def test_what_else_goes_wrong_with_the_handing_over_stops_before_the_number_is_let_go() -> None:
    fakes = casino()
    of_the_release_before(fakes, LEAST)

    def co_own(manifest: dict[str, Any], manager: str) -> None:
        raise Fault("KUBERNETES_FORBIDDEN", "no")

    fakes.kube.co_own = co_own  # type: ignore[method-assign]
    with pytest.raises(Fault, match="no"):
        apply_autoscaled(workload.deployment(plan(size="large")), LEAST, fakes.world)
    assert live(fakes)["spec"]["replicas"] == LEAST


def test_a_casino_of_a_smaller_size_has_its_number_stated_again_and_no_autoscaler() -> None:
    fakes = casino()
    one_pass(fakes)
    fakes.kube.scale("casino", NAMESPACE, MOST)
    fakes.kube.put(tenant(size="small"))
    one_pass(fakes)
    assert live(fakes)["spec"]["replicas"] == 1
    assert not fakes.kube.find("HorizontalPodAutoscaler", NAMESPACE)


def test_a_casino_of_a_larger_size_has_its_least_at_once() -> None:
    fakes = casino("small")
    fakes.kube.put(tenant(size="large"))
    one_pass(fakes)
    assert live(fakes)["spec"]["replicas"] == LEAST


def test_a_casino_with_less_than_its_least_is_waited_for() -> None:
    fakes = casino()
    live(fakes)["status"]["availableReplicas"] = LEAST - 1
    assert one_pass(fakes) == "waiting"


def entry(manager: str, time: str, subresource: str = "", api: str = "autoscaling/v2") -> dict[str, str]:
    return {"manager": manager, "time": time, "apiVersion": api} | ({"subresource": subresource} if subresource else {})


@pytest.mark.parametrize(
    ("entries", "only_measured"),
    [
        ([entry("domicile-operator", "10:00:00"), entry("kube-controller-manager", "10:00:15", "status")], True),
        ([entry("kubectl", "10:00:20"), entry("kube-controller-manager", "10:00:15", "status")], False),
        ([entry("kubectl", "10:00:15"), entry("kube-controller-manager", "10:00:15", "status")], False),
        ([entry("domicile-operator", "10:00:00")], False),
        ([entry("kube-controller-manager", "10:00:15", "status", "apps/v1"), entry("x", "10:00:00")], False),
        ([], False),
    ],
)
def test_what_an_autoscaler_measures_wakes_nobody(entries: list[dict[str, str]], only_measured: bool) -> None:
    assert handlers.measured({"managedFields": entries}) is only_measured
