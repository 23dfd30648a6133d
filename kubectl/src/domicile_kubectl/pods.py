"""What keeps a pod from serving. Pure: from the pod and its Events to the first thing that is wrong with it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from domicile_kubectl.names import Object

Log = Literal["", "current", "previous"]
"""Which of a container's logs tells more: none, its own, or that of the one before it was started anew."""


@dataclass(frozen=True)
class Trouble:
    """What is wrong with a pod. `code` is the kubelet's or the scheduler's reason; `grave` says that waiting alone does
    not help."""

    pod: str
    container: str
    code: str
    sentence: str
    log: Log = ""
    grave: bool = True


def first_trouble(pods: Iterable[Object], events: Sequence[Object]) -> Trouble | None:
    """The gravest trouble of those pods that are not ready, or None where all are. Pods that leave do not count."""
    found = [
        trouble(pod, events)
        for pod in pods
        if not pod["metadata"].get("deletionTimestamp") and not is_ready(pod) and _phase(pod) != "Succeeded"
    ]
    return min(found, key=lambda one: (not one.grave, one.pod), default=None)


def is_ready(pod: Object) -> bool:
    """Whether the pod takes players."""
    return _condition(pod, "Ready").get("status") == "True"


def trouble(pod: Object, events: Sequence[Object]) -> Trouble:
    """What keeps this pod, which is not ready, from being so."""
    name = str(pod["metadata"]["name"])
    scheduled = _condition(pod, "PodScheduled")
    if scheduled.get("status") == "False":
        reason = str(scheduled.get("reason", "Unschedulable"))
        return Trouble(name, "", reason, f"No node takes it: {scheduled.get('message', 'nobody says why')}")
    if _phase(pod) == "Failed" and (reason := pod.get("status", {}).get("reason")):
        return Trouble(name, "", str(reason), str(pod["status"].get("message", "The node ended it.")))
    warned = list(warnings(events, "Pod", name))
    for status in _containers(pod):
        if (found := _of_container(name, status, warned)) is not None:
            return found
    if warned:
        return Trouble(name, "", str(warned[0].get("reason", "Warning")), str(warned[0].get("message", "")))
    return Trouble(name, "", "Starting", "It was made a moment ago, and no container runs yet.", grave=False)


def _of_container(pod: str, status: Object, warned: Sequence[Object]) -> Trouble | None:
    name, state = str(status["name"]), status.get("state") or {}
    if waiting := state.get("waiting"):
        return _waiting(pod, name, waiting, status, warned)
    if ended := state.get("terminated"):
        if ended.get("exitCode") == 0:
            return None
        return Trouble(pod, name, str(ended.get("reason", "Error")), _ended(ended), "current")
    return None if status.get("ready") or status.get("started") is None else _running(pod, name, status, warned)


def _running(pod: str, name: str, status: Object, warned: Sequence[Object]) -> Trouble:
    before = (status.get("lastState") or {}).get("terminated")
    if before and status.get("restartCount", 0):
        times = status["restartCount"]
        sentence = f"It was started anew {times} {'time' if times == 1 else 'times'}: {_ended(before)}"
        return Trouble(pod, name, str(before.get("reason", "Error")), sentence, "previous")
    unhealthy = next((one for one in warned if one.get("reason") == "Unhealthy"), None)
    if unhealthy:
        return Trouble(pod, name, "Unhealthy", f"It runs, and is not ready: {unhealthy.get('message', '')}", "current")
    return Trouble(pod, name, "NotReady", "It runs, and does not call itself ready yet.", "current", grave=False)


def _waiting(pod: str, name: str, waiting: Object, status: Object, warned: Sequence[Object]) -> Trouble | None:
    reason, message = str(waiting.get("reason", "Waiting")), str(waiting.get("message", ""))
    if reason == "CrashLoopBackOff":
        before = (status.get("lastState") or {}).get("terminated") or {}
        times = status.get("restartCount", 0)
        return Trouble(pod, name, reason, f"It ends again and again ({times} restarts): {_ended(before)}", "previous")
    if reason == "PodInitializing":
        return None  # what it waits for is an init container, and that comes first
    if reason == "ContainerCreating":
        if warned:
            newest = warned[0]
            return Trouble(pod, name, str(newest.get("reason")), str(newest.get("message", "")))
        return Trouble(pod, name, reason, "Its node is preparing it.", grave=False)
    return Trouble(pod, name, reason, message or "The kubelet does not say more.")


def _ended(terminated: Object) -> str:
    code, reason = terminated.get("exitCode"), terminated.get("reason", "")
    if reason == "OOMKilled":
        return "it took more memory than its limit."
    signal = f" (signal {code - 128})" if isinstance(code, int) and code > 128 else ""
    said = str(terminated.get("message") or "").strip()
    return f"it ended with exit code {code}{signal}{f': {said}' if said else '.'}"


def warnings(events: Sequence[Object], kind: str, name: str) -> Iterator[Object]:
    """The Warnings about one object, the newest first."""
    about = [
        one
        for one in events
        if one.get("type") == "Warning"
        and (involved := one.get("involvedObject") or {}).get("kind") == kind
        and involved.get("name") == name
    ]
    return iter(sorted(about, key=_when, reverse=True))


def _when(event: Object) -> str:
    series = event.get("series") or {}
    told = series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime")
    return str(told or event["metadata"].get("creationTimestamp") or "")


def _containers(pod: Object) -> Iterator[Object]:
    """Statuses in the order in which containers start."""
    status = pod.get("status") or {}
    yield from status.get("initContainerStatuses") or ()
    yield from status.get("containerStatuses") or ()


def _condition(pod: Object, kind: str) -> Object:
    found: Any = next((one for one in (pod.get("status") or {}).get("conditions") or () if one["type"] == kind), {})
    return dict(found)


def _phase(pod: Object) -> str:
    return str((pod.get("status") or {}).get("phase", ""))
