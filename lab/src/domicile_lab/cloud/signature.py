"""Signature Version 4: what a request's signature claims, and whether it is true.

Source: AWS IAM user guide, "AWS Signature Version 4 for API requests"; Amazon S3 API reference, "Authenticating
Requests: Using Query Parameters".
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials

from domicile_lab.cloud.http import Call

SKEW = timedelta(minutes=15)
_STAMP = "%Y%m%dT%H%M%SZ"
_HEADER = re.compile(r"AWS4-HMAC-SHA256\s+(.*)", re.DOTALL)


class MalformedError(ValueError):
    """An Authorization header, or its like in the query, that cannot be read."""


@dataclass(frozen=True)
class Claim:
    """Who says to have signed, for which region and service, when (UTC), and over which headers."""

    access_key: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str
    time: datetime
    lifetime: timedelta | None = None
    token: str | None = None
    presigned: bool = False


def read_claim(call: Call) -> Claim | None:
    """The claim of a signed or presigned request; None of an unsigned one. Raises MalformedError."""
    try:
        if "authorization" in call.headers:
            return _from_header(call)
        if "X-Amz-Signature" in call.query:
            return _from_query(call)
    except (KeyError, ValueError) as error:
        raise MalformedError(f"The request's signature cannot be read: {error}") from error
    return None


def _from_header(call: Call) -> Claim:
    found = _HEADER.fullmatch(call.headers["authorization"])
    if found is None:
        raise MalformedError("Only AWS4-HMAC-SHA256 is accepted.")
    parts = dict(part.strip().split("=", 1) for part in found[1].split(","))
    key, _, region, service, _ = parts["Credential"].rsplit("/", 4)
    return Claim(
        access_key=key,
        region=region,
        service=service,
        signed_headers=tuple(parts["SignedHeaders"].split(";")),
        signature=parts["Signature"],
        time=_time(call.headers["x-amz-date"]),
        token=call.headers.get("x-amz-security-token"),
    )


def _from_query(call: Call) -> Claim:
    query = call.query
    key, _, region, service, _ = query["X-Amz-Credential"].rsplit("/", 4)
    return Claim(
        access_key=key,
        region=region,
        service=service,
        signed_headers=tuple(query["X-Amz-SignedHeaders"].split(";")),
        signature=query["X-Amz-Signature"],
        time=_time(query["X-Amz-Date"]),
        lifetime=timedelta(seconds=int(query["X-Amz-Expires"])) if "X-Amz-Expires" in query else None,
        token=query.get("X-Amz-Security-Token"),
        presigned=True,
    )


def _time(stamp: str) -> datetime:
    return datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)


def timely(claim: Claim, now: datetime) -> bool:
    """Whether the request comes within its lifetime, or within 15 minutes of its date."""
    if claim.lifetime is not None:
        return claim.time - SKEW <= now <= claim.time + claim.lifetime
    return abs(now - claim.time) <= SKEW


def is_genuine(call: Call, claim: Claim, secret: str) -> bool:
    """Whether the request, body included, was signed with this secret."""
    if not _body_is_what_was_signed(call, claim):
        return False
    signer = (_S3Signer if claim.service == "s3" else _Signer)(
        Credentials(claim.access_key, secret, claim.token), claim.service, claim.region
    )
    signer.signed = claim.signed_headers
    request = AWSRequest(method=call.method, url=_url(call, claim), data=call.body)
    for name in claim.signed_headers:
        request.headers[name] = call.headers.get(name, "")
    if content := call.headers.get("x-amz-content-sha256"):
        request.headers["X-Amz-Content-SHA256"] = content
    elif claim.presigned and claim.service == "s3":
        request.headers["X-Amz-Content-SHA256"] = "UNSIGNED-PAYLOAD"
    request.context["timestamp"] = claim.time.strftime(_STAMP)
    text = signer.string_to_sign(request, signer.canonical_request(request))
    return hmac.compare_digest(str(signer.signature(text, request)), claim.signature)


def _body_is_what_was_signed(call: Call, claim: Claim) -> bool:
    told = call.headers.get("x-amz-content-sha256")
    if told is None:
        return True  # the signer hashes the body itself
    if told == "UNSIGNED-PAYLOAD" or told.startswith("STREAMING-"):
        return claim.service == "s3"
    return hmac.compare_digest(told, hashlib.sha256(call.body).hexdigest())


def _url(call: Call, claim: Claim) -> str:
    query = call.query_string
    if claim.presigned:
        query = "&".join(pair for pair in query.split("&") if unquote(pair.partition("=")[0]) != "X-Amz-Signature")
    return f"https://{call.host}{call.path}" + (f"?{query}" if query else "")


class _Signer(SigV4Auth):  # type: ignore[misc]
    """botocore's signer, over the headers that the request says were signed and no others."""

    signed: tuple[str, ...] = ()

    def headers_to_sign(self, request: Any) -> Any:
        chosen = HTTPHeaders()
        for name in self.signed:
            chosen[name] = request.headers.get(name, "")
        return chosen


class _S3Signer(_Signer, S3SigV4Auth):  # type: ignore[misc]
    """S3 signs the path as it is, without normalising it."""
