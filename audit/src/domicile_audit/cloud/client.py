"""Sessions with the cloud, one for each account. I/O: the only file that makes clients.

The endpoint, the credentials and the region to start from come from the standard variables (AWS_ENDPOINT_URL,
AWS_CA_BUNDLE, AWS_PROFILE, AWS_REGION), so that the same code reads AWS and a stand-in for it.
"""

import os
import threading
from functools import cache
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.loaders import Loader, create_loader
from domicile_catalog.forms import Frozen
from domicile_policies.names import AUDIT_ROLE

HOME_REGION = "us-east-1"
"""Where an account is asked for its regions when nobody configured one."""

_DISCOVERED = ("timestream-write",)
_CONFIG = Config(retries={"mode": "standard", "total_max_attempts": 4}, max_pool_connections=32, read_timeout=60)


class Member(Frozen):
    """An account of the organisation, as it lists it."""

    id: str
    name: str
    email: str


class Organization(Frozen):
    """The organisation that the caller's account is of."""

    id: str
    accounts: tuple[Member, ...]


class Account:
    """An account to read: its number, and clients for its services."""

    def __init__(self, account_id: str, session: boto3.Session) -> None:
        self.account_id = account_id
        self._session = session
        self._lock = threading.Lock()

    @property
    def home(self) -> str:
        """The region to start from."""
        return str(self._session.region_name or HOME_REGION)

    def client(self, service: str, region: str) -> Any:
        """A new client of boto3, for its caller to close: every account, region and service at once are thousands.

        Clients are safe between threads; the session that makes them is not.
        """
        with self._lock:
            return self._session.client(service, region_name=region, config=_CONFIG, endpoint_url=_endpoint(service))

    def regions(self) -> tuple[str, ...]:
        """The regions that are enabled for the account, sorted. Raises botocore's errors."""
        client = self.client("ec2", self.home)
        answer = client.describe_regions(AllRegions=False)
        client.close()
        # AWS leaves out what is not enabled; a stand-in may list it, and say so.
        enabled = (one for one in answer["Regions"] if one.get("OptInStatus") != "not-opted-in")
        return tuple(sorted(str(one["RegionName"]) for one in enabled))

    def offers(self, service: str, region: str) -> bool:
        """Whether boto3's list of endpoints has the service in the region; that list may lag behind the cloud."""
        partition = self._session.get_partition_for_region(region)
        return region in self._session.get_available_regions(service, partition_name=partition)


def _endpoint(service: str) -> str | None:
    """The endpoint to name, which boto3 else takes from the standard variables or makes of service and region.

    A service that tells where to call it sends its callers to the cloud's own hosts, whatever those variables say,
    unless the endpoint is named.
    """
    return os.environ.get("AWS_ENDPOINT_URL") if service in _DISCOVERED else None


class Cloud:
    """The accounts of an organisation, reached from the caller's own by a role that each of them has."""

    def __init__(self, role: str = AUDIT_ROLE, session: boto3.Session | None = None) -> None:
        self._caller = session or new_session()
        self._role = role

    def whoami(self) -> tuple[str, str]:
        """The caller's account and ARN. Raises botocore's errors."""
        answer = self._client("sts").get_caller_identity()
        return str(answer["Account"]), str(answer["Arn"])

    def organization(self) -> Organization:
        """The organisation and its active accounts. Raises botocore's errors."""
        client = self._client("organizations")
        organization_id = str(client.describe_organization()["Organization"]["Id"])
        pages = client.get_paginator("list_accounts").paginate()
        accounts = (one for page in pages for one in page["Accounts"])
        return Organization(
            id=organization_id,
            accounts=tuple(
                Member(id=str(one["Id"]), name=str(one.get("Name", "")), email=str(one.get("Email", "")))
                for one in accounts
                if one["Status"] == "ACTIVE"
            ),
        )

    def account(self, account_id: str, own: str) -> Account:
        """An account, by its role; the caller's own as the caller. Raises botocore's errors."""
        if account_id == own:
            return Account(account_id, self._caller)
        partition = self._caller.get_partition_for_region(self._region)
        role = f"arn:{partition}:iam::{account_id}:role/{self._role}"
        answer = self._client("sts").assume_role(RoleArn=role, RoleSessionName=AUDIT_ROLE)
        given = answer["Credentials"]
        session = new_session(
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
            region_name=self._region,
        )
        return Account(account_id, session)

    @property
    def _region(self) -> str:
        return str(self._caller.region_name or HOME_REGION)

    def _client(self, service: str) -> Any:
        return self._caller.client(service, region_name=self._region, config=_CONFIG)


@cache
def _loader() -> Loader:
    """One for all sessions: it keeps the services' models, and reading those is most of what a client costs."""
    return create_loader()


def new_session(**options: Any) -> boto3.Session:
    """A session of boto3, with boto3's options."""
    core = botocore.session.get_session()
    core.register_component("data_loader", _loader())
    return boto3.Session(botocore_session=core, **options)
