"""An independent reading of the data files: where one class of data may rest, and whether an answer is right.

It knows the forms of the data and none of the package's rules; it is slow and plain on purpose.
"""

from domicile_catalog import Confidence, Residency


def lineage(catalogue, code):
    """The ground and all ground that contains it."""
    chain = []
    while code:
        chain.append(code)
        known = catalogue.jurisdictions.get(code) or catalogue.territories.get(code)
        code = known.parent if known and known.inside_parent else None
    return chain


def ground_of(catalogue, territory, code):
    """Whether the territory lies in another, or in a region."""
    chain = lineage(catalogue, territory)
    if code in catalogue.regions:
        return any(one in catalogue.regions[code].territories for one in chain)
    return code in chain


def state_of(catalogue, code):
    known = catalogue.jurisdictions.get(code) or catalogue.territories.get(code)
    return state_of(catalogue, known.parent) if known and known.parent else code


def fact(catalogue, code, name, attestations, on):
    """Confidence and value of a fact, an attestation counted where the catalogue has not read it."""
    found = catalogue.jurisdiction(code, on).facts.get(name)
    if found.confidence is Confidence.SOURCED:
        return "sourced", found.value
    for one in attestations:
        if (one.jurisdiction, one.fact) == (code, name) and one.attested_on <= on <= one.expires_on:
            return "attested", one.value
    return str(found.confidence), found.value


def usable(known, production):
    return known[0] in ("sourced", "attested") or (known[0] == "recalled" and not production)


def by_licence(catalogue, code, data_class, candidates, attestations, on):
    """The candidates that the licence's own rule allows, or None where it is unknown."""
    known, residency = fact(catalogue, code, "data_residency", attestations, on)
    if known == "unknown":
        return None
    region = fact(catalogue, code, "primary_region", attestations, on)[1]
    scope = catalogue.residency[Residency(residency)][data_class].scope
    found = set()
    for one in candidates:
        ground = catalogue.places[one].territory
        if scope == "territory":
            fits = ground_of(catalogue, ground, code)
        elif region:
            fits = ground_of(catalogue, ground, region)
        else:
            fits = scope == "anywhere"
        if fits:
            found.add(one)
    return found


def at_home(catalogue, question, attestations):
    """Whether the law of the player's residence keeps the original there, and whether it wants a copy there."""
    residence, copies = question.player_residence, question.data_class in ("regulator_copy", "backup")
    traits = catalogue.data_classes[question.backs_up or question.data_class]
    rules = []
    if residence and traits.personal:
        rules.append(_localisation(catalogue, question, "personal_data_localisation", attestations) or "only")
    if residence and traits.payment:
        rules.append(_localisation(catalogue, question, "payment_data_localisation", attestations) or "none")
    bound = "only" in rules or ("primary" in rules and not copies)
    return bound, "copy" in rules and not copies


def _localisation(catalogue, question, name, attestations):
    for code in lineage(catalogue, question.player_residence):
        if code in catalogue.jurisdictions:
            known = fact(catalogue, code, name, attestations, question.on)
            if known[0] != "unknown":
                return str(known[1]) if usable(known, question.production) else "only"
    if name == "personal_data_localisation":
        for law in catalogue.personal_data_laws:
            protects = any(ground_of(catalogue, question.player_residence, code) for code in law.protects)
            if protects and (law.localisation.confidence == "sourced" or not question.production):
                return str(law.localisation.value)
    return None


def free(catalogue, question, place):
    """Whether every law that protects the licence's people or the player lets data rest there without more."""
    ground = catalogue.places[place].territory
    for law in catalogue.personal_data_laws:
        people = (question.jurisdiction, question.player_residence)
        if not any(one and ground_of(catalogue, one, code) for one in people for code in law.protects):
            continue
        ok = any(ground_of(catalogue, ground, code) for code in law.protects)
        for entry in law.free_to:
            begun = entry.valid_from is None or entry.valid_from <= question.on
            going = entry.valid_to is None or question.on <= entry.valid_to
            known = entry.confidence == "sourced" or not question.production
            ok |= begun and going and known and not entry.terms and ground_of(catalogue, ground, entry.value)
        if not ok:
            return False
    return True


