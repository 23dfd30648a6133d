"""The engine's protocol, as a provider in the lab speaks it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from domicile_lab.providers import servicer
from domicile_lab.providers.interface import Diff, Failure, ProviderError, Unfinished, Values
from domicile_lab.providers.values import OUTPUT, RESOURCE, SECRET, SIGNATURE, UNKNOWN, Secret, decode, encode
from google.protobuf import struct_pb2
from hypothesis import given
from hypothesis import strategies as st
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc, status_pb2

URN = "urn:pulumi:stack::project::some:component:Type$lab:index:Thing::shelf"
WORDS = st.text("abcdefgh", min_size=1, max_size=6)
PLAIN = st.recursive(
    st.one_of(st.booleans(), st.integers(-(2**50), 2**50), WORDS, st.just(UNKNOWN)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=12,
)


class Things:
    """A provider of things that live in a dictionary."""

    name = "lab"
    version = "1.2.3"

    def __init__(self) -> None:
        self.things: dict[str, Values] = {}
        self.config: Values = {}

    def check_config(self, config: Values) -> list[Failure]:
        return [] if "shop" in config else [Failure("shop", "is missing")]

    def diff_config(self, olds: Values, news: Values) -> Diff:
        return Diff({"shop": "update"} if olds != news else {})

    def configure(self, config: Values) -> None:
        self.config = config

    def check(self, type: str, inputs: Values, olds: Values, *, name: str, seed: bytes) -> tuple[Values, list[Failure]]:
        return {"label": name, **inputs}, [Failure(each, "is unknown to a thing") for each in inputs if each == "odd"]

    def diff(
        self, type: str, id: str, old_inputs: Values, old_outputs: Values, inputs: Values, *, ignore_changes: Any
    ) -> Diff:
        changed = {key: "update" for key in inputs if inputs[key] != old_inputs.get(key) and key not in ignore_changes}
        return Diff(changed, frozenset(changed) & {"size"}, delete_before_replace=True)

    def preview_create(self, type: str, inputs: Values) -> Values:
        return {**inputs, "number": UNKNOWN}

    def preview_update(self, type: str, id: str, inputs: Values, old_inputs: Values, old_outputs: Values) -> Values:
        return {**old_outputs, **inputs}

    def create(self, type: str, inputs: Values, timeout: float) -> tuple[str, Values]:
        assert type == "lab:index:Thing"
        match inputs.get("fault"):
            case "refused":
                raise ProviderError("no room on the shelf", grpc.StatusCode.RESOURCE_EXHAUSTED)
            case "half":
                raise Unfinished("the label fell off", "half", inputs, {**inputs, "number": 7})
            case "bug":
                raise KeyError("oops")
        self.things["one"] = inputs
        return "one", {**inputs, "number": 1, "key": Secret("k")}

    def read(self, type: str, id: str, inputs: Values, outputs: Values) -> tuple[str, Values, Values] | None:
        return (id, self.things[id], {**self.things[id], "number": 1}) if id in self.things else None

    def update(
        self, type: str, id: str, old_inputs: Values, old_outputs: Values, inputs: Values, *, timeout: float
    ) -> Values:
        self.things[id] = inputs
        return {**inputs, "number": 2}

    def delete(self, type: str, id: str, inputs: Values, outputs: Values, timeout: float) -> None:
        del self.things[id]

    def invoke(self, token: str, arguments: Values) -> Values:
        raise ProviderError(f"{token} is no function of a thing", grpc.StatusCode.UNIMPLEMENTED)

    def cancel(self) -> None:
        self.things.clear()


@pytest.fixture
def provider() -> Things:
    return Things()


@pytest.fixture
def stub(provider: Things) -> Iterator[Any]:
    server, port = servicer.start(provider)
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield provider_pb2_grpc.ResourceProviderStub(channel)
    server.stop(None)


@given(st.dictionaries(WORDS, PLAIN, max_size=4))
def test_values_survive_the_wire(values: Values) -> None:
    assert decode(encode(values)) == (values, frozenset())


def test_secrets_are_unwrapped_and_go_out_where_they_came_in() -> None:
    sent = encode({"a": {"b": "x", "c": 1}, "list": [{"p": Secret("y")}]}, {("a", "b")})
    values, secrets = decode(sent)
    assert values == {"a": {"b": "x", "c": 1}, "list": [{"p": "y"}]}
    assert secrets == {("a", "b"), ("list",)}
    again = encode(values, secrets)
    assert again.fields["a"].struct_value.fields["b"].struct_value.fields[SIGNATURE].string_value == SECRET
    assert again.fields["list"].struct_value.fields[SIGNATURE].string_value == SECRET
    assert decode(again)[0] == values


def test_output_values_and_references_become_what_they_stand_for() -> None:
    struct = struct_pb2.Struct()
    struct.update(
        {
            "later": {SIGNATURE: OUTPUT, "dependencies": []},
            "known": {SIGNATURE: OUTPUT, "value": 3, "secret": True},
            "other": {SIGNATURE: RESOURCE, "urn": "urn:x", "id": "vpc-1"},
            "nothing": None,
        }
    )
    assert decode(struct) == ({"later": UNKNOWN, "known": 3, "other": "vpc-1"}, frozenset({("known",)}))


def test_a_file_given_as_a_property_is_refused_by_name() -> None:
    struct = struct_pb2.Struct()
    struct.update({"body": {SIGNATURE: "c44067f5952c0a294b673a41bacd8c17", "text": "x"}})
    with pytest.raises(ValueError, match="body"):
        decode(struct)


def test_the_handshake_promises_what_configure_promises(stub: Any) -> None:
    shaken = stub.Handshake(provider_pb2.ProviderHandshakeRequest(engine_address="127.0.0.1:1"))
    configured = stub.Configure(provider_pb2.ConfigureRequest(args=encode({"shop": "x"})))
    assert shaken.accept_secrets and configured.acceptSecrets and configured.supportsPreview
    assert (shaken.accept_outputs, shaken.accept_resources) == (configured.acceptOutputs, configured.acceptResources)


def test_a_thing_is_made_read_changed_and_removed(stub: Any, provider: Things) -> None:
    checked = stub.Check(provider_pb2.CheckRequest(urn=URN, news=encode({"size": 1}, {("size",)})))
    assert decode(checked.inputs) == ({"label": "shelf", "size": 1}, frozenset({("size",)}))
    preview = stub.Create(provider_pb2.CreateRequest(urn=URN, properties=checked.inputs, preview=True))
    assert preview.id == "" and decode(preview.properties)[0]["number"] is UNKNOWN
    made = stub.Create(provider_pb2.CreateRequest(urn=URN, properties=checked.inputs))
    outputs, secrets = decode(made.properties)
    assert made.id == "one" and outputs["number"] == 1 and secrets == {("size",), ("key",)}

    read = stub.Read(provider_pb2.ReadRequest(urn=URN, id="one", properties=made.properties, inputs=checked.inputs))
    assert read.id == "one" and decode(read.inputs) == ({"label": "shelf", "size": 1}, frozenset({("size",)}))
    stub.Update(provider_pb2.UpdateRequest(urn=URN, id="one", news=encode({"size": 2}), preview=True))
    assert provider.things["one"]["size"] == 1
    stub.Update(provider_pb2.UpdateRequest(urn=URN, id="one", news=encode({"size": 2})))
    assert provider.things["one"] == {"size": 2}
    stub.Delete(provider_pb2.DeleteRequest(urn=URN, id="one"))
    assert stub.Read(provider_pb2.ReadRequest(urn=URN, id="one")).id == ""


def test_a_diff_names_what_changes_and_what_replaces(stub: Any) -> None:
    request = provider_pb2.DiffRequest(
        urn=URN, old_inputs=encode({"size": 1, "a": 1}), news=encode({"size": 2, "a": 2, "b": 1}), ignoreChanges=["b"]
    )
    diff = stub.Diff(request)
    assert diff.changes == provider_pb2.DiffResponse.DIFF_SOME and diff.hasDetailedDiff and diff.deleteBeforeReplace
    assert set(diff.diffs) == {"size", "a"} and list(diff.replaces) == ["size"]
    assert diff.detailedDiff["size"].kind == provider_pb2.PropertyDiff.UPDATE_REPLACE
    same = stub.Diff(provider_pb2.DiffRequest(urn=URN, old_inputs=encode({"a": 1}), news=encode({"a": 1})))
    assert same.changes == provider_pb2.DiffResponse.DIFF_NONE and not same.detailedDiff


def test_a_refused_input_is_named(stub: Any) -> None:
    answer = stub.Check(provider_pb2.CheckRequest(urn=URN, news=encode({"odd": 1})))
    assert [(each.property, each.reason) for each in answer.failures] == [("odd", "is unknown to a thing")]
    answer = stub.CheckConfig(provider_pb2.CheckRequest(urn=URN, news=encode({})))
    assert [each.property for each in answer.failures] == ["shop"]


def test_a_refusal_keeps_its_code_and_words(stub: Any) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        stub.Create(provider_pb2.CreateRequest(urn=URN, properties=encode({"fault": "refused"})))
    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert caught.value.details() == "no room on the shelf"


def test_what_was_half_made_is_handed_to_the_engine(stub: Any) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        stub.Create(provider_pb2.CreateRequest(urn=URN, properties=encode({"fault": "half"}, {("fault",)})))
    trailers = dict(caught.value.trailing_metadata())
    status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    detail = provider_pb2.ErrorResourceInitFailed()
    assert status.details[0].Unpack(detail)
    assert (detail.id, list(detail.reasons)) == ("half", ["the label fell off"])
    assert decode(detail.properties) == ({"fault": "half", "number": 7}, frozenset({("fault",)}))


def test_a_bug_of_the_provider_is_told_as_one(stub: Any, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        stub.Create(provider_pb2.CreateRequest(urn=URN, properties=encode({"fault": "bug"})))
    assert caught.value.code() == grpc.StatusCode.INTERNAL and "KeyError" in caught.value.details()
    assert "Traceback" in capfd.readouterr().err


def test_schema_and_functions_are_refused_as_unimplemented(stub: Any) -> None:
    for call in (
        lambda: stub.GetSchema(provider_pb2.GetSchemaRequest()),
        lambda: stub.Invoke(provider_pb2.InvokeRequest(tok="lab:index:get")),
    ):
        with pytest.raises(grpc.RpcError) as caught:
            call()
        assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED
