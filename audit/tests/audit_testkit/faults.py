"""Faults that can be planted, and what each does to the call that makes a thing."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from audit_testkit.world import AWAY, CELL, HOME, STRANGER, TAGS, Hand, World


class Fault(StrEnum):
    """What can be wrong with a thing. `none` is a lawful thing of every type."""

    NONE = "none"
    WRONG_PLACE = "wrong place"
    SHARED_OUTSIDE = "shared outside"
    UNENCRYPTED = "unencrypted"
    REPLICATED = "replicated"


@dataclass(frozen=True)
class Spec:
    """What a builder makes: where, and with which fault. The faults of a whole account have one to themselves."""

    hand: Hand
    fault: Fault

    def __call__(self, service: str) -> Any:
        return self.hand(service)

    @property
    def account(self) -> str:
        return self.hand.account

    @property
    def region(self) -> str:
        return self.hand.region

    @property
    def key(self) -> str:
        return self.hand.key

    @property
    def encrypted(self) -> bool:
        return self.fault is not Fault.UNENCRYPTED

    @property
    def shared(self) -> bool:
        return self.fault is Fault.SHARED_OUTSIDE

    @property
    def replicated(self) -> bool:
        return self.fault is Fault.REPLICATED

    def name(self, kind: str) -> str:
        return self.hand.name(kind)

    def arn(self, service: str, rest: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account}:{rest}"

    def amend(self, service: str, operation: str, change: Callable[[dict[str, Any]], None]) -> None:
        """Change moto's answer to an operation where it keeps less than AWS tells."""
        self.hand.world.shelf.amend(service, operation, self.account, self.region, change)

    def stock(self, service: str, operation: str, answer: dict[str, Any], **about: Any) -> None:
        """Answer an operation that moto lacks."""
        self.hand.world.shelf.stock(service, operation, self.account, self.region, answer, **about)

    def policy(self, action: str, resource: str = "*") -> str:
        """A resource policy that lets in a stranger, or one of ours."""
        principal = {"AWS": f"arn:aws:iam::{STRANGER if self.shared else self.account}:root"}
        statements = [
            {"Sid": "Reach", "Effect": "Allow", "Principal": principal, "Action": action, "Resource": resource},
            without_tls(f"{action.split(':')[0]}:*", [resource]),
        ]
        return json.dumps({"Version": "2012-10-17", "Statement": statements})


def spec(world: World, fault: Fault, account: str = CELL) -> Spec:
    """Where a fault is planted."""
    return Spec(world.hand(account, AWAY if fault is Fault.WRONG_PLACE else HOME), fault)


def without_tls(action: str, resources: list[str]) -> dict[str, Any]:
    """A statement that asks for TLS."""
    return {
        "Sid": "AskForTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": action,
        "Resource": resources,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def tags(key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    """The tags of everything here, as a list."""
    return [{key: name, value: text} for name, text in TAGS.items()]
