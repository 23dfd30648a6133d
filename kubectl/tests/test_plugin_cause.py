"""Why a casino is not ready: the first cause and not its symptoms, from a real cluster's objects, broken one by one."""

import pytest
from domicile_kubectl.cause import first_cause, with_log
from hypothesis import given, settings
from hypothesis import strategies as st
from plugin_testkit import (
    container_waits,
    deployment,
    pod_of,
    seen_of,
    set_condition,
    stopped,
    tenant_of,
    unready,
    waiting,
    warning,
    world,
)

ORDER = ("LicenceValid", "Placed", "Secrets", "Database")


def cause(objects, **changes):
    return first_cause(tenant_of(objects), seen_of(objects, **changes))


def test_a_casino_that_serves_is_ready_and_nothing_is_noted():
    found = cause(world())
    assert (found.ready, found.code, found.remarks, found.chain) == (True, "Live", (), ())
    assert "https://acme-gb" in found.sentence


def test_what_is_true_of_a_casino_that_serves_is_noted():
    objects = world()
    set_condition(objects, "RulesInForce", "False", "OtherRules", "1 of 1 pods play by other rules.")
    set_condition(objects, "Lawful", "True", "UnlawfulAhead", "Unlawful from 2027-01-01T00:00:00Z on. Move it.")
    set_condition(objects, "Progressing", "True", "Waiting", "Waiting for the casino.")
    found = cause(objects)
    assert found.ready and len(found.remarks) == 3
    assert any("Move it." in one for one in found.remarks)


@pytest.mark.parametrize("stage", ORDER)
def test_the_cause_is_what_the_last_pass_stopped_at_and_not_what_a_former_one_left(stage):
    """Conditions after the one at which a pass stops keep what they said, and may be of another trouble."""
    objects = world()
    for kind in ORDER:
        set_condition(objects, kind, "False", "OLD_TROUBLE", "of a pass before")
    stopped(objects, "NEW_TROUBLE", "what it is now", condition=stage)
    found = cause(objects)
    assert (found.ready, found.code, found.at, found.sentence) == (False, "NEW_TROUBLE", stage, "what it is now")


@settings(max_examples=15)
@given(st.sets(st.sampled_from(ORDER), min_size=1))
def test_of_conditions_with_the_same_reason_the_first_in_the_order_of_building_is_the_cause(stages):
    objects = world()
    for stage in stages:
        stopped(objects, "SAME", f"at {stage}", condition=stage)
    assert cause(objects).at == next(one for one in ORDER if one in stages)


def test_a_condition_that_the_plugin_does_not_know_is_the_cause_where_it_gives_the_reason():
    objects = world()
    stopped(objects, "REGISTER_MISSING", "No register.", condition="SomeRegister")
    set_condition(objects, "Progressing", "False", "REGISTER_MISSING", "It is tried again.")
    assert (cause(objects).at, cause(objects).sentence) == ("SomeRegister", "No register.")


def test_a_refusal_says_that_it_is_an_answer_and_trouble_that_it_is_tried_again():
    refused, failed = world(), world()
    stopped(refused, "PRODUCT_NOT_LICENSED", "No licence covers poker.", condition="Placed", refused=True)
    stopped(failed, "KUBERNETES_BUSY", "The cluster's API answered 429.")
    assert "answer" in cause(refused).next and "explain GB" in cause(refused).next
    assert "tried again by itself" in cause(failed).next


def test_a_code_with_a_runbook_says_what_to_do():
    objects = world()
    stopped(objects, "OPENBAO_SEALED", "OpenBao is sealed. Unseal it.", condition="Secrets")
    assert "Unseal OpenBao" in cause(objects).next


# What is waited for


def test_an_image_that_cannot_be_pulled_is_the_cause_and_the_deployment_its_symptom():
    objects = world()
    waiting(objects)
    container_waits(unready(objects), "ImagePullBackOff", 'Back-off pulling image "casino:9"')
    found = cause(objects)
    assert (found.code, found.sentence) == ("ImagePullBackOff", 'Back-off pulling image "casino:9"')
    assert found.at == f"pod {pod_of(objects, 'casino-7d')['metadata']['name']}, container api"
    assert found.chain == (
        "Ready: Waiting for the casino: 0 of 1 pods of this version ready.",
        "Deployment casino: 0 of 1 pods of this version are ready.",
    )
    assert "registry" in found.next and found.log is None


