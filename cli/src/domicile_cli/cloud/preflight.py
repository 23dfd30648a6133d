"""What is checked before the engine starts, so that nothing is created that would then be refused."""

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import boto3
import botocore.exceptions
from domicile_catalog import Catalogue, Fault
from domicile_catalog.documents import located
from domicile_catalog.environment import FILE, Surroundings, TrustAnchor, check_cells, read_surroundings
from domicile_infra.plan.organization import organization_faults

Caller = Callable[[str], str]
"""Answers, asked in a region, with the account of the credentials in use; raises BotoCoreError or ClientError."""

_MANAGEMENT = "credentials of the management account, or of one that it lets ask about the organisation"
_OTHERS = ("InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "AuthFailure")
_EXPIRED = ("ExpiredToken", "ExpiredTokenException", "RequestExpired")


def caller_account(region: str) -> str:
    """The account that the process's credentials are of, by sts:GetCallerIdentity.

    The region is the organisation's own where none is configured: whose the credentials are is the same in all.
    """
    session = boto3.Session()
    account: str = session.client("sts", region_name=session.region_name or region).get_caller_identity()["Account"]
    return account


def trouble(error: Exception) -> tuple[str, str]:
    """Why a cloud did not answer whoever asks, in words without a full stop, and what it takes."""
    if isinstance(error, botocore.exceptions.ClientError):
        found = error.response["Error"]
        code = found["Code"]
        said = f"AWS refuses these credentials ({code}: {found.get('Message') or 'it says no more'})"
        if code in _EXPIRED:
            return said, "a session that has not expired: log in again (`aws sso login`, or take on the role anew)"
        if code in _OTHERS:
            return said, "credentials that AWS knows"
        return f"AWS refuses the call ({code}: {found.get('Message') or 'it says no more'})", _MANAGEMENT
    if isinstance(error, botocore.exceptions.ConnectionError | botocore.exceptions.HTTPClientError):
        return (
            f"AWS does not answer: {error}",
            "an endpoint that answers; AWS_ENDPOINT_URL may name another",
        )
    return f"no usable credentials: {error}", "AWS_PROFILE, or AWS_ACCESS_KEY_ID and its secret, in the environment"


def read_to_build(
    folder: Path, catalogue: Catalogue, anchor: TrustAnchor, on: date, *, lawful: bool = True
) -> tuple[Surroundings, tuple[Fault, ...]]:
    """The environment, and everything in its file that forbids building it, each with its line.

    Without `lawful` only that it can be read: what the law no longer allows can still be looked at and taken down.
    """
    faults: list[Fault] = []
    around = read_surroundings(folder, catalogue, anchor, faults)
    if not faults and around.environment and around.environment.organization is None:
        faults.append(Fault(f"{FILE}", "organization", "is missing: this environment has no cloud", "an organisation"))
    if lawful:
        faults += check_cells(around, on)
    if lawful and not faults and around.environment:
        faults += organization_faults(around.environment, around.catalogue, on, around.attestations)
    return around, tuple(located(fault, folder) for fault in faults)


def tools_missing() -> str | None:
    """What is missing on this machine, in words, or None."""
    if shutil.which("pulumi") is None:
        return "`pulumi` is not on PATH: install it, or build it with `make tools` and put .lab/bin on PATH."
    return None


def credentials_fault(around: Surroundings, folder: Path, caller: Caller = caller_account) -> Fault | None:
    """Why the credentials at hand cannot build this environment, at the line that names the account, or None."""
    organization = around.environment.organization if around.environment else None
    if organization is None:
        return None
    try:
        account = caller(organization.home)
    except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as error:
        return _at_account(folder, *trouble(error))
    if account != organization.account:
        said = f"the credentials are of account {account}, and this environment's is {organization.account}"
        return _at_account(folder, said, f"credentials of {organization.account}")
    return None


def _at_account(folder: Path, problem: str, allowed: str) -> Fault:
    return located(Fault(FILE, "organization.account", problem, allowed), folder)
