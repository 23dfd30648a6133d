"""Every type of the lab's aws provider against a cloud: made, read without a difference, changed, caught drifting,
imported, removed. The cases are data: `provider_aws/*.yaml`.

A case is a resource: `type`, `inputs`, `change` (inputs laid over them), and `drift`: a call behind the provider's back
(service, operation, parameters) and the input that it changes. `${name}` is another case's id, `${name.output}` its
output; a case is made when another one needs it, and `after` names those that it needs and says nothing of.
"""

from __future__ import annotations

import contextlib
import copy
import importlib.util
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from domicile_lab.providers.aws import table
from domicile_lab.providers.aws.provider import Aws
from domicile_lab.providers.interface import ProviderError
from domicile_lab.providers.values import UNKNOWN
from moto.server import ThreadedMotoServer

REGION = "eu-west-2"
CASES: dict[str, dict[str, Any]] = {
    case["name"]: case
    for path in sorted((Path(__file__).parent / "provider_aws").glob("*.yaml"))
    for case in yaml.safe_load(path.read_text())
}
SHELVES = importlib.util.find_spec("domicile_lab.cloud") is not None
NAMES = [name for name, case in CASES.items() if SHELVES or not case.get("shelf")]


class World:
    """A cloud and what has been made in it, in order."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.provider = Aws()
        self.provider.configure({"region": REGION})
        self.made: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {}

    def make(self, name: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
        if name not in self.made:
            case = CASES[name]
            for other in case.get("after", ()):
                self.make(other)
            inputs = self.checked(name, case.get("inputs") or {})
            preview = self.provider.preview_create(case["type"], inputs)
            id_, outputs = self.provider.create(case["type"], inputs, 30)
            computed = {key for key in outputs if key not in table.schema(case["type"]).inputs}
            assert preview.keys() >= computed, "a preview knows every output's name"
            self.made[name] = (id_, inputs, outputs)
        return self.made[name]

    def checked(self, name: str, inputs: dict[str, Any], olds: dict[str, Any] | None = None) -> dict[str, Any]:
        resolved = self.resolved(inputs)
        given, failures = self.provider.check(CASES[name]["type"], resolved, olds or {}, name=name, seed=name.encode())
        assert failures == []
        return given

    def resolved(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {self.resolved(key): self.resolved(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self.resolved(each) for each in value]
        if not isinstance(value, str):
            return value
        whole = re.fullmatch(r"\$\{([^}]+)\}", value)
        if whole:
            return self.reference(whole[1])
        return re.sub(r"\$\{([^}]+)\}", lambda found: str(self.reference(found[1])), value)

    def reference(self, words: str) -> Any:
        name, *path = words.split(".")
        id_, _, value = self.make(name)
        for word in path:
            value = value[int(word)] if isinstance(value, list) else value[word]
        return value if path else id_

    def call(self, service: str, operation: str, parameters: dict[str, Any]) -> Any:
        client = boto3.client(service, region_name=REGION, endpoint_url=self.endpoint)
        return client._make_api_call(operation, parameters)


@contextlib.contextmanager
def cloud(folder: Path) -> Iterator[str]:
    """A cloud's address: the lab's own, with what moto lacks on its shelf, or moto alone."""
    if SHELVES:
        from domicile_lab.cloud import running_cloud

        with running_cloud(folder) as running:
            yield running.raw_url
        return
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
        with cloud(tmp_path_factory.mktemp("cloud")) as endpoint:
            patch.setenv("AWS_ENDPOINT_URL", endpoint)
            patch.setenv("AWS_ACCESS_KEY_ID", "testing")
            patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
            patch.delenv("AWS_PROFILE", raising=False)
            yield World(endpoint)


def test_every_type_has_a_case() -> None:
    assert {case["type"] for case in CASES.values()} == set(table.tokens())


@pytest.mark.parametrize("name", NAMES)
def test_a_resource_lives(world: World, name: str) -> None:
    case, provider = CASES[name], world.provider
    type_ = case["type"]
    id_, inputs, outputs = world.make(name)

    found = provider.read(type_, id_, inputs, outputs)
    assert found is not None, "what was made is there"
    assert found[1] == inputs, "a read without drift gives the inputs back as they were"
    assert found[2] == outputs, "and the outputs"
    assert not provider.diff(type_, id_, found[1], found[2], inputs, ignore_changes=[]).changes

    imported = provider.read(type_, id_, {}, {})
    assert imported is not None, "an id is enough to read"
    again, failures = provider.check(type_, imported[1], {}, name=name, seed=b"")
    assert failures == [], "what is imported is accepted"
    hidden = {*table.find(type_).local, *table.find(type_).untold, *table.find(type_).quiet, *case.get("hidden", [])}
    changes = provider.diff(type_, id_, again, imported[2], inputs, ignore_changes=[]).changes
    assert set(changes) <= hidden, f"an import finds the inputs: {changes} in {again}"

    if case.get("change"):
        changed = world.checked(name, {**copy.deepcopy(case.get("inputs") or {}), **case["change"]}, inputs)
        diff = provider.diff(type_, id_, inputs, outputs, changed, ignore_changes=[])
        assert set(diff.changes) == set(case["change"])
        assert diff.replaces == set()
        preview = provider.preview_update(type_, id_, changed, inputs, outputs)
        outputs = provider.update(type_, id_, inputs, outputs, changed, timeout=30)
        for key, value in preview.items():
            assert value is UNKNOWN or value in (None, False, [], {}, "") or key in outputs, key
        inputs = changed
        found = provider.read(type_, id_, inputs, outputs)
        assert found is not None and found[1] == inputs and found[2] == outputs, "the change has arrived"
        world.made[name] = (id_, inputs, outputs)

    if case.get("drift"):
        drift = case["drift"]
        for service, operation, parameters in drift["calls"]:
            world.call(service, operation, world.resolved(parameters))
        found = provider.read(type_, id_, inputs, outputs)
        if drift.get("gone"):
            assert found is None
            del world.made[name]
            return
        assert found is not None
        diff = provider.diff(type_, id_, found[1], found[2], inputs, ignore_changes=[])
        assert set(diff.changes) == {drift["property"]}, "the drift is seen, and nothing else"
        assert diff.replaces == set()
        mended = provider.update(type_, id_, found[1], found[2], inputs, timeout=30)
        after = provider.read(type_, id_, inputs, mended)
        assert after is not None and after[1] == inputs, "and is mended"


def test_everything_goes_in_reverse(world: World) -> None:
    """What was made after something may depend on it."""
    for name in NAMES:
        if not (CASES[name].get("drift") or {}).get("gone"):
            world.make(name)
    assert len(world.made) > len(NAMES) / 2
    left = []
    for name, (id_, inputs, outputs) in reversed(world.made.items()):
        type_ = CASES[name]["type"]
        try:
            world.provider.delete(type_, id_, inputs, outputs, 30)
            if not (table.find(type_).delete is None or CASES[name].get("stays")):
                assert world.provider.read(type_, id_, inputs, outputs) is None, "it is still there"
                world.provider.delete(type_, id_, inputs, outputs, 30)  # twice is no fault
        except (ProviderError, AssertionError) as fault:
            left.append(f"{name}: {fault}")
    assert left == []