def test_a_container_that_ends_again_and_again_is_told_with_its_last_words():
    objects = world()
    waiting(objects)
    status = unready(objects)
    container_waits(status, "CrashLoopBackOff", "back-off 40s", exitCode=1)
    status["containerStatuses"][0]["restartCount"] = 4
    found = cause(objects)
    assert (found.code, found.log.which, found.log.container) == ("CrashLoopBackOff", "previous", "api")
    assert "4 restarts" in found.sentence and "exit code 1" in found.sentence
    told = with_log(found, "first\n\n  RuntimeError: no such table \n")
    assert told.evidence[-1] == "its last line: RuntimeError: no such table"
    assert with_log(found, "\n \n") == found


def test_memory_is_named_where_it_was_what_ended_it():
    objects = world()
    waiting(objects)
    status = unready(objects)
    status["containerStatuses"][0].update(
        started=True, restartCount=2, lastState={"terminated": {"exitCode": 137, "reason": "OOMKilled"}}
    )
    found = cause(objects)
    assert found.code == "OOMKilled" and "memory" in found.sentence and "spec.size" in found.next


def test_a_pod_that_no_node_takes_is_told_by_the_scheduler():
    objects = world()
    waiting(objects)
    unready(objects)
    pod_of(objects, "casino-7d")["status"] = {
        "phase": "Pending",
        "conditions": [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available"}
        ],
    }
    found = cause(objects)
    assert found.code == "Unschedulable" and "0/1 nodes" in found.sentence


def test_a_volume_that_does_not_come_is_told_by_its_event():
    objects = world()
    waiting(objects)
    status = unready(objects)
    container_waits(status, "ContainerCreating")
    pod = pod_of(objects, "casino-7d")["metadata"]["name"]
    objects["events"] = [
        warning(pod, "FailedMount", "an older one", at="2026-11-30T22:30:00Z"),
        warning(pod, "FailedMount", 'configmap "casino-config" not found'),
    ]
    found = cause(objects)
    assert (found.code, found.sentence) == ("FailedMount", 'configmap "casino-config" not found')
    assert found.evidence == ("event: an older one",)


def test_a_pod_that_runs_and_is_not_ready_is_told_by_its_probe():
    objects = world()
    waiting(objects)
    status = unready(objects)
    status["containerStatuses"][0]["state"] = {"running": {"startedAt": "2026-11-30T22:31:05Z"}}
    pod = pod_of(objects, "casino-7d")["metadata"]["name"]
    objects["events"] = [warning(pod, "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503")]
    found = cause(objects)
    assert found.code == "Unhealthy" and "503" in found.sentence and found.log.which == "current"


