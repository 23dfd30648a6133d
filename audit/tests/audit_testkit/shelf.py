"""Answers for the operations that moto lacks, in the form that AWS gives them.

An answer that is not of the operation's own form fails the test that stocked it, so that no collector is tested
against a form that AWS does not have.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import botocore.handlers
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator
from domicile_audit.cloud.client import new_session
from moto.iam.models import get_account_id_from

Answer = dict[str, Any]
EMPTY: dict[tuple[str, str], Answer] = {
    ("elasticache", "DescribeServerlessCaches"): {"ServerlessCaches": []},
    ("elasticache", "DescribeGlobalReplicationGroups"): {"GlobalReplicationGroups": []},
    ("efs", "DescribeReplicationConfigurations"): {"Replications": []},
    ("redshift", "DescribeDataShares"): {"DataShares": []},
    ("backup", "ListRecoveryPointsByBackupVault"): {"RecoveryPoints": []},
    ("glacier", "ListTagsForVault"): {"Tags": {}},
    ("datasync", "ListTagsForResource"): {"Tags": []},
}
"""What an operation answers where nothing was stocked."""
ABSENT: dict[tuple[str, str], str] = {
    ("backup", "GetBackupVaultAccessPolicy"): "ResourceNotFoundException",
    ("glacier", "GetVaultAccessPolicy"): "ResourceNotFoundException",
}
"""The error code of an operation whose subject has no such thing."""
_MODELS: dict[str, Any] = {}


@dataclass
class Shelf:
    """Stocked answers. `parameter` of `stock` names the request's parameter that tells one subject from another."""

    stocked: dict[tuple[str, str, str, str], list[tuple[str | None, str | None, Answer]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    amended: dict[tuple[str, str, str, str], list[Callable[[Answer], None]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    called: set[tuple[str, str]] = field(default_factory=set)

    def stock(
        self,
        service: str,
        operation: str,
        account: str,
        region: str,
        answer: Answer,
        *,
        parameter: str | None = None,
        value: str | None = None,
    ) -> None:
        """Answer an operation of an account and region so; lists of several answers are joined."""
        assert not (wrong := _faults(service, operation, answer)), wrong
        self.stocked[service, operation, account, region].append((parameter, value, answer))

    def amend(self, service: str, operation: str, account: str, region: str, change: Callable[[Answer], None]) -> None:
        """Change moto's answer to an operation, where moto keeps less than AWS tells."""
        self.amended[service, operation, account, region].append(change)

    def answer(self, key: tuple[str, str, str, str], params: dict[str, Any]) -> Answer | None:
        """The answer for a request, or None for one that moto answers. Raises the absence that AWS tells."""
        about = key[:2]
        fitting = [
            answer
            for parameter, value, answer in self.stocked.get(key, ())
            if parameter is None or params.get(parameter) == value
        ]
        if fitting:
            joined: Answer = {}
            for one in fitting:
                for name, value in one.items():
                    joined[name] = [*joined.get(name, []), *value] if isinstance(value, list) else value
            return joined
        if about in ABSENT:
            raise ClientError({"Error": {"Code": ABSENT[about], "Message": "none"}}, key[1])
        return dict(EMPTY[about]) if about in EMPTY else None


def _faults(service: str, operation: str, answer: Answer) -> set[str]:
    """What is not of the operation's form."""
    if service not in _MODELS:
        _MODELS[service] = new_session()._session.get_service_model(service)
    shape = _MODELS[service].operation_model(operation).output_shape
    told = {name: value for name, value in answer.items() if name != "ResponseMetadata"}
    return set(ParamValidator().validate(told, shape).generate_report().splitlines())


@contextmanager
def stocked_shelf() -> Iterator[Shelf]:
    """Sessions that are made within are answered from the shelf where moto lacks the operation."""
    shelf = Shelf()

    def key_of(model: Any, signer: Any) -> tuple[str, str, str, str]:
        account = get_account_id_from(signer._credentials.access_key)
        return (model.service_model.service_name, model.name, account, signer.region_name)

    def remember(params: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        context["asked"] = params

    def answer(model: Any, request_signer: Any, context: dict[str, Any], **_: Any) -> Any:
        key = key_of(model, request_signer)
        context["key"] = key
        shelf.called.add(key[:2])
        found = shelf.answer(key, context.get("asked", {}))
        return None if found is None else (AWSResponse("http://shelf", 200, {}, None), found)

    def amend(parsed: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        key = context.get("key")
        changes = shelf.amended.get(key, ())
        before = _faults(*key[:2], parsed) if changes else set()
        for change in changes:
            change(parsed)
        # moto itself leaves out what AWS always tells; a change may not add to that.
        assert not changes or _faults(*key[:2], parsed) <= before, _faults(*key[:2], parsed) - before

    handlers = [
        ("provide-client-params.*.*", remember),
        ("before-call.*.*", answer),
        ("after-call.*.*", amend),
    ]
    before = list(botocore.handlers.BUILTIN_HANDLERS)
    botocore.handlers.BUILTIN_HANDLERS.extend(handlers)
    try:
        yield shelf
    finally:
        botocore.handlers.BUILTIN_HANDLERS[:] = before
