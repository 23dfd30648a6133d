"""Whether what a tenant offers can be licensed at all."""

from typing import Any

from domicile_catalog import refusals
from domicile_catalog.facts import Fact
from domicile_catalog.reading import Reading
from domicile_catalog.refusals import Refusal
from domicile_catalog.vocabulary import LicenceRegime, OnlineCasino, Permission, Product

# Where online casino itself has no licence, what may still be offered. No attestation widens this.
_OFFERED = {
    OnlineCasino.PROHIBITED: frozenset[Product](),
    OnlineCasino.SPORTS_ONLY: frozenset({Product.SPORTS}),
    OnlineCasino.POKER_ONLY: frozenset({Product.POKER}),
}

# What a licence for online casino covers by itself; anything else must be among the licensed products.
_CASINO = frozenset({Product.CASINO, Product.LIVE_CASINO})

_CHECK_THE_HOLDER = {
    LicenceRegime.MONOPOLY: "only the state's own licensee can hold a licence",
    LicenceRegime.GREY: "check with counsel that the licence covers this tenant",
}


def licence_refusal(reading: Reading, products: tuple[Product, ...]) -> Refusal | None:
    """Why one of the products cannot be licensed there, or None where each can."""
    jurisdiction = reading.jurisdiction
    fact = reading.look("online_casino")
    # What the catalogue itself says comes first: an attestation cannot make a licence that does not exist.
    said = (jurisdiction.facts.online_casino.value, None if isinstance(fact, Refusal) else fact.value)
    narrowing = [status for status in said if status in _OFFERED]
    for status in narrowing:  # each has its say: an attestation may narrow what the catalogue says
        barred = tuple(product for product in products if product not in _OFFERED[status])
        if barred:
            return refusals.not_licensed(jurisdiction, barred, status)
    if isinstance(fact, Refusal):
        return fact
    if fact.value is OnlineCasino.UNREGULATED:
        return refusals.unregulated(jurisdiction, fact)
    required = reading.require("online_casino")
    if isinstance(required, Refusal):
        return required
    if narrowing:  # what it still offers is licensed by itself: the casino's licence is not asked
        return None
    regime = jurisdiction.facts.licence_regime.value
    if regime in _CHECK_THE_HOLDER:
        reading.warnings.append(f"The licence regime of {jurisdiction.name} is {regime}: {_CHECK_THE_HOLDER[regime]}.")
    return _unlisted(reading, products)


def _unlisted(reading: Reading, products: tuple[Product, ...]) -> Refusal | None:
    listed = reading.look("licensed_products")
    if isinstance(listed, Refusal):
        return listed
    for product in products:
        if product not in _CASINO:
            listed = reading.require("licensed_products")
            if isinstance(listed, Refusal):
                return listed
        if not listed.known or product in listed.given:
            continue
        refusal = _live(reading) if _may_be_meant(product, listed) else _not_offered(reading, product, listed)
        if refusal:
            return refusal
    return None


def _may_be_meant(product: Product, listed: Fact[Any]) -> bool:
    """Whether a list that says "casino" may mean the product too: a list is seldom asked about live tables."""
    return product is Product.LIVE_CASINO and Product.CASINO in listed.given


def _live(reading: Reading) -> Refusal | None:
    """Why live casino is not licensed, where the list of products has casino and is silent about it."""
    live = reading.require("live_casino")
    if isinstance(live, Refusal):
        return live
    banned = live.value is Permission.BANNED
    return refusals.not_offered(reading.jurisdiction, Product.LIVE_CASINO, "live_casino", live) if banned else None


def _not_offered(reading: Reading, product: Product, listed: Fact[Any]) -> Refusal:
    return refusals.not_offered(reading.jurisdiction, product, "licensed_products", listed)


def licence_needs(reading: Reading, products: tuple[Product, ...]) -> tuple[str, ...] | None:
    """The facts on the licence that must be sourced or attested first, or None where none could help."""
    status = reading.jurisdiction.facts.online_casino.value
    if status in _OFFERED:
        if not set(products) <= _OFFERED[status]:
            return None
        products = ()
    fact = reading.require("online_casino")
    lacks = isinstance(fact, Refusal) or fact.value is OnlineCasino.UNREGULATED
    listed = reading.look("licensed_products")
    beyond = not set(products) <= _CASINO
    unlisted = beyond and isinstance(reading.require("licensed_products"), Refusal)
    silent = (
        isinstance(listed, Fact)
        and listed.known
        and any(product not in listed.given and _may_be_meant(product, listed) for product in products)
    )
    unread = silent and isinstance(reading.require("live_casino"), Refusal)
    return (
        *(["online_casino"] if lacks else []),
        *(["licensed_products"] if unlisted else []),
        *(["live_casino"] if unread else []),
    )
