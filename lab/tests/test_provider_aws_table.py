"""The table of the lab's aws provider against the models of the services (botocore) and against pulumi_aws."""

from __future__ import annotations

import functools
import importlib.metadata
import re
from typing import Any

import botocore
import botocore.session
import jmespath
import pytest
from domicile_lab.providers.aws import generate, table
from domicile_lab.providers.aws.entry import GENERAL, Entry
from domicile_lab.providers.aws.model import Call, Custom, Read, Resource, Update
from domicile_lab.providers.aws.provider import Aws
from domicile_lab.providers.aws.schema import FOLDER
from domicile_lab.providers.aws.shapes import at, keyed, match

SESSION = botocore.session.Session()
TYPES = table.tokens()


@functools.cache
def model(service: str) -> Any:
    return SESSION.get_service_model(service)


def shape(service: str, operation: str) -> tuple[Any, Any]:
    found = model(service).operation_model(operation)
    return found.input_shape, found.output_shape


def entry(type_: str) -> Entry:
    resource = table.find(type_)
    assert resource is not None
    return Entry(resource, shape)


def calls(resource: Resource) -> list[Call]:
    candidates: list[Any] = [resource.create, resource.delete]
    candidates += [each.call for each in resource.updates if isinstance(each, Update)]
    if resource.tags:
        candidates += [resource.tags.tag, resource.tags.untag]
    return [each for each in candidates if isinstance(each, Call)]


def bound(template: Any) -> set[str]:
    """The inputs that a parameter names; a function may name any."""
    if isinstance(template, dict):
        return set().union(*(bound(each) for each in template.values()))
    if isinstance(template, list):
        return set().union(*(bound(each) for each in template))
    return set(re.findall(r"{(\w+)}", template)) if isinstance(template, str) else set()


def computes(template: Any) -> bool:
    if isinstance(template, dict):
        return any(computes(each) for each in template.values())
    return any(computes(each) for each in template) if isinstance(template, list) else callable(template)


def unmapped(entry: Entry, kind: str, found: Any, parent: str, seen: frozenset[Any] = frozenset()) -> set[str]:
    """Nested properties without a member, as `parent.property`."""
    if kind[0] == "[":
        if found.type_name == "map" and keyed(entry.schema, kind):
            return set()
        member = found.member if found.type_name == "list" else found
        return unmapped(entry, kind[1:], member, parent, seen)
    if kind[0] != "@" or (kind, found.name) in seen:
        return set()
    while found.type_name == "list":
        found = found.member
    if found.type_name != "structure":
        return {parent}
    missing: set[str] = set()
    for key, each in entry.schema.properties(kind).items():
        if f"{parent}.{key}" in (*entry.resource.unsupported, *entry.resource.told):
            continue
        name = match(key, found.members, entry.resource.names, parent)
        if name is None:
            missing.add(f"{parent}.{key}")
        else:
            missing |= unmapped(entry, each, at(found, name), key, seen | {(kind, found.name)})
    return missing


@pytest.mark.parametrize("type_", TYPES)
def test_every_parameter_is_one_of_the_operation(type_: str) -> None:
    each = entry(type_)
    for call in calls(each.resource):
        request = each.shape(call)
        members = request.members if request else {}
        assert set(call.params) <= set(members), f"{call.operation} has {sorted(members)}"
        for key in each.takes(call):
            inner = at(request, call.inside) if call.inside else request
            member = match(key, inner.members, each.resource.names)
            assert member is not None or key in bound(dict(call.params)) or computes(dict(call.params)), (
                f"{call.operation} has no parameter for {key}"
            )
            if member is not None and key not in each.resource.write:
                missing = unmapped(each, each.schema.inputs[key], at(inner, member), key)
                assert missing == set(), f"{call.operation} lacks {missing}; see `names` and `unsupported`"
    if each.resource.tags:
        tags = each.resource.tags
        if tags.create and isinstance(each.resource.create, Call):
            assert tags.create in each.shape(each.resource.create).members
        assert tags.tag is None or tags.tag_param.split(".")[0] in each.shape(tags.tag).members
        assert tags.untag is None or tags.whole or tags.untag_param in each.shape(tags.untag).members
    for read in each.resource.reads:
        if isinstance(read.operation, str):
            request = each.shape(read)
            assert set(read.params) <= set(request.members if request else {}), read.operation


