"""Errors as AWS writes them, in the words and the wire format of each protocol.

Source: the "Common Errors" page of each service's API reference; Smithy's specifications of the AWS protocols.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from xml.sax.saxutils import escape

from domicile_lab.cloud.http import Answer

DENIED_BY = "x-domicile-denied-by"


class Fault(Enum):
    """What can be wrong with a request before any service sees it."""

    UNKNOWN_KEY = "unknown key"
    EXPIRED = "expired session"
    SIGNATURE = "signature"
    SKEWED = "skewed clock"
    UNSIGNED = "unsigned"
    MALFORMED = "malformed"
    DENIED = "denied"
    UNKNOWN_OPERATION = "unknown operation"
    THROTTLED = "throttled"
    INTERNAL = "internal"


@dataclass(frozen=True)
class Style:
    """How a family of services answers: status and code for each fault."""

    codes: dict[Fault, tuple[int, str]]


_JSON = Style(
    {
        Fault.UNKNOWN_KEY: (400, "UnrecognizedClientException"),
        Fault.EXPIRED: (400, "ExpiredTokenException"),
        Fault.SIGNATURE: (400, "InvalidSignatureException"),
        Fault.SKEWED: (400, "InvalidSignatureException"),
        Fault.UNSIGNED: (400, "MissingAuthenticationTokenException"),
        Fault.MALFORMED: (400, "IncompleteSignatureException"),
        Fault.DENIED: (400, "AccessDeniedException"),
        Fault.UNKNOWN_OPERATION: (400, "UnknownOperationException"),
        Fault.THROTTLED: (400, "ThrottlingException"),
        Fault.INTERNAL: (500, "InternalFailure"),
    }
)
_REST_JSON = Style(
    {fault: (403 if status == 400 and fault is not Fault.UNKNOWN_OPERATION else status, code)
     for fault, (status, code) in _JSON.codes.items()}
    | {Fault.THROTTLED: (429, "ThrottlingException")}
)  # fmt: skip
_QUERY = Style(
    {
        Fault.UNKNOWN_KEY: (403, "InvalidClientTokenId"),
        Fault.EXPIRED: (403, "ExpiredToken"),
        Fault.SIGNATURE: (403, "SignatureDoesNotMatch"),
        Fault.SKEWED: (403, "SignatureDoesNotMatch"),
        Fault.UNSIGNED: (403, "MissingAuthenticationToken"),
        Fault.MALFORMED: (400, "IncompleteSignature"),
        Fault.DENIED: (403, "AccessDenied"),
        Fault.UNKNOWN_OPERATION: (400, "InvalidAction"),
        Fault.THROTTLED: (400, "Throttling"),
        Fault.INTERNAL: (500, "InternalFailure"),
    }
)
_EC2 = Style(
    _QUERY.codes
    | {
        Fault.UNKNOWN_KEY: (401, "AuthFailure"),
        Fault.EXPIRED: (400, "RequestExpired"),
        Fault.SIGNATURE: (401, "AuthFailure"),
        Fault.SKEWED: (400, "RequestExpired"),
        Fault.DENIED: (403, "UnauthorizedOperation"),
        Fault.THROTTLED: (503, "RequestLimitExceeded"),
        Fault.INTERNAL: (500, "InternalError"),
    }
)
_S3 = Style(
    {
        Fault.UNKNOWN_KEY: (403, "InvalidAccessKeyId"),
        Fault.EXPIRED: (400, "ExpiredToken"),
        Fault.SIGNATURE: (403, "SignatureDoesNotMatch"),
        Fault.SKEWED: (403, "RequestTimeTooSkewed"),
        Fault.UNSIGNED: (403, "AccessDenied"),
        Fault.MALFORMED: (400, "AuthorizationHeaderMalformed"),
        Fault.DENIED: (403, "AccessDenied"),
        Fault.UNKNOWN_OPERATION: (405, "MethodNotAllowed"),
        Fault.THROTTLED: (503, "SlowDown"),
        Fault.INTERNAL: (500, "InternalError"),
    }
)
_STYLES = {"json": _JSON, "rest-json": _REST_JSON, "query": _QUERY, "ec2": _EC2, "rest-xml": _QUERY}

WORDS = {
    Fault.UNKNOWN_KEY: "The security token included in the request is invalid.",
    Fault.EXPIRED: "The security token included in the request is expired",
    Fault.SIGNATURE: "The request signature we calculated does not match the signature you provided. Check your AWS "
    "Secret Access Key and signing method.",
    Fault.SKEWED: "The difference between the request time and the current time is too large.",
    Fault.UNSIGNED: "Request is missing Authentication Token",
    Fault.THROTTLED: "Rate exceeded",
    Fault.INTERNAL: "The request processing has failed because of an unknown error, exception or failure.",
}


def refuse(
    fault: Fault,
    protocol: str,
    signing: str,
    message: str = "",
    *,
    extra: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """The answer of a service that speaks `protocol` (as botocore names it) to a request with this fault.

    `extra` are further elements of an S3 error.
    """
    style = _S3 if signing == "s3" else _STYLES.get(protocol, _JSON)
    status, code = style.codes[fault]
    answer = error(protocol, signing, status, Told(code, message or WORDS.get(fault, ""), extra or {}))
    return replace(answer, headers=dict(answer.headers) | dict(headers or {}))


@dataclass(frozen=True)
class Told:
    """What an error says; `extra` are further elements of an S3 error."""

    code: str
    message: str
    extra: Mapping[str, str] = field(default_factory=dict)


def error(protocol: str, signing: str, status: int, told: Told) -> Answer:
    """An error in the wire format of the protocol."""
    request_id = str(uuid.uuid4())
    headers = {"x-amzn-RequestId": request_id}
    if protocol in ("json", "rest-json"):
        body = json.dumps({"__type": told.code, "message": told.message, "Message": told.message})
        headers |= {"Content-Type": "application/x-amz-json-1.1", "x-amzn-ErrorType": told.code}
    else:
        body = _xml(protocol, signing, told, request_id)
        headers |= {"Content-Type": "text/xml"}
    return Answer(status, body.encode(), headers)


def _xml(protocol: str, signing: str, told: Told, request_id: str) -> str:
    elements = {"Code": told.code, "Message": told.message}
    text = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in elements.items())
    if signing == "s3":
        more = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in told.extra.items())
        inner = f"<Error>{text}{more}<RequestId>{request_id}</RequestId></Error>"
    elif protocol == "ec2":
        inner = f"<Response><Errors><Error>{text}</Error></Errors><RequestID>{request_id}</RequestID></Response>"
    else:
        typed = f"<Error><Type>Sender</Type>{text}</Error>"
        inner = f"<ErrorResponse>{typed}<RequestId>{request_id}</RequestId></ErrorResponse>"
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{inner}'
