"""The engine's side of a provider: the gRPC service `pulumirpc.ResourceProvider` over a `Provider` of plain values.

Contract: proto/pulumi/provider.proto in pulumi/pulumi. The engine starts the program with its own address as argument,
reads one line from its standard output (the port), and connects to that port on 127.0.0.1. A provider that is started
by hand is reached with PULUMI_DEBUG_PROVIDERS=<name>:<port> instead, and then Attach is called.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from concurrent import futures
from typing import Any, Final, NoReturn

import grpc
from google.protobuf import any_pb2, empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from domicile_lab.providers.interface import Diff, Failure, Provider, ProviderError, Unfinished, Values
from domicile_lab.providers.lifetime import Lifetime
from domicile_lab.providers.values import Path, decode, encode

_MESSAGE_BYTES: Final = 400 * 1024 * 1024  # the limit of the engine's own connections
_WORKERS: Final = 32
_KINDS: Final = {
    ("add", False): provider_pb2.PropertyDiff.ADD,
    ("add", True): provider_pb2.PropertyDiff.ADD_REPLACE,
    ("delete", False): provider_pb2.PropertyDiff.DELETE,
    ("delete", True): provider_pb2.PropertyDiff.DELETE_REPLACE,
    ("update", False): provider_pb2.PropertyDiff.UPDATE,
    ("update", True): provider_pb2.PropertyDiff.UPDATE_REPLACE,
}


class Servicer(provider_pb2_grpc.ResourceProviderServicer):
    """Serves one provider. Secrets stay secret: an output is one wherever the input of that path was one."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    # The life of the process

    def Handshake(self, request: Any, context: grpc.ServicerContext) -> Any:
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True, accept_resources=False, accept_outputs=False)

    def Attach(self, request: Any, context: grpc.ServicerContext) -> Any:
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> Any:
        return plugin_pb2.PluginInfo(version=self._provider.version)

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._provider.cancel()
        return empty_pb2.Empty()

    # Configuration

    def CheckConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        news, _ = decode(request.news)
        failures = _guard(context, lambda: self._provider.check_config(news))
        return provider_pb2.CheckResponse(inputs=request.news, failures=_failures(failures))

    def DiffConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        olds, _ = decode(request.old_inputs if request.HasField("old_inputs") else request.olds)
        news, _ = decode(request.news)
        return _diff(_guard(context, lambda: self._provider.diff_config(olds, news)))

    def Configure(self, request: Any, context: grpc.ServicerContext) -> Any:
        config, _ = decode(request.args)
        _guard(context, lambda: self._provider.configure(config))
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, acceptResources=False, acceptOutputs=False
        )

    # Resources

    def Check(self, request: Any, context: grpc.ServicerContext) -> Any:
        olds, _ = decode(request.olds)
        news, secrets = decode(request.news)
        type_, name = _type(request), request.name or request.urn.rpartition("::")[2]
        inputs, failures = _guard(
            context, lambda: self._provider.check(type_, news, olds, name=name, seed=request.randomSeed)
        )
        return provider_pb2.CheckResponse(inputs=encode(inputs, secrets), failures=_failures(failures))

    def Diff(self, request: Any, context: grpc.ServicerContext) -> Any:
        outputs, _ = decode(request.olds)
        old_inputs, _ = decode(request.old_inputs)
        news, _ = decode(request.news)
        type_, id_, ignored = _type(request), request.id, list(request.ignoreChanges)

        def diff() -> Diff:
            return self._provider.diff(type_, id_, old_inputs, outputs, news, ignore_changes=ignored)

        return _diff(_guard(context, diff))

    def Create(self, request: Any, context: grpc.ServicerContext) -> Any:
        inputs, secrets = decode(request.properties)
        type_ = _type(request)
        if request.preview:
            outputs = _guard(context, lambda: self._provider.preview_create(type_, inputs))
            return provider_pb2.CreateResponse(properties=encode(outputs, secrets))
        id_, outputs = _guard(context, lambda: self._provider.create(type_, inputs, request.timeout), secrets)
        return provider_pb2.CreateResponse(id=id_, properties=encode(outputs, secrets))

    def Read(self, request: Any, context: grpc.ServicerContext) -> Any:
        inputs, secrets = decode(request.inputs)
        outputs, more = decode(request.properties)
        found = _guard(context, lambda: self._provider.read(_type(request), request.id, inputs, outputs))
        if found is None:  # an answer without an id says that the resource is gone
            return provider_pb2.ReadResponse()
        id_, inputs, outputs = found
        return provider_pb2.ReadResponse(
            id=id_, inputs=encode(inputs, secrets), properties=encode(outputs, secrets | more)
        )

    def Update(self, request: Any, context: grpc.ServicerContext) -> Any:
        olds, _ = decode(request.olds)
        old_inputs, _ = decode(request.old_inputs)
        news, secrets = decode(request.news)
        type_, id_, timeout = _type(request), request.id, request.timeout

        def update() -> Values:
            if request.preview:
                return self._provider.preview_update(type_, id_, news, old_inputs, olds)
            return self._provider.update(type_, id_, old_inputs, olds, news, timeout=timeout)

        return provider_pb2.UpdateResponse(properties=encode(_guard(context, update, secrets), secrets))

    def Delete(self, request: Any, context: grpc.ServicerContext) -> Any:
        outputs, _ = decode(request.properties)
        inputs, _ = decode(request.old_inputs)
        _guard(context, lambda: self._provider.delete(_type(request), request.id, inputs, outputs, request.timeout))
        return empty_pb2.Empty()

    def Construct(self, request: Any, context: grpc.ServicerContext) -> Any:
        _abort(
            context,
            grpc.StatusCode.UNIMPLEMENTED,
            f"The lab's {self._provider.name} provider builds no components, and {request.type} is one. Declare the "
            "resources that it is made of, or use the official plugin.",
        )

    def Invoke(self, request: Any, context: grpc.ServicerContext) -> Any:
        arguments, secrets = decode(request.args)
        answer = _guard(context, lambda: self._provider.invoke(request.tok, arguments))
        return provider_pb2.InvokeResponse(**{"return": encode(answer, secrets)})


