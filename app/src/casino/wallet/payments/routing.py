"""Which provider carries a payment. Pure.

A route is open to a payment when method, direction, currency, amount and the card's country fit and its breaker
admits a call. Open routes are ranked by what they are worth: the success rate, less the cost at an exchange rate that
the tenant sets (`cost_weight`: how many points of success one point of cost outweighs).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from casino.kernel.money import MAX_AMOUNT_MINOR
from casino.wallet.payments.health import PPM, Health
from casino.wallet.payments.models import Kind, Method


class Route(BaseModel):
    """One provider for one method. Countries are those of a card's BIN (ISO 3166); null means any.

    The cost of an amount is `fixed_minor` plus `basis_points` of it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    provider: str = Field(min_length=1, max_length=64)
    method: Method
    currencies: frozenset[str] = Field(min_length=1)
    kinds: frozenset[Kind] = frozenset({"deposit", "withdrawal"})
    min_minor: int = Field(default=1, ge=1)
    max_minor: int = Field(default=MAX_AMOUNT_MINOR, ge=1)
    bin_countries: frozenset[str] | None = None
    fixed_minor: int = Field(default=0, ge=0)
    basis_points: int = Field(default=0, ge=0, le=10_000)

    def cost_minor(self, amount: int) -> int:
        """What the provider takes of `amount`, rounded up."""
        return self.fixed_minor + -(-amount * self.basis_points // 10_000)


class Order(BaseModel):
    """What is to be carried. `bin_country` is null where the method has none or the token's is not known."""

    model_config = ConfigDict(frozen=True)
    kind: Kind
    method: Method
    currency: str
    amount: int
    bin_country: str | None = None


def fits(route: Route, order: Order) -> bool:
    """Whether a route takes such a payment at all. A route for certain countries wants to know the card's."""
    return (
        route.method == order.method
        and order.kind in route.kinds
        and order.currency in route.currencies
        and route.min_minor <= order.amount <= route.max_minor
        and (route.bin_countries is None or order.bin_country in route.bin_countries)
    )


def worth_ppm(route: Route, order: Order, health: Health, cost_weight: int) -> int:
    """The success rate less the weighted cost, both in millionths (of calls, of the amount)."""
    cost_ppm = route.cost_minor(order.amount) * PPM // order.amount
    return health.score(route.provider, route.method).rate_ppm - cost_weight * cost_ppm


def rank(
    routes: Iterable[Route],
    order: Order,
    health: Health,
    now: datetime,
    *,
    tried: frozenset[str] = frozenset(),
    cost_weight: int = 1,
) -> list[Route]:
    """The routes that may carry the order now, best first; by name where they are worth the same."""
    open_ = [
        route
        for route in routes
        if fits(route, order)
        and route.provider not in tried
        and health.score(route.provider, route.method).breaker.admits(now)
    ]
    return sorted(open_, key=lambda route: (-worth_ppm(route, order, health, cost_weight), route.provider))
