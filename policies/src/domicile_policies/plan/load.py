"""Reads what the rules have to know, for the process in which the engine runs the pack. The edge to the file system.

The engine gives that process the stack's name (PULUMI_STACK) and its configuration (PULUMI_CONFIG), which names the
environment as it does for the program. The environment lies in the folder of DOMICILE_ENVIRONMENTS, or in
`environments/` of the checkout that the pack is part of; DOMICILE_ENVIRONMENT names one folder in place of both.
"""

import json
import os
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

import yaml
from domicile_catalog import DataError, Fault, load_catalogue
from domicile_catalog.environment import read_environment

from domicile_policies.names import ENVIRONMENT_SETTING
from domicile_policies.plan.facts import PackFacts, Waiver, facts_of_stack

WAIVERS = "waivers.yaml"


class FactsError(RuntimeError):
    """What the rules have to know cannot be read: nothing is judged, and so nothing may be built."""


@cache
def load_facts() -> PackFacts:
    """The facts of the stack that the engine runs this process for, on today's date. Raises FactsError."""
    return read_facts(os.environ, Path.cwd(), datetime.now(UTC).date())


def read_facts(settings: Mapping[str, str], pack: Path, today: date) -> PackFacts:
    """The facts by environment variables and the pack's folder. Raises FactsError."""
    stack = settings.get("PULUMI_STACK")
    if not stack:
        raise FactsError("PULUMI_STACK is not set: run the pack by `pulumi --policy-pack`, which sets it.")
    folder = environment_folder(settings, pack, stack)
    faults: list[Fault] = []
    environment = read_environment(folder, faults)
    if environment is None or faults:
        raise FactsError(str(DataError(f"{folder} cannot be judged", faults)))
    return facts_of_stack(environment, stack, load_catalogue(), today, waivers=read_waivers(pack / WAIVERS))


def environment_folder(settings: Mapping[str, str], pack: Path, stack: str) -> Path:
    """The folder of the environment that the stack is part of. Raises FactsError where nothing names it."""
    if given := settings.get("DOMICILE_ENVIRONMENT"):
        return Path(given)
    name: str | None = json.loads(settings.get("PULUMI_CONFIG") or "{}").get(ENVIRONMENT_SETTING)
    if not name:
        raise FactsError(
            f"The stack {stack} says of no environment that it is part of it. Set it: `pulumi config set environment "
            "<name>`, or DOMICILE_ENVIRONMENT to the environment's folder."
        )
    return Path(settings.get("DOMICILE_ENVIRONMENTS") or pack.resolve().parents[1] / "environments") / name


def read_waivers(file: Path) -> tuple[Waiver, ...]:
    """The waivers of a file; none where there is no such file. Raises FactsError for what is no waiver."""
    if not file.exists():
        return ()
    found = []
    for place, given in enumerate(yaml.safe_load(file.read_text()) or ()):
        try:
            waiver = Waiver(**given)
        except TypeError as error:
            wanted = "rule, resource, reason, and optionally stack"
            raise FactsError(f"{file}: waiver {place + 1} is wrong: it has {wanted} ({error}).") from None
        if not waiver.reason:
            raise FactsError(f"{file}: the waiver of {waiver.rule} for {waiver.resource} gives no reason.")
        found.append(waiver)
    return tuple(found)