def serve(provider: Provider) -> None:
    """Serve until the engine ends the process. Prints the port, which must be the first line on standard output."""
    lifetime = Lifetime()
    server, port = start(provider)
    print(port, flush=True)
    lifetime.wait()
    provider.cancel()
    server.stop(grace=2).wait()


def start(provider: Provider) -> tuple[grpc.Server, int]:
    """A running server on a free port of 127.0.0.1, and that port."""
    limits = [("grpc.max_receive_message_length", _MESSAGE_BYTES), ("grpc.max_send_message_length", _MESSAGE_BYTES)]
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=_WORKERS), options=limits)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Servicer(provider), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


def _type(request: Any) -> str:
    if request.type:
        return str(request.type)
    # urn:pulumi:<stack>::<project>::<parent type>$<type>::<name>
    return str(request.urn.split("::")[2].rpartition("$")[2])


def _failures(failures: list[Failure]) -> list[Any]:
    return [provider_pb2.CheckFailure(property=each.property, reason=each.reason) for each in failures]


def _diff(diff: Diff) -> Any:
    response = provider_pb2.DiffResponse(
        changes=provider_pb2.DiffResponse.DIFF_SOME if diff.changes else provider_pb2.DiffResponse.DIFF_NONE,
        deleteBeforeReplace=diff.delete_before_replace,
        hasDetailedDiff=bool(diff.changes),
    )
    for path, kind in diff.changes.items():
        entry = response.detailedDiff[path]
        entry.kind = _KINDS[kind, path in diff.replaces]
        entry.inputDiff = True
    tops = dict.fromkeys(_top(path) for path in diff.changes)
    response.diffs.extend(tops)
    response.replaces.extend(dict.fromkeys(_top(path) for path in diff.changes if path in diff.replaces))
    return response


def _top(path: str) -> str:
    return path.partition(".")[0].partition("[")[0]


def _guard(context: grpc.ServicerContext, call: Callable[[], Any], secrets: frozenset[Path] = frozenset()) -> Any:
    """The call's answer, or its failure as the status of this RPC."""
    try:
        return call()
    except Unfinished as fault:
        detail = any_pb2.Any()
        detail.Pack(
            provider_pb2.ErrorResourceInitFailed(
                id=fault.id,
                inputs=encode(fault.inputs, secrets),
                properties=encode(fault.outputs, secrets),
                reasons=[str(fault)],
            )
        )
        _abort(context, grpc.StatusCode.UNKNOWN, str(fault), detail)
    except ProviderError as fault:
        _abort(context, fault.code, str(fault))
    except Exception as fault:
        # A bug of the provider: the engine shows standard error, and the trace is what its author needs.
        traceback.print_exc(file=sys.stderr)
        _abort(context, grpc.StatusCode.INTERNAL, f"{type(fault).__name__}: {fault}")


def _abort(context: grpc.ServicerContext, code: grpc.StatusCode, message: str, *details: Any) -> NoReturn:
    number = code.value[0]
    status = status_pb2.Status(code=number, message=message, details=list(details))
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(code, message)
    raise AssertionError("abort raises")
