"""JSON Schemas of what people write in an environment, for their editors: with the catalogue's codes as enums."""

import json
from typing import Any

from domicile_catalog import FACT_NAMES, Attestation, Catalogue
from domicile_catalog.environment import Environment
from pydantic import BaseModel

from domicile_cli.tenant import CasinoTenant

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schemas(catalogue: Catalogue) -> dict[str, str]:
    """The text of each schema by its file's name: environment, tenant and attestation."""
    codes = sorted(catalogue.jurisdictions)
    tenant = _schema(CasinoTenant)
    tenant["$defs"]["Spec"]["properties"]["jurisdiction"] = _codes(catalogue, "Who licenses the play.")
    attestation = _schema(Attestation)
    attestation["properties"]["jurisdiction"] = {"enum": codes}
    attestation["properties"]["fact"] = {"enum": list(FACT_NAMES)}
    environment = _schema(Environment)
    environment["$defs"]["Site"]["properties"]["territory"] = _ground(catalogue)
    found = {"environment": environment, "tenant": tenant, "attestation": attestation}
    return {f"{name}.schema.json": json.dumps(schema, indent=2) + "\n" for name, schema in found.items()}


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return {"$schema": DIALECT, **model.model_json_schema(by_alias=True)}


def _ground(catalogue: Catalogue) -> dict[str, Any]:
    """Each code of ground that a site can stand on."""
    codes = sorted({*catalogue.jurisdictions, *catalogue.territories})
    return {"description": "The ground that it stands on.", "enum": codes}


def _codes(catalogue: Catalogue, description: str) -> dict[str, Any]:
    """Each code with its name, which editors show beside it."""
    named = [
        {"const": code, "description": catalogue.jurisdictions[code].name} for code in sorted(catalogue.jurisdictions)
    ]
    return {"description": description, "oneOf": named}
