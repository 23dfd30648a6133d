"""The tables of types: every type of the provider is classed, and no row is about something that is not there."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from domicile_policies.plan.access import (
    ALWAYS_PUBLIC,
    ATTACHES_POLICY,
    GRANTS,
    IDENTITY_POLICIES,
    PUBLIC_UNLESS,
    PUBLIC_WHEN,
    RESOURCE_POLICIES,
)
from domicile_policies.plan.destinations import DESTINATIONS
from domicile_policies.plan.holding import holdings, is_kept
from domicile_policies.plan.tokens import aws
from domicile_policies.plan.types import KEEPS_BACKUPS, KNOWN, REPLICATES

NOTHING = Path(__file__).parent / "truth" / "holds_nothing.yaml"


@pytest.fixture(scope="module")
def provided():
    """Every type of pulumi_aws, by the list with which it registers them."""
    package = Path(find_spec("pulumi_aws").origin).read_text()
    found = set(re.findall(r'"(aws:[a-z0-9]+/[A-Za-z0-9]+:[A-Za-z0-9]+)"', package))
    assert len(found) > 1500
    return found


@pytest.fixture(scope="module")
def nothing():
    return {
        aws(module, name) for module, names in yaml.safe_load(NOTHING.read_text()).items() for name in names.split()
    }


@pytest.fixture(scope="module")
def inputs():
    """The properties of each type of pulumi_aws, by the getters of the provider's own classes."""
    found = {}
    for file in Path(find_spec("pulumi_aws").origin).parent.glob("*/*.py"):
        text = file.read_text()
        if token := re.search(r'@pulumi\.type_token\("(aws:[^"]+)"\)\nclass', text):
            getters = re.findall(r'@pulumi\.getter(?:\(name="(\w+)"\))?\n.*?def (\w+)\(self\)', text, re.DOTALL)
            found[token[1]] = {given or name for given, name in getters}
    return found


def test_somebody_has_looked_at_every_type_of_the_provider(provided, nothing):
    held = {token for token in holdings() if token.startswith("aws:")}
    assert sorted(provided - held - nothing) == [], "say in holding.yaml what these hold, or that they hold nothing"
    assert sorted((held | nothing) - provided) == [], "the provider has no such types"
    assert sorted(held & nothing) == []


def test_what_the_rules_let_in_and_what_they_know_to_copy_is_a_type_of_the_provider(provided):
    assert sorted(KNOWN - provided) == [] and sorted(set(REPLICATES) - provided) == []


def test_a_class_says_why_and_kept_classes_are_more_than_the_rest():
    classes = {one.name: one for one in holdings().values()}
    assert all(one.means.endswith(".") for one in classes.values())
    assert {name for name, one in classes.items() if not one.kept} == {"way", "derived"}
    assert not is_kept("aws:ec2/subnet:Subnet") and not is_kept("aws:ec2/flowLog:FlowLog")
    assert is_kept("aws:eks/cluster:Cluster") and is_kept("kubernetes:core/v1:PersistentVolume")


ROWS = {
    **{token: {path[0]} for token, path in RESOURCE_POLICIES.items()},
    **{(token, "unless"): {path[0]} for token, (path, _) in PUBLIC_UNLESS.items()},
    **{(token, "public"): {path[0] for path, _ in row} for token, row in PUBLIC_WHEN.items()},
    **{(token, "identity"): {path[0] for path in row} for token, row in IDENTITY_POLICIES.items()},
    **{(token, "attaches"): {key} for token, key in ATTACHES_POLICY.items()},
    **{(token, "grant"): {key, *narrowing} for token, (key, narrowing) in GRANTS.items()},
    **{(token, "delivers"): set(keys) for token, keys in DESTINATIONS.items()},
}


def test_the_tables_name_properties_that_the_types_have(inputs):
    missing = {}
    for row, names in ROWS.items():
        token = row if isinstance(row, str) else row[0]
        if gone := names - inputs[token]:
            missing[token] = gone
    assert missing == {}
    assert inputs.keys() >= ALWAYS_PUBLIC and inputs.keys() >= KEEPS_BACKUPS
