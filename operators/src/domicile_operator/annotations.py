"""What a person asks of the operator by annotations of a tenant, beside its spec. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domicile_operator.conditions import PAUSED, Condition
from domicile_operator.names import GROUP

PAUSE = f"{GROUP}/paused"
PLAN = f"{GROUP}/plan"
RECONCILE_AT = f"{GROUP}/reconcile-at"
RETRY_RELEASE = f"{GROUP}/retry-release"
"""A time (RFC 3339): the release that failed before it is given another chance."""
ADOPT = f"{GROUP}/adopt"
"""On an object that somebody else made: the tenant that may take it over."""
APPLIED = f"{GROUP}/applied"
"""On a child, by the operator: the digest of the manifest that it applied last."""

REQUEST_LIMIT = 128
"""Characters of a request to reconcile that are told back."""


@dataclass(frozen=True)
class Asked:
    """`paused` is the reason that was given, or None. `plan`: show what would be done, and do nothing."""

    paused: str | None = None
    plan: bool = False

    @property
    def held(self) -> bool:
        """Whether nothing may be changed."""
        return self.plan or self.paused is not None

    @property
    def why(self) -> str:
        """By which annotation, as a sentence."""
        if self.paused is not None:
            reason = f" ({self.paused})" if self.paused not in ("", "true") else ""
            return f"The annotation {PAUSE} is set{reason}: nothing is changed until it is taken off."
        return f"The annotation {PLAN} is set: status.plan says what would be done, once it is taken off."

    @property
    def condition(self) -> Condition:
        """The condition Paused."""
        if not self.held:
            return Condition(PAUSED, "False", "NotPaused", "")
        return Condition(PAUSED, "True", "Annotated" if self.paused is not None else "PlanOnly", self.why)


def asked_of(tenant: Mapping[str, Any]) -> Asked:
    """Read a tenant's annotations. Whatever `paused` says but "false" pauses: who paused by a typing error is safe."""
    annotations = tenant["metadata"].get("annotations") or {}
    paused = annotations.get(PAUSE)
    return Asked(None if paused == "false" else paused, annotations.get(PLAN) == "true")


def retries(tenant: Mapping[str, Any], failed_at: str) -> bool:
    """Whether somebody asked, after a release failed, that it be tried again. What is no time asks for nothing."""
    try:
        asked = datetime.fromisoformat((tenant["metadata"].get("annotations") or {})[RETRY_RELEASE])
        return asked > datetime.fromisoformat(failed_at)
    except (KeyError, ValueError, TypeError):
        return False


def request_of(tenant: Mapping[str, Any]) -> str:
    """The latest request to reconcile, as it is told back once a pass has answered it; empty where there was none."""
    return str((tenant["metadata"].get("annotations") or {}).get(RECONCILE_AT, ""))[:REQUEST_LIMIT]
