"""Facts of jurisdictions and places, and the one function that reads them: `place()`."""

from domicile_catalog.attestation import Attestation, AttestationError, load_attestations
from domicile_catalog.documents import DataError, Fault
from domicile_catalog.explain import ExplainedFact, Explanation, Gap, explain, gaps
from domicile_catalog.facts import FACT_NAMES, Fact, Facts
from domicile_catalog.loader import CatalogueError, load_catalogue
from domicile_catalog.model import Catalogue, Jurisdiction, Place
from domicile_catalog.placement import ClassPlacement, Placement, PlacementRequest, Rest, place
from domicile_catalog.refusals import Refusal
from domicile_catalog.rules import LaxerLimitError, Rules, RulesError, tenant_rules
from domicile_catalog.vocabulary import Confidence, DataClass, Product, Residency

__all__ = [
    "FACT_NAMES",
    "Attestation",
    "AttestationError",
    "Catalogue",
    "CatalogueError",
    "ClassPlacement",
    "Confidence",
    "DataClass",
    "DataError",
    "ExplainedFact",
    "Explanation",
    "Fact",
    "Facts",
    "Fault",
    "Gap",
    "Jurisdiction",
    "LaxerLimitError",
    "Place",
    "Placement",
    "PlacementRequest",
    "Product",
    "Refusal",
    "Residency",
    "Rest",
    "Rules",
    "RulesError",
    "explain",
    "gaps",
    "load_attestations",
    "load_catalogue",
    "place",
    "tenant_rules",
]
