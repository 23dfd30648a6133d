"""What stands before the cloud: it knows who calls, what for, and whether the organisation's policies let them.

In order: signature and key, operation, control policies, planted faults, and only then the service. Whatever cannot
be judged is refused.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from domicile_policies.evaluator import Request, UnknownElementError

from domicile_lab.cloud import table
from domicile_lab.cloud.context import KNOWN, Parties, context_of, requested_region
from domicile_lab.cloud.decision import Denial, decide
from domicile_lab.cloud.faults import Faults
from domicile_lab.cloud.http import Answer, Call
from domicile_lab.cloud.operations import Operation, UnknownOperationError, identify, models_of
from domicile_lab.cloud.organization import membership
from domicile_lab.cloud.principals import ANONYMOUS, Principal, find_key, role_exists
from domicile_lab.cloud.refusals import DENIED_BY, Fault, refuse
from domicile_lab.cloud.resources import Resource, bucket_place, resource_of
from domicile_lab.cloud.signature import Claim, MalformedError, is_genuine, read_claim, timely

log = logging.getLogger(__name__)

Serve = Callable[[Call, Operation, Principal, str], Answer]
"""What answers a call that was let through: the call, its operation, its caller and its region."""

# These need no permission, so no policy can take it away (AWS STS API reference, GetCallerIdentity).
_ALWAYS = frozenset(("sts.GetCallerIdentity", "sts.GetSessionToken"))
_UNSIGNED = frozenset(("AssumeRoleWithWebIdentity", "AssumeRoleWithSAML"))
# S3 says of itself that these may come to the endpoint of another region than the bucket's.
_ANY_REGION = frozenset(("s3.CreateBucket", "s3.GetBucketLocation", "s3.ListBuckets"))
_VIRTUAL_HOST = re.compile(r"(?P<bucket>[^:]+?)\.(?:s3[.-][^:]*\.amazonaws\.com|localhost)(?::\d+)?")


class Refused(Exception):
    """A call is answered with an error."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


@dataclass(frozen=True)
class Guard:
    """Judges calls, and has `serve` answer those that may pass."""

    serve: Serve
    faults: Faults
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def handle(self, call: Call) -> Answer:
        try:
            principal, signing, region = self._caller(call)
            operation = _operation(_path_style(call, signing), signing)
            region = requested_region(operation, region)
            self._judge(call, operation, principal, region)
            if answer := self.faults.strike(operation):
                return answer
            return self.serve(_path_style(call, signing), operation, principal, region)
        except Refused as refused:
            return refused.answer

    def _caller(self, call: Call) -> tuple[Principal, str, str]:
        """Who calls, the service that the signature is for, and its region. Raises Refused."""
        try:
            claim = read_claim(call)
        except MalformedError as error:
            raise Refused(refuse(Fault.MALFORMED, "query", _unsigned_service(call), str(error))) from error
        if claim is None:
            return ANONYMOUS, _unsigned_service(call), "us-east-1"
        key = find_key(claim.access_key)
        now = self.clock()
        if key is None or not key.active:
            raise _refused(Fault.UNKNOWN_KEY, claim)
        if key.token is not None and key.token != claim.token:
            raise _refused(Fault.UNKNOWN_KEY, claim)
        if key.expires is not None and key.expires <= now:
            raise _refused(Fault.EXPIRED, claim)
        if not timely(claim, now):
            raise _refused(Fault.SKEWED, claim)
        if not is_genuine(call, claim, key.secret):
            raise _refused(Fault.SIGNATURE, claim)
        return key.principal, claim.service, claim.region

    def _judge(self, call: Call, operation: Operation, principal: Principal, region: str) -> None:
        """Let the organisation's policies decide. Raises Refused."""
        if operation.key in _ALWAYS:
            return
        caller = membership(principal.account) if principal is not ANONYMOUS else None
        for action in _actions(operation, call.method):
            resource = resource_of(operation, principal.account, region, action)
            name = action.partition("@")[0]
            owner = caller if resource.account == principal.account else membership(resource.account)
            parties = Parties(principal, caller, resource, owner)
            context = context_of(call, operation, parties, region, self.clock())
            request = Request(name, resource.arn, context, KNOWN)
            try:
                denial = decide(request, caller, owner, principal.is_service_linked)
            except (UnknownElementError, KeyError, ValueError, TypeError) as error:
                message = f"The lab's cloud cannot judge {name}, so it refuses it: {error}."
                log.warning("%s", message)
                raise Refused(refuse(Fault.INTERNAL, operation.protocol, operation.signing, message)) from error
            if denial is not None:
                raise Refused(_denied(denial, operation, principal, name, resource))
        _check_existence(operation, principal, region)


