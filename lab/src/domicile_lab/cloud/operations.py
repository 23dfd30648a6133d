"""Which operation of which service a request is, with its parameters: by botocore's models and moto's readers."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from moto.core.model import OperationModel, ServiceModel
from moto.core.parse import PROTOCOL_PARSERS, RequestParserError
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.utils import get_service_model
from moto.moto_server.werkzeug_app import BackendRequest
from werkzeug.exceptions import HTTPException

from domicile_lab.cloud.http import Call
from domicile_lab.cloud.table import MODELS

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Operation:
    """A call's operation: `service` and `name` are botocore's, `signing` is the name in the signature."""

    signing: str
    service: str
    name: str
    protocol: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    model: OperationModel | None = None

    @property
    def key(self) -> str:
        return f"{self.service}.{self.name}"


class UnknownOperationError(ValueError):
    """No model that shares the signature's service has such an operation."""


def models_of(signing: str) -> tuple[str, ...]:
    """The botocore services that sign with this name, the likeliest first."""
    return MODELS.get(signing, (signing,))


def identify(call: Call, signing: str) -> Operation:
    """The operation of a call signed for `signing`. Raises UnknownOperationError."""
    for service in models_of(signing):
        model = _model(service)
        if model is None:
            continue
        request: Request = BackendRequest(call.environ())
        if not _is_for(model, service, request):
            continue
        try:
            operation, uri_parameters = get_service_router(service).match(request)
        except (HTTPException, NotImplementedError):
            continue
        protocol = determine_request_protocol(model, request.content_type)
        parameters = _parameters(operation, protocol, request, uri_parameters)
        return Operation(signing, service, operation.name, protocol, parameters, operation)
    raise UnknownOperationError(f"{call.method} {call.path} is no operation of {signing} that botocore knows.")


@cache
def _model(service: str) -> ServiceModel | None:
    try:
        model: ServiceModel = get_service_model(service)
    except Exception:  # botocore's loaders raise many kinds, each meaning that there is no such model
        return None
    return model


def _is_for(model: ServiceModel, service: str, request: Request) -> bool:
    """Tell services apart that share a signing name, where the operation's name alone cannot."""
    if service == "s3control":
        return request.path.startswith("/v20180820/")
    if service == "s3":
        return not (request.path.startswith("/v20180820/") and "x-amz-account-id" in request.headers)
    if model.protocol == "query" and "Version" in request.values:
        return str(request.values["Version"]) == str(model.api_version)
    return True


def _parameters(
    operation: OperationModel, protocol: str, request: Request, uri_parameters: Mapping[str, Any]
) -> Mapping[str, Any]:
    """The operation's input. Where the body is not what the model says, what can be read of it: moto refuses it."""
    streaming = operation.get_streaming_input() is not None
    parser = PROTOCOL_PARSERS[protocol](operation)
    try:
        parsed: Mapping[str, Any] = parser.parse(
            {
                "method": request.method,
                "values": request.values,
                "headers": request.headers,
                "body": b"" if streaming else request.data,
                "url_path": request.path,
                "url_params": dict(uri_parameters),
            }
        )
    except (RequestParserError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnknownOperationError(f"The parameters of {operation.name} cannot be read: {error}") from error
    return parsed
