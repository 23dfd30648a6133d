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


def demands(catalogue, question, attestations):
    """What the laws of the player's home ask: (ground, rule) of each that speaks."""
    home = question.player_residence or question.jurisdiction
    traits = catalogue.data_classes[question.backs_up or question.data_class]
    found = []
    if traits.personal:
        said = _localisations(catalogue, question, home, "personal_data_localisation", attestations)
        if not said and question.player_residence:
            said = [(home, _by_law(catalogue, question) or "only")]
        found += said
    if traits.payment:
        found += _localisations(catalogue, question, home, "payment_data_localisation", attestations)
    return found


def _localisations(catalogue, question, home, name, attestations):
    found = []
    for code in lineage(catalogue, home):
        if code in catalogue.jurisdictions:
            known = fact(catalogue, code, name, attestations, question.on)
            if known[0] != "unknown":
                found.append((code, str(known[1]) if usable(known, question.production) else "only"))
    return found


def _by_law(catalogue, question):
    for law in catalogue.personal_data_laws:
        protects = any(ground_of(catalogue, question.player_residence, code) for code in law.protects)
        if protects and (law.localisation.confidence == "sourced" or not question.production):
            return str(law.localisation.value)
    return None


def may_hold(catalogue, place, asked, *, is_copy):
    """Whether the original, or a copy, may rest in a place by the laws of the player's home."""
    ground = catalogue.places[place].territory
    binding = ("only",) if is_copy else ("only", "primary")
    return all(ground_of(catalogue, ground, home) for home, rule in asked if rule in binding)


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


def freedom(catalogue, question, place):
    """How freely data flows to a place, as known and as remembered; where no player is in it, by the licence's law."""
    if not catalogue.data_classes[question.backs_up or question.data_class].personal:
        question = question.model_copy(update={"player_residence": None})
    remembered = question.model_copy(update={"production": False})
    return free(catalogue, question, place), free(catalogue, remembered, place)


def lawful(catalogue, question, candidates, attestations):
    """Every candidate that may hold the class, in no order."""
    data_class = question.backs_up or question.data_class
    found = by_licence(catalogue, question.jurisdiction, data_class, candidates, attestations, question.on) or set()
    asked, is_copy = demands(catalogue, question, attestations), question.data_class in ("regulator_copy", "backup")
    return {one for one in found if may_hold(catalogue, one, asked, is_copy=is_copy)}


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
        beyond = question.product != "casino"
        if question.product == "live_casino":
            live = fact(catalogue, code, "live_casino", attestations, on)
            named = "live_casino" in (listed[1] or ()) and usable(listed, question.production)
            known = live[1] != "banned" if usable(live, question.production) else live[0] == "unknown" and named
            if not known:
                yield f"live casino is {live}, of {listed}"
        elif (beyond and not usable(listed, question.production)) or (listed[1] and question.product not in listed[1]):
            yield f"{question.product} is not listed: {listed}"
    if allowed != lawful(catalogue, question, candidates, attestations):
        yield f"allowed {sorted(allowed)}, lawful {sorted(lawful(catalogue, question, candidates, attestations))}"
    if primary not in allowed or placement.allowed[0] != primary:
        yield "the primary is not the first that is allowed"
    if personal and not free(catalogue, question, primary) and any(free(catalogue, question, one) for one in allowed):
        yield "the data flows freely to another place"
    transfer = [one for one in placement.conditions if one.type == "Transfer"]
    resting = (primary, *(copy.place for copy in placement.copies))
    if transfer and transfer[0].status and not all(free(catalogue, question, one) for one in resting):
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
    copied_as = catalogue.residency[residency][question.backs_up or question.data_class].copied_as
    if copied_as and not any(ground_of(catalogue, ground[one], code) for one in (placement.primary, *places)):
        yield "no copy rests on the licence's ground"
    asked = demands(catalogue, question, attestations)
    is_copy = question.data_class in ("regulator_copy", "backup")
    for home, rule in asked:
        resting = (placement.primary, *places)
        if rule == "copy" and not is_copy and not any(ground_of(catalogue, ground[one], home) for one in resting):
            yield f"no copy rests in {home}, where the player lives"
    for one in places:
        if not may_hold(catalogue, one, asked, is_copy=True):
            yield f"a copy rests in {one}, away from home"
    resilient = next(one for one in placement.conditions if one.type == "Resilient")
    others = [one for one in placement.allowed if one != placement.primary]
    best = freedom(catalogue, question, placement.primary)
    better = any(freedom(catalogue, question, one) >= best for one in others)
    if resilient.status != bool(places) or (not places and better):
        yield "resilience is told wrongly"
    if not places and (resilient.reason == "OnePlace") and others:
        yield "another place may hold a copy"
    if not set(places) <= set(candidates):
        yield "a copy rests in no candidate"
