"""What a diagnosis looks at beside the tenant itself."""

from collections.abc import Sequence
from dataclasses import dataclass

from domicile_kubectl.names import Object


@dataclass(frozen=True)
class Seen:
    """Objects as the API server gave them; None or empty where there are none.

    `unseen` is what could not be looked at, as sentences.
    """

    operator: Object | None = None
    operator_pods: Sequence[Object] = ()
    operator_events: Sequence[Object] = ()
    namespace: Object | None = None
    deployments: Sequence[Object] = ()
    jobs: Sequence[Object] = ()
    pods: Sequence[Object] = ()
    events: Sequence[Object] = ()
    unseen: tuple[str, ...] = ()
