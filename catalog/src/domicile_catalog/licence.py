"""Whether what a tenant offers can be licensed at all."""

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
    """Why one of the products is not among those that are licensed, or is not known to be."""
    return next((refusal for product in products if (refusal := _covered(reading, product))), None)


def _covered(reading: Reading, product: Product) -> Refusal | None:
    return _live(reading) if product is Product.LIVE_CASINO else _listed(reading, product)


def _listed(reading: Reading, product: Product) -> Refusal | None:
    """A licence for online casino is one for casino games; any other product must be on the list."""
    listed = reading.look("licensed_products") if product is Product.CASINO else reading.require("licensed_products")
    if isinstance(listed, Refusal):
        return listed
    if not listed.known or product in listed.given:
        return None
    return refusals.not_offered(reading.jurisdiction, product, "licensed_products", listed)


def _live(reading: Reading) -> Refusal | None:
    """Live casino has a fact of its own, since a list that says "casino" seldom says whether it means live tables.

    A ban holds whatever a list says; where the fact is unknown, a list that names live casino answers it, and one
    without any casino rules it out.
    """
    live, listed = reading.look("live_casino"), reading.look("licensed_products")
    if isinstance(live, Refusal):
        return live
    if isinstance(listed, Refusal):
        return listed
    if not live.known and listed.known and (Product.LIVE_CASINO in listed.given or Product.CASINO not in listed.given):
        return _listed(reading, Product.LIVE_CASINO)
    live = reading.require("live_casino")
    if isinstance(live, Fact) and live.value is Permission.BANNED:
        return refusals.not_offered(reading.jurisdiction, Product.LIVE_CASINO, "live_casino", live)
    return live if isinstance(live, Refusal) else None


def licence_needs(reading: Reading, products: tuple[Product, ...]) -> tuple[str, ...] | None:
    """The facts on the licence that must be sourced or attested first, or None where none could help."""
    status = reading.jurisdiction.facts.online_casino.value
    if status in _OFFERED:
        if not set(products) <= _OFFERED[status]:
            return None
        products = ()
    fact = reading.require("online_casino")
    lacks = isinstance(fact, Refusal) or fact.value is OnlineCasino.UNREGULATED
    needed = ["online_casino"] if lacks else []
    for product in products:
        refusal = _covered(reading, product)
        if refusal and refusal.code in ("FACT_UNKNOWN", "FACT_RECALLED") and refusal.rule:
            needed.append(refusal.rule)
    return tuple(dict.fromkeys(needed))
