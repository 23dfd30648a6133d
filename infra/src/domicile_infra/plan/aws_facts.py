"""Quotas and names of AWS that an organisation is planned by: data (aws_facts.yaml), read once."""

from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Any

import yaml


@dataclass(frozen=True, slots=True)
class Quotas:
    """How many and how long: counts, and characters of names and documents without white space."""

    accounts: int
    account_creations_at_once: int
    organizational_units: int
    trails_in_a_region: int
    account_name_characters: int
    email_characters: int
    bucket_name_characters: int
    role_name_characters: int
    role_inline_characters: int
    managed_policy_characters: int
    permission_set_inline_characters: int


@dataclass(frozen=True, slots=True)
class AwsFacts:
    """What AWS publishes.

    `global_region` is where the services without regions answer and write their events. `trusted_services` act in
    every account of an organisation of ours; `delegated_services` are those that its security account administers.
    """

    global_region: str
    quotas: Quotas
    trusted_services: tuple[str, ...]
    delegated_services: tuple[str, ...]

    def with_quotas(self, **raised: int) -> "AwsFacts":
        """These facts with quotas that AWS has raised for this organisation, by their names."""
        return replace(self, quotas=replace(self.quotas, **raised))


def parse_aws_facts(text: str) -> AwsFacts:
    """The facts out of the YAML text. Raises KeyError or TypeError where one is missing or misspelt."""
    document: dict[str, Any] = yaml.safe_load(text)
    return AwsFacts(
        global_region=document["global_region"],
        quotas=Quotas(**document["quotas"]),
        trusted_services=tuple(document["trusted_services"]),
        delegated_services=tuple(document["delegated_services"]),
    )


@cache
def aws_facts() -> AwsFacts:
    """The facts that ship with this package."""
    return parse_aws_facts(resources.files(__package__).joinpath("aws_facts.yaml").read_text(encoding="utf-8"))
