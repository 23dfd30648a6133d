"""Which places may be the cell of two jurisdictions at once."""

from domicile_catalog.forms import Frozen
from domicile_catalog.model import Catalogue
from domicile_catalog.refusals import Refusal
from domicile_catalog.tenancy import TenantPlacement, TenantRequest, cell_places, place_tenant


class Sharing(Frozen):
    """Whether two jurisdictions may share a cell: the places where they may, the first jurisdiction's nearest first.

    `reasons` says for each jurisdiction what narrows the choice, or why it has none.
    """

    places: tuple[str, ...]
    reasons: tuple[str, ...]

    @property
    def allowed(self) -> bool:
        """Whether there is any such place."""
        return bool(self.places)


def co_tenancy(catalogue: Catalogue, one: TenantRequest, other: TenantRequest) -> Sharing:
    """Where tenants of two jurisdictions may share a cell: every place that may hold all of both that rests in a cell.

    Pure and total. The answer does not depend on the order of the two, but for the order of the places.
    """
    reasons: list[str] = []
    common: list[str] | None = None
    for request in (one, other):
        decision = place_tenant(catalogue, request)
        if isinstance(decision, Refusal):
            reasons.append(f"{request.jurisdiction} may live nowhere: {decision.message}")
            common = []
            continue
        cells = cell_places(catalogue, decision.by_data_class)
        reasons.append(_why(catalogue, decision, cells))
        common = list(cells) if common is None else [code for code in common if code in cells]
    return Sharing(places=tuple(common or ()), reasons=tuple(reasons))


def _why(catalogue: Catalogue, decision: TenantPlacement, cells: tuple[str, ...]) -> str:
    narrowest = min(
        (item for item in decision.by_data_class.items() if catalogue.data_classes[item[0]].in_cell),
        key=lambda item: len(item[1].allowed),
    )
    name, rest = narrowest
    return (
        f"{decision.jurisdiction} allows a cell in {len(cells)} of the candidates; {name} is the narrowest of what "
        f"rests there ({rest.scope}): {rest.why}."
    )
