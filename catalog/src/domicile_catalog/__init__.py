"""Facts of jurisdictions and places, and the one function that reads them: `place()`."""

from domicile_catalog.acts import Act, State
from domicile_catalog.attestation import Attestation, AttestationError, load_attestations
from domicile_catalog.changes import (
    Change,
    Impact,
    RuleChange,
    impact,
    law_ahead,
    law_changes,
    unlawful_since,
)
from domicile_catalog.controls import Control, Requirement, Standing
from domicile_catalog.days import local_day, local_midnight
from domicile_catalog.documents import DataError, Fault
from domicile_catalog.explain import Conflict, ExplainedFact, Explanation, Gap, Resolution, conflicts, explain, gaps
from domicile_catalog.facts import FACT_NAMES, Fact, Facts, Finding
from domicile_catalog.law_of_cell import cell_law
from domicile_catalog.loader import CatalogueError, load_catalogue
from domicile_catalog.model import Catalogue, Jurisdiction, JurisdictionRecord, Place
from domicile_catalog.placement import place
from domicile_catalog.question import Condition, ConditionType, Copy, Placement, Purpose, Question, Reason
from domicile_catalog.refusals import Refusal
from domicile_catalog.requirements import requirements
from domicile_catalog.residency import Rest
from domicile_catalog.rule_errors import LaxerLimitError, RulesError
from domicile_catalog.rules import Rules, rules_for, rules_needed, tenant_rules
from domicile_catalog.sharing import Sharing, co_tenancy
from domicile_catalog.tenancy import (
    ClassPlacement,
    TenantPlacement,
    TenantRequest,
    cell_places,
    place_tenant,
    resting_places,
)
from domicile_catalog.vocabulary import Confidence, DataClass, Product, Residency

__all__ = [
    "FACT_NAMES",
    "Act",
    "Attestation",
    "AttestationError",
    "Catalogue",
    "CatalogueError",
    "Change",
    "ClassPlacement",
    "Condition",
    "ConditionType",
    "Confidence",
    "Conflict",
    "Control",
    "Copy",
    "DataClass",
    "DataError",
    "ExplainedFact",
    "Explanation",
    "Fact",
    "Facts",
    "Fault",
    "Finding",
    "Gap",
    "Impact",
    "Jurisdiction",
    "JurisdictionRecord",
    "LaxerLimitError",
    "Place",
    "Placement",
    "Product",
    "Purpose",
    "Question",
    "Reason",
    "Refusal",
    "Requirement",
    "Residency",
    "Resolution",
    "Rest",
    "RuleChange",
    "Rules",
    "RulesError",
    "Sharing",
    "Standing",
    "State",
    "TenantPlacement",
    "TenantRequest",
    "cell_law",
    "cell_places",
    "co_tenancy",
    "conflicts",
    "explain",
    "gaps",
    "impact",
    "law_ahead",
    "law_changes",
    "load_attestations",
    "load_catalogue",
    "local_day",
    "local_midnight",
    "place",
    "place_tenant",
    "requirements",
    "resting_places",
    "rules_for",
    "rules_needed",
    "tenant_rules",
    "unlawful_since",
]