def test_pods_that_a_quota_keeps_out_are_told_by_the_deployment():
    objects = world()
    waiting(objects)
    unready(objects)
    objects["pods"] = []
    deployment(objects, "casino")["status"].update(updatedReplicas=0, replicas=0)
    deployment(objects, "casino")["status"]["conditions"] = [
        {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota: tenant"}
    ]
    found = cause(objects)
    assert found.code == "FailedCreate" and "exceeded quota" in found.sentence


def test_grave_trouble_of_one_pod_goes_before_another_that_only_starts():
    objects = world()
    waiting(objects)
    starting = unready(objects)
    starting["containerStatuses"][0]["state"] = {"running": {}}
    other = world()
    container_waits(unready(other), "ErrImagePull", "no such image")
    broken = pod_of(other, "casino-7d")
    broken["metadata"]["name"] = "casino-zz-last"
    objects["pods"].append(broken)
    objects["events"] = []
    assert cause(objects).code == "ErrImagePull"


def test_a_pod_that_leaves_is_no_cause():
    objects = world()
    waiting(objects)
    container_waits(unready(objects), "ImagePullBackOff", "x")
    pod_of(objects, "casino-7d")["metadata"]["deletionTimestamp"] = "2026-11-30T22:40:00Z"
    assert cause(objects).code == "ROLLING"


def test_the_migration_comes_before_the_casino_that_waits_for_it():
    objects = world()
    waiting(objects, "Waiting for the migration casino-migrate-70fd739590 to finish.")
    container_waits(unready(objects), "ImagePullBackOff", "a pod of the version before")
    objects["jobs"][0]["status"] = {"active": 1}
    pod = pod_of(objects, "casino-migrate")
    pod["status"].update(
        phase="Failed",
        containerStatuses=[{"name": "migrate", "ready": False, "started": False, "restartCount": 0,
                            "state": {"terminated": {"exitCode": 2, "reason": "Error"}}}],
    )  # fmt: skip
    found = cause(objects)
    assert "container migrate" in found.at and "exit code 2" in found.sentence
    assert found.chain[-1] == "The migration casino-migrate-70fd739590 has not finished."


def test_a_migration_that_failed_has_its_last_words_beside_what_the_operator_says():
    objects = world()
    stopped(objects, "MIGRATION_FAILED", "Job casino-migrate-70fd739590 failed: no message.")
    objects["jobs"][0]["status"] = {"failed": 5, "conditions": [{"type": "Failed", "status": "True"}]}
    pod = pod_of(objects, "casino-migrate")
    pod["status"].update(
        phase="Failed",
        containerStatuses=[{"name": "migrate", "ready": False, "started": False, "restartCount": 0,
                            "state": {"terminated": {"exitCode": 1, "reason": "Error"}}}],
    )  # fmt: skip
    found = cause(objects)
    assert (found.code, found.log.container, found.log.which) == ("MIGRATION_FAILED", "migrate", "current")
    assert "exit code 1" in found.evidence[0] and "delete the Job" in found.next


def test_of_the_deployments_the_first_that_is_waited_for_is_the_cause():
    objects = world()
    waiting(objects)
    container_waits(unready(objects, "casino-worker", "casino-worker"), "ErrImagePull", "the worker's")
    container_waits(unready(objects, "casino-realtime", "casino-realtime"), "ErrImagePull", "real time's")
    assert cause(objects).sentence == "the worker's"


def test_a_namespace_that_does_not_go_tells_what_holds_it():
    objects = world()
    waiting(objects, "Namespace casino-acme-gb is being deleted; it is built again once gone.")
    namespace = {
        "metadata": {"name": "casino-acme-gb", "deletionTimestamp": "2026-11-30T22:40:00Z"},
        "status": {
            "conditions": [
                {"type": "NamespaceContentRemaining", "status": "True", "message": "pods. has 1 resource instances"},
                {"type": "NamespaceDeletionDiscoveryFailure", "status": "False", "message": "fine"},
            ]
        },
    }
    found = cause(objects, namespace=namespace)
    assert (found.code, found.evidence) == ("NAMESPACE_TERMINATING", ("pods. has 1 resource instances",))


# Who would build it


def test_without_an_operator_that_is_the_cause_whatever_the_status_says():
    objects = world()
    stopped(objects, "OPENBAO_SEALED", "OpenBao is sealed.", condition="Secrets")
    objects["operator"]["status"]["availableReplicas"] = 0
    container_waits(_operator_pod(objects), "CrashLoopBackOff", exitCode=1)
    found = cause(objects)
    assert (found.code, found.chain) == ("OPERATOR_DOWN", ("Ready: OpenBao is sealed.",))
    assert "CrashLoopBackOff" in found.sentence and found.log.namespace == "domicile-system"
    objects["operator"]["spec"]["replicas"], objects["operator_pods"] = 0, []
    assert "scaled to no pod" in cause(objects).sentence
    assert cause(objects, operator=None).code == "OPERATOR_MISSING"


def _operator_pod(objects):
    status = objects["operator_pods"][0]["status"]
    for condition in status["conditions"]:
        condition["status"] = "True" if condition["type"] == "PodScheduled" else "False"
    return status


def test_where_the_operator_may_not_be_looked_at_the_status_counts_and_that_is_told():
    objects = world()
    stopped(objects, "OPENBAO_SEALED", "OpenBao is sealed.", condition="Secrets")
    found = cause(objects, operator=None, unseen=("Deployment domicile-operator: ada lacks the right",))
    assert found.code == "OPENBAO_SEALED" and len(found.unseen) == 1


def test_a_spec_that_nobody_has_looked_at_is_told_though_the_status_says_ready():
    objects = world()
    objects["tenant"]["metadata"]["generation"] = 2
    assert (cause(objects).ready, cause(objects).code) == (False, "NOT_LOOKED_AT")


def test_a_tenant_without_a_status_has_a_cause():
    objects = world()
    objects["tenant"]["status"] = {}
    assert cause(objects).code == "NOT_LOOKED_AT"


@settings(max_examples=50)
@given(st.data())
def test_whatever_of_a_status_or_a_pod_is_missing_there_is_an_answer(data):
    """Old operators, foreign pods and half-made objects lack fields; a diagnosis that breaks on them is none."""
    objects = world()
    waiting(objects)
    container_waits(unready(objects), data.draw(st.sampled_from(["ContainerCreating", "CrashLoopBackOff", "X"])))
    for holder in (objects["tenant"]["status"], *(one["status"] for one in objects["pods"]), objects["operator"]):
        for key in data.draw(st.sets(st.sampled_from(sorted(set(holder) - {"metadata"})))):
            del holder[key]
    found = cause(objects)
    assert found.ready or (found.code and found.next and found.sentence)
