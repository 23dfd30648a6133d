"""What each command writes, as a merge patch of the tenant. Pure. None in a patch takes a field away."""

from datetime import UTC, datetime
from typing import Any

from domicile_kubectl.errors import PluginError
from domicile_kubectl.names import PAUSED, PLAN, REASON_LIMIT, RECONCILE_AT, RETRY_RELEASE, STATE_REASON

Patch = dict[str, Any]


def pause(reason: str) -> Patch:
    """Have the operator leave the tenant alone. Raises PluginError for a reason that would say nothing, or resume."""
    said = _reason(reason)
    if said.lower() in ("true", "false"):
        raise PluginError("REASON_UNFIT", f"{said!r} is no reason, and means something else to the operator. Say why.")
    return _annotations({PAUSED: said})


def resume() -> Patch:
    """Let the operator go on."""
    return _annotations({PAUSED: None})


def reconcile(request: str) -> Patch:
    """Ask for a pass at once."""
    return _annotations({RECONCILE_AT: request})


def plan(request: str) -> Patch:
    """Have the operator tell what it would do, now."""
    return _annotations({PLAN: "true", RECONCILE_AT: request})


def retry(request: str) -> Patch:
    """Give the release that failed before the request another chance."""
    return _annotations({RETRY_RELEASE: request, RECONCILE_AT: request})


def let_go() -> Patch:
    """Let what was planned happen."""
    return _annotations({PLAN: None})


def suspend(reason: str, withdrawals: bool) -> Patch:
    """Stop play. A plan would hold it up, so that goes."""
    return {
        "metadata": {"annotations": {STATE_REASON: _reason(reason), PLAN: None}},
        "spec": {"state": "Suspended", "suspension": {"withdrawals": True} if withdrawals else None},
    }


def reopen(state: str) -> Patch:
    """Go to another state, and leave nothing of the suspension."""
    return {"metadata": {"annotations": {STATE_REASON: None}}, "spec": {"state": state, "suspension": None}}


def request(now: datetime) -> str:
    """A value that no request had before."""
    return now.astimezone(UTC).isoformat()


def _annotations(values: dict[str, str | None]) -> Patch:
    return {"metadata": {"annotations": values}}


def _reason(text: str) -> str:
    said = " ".join(text.split())
    if not said or len(said) > REASON_LIMIT:
        raise PluginError("REASON_UNFIT", f"A reason has 1 to {REASON_LIMIT} characters; this one has {len(said)}.")
    return said