def _refused(fault: Fault, claim: Claim) -> Refused:
    return Refused(refuse(fault, _protocol_of(claim.service), claim.service))


def _protocol_of(signing: str) -> str:
    """The protocol to answer in before the operation is known: that of the signing name's first service."""
    from moto.core.utils import get_service_model

    try:
        model = get_service_model(models_of(signing)[0])
    except Exception:  # no such service
        return "json"
    return str(next((one for one in model.metadata.get("protocols", ()) if "cbor" not in one), model.protocol))


def _unsigned_service(call: Call) -> str:
    form = call.body[:4096].decode("latin-1") if b"Action=" in call.body[:4096] else call.query_string
    if any(f"Action={action}" in form for action in _UNSIGNED):
        return "sts"
    if "x-amz-target" in call.headers or "Action=" in form:
        raise Refused(refuse(Fault.UNSIGNED, "json" if "x-amz-target" in call.headers else "query", ""))
    return "s3"


def _path_style(call: Call, signing: str) -> Call:
    """A call to a bucket's own host as a call to the endpoint, which moto and the models know."""
    if signing != "s3" or (found := _VIRTUAL_HOST.fullmatch(call.host)) is None:
        return call
    return replace(call, target=f"/{found['bucket']}{call.target}", headers=dict(call.headers) | {"host": "localhost"})


def _operation(call: Call, signing: str) -> Operation:
    try:
        return identify(call, signing)
    except UnknownOperationError as error:
        raise Refused(refuse(Fault.UNKNOWN_OPERATION, _protocol_of(signing), signing, str(error))) from error


def _actions(operation: Operation, method: str) -> list[str]:
    """The IAM actions that the operation needs; one that ends in @source is about the source of a copy."""
    entry = table.entry(operation.service, operation.name)
    prefix = table.PREFIXES.get(operation.signing, operation.signing)
    actions = [one.format(method=method) for one in entry.actions] or [f"{prefix}:{operation.name}"]
    return actions + [action for action, holds in entry.also.items() if holds.search(operation.parameters)]


def _denied(denial: Denial, operation: Operation, principal: Principal, action: str, resource: Resource) -> Answer:
    about = resource.arn or "*"
    message = (
        f"User: {principal.caller} is not authorized to perform: {action} on resource: {about} "
        f"{denial.words.format(action=action)}"
    )
    if operation.protocol == "ec2":
        message = f"You are not authorized to perform this operation. {message}"
    return refuse(Fault.DENIED, operation.protocol, operation.signing, message, headers={DENIED_BY: denial.by})


def _check_existence(operation: Operation, principal: Principal, region: str) -> None:
    """What AWS refuses and moto lets pass, and without which a policy could be gone around. Raises Refused."""
    if operation.service == "sts" and operation.name.startswith("AssumeRole"):
        role = str(operation.parameters.get("RoleArn", ""))
        if not role_exists(role):
            message = f"User: {principal.caller} is not authorized to perform: sts:{operation.name} on resource: {role}"
            raise Refused(refuse(Fault.DENIED, operation.protocol, operation.signing, message))
    if operation.service == "s3" and operation.key not in _ANY_REGION:
        place = bucket_place(str(operation.parameters.get("Bucket", "")))
        if place is not None and place[1] != region:
            # A bucket answers in its own region alone: else a signature for one region would reach data in another.
            raise Refused(
                refuse(
                    Fault.MALFORMED,
                    operation.protocol,
                    operation.signing,
                    f"The authorization header is malformed; the region '{region}' is wrong; expecting '{place[1]}'",
                    extra={"Region": place[1]},
                    headers={"x-amz-bucket-region": place[1]},
                )
            )
    if principal is ANONYMOUS and operation.service == "s3":
        raise Refused(refuse(Fault.UNSIGNED, operation.protocol, operation.signing, "Access Denied"))
