"""A small organisation in moto: a cell's account, whose law lets data rest in one region, and one beside it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from itertools import count
from typing import Any
from unittest.mock import patch

import boto3
from domicile_audit.cloud.client import Cloud, new_session
from domicile_audit.cloud.inventory import COLLECTORS, Collector
from domicile_audit.cloud.survey import survey
from domicile_audit.holding import Survey
from domicile_audit.judgement import judge, resolve
from domicile_audit.resource_policy import Ours
from domicile_audit.rules import Finding
from domicile_audit.scope import AccountScope, AuditScope, ClassLaw, JurisdictionLaw
from domicile_catalog import DataClass
from domicile_policies.names import AccountRole
from moto import mock_aws

from audit_testkit.shelf import Shelf, stocked_shelf

HOME, AWAY = "eu-west-1", "us-east-1"
MANAGEMENT, CELL, BESIDE, BEYOND = "123456789012", "111122223333", "111122224444", "111122225555"
"""moto's own account, the cell's, and two for faults of a whole account, so that they spoil nothing else."""
EVERY_ACCOUNT = (MANAGEMENT, CELL, BESIDE, BEYOND)
STRANGER = "999988887777"
JURISDICTION = "AA"
ORGANIZATION = "o-exampleorgid"
TAGS = {
    "domicile:environment": "test",
    "domicile:cell": "aa-test",
    "domicile:tenant": "shared",
    "domicile:jurisdiction": JURISDICTION,
    "domicile:data-class": "wagering",
    "domicile:owner": "platform@example.org",
}
OURS = Ours(organization_id=ORGANIZATION, accounts=frozenset(EVERY_ACCOUNT))


def law_of(jurisdiction: str, places: Sequence[str]) -> JurisdictionLaw:
    """A law that lets every class of data rest in these places alone."""
    return JurisdictionLaw(
        jurisdiction=jurisdiction,
        by_class={
            one: ClassLaw(
                jurisdiction=jurisdiction,
                data_class=one,
                places=tuple(places),
                why=f"{one} may rest only in {jurisdiction}",
                fact="data_residency",
                source="https://law.example/1",
            )
            for one in DataClass
        },
    )


def scope_of(*, production: bool = True, accounts: Sequence[str] = EVERY_ACCOUNT) -> AuditScope:
    """What the world is held against."""
    known = {
        one: AccountScope(
            account_id=one,
            role=AccountRole.CELL,
            cell=f"cell-{one}",
            jurisdictions=(JURISDICTION,),
            retention_days=1825,
        )
        for one in EVERY_ACCOUNT
    }
    known[MANAGEMENT] = AccountScope(account_id=MANAGEMENT, role=AccountRole.MANAGEMENT)
    return AuditScope(
        environment="test",
        production=production,
        organization_id=ORGANIZATION,
        organization_accounts=OURS.accounts,
        accounts=tuple(known[one] for one in accounts),
        laws={JURISDICTION: law_of(JURISDICTION, [HOME])},
        catalogue_version="0" * 64,
        on=date(2026, 11, 24),
    )


@dataclass
class Hand:
    """Works in one account and region, with the credentials of a role there."""

    world: "World"
    account: str
    region: str

    def __call__(self, service: str) -> Any:
        return self.world.client(service, self.account, self.region)

    def name(self, kind: str) -> str:
        """A name that nothing else has."""
        return f"{kind}-{next(self.world.numbers)}"

    @property
    def key(self) -> str:
        """The ARN of a key of the account's own in this region."""
        return self.world.key(self.account, self.region)

    def elsewhere(self, region: str) -> "Hand":
        """The same account in another region."""
        return Hand(self.world, self.account, region)


@dataclass
class World:
    """moto, and the shelf of what it lacks."""

    shelf: Shelf
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    sessions: dict[str, boto3.Session] = field(default_factory=dict)
    clients: dict[tuple[str, str, str], Any] = field(default_factory=dict)
    keys: dict[tuple[str, str], str] = field(default_factory=dict)

    @cached_property
    def caller(self) -> boto3.Session:
        return new_session(aws_access_key_id="AKIAEXAMPLE", aws_secret_access_key="x", region_name=HOME)

    def session(self, account: str) -> boto3.Session:
        if account == MANAGEMENT:
            return self.caller
        if account not in self.sessions:
            given = self.caller.client("sts").assume_role(
                RoleArn=f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole", RoleSessionName="planter"
            )["Credentials"]
            self.sessions[account] = new_session(
                aws_access_key_id=given["AccessKeyId"],
                aws_secret_access_key=given["SecretAccessKey"],
                aws_session_token=given["SessionToken"],
            )
        return self.sessions[account]

    def client(self, service: str, account: str, region: str) -> Any:
        key = (service, account, region)
        if key not in self.clients:
            self.clients[key] = self.session(account).client(service, region_name=region)
        return self.clients[key]

    def hand(self, account: str = CELL, region: str = HOME) -> Hand:
        return Hand(self, account, region)

    def key(self, account: str, region: str) -> str:
        if (account, region) not in self.keys:
            made = self.client("kms", account, region).create_key(
                Tags=[{"TagKey": k, "TagValue": v} for k, v in TAGS.items()]
            )
            self.keys[account, region] = made["KeyMetadata"]["Arn"]
        return self.keys[account, region]

    def read(
        self,
        *,
        accounts: Sequence[str] = EVERY_ACCOUNT,
        regions: Sequence[str] = (HOME, AWAY),
        collectors: Sequence[Collector] = COLLECTORS,
        role: str = "domicile-audit",
    ) -> Survey:
        """What the audit reads of it."""
        cloud = Cloud(role=role, session=self.caller)
        return survey(cloud, accounts, MANAGEMENT, OURS, regions=regions, collectors=collectors)


def judged(read: Survey, scope: AuditScope) -> tuple[Finding, ...]:
    """What the audit finds in it."""
    return judge(resolve(read, scope), scope)


@contextmanager
def new_world() -> Iterator[World]:
    """An empty world, without the images and snapshots that moto makes up for every account."""
    with (
        patch.dict("os.environ", {"MOTO_EC2_LOAD_DEFAULT_AMIS": "false"}),
        stocked_shelf() as shelf,
        mock_aws(),
    ):
        yield World(shelf)
