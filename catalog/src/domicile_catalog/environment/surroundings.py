"""What the tenants of an environment are decided by: its kind, its attestations, its sites and its places."""

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from domicile_catalog.attestation import Attestation, AttestationError, load_attestations
from domicile_catalog.documents import Fault, located, parse, read_mapping
from domicile_catalog.environment.model import Environment, Site
from domicile_catalog.model import Catalogue, Place

FILE = "environment.yaml"


@dataclass(frozen=True, slots=True)
class TrustAnchor:
    """Whose word counts in the end, which is configuration and stands in no environment.

    `root` is the fingerprint of the key that vouches for the officers; None is nobody's. A list of officers with a
    serial below `minimum_serial` is refused.
    """

    root: str | None = None
    minimum_serial: int | None = None


NOBODY = TrustAnchor()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What tenants of an environment are decided by. What is no environment counts as production.

    `catalogue` has the environment's sites. `candidates` are the places of its cells; None is every place of that
    catalogue that is a candidate without being named. `environment` is the document, where it could be read.
    """

    name: str
    production: bool
    attestations: tuple[Attestation, ...]
    catalogue: Catalogue
    candidates: tuple[str, ...] | None
    environment: Environment | None = None


def no_environment(catalogue: Catalogue, production: bool) -> Surroundings:
    """What a tenant is decided by that is in no environment: the catalogue as it ships, and nobody's word."""
    return Surroundings("", production, (), catalogue, None)


def read_environment(folder: Path, faults: list[Fault]) -> Environment | None:
    """The folder's environment.yaml, or None and its faults."""
    before = len(faults)
    mapping = read_mapping(folder / FILE, FILE, faults)
    if len(faults) > before:
        return None
    environment = parse(Environment, mapping, FILE, faults)
    if environment and environment.name != folder.resolve().name:
        faults.append(Fault(FILE, "name", f"is {environment.name}", f"the folder's, {folder.resolve().name}"))
    return environment


def read_surroundings(
    folder: Path, catalogue: Catalogue, anchor: TrustAnchor, faults: list[Fault], *, production: bool = False
) -> Surroundings:
    """Reads environment.yaml and attestations/, and keeps every fault. `production` makes it that in any case."""
    found: list[Fault] = []
    environment = read_environment(folder, found)
    production = production or environment is None or environment.production
    candidates: tuple[str, ...] | None = None
    if environment:
        catalogue = _with_sites(catalogue, environment, found)
        candidates = _candidates(catalogue, environment, found)
    name = environment.name if environment else folder.resolve().name
    attestations: tuple[Attestation, ...] = ()
    try:
        attestations = load_attestations(
            folder / "attestations",
            catalogue,
            environment=name,
            root=anchor.root,
            minimum_serial=anchor.minimum_serial,
            production=production,
        )
    except AttestationError as error:
        found += [replace(one, file=f"attestations/{one.file}") for one in error.faults]
    faults += [located(fault, folder) for fault in found]
    return Surroundings(name, production, attestations, catalogue, candidates, environment)


def _with_sites(catalogue: Catalogue, environment: Environment, faults: list[Fault]) -> Catalogue:
    """The catalogue with those of the sites that can be, and a fault for each of the others."""
    written = Counter(site.code for site in environment.sites)
    good: list[Place] = []
    for at, site in enumerate(environment.sites):
        wrong = _site_faults(catalogue, site, f"sites.{at}", twice=written[site.code] > 1)
        faults += wrong
        if not wrong:
            good.append(Place(code=site.code, territory=site.territory, city=site.city, kind="site"))
    return catalogue.with_sites(good)


def _site_faults(catalogue: Catalogue, site: Site, path: str, *, twice: bool) -> list[Fault]:
    faults: list[Fault] = []
    own = "a code that no AWS region and no other site has"
    if site.code in catalogue.places:
        faults.append(Fault(FILE, f"{path}.code", f"{site.code} is an AWS region's", own))
    if twice:
        faults.append(Fault(FILE, f"{path}.code", f"{site.code} stands at more than one site", own))
    if not catalogue.knows_ground(site.territory):
        near = " or ".join(catalogue.suggest(site.territory))
        allowed = near or "the ISO 3166 code of a jurisdiction or territory of the catalogue"
        faults.append(Fault(FILE, f"{path}.territory", f"unknown territory {site.territory}", allowed))
    return faults


def _candidates(catalogue: Catalogue, environment: Environment, faults: list[Fault]) -> tuple[str, ...] | None:
    """Those of the environment's places that exist, and a fault for each of the others."""
    if environment.places is None:
        return None
    sites = dict.fromkeys(site.code for site in environment.sites)
    for at, code in enumerate(environment.places):
        if code in environment.places[:at]:
            faults.append(Fault(FILE, f"places.{at}", f"{code} stands twice", "each place once"))
        elif code not in catalogue.places and code not in sites:  # a site that is at fault has its own fault
            near = " or ".join(catalogue.suggest_place(code))
            listed = f"a site of this environment ({', '.join(sites)})" if sites else "a code under `sites`"
            faults.append(Fault(FILE, f"places.{at}", f"unknown place {code}", near or f"an AWS region, or {listed}"))
    return tuple(dict.fromkeys(code for code in environment.places if code in catalogue.places))