def lawful(catalogue, question, candidates, attestations):
    """Every candidate that may hold the class, in no order."""
    data_class = question.backs_up or question.data_class
    found = by_licence(catalogue, question.jurisdiction, data_class, candidates, attestations, question.on) or set()
    bound, _ = at_home(catalogue, question, attestations)
    if bound:
        found = {
            one for one in found if ground_of(catalogue, catalogue.places[one].territory, question.player_residence)
        }
    return found


def faults(catalogue, question, placement, candidates, attestations):
    """What is wrong with a placement, by the data alone."""
    code, on = question.jurisdiction, question.on
    allowed, primary = set(placement.allowed), placement.primary
    ground = {one: catalogue.places[one].territory for one in catalogue.places}
    personal = catalogue.data_classes[question.backs_up or question.data_class].personal
    for name in ("online_casino", "data_residency"):
        known = fact(catalogue, code, name, attestations, on)
        if not usable(known, question.production):
            yield f"{name} is {known[0]}"
        if known[0] == "recalled" and any(c.type == "Attested" and c.status for c in placement.conditions):
            yield f"{name} is recalled and the placement says it is attested"
    status = fact(catalogue, code, "online_casino", attestations, on)[1]
    offered = {"legal": None, "sports_only": {"sports"}, "poker_only": {"poker"}}.get(str(status), set())
    if offered is not None and question.product not in offered:
        yield f"{question.product} has no licence: {status}"
    listed = fact(catalogue, code, "licensed_products", attestations, on)
    if offered is None:
        beyond = question.product not in ("casino", "live_casino")
        if question.product == "live_casino" and "casino" in (listed[1] or ()) and "live_casino" not in listed[1]:
            live = fact(catalogue, code, "live_casino", attestations, on)
            if not usable(live, question.production) or live[1] == "banned":
                yield f"live casino is {live}"
        elif (beyond and not usable(listed, question.production)) or (listed[1] and question.product not in listed[1]):
            yield f"{question.product} is not listed: {listed}"
    if allowed != lawful(catalogue, question, candidates, attestations):
        yield f"allowed {sorted(allowed)}, lawful {sorted(lawful(catalogue, question, candidates, attestations))}"
    if primary not in allowed or placement.allowed[0] != primary:
        yield "the primary is not the first that is allowed"
    if personal and not free(catalogue, question, primary) and any(free(catalogue, question, one) for one in allowed):
        yield "the data flows freely to another place"
    transfer = [one for one in placement.conditions if one.type == "Transfer"]
    if transfer and transfer[0].status and not free(catalogue, question, primary):
        yield "the transfer is said to be free"
    own = [one for one in allowed if ground_of(catalogue, ground[one], code)]
    peers = [one for one in own if free(catalogue, question, one) >= free(catalogue, question, primary)]
    if (
        peers
        and not ground_of(catalogue, ground[primary], code)
        and (not personal or free(catalogue, question, peers[0]))
    ):
        yield "a place on own ground was passed over"
    yield from _copies(catalogue, question, placement, candidates, attestations, ground)


def _copies(catalogue, question, placement, candidates, attestations, ground):
    code, places = question.jurisdiction, [copy.place for copy in placement.copies]
    if len({placement.primary, *places}) != 1 + len(places):
        yield "a copy stands beside its original"
    residency = Residency(fact(catalogue, code, "data_residency", attestations, question.on)[1])
    demands = catalogue.residency[residency][question.backs_up or question.data_class].copied_as
    if demands and not any(ground_of(catalogue, ground[one], code) for one in (placement.primary, *places)):
        yield "no copy rests on the licence's ground"
    _, copied = at_home(catalogue, question, attestations)
    if copied and not any(
        ground_of(catalogue, ground[one], question.player_residence) for one in (placement.primary, *places)
    ):
        yield "no copy rests where the player lives"
    resilient = next(one for one in placement.conditions if one.type == "Resilient")
    if resilient.status != bool(places) or (not places and len(placement.allowed) > 1):
        yield "resilience is told wrongly"
    if not set(places) <= set(candidates):
        yield "a copy rests in no candidate"