@pytest.mark.parametrize("type_", TYPES)
def test_every_input_is_sent_or_refused(type_: str) -> None:
    each = entry(type_)
    resource = each.resource
    sent = GENERAL | set(resource.local) | set(resource.unsupported)
    for call in calls(resource):
        sent |= set(each.takes(call)) | bound(dict(call.params))
        sent |= set(each.schema.inputs) if computes(dict(call.params)) and resource.create is call else set()
    for update in resource.updates:
        if isinstance(update, Custom):
            sent |= set(update.takes)
    if callable(resource.create):
        sent |= set(each.schema.inputs)
    assert set(each.schema.inputs) <= sent, "neither mapped nor listed as unsupported"


@pytest.mark.parametrize("type_", TYPES)
def test_every_input_is_read_back_or_said_not_to_be(type_: str) -> None:
    each = entry(type_)
    resource = each.resource
    known = {*GENERAL, *resource.local, *resource.untold, *resource.quiet, *resource.unsupported, *resource.id_parts}
    told: set[str] = set()
    for read in resource.reads:
        told |= set(read.fields)
        if not isinstance(read.operation, str):
            continue
        found = landing(each.shape(read, answer=True), read.at)
        members = found.members if found is not None and found.type_name == "structure" else {}
        for key in {**each.schema.inputs, **each.schema.outputs}:
            if (read.only is None or key in read.only) and match(key, members, resource.names):
                told.add(key)
    assert set(each.schema.inputs) <= known | told, "drift of these would never be seen"
    if "tags" in each.schema.inputs:
        assert any(read.tags is not None for read in resource.reads), "tags are never read"


def landing(found: Any, path: str) -> Any:
    """The shape of the objects at a JMESPath, or None where that takes more than following members."""
    for word in filter(None, re.split(r"[.\[\]*?]+|\d+", path)):
        while found.type_name == "list":
            found = found.member
        if found.type_name != "structure" or word not in found.members:
            return None
        found = found.members[word]
    while found is not None and found.type_name == "list":
        found = found.member
    return found


@pytest.mark.parametrize("type_", TYPES)
def test_every_name_in_an_entry_is_one_of_the_type(type_: str) -> None:
    each = entry(type_)
    resource, inputs = each.resource, set(each.schema.inputs)
    for field in ("local", "untold", "quiet", "unsupported", "json", "ordered", "folded", "numbers", "replaces"):
        tops = {name for name in getattr(resource, field) if "." not in name}
        assert tops <= inputs, field
    assert set(resource.write) <= inputs
    assert set(resource.defaults) <= inputs
    assert set(resource.volatile) <= set(each.schema.outputs)
    assert set(resource.computed) <= set(each.schema.outputs)
    assert not resource.autoname or resource.autoname in inputs
    for read in resource.reads:
        assert set(read.fields) <= {*inputs, *each.schema.outputs}
        for path in (read.at, read.tags or "", *(path for path in read.fields.values() if isinstance(path, str))):
            assert not path or jmespath.compile(path)


def test_a_change_that_no_call_makes_needs_a_new_resource() -> None:
    subnet = entry("aws:ec2/subnet:Subnet")
    assert subnet.needs_new({"cidrBlock", "mapPublicIpOnLaunch", "tags"}) == {"cidrBlock"}
    key = entry("aws:kms/key:Key")
    assert key.needs_new({"description", "policy", "enableKeyRotation", "multiRegion"}) == {"multiRegion"}


def test_the_schemas_are_those_of_the_installed_sdk() -> None:
    """One module is read anew; another version of the SDK asks for all of them (`generate.py`)."""
    assert importlib.metadata.version("pulumi_aws") == Aws.version
    module = "kms"
    tokens = [each for each in TYPES if table.module(each) == module]
    assert generate.text(generate.generate(tokens)[module]) == (FOLDER / f"{module}.json").read_text()


def test_reads_are_about_the_resource_type_that_they_stand_in() -> None:
    reads = [read for type_ in TYPES for read in entry(type_).resource.reads]
    assert all(isinstance(read, Read) for read in reads) and len(reads) > len(TYPES)
