"""The provider's edge: configuration, credentials, and calls through botocore."""

from __future__ import annotations

import threading
from typing import Any, Final

import botocore
import botocore.config
import botocore.credentials
import botocore.exceptions
import botocore.session
import grpc

from domicile_lab.providers.interface import ProviderError, Values

SESSION_SECONDS: Final = 3600
PARTITIONS: Final = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
# Answers that come in pages but must be read as one are found by the model's paginators; these are asked as they are,
# since a caller names the one thing that it wants.
_CONFIG: Final = botocore.config.Config(
    retries={"mode": "standard", "max_attempts": 5},
    max_pool_connections=64,
    connect_timeout=5,
    s3={"addressing_style": "path"},
    inject_host_prefix=False,  # an endpoint on loopback has no <account>.<endpoint>
    parameter_validation=True,
)


class Connection:
    """One provider's session: credentials, the account behind them, and clients by service and region."""

    def __init__(self, config: Values) -> None:
        self.region: str = config.get("region") or ""
        self._lock = threading.RLock()
        self._clients: dict[tuple[str, str], Any] = {}
        self._identity: dict[str, str] | None = None
        self._session = botocore.session.Session(profile=config.get("profile"))
        if config.get("accessKey"):
            self._session.set_credentials(config["accessKey"], config.get("secretKey") or "", config.get("token"))
        self.region = self.region or self._session.get_config_variable("region") or ""
        if not self.region:
            raise ProviderError("the aws provider has no region: set `region` on it, or AWS_REGION")
        self._endpoints: dict[str, str] = {
            service: url for each in config.get("endpoints") or [] for service, url in each.items() if url
        }
        for role in config.get("assumeRoles") or []:
            self._assume(role)
        self._allow(config.get("allowedAccountIds") or [], config.get("forbiddenAccountIds") or [])

    @property
    def partition(self) -> str:
        return next((name for start, name in PARTITIONS.items() if self.region.startswith(start)), "aws")

    @property
    def account(self) -> str:
        """The account id, asked once."""
        with self._lock:
            if self._identity is None:
                self._identity = self.client("sts").get_caller_identity()
            return self._identity["Account"]

    def client(self, service: str, region: str = "") -> Any:
        """A client, made once; botocore's clients may be used from many threads, but not be made from many."""
        key = (service, region or self.region)
        with self._lock:
            if key not in self._clients:
                client = self._session.create_client(
                    service, region_name=key[1], config=_CONFIG, endpoint_url=self._endpoints.get(service)
                )
                if service == "s3control":
                    client.meta.events.register("before-sign.s3-control", _without_account)
                self._clients[key] = client
            return self._clients[key]

    def model(self, service: str) -> Any:
        """botocore's model of a service: its operations and their shapes."""
        return self.client(service).meta.service_model

    def call(self, service: str, operation: str, parameters: Values, region: str = "") -> Values:
        """One call; all pages of an answer that has some. Raises botocore's ClientError."""
        client = self.client(service, region)
        method = botocore.xform_name(operation)
        if client.can_paginate(method):
            pages = client.get_paginator(method).paginate(**parameters)
            found: Values = pages.build_full_result()
            return found
        answer: Values = getattr(client, method)(**parameters)
        answer.pop("ResponseMetadata", None)
        return answer

    def _assume(self, role: Values) -> None:
        """Go on as a role, with a session that is renewed before it ends."""
        arn = role.get("roleArn")
        if not arn:
            raise ProviderError("an entry of the aws provider's `assumeRoles` has no `roleArn`")
        client = self._session.create_client("sts", region_name=self.region, config=_CONFIG)
        request = {
            "RoleArn": arn,
            "RoleSessionName": role.get("sessionName") or "pulumi",
            "DurationSeconds": _seconds(role.get("duration")),
            "ExternalId": role.get("externalId"),
            "Policy": role.get("policy"),
        }
        request = {key: value for key, value in request.items() if value}

        def fresh() -> dict[str, str]:
            found = client.assume_role(**request)["Credentials"]
            return {
                "access_key": found["AccessKeyId"],
                "secret_key": found["SecretAccessKey"],
                "token": found["SessionToken"],
                "expiry_time": found["Expiration"].isoformat(),
            }

        try:
            credentials = botocore.credentials.RefreshableCredentials.create_from_metadata(
                fresh(), refresh_using=fresh, method="sts-assume-role"
            )
        except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as fault:
            raise ProviderError(f"the role {arn} cannot be assumed: {describe(fault)}") from fault
        self._session = botocore.session.Session()
        self._session._credentials = credentials
        self._clients.clear()

    def _allow(self, allowed: list[str], forbidden: list[str]) -> None:
        if not (allowed or forbidden):
            return
        try:
            account = self.account
        except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as fault:
            raise ProviderError(f"the aws provider's account cannot be told: {describe(fault)}") from fault
        if (allowed and account not in allowed) or account in forbidden:
            wanted = f"allowed are {', '.join(allowed)}" if allowed else f"forbidden are {', '.join(forbidden)}"
            raise ProviderError(
                f"the aws provider's credentials are for account {account}, and {wanted}: nothing is touched there. "
                "Use the credentials of the right account, or a role in it (`assumeRoles`).",
                grpc.StatusCode.PERMISSION_DENIED,
            )


def _without_account(request: Any, **_: Any) -> None:
    """S3 Control puts the account before the host, and there is no <account>.127.0.0.1. A header has it too."""
    account = request.headers.get("x-amz-account-id")
    if account and not request.url.partition("//")[2].partition("/")[0].endswith(".amazonaws.com"):
        name = account.decode() if isinstance(account, bytes) else account
        request.url = request.url.replace(f"//{name}.", "//", 1)


def _seconds(text: Any) -> int:
    """A duration such as 1h, 15m, 900s."""
    if not text:
        return SESSION_SECONDS
    units = {"h": 3600, "m": 60, "s": 1}
    word = str(text)
    return int(float(word[:-1]) * units[word[-1]]) if word[-1] in units else int(word)


def code_of(fault: Exception) -> str:
    """The service's error code, or nothing."""
    response = getattr(fault, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))


_HINTS: Final = (
    (("AccessDenied", "UnauthorizedOperation", "Forbidden"), "The policies of this account do not allow it, among them "
     "the organisation's control policies of its unit: deploy to a place that they allow, or change the policies."),
    (("ExpiredToken", "InvalidClientTokenId", "UnrecognizedClient", "InvalidAccessKeyId", "SignatureDoesNotMatch"),
     "The credentials are not valid (any more): take new ones (`domicile-lab cloud env`)."),
    (("AlreadyExists", "BucketAlreadyOwnedByYou", "EntityAlreadyExists", "Duplicate", "InUse"),
     "It exists or is in use: import it (`pulumi import`), or choose another name."),
    (("Throttl", "TooManyRequests", "RequestLimitExceeded"), "The service is overloaded: run the same again."),
)  # fmt: skip


def describe(fault: Exception) -> str:
    """A fault of a call, as one sentence with the service's own words, its code and request id, and what to do."""
    if isinstance(fault, botocore.exceptions.ClientError):
        error, meta = fault.response.get("Error", {}), fault.response.get("ResponseMetadata", {})
        code = str(error.get("Code", "Unknown"))
        hint = next((hint for starts, hint in _HINTS if any(start in code for start in starts)), "")
        request = f"HTTP {meta.get('HTTPStatusCode', '?')}, request {meta.get('RequestId') or 'without id'}"
        return f"{code}: {str(error.get('Message', '')).rstrip('.')} ({request}). {hint}".strip()
    if isinstance(fault, botocore.exceptions.EndpointConnectionError | botocore.exceptions.ConnectionClosedError):
        return f"{fault} Nothing answers there: `domicile-lab cloud up` starts the lab's cloud."
    return f"{type(fault).__name__}: {fault}"


class Scoped:
    """A connection seen from one resource: its region, and the services by which it is asked."""

    def __init__(self, connection: Connection, region: str = "") -> None:
        self._connection = connection
        self.region = region or connection.region

    @property
    def account(self) -> str:
        return self._connection.account

    @property
    def partition(self) -> str:
        return self._connection.partition

    def call(self, service: str, operation: str, parameters: Values) -> Values:
        return self._connection.call(service, operation, parameters, self.region)

    def model(self, service: str) -> Any:
        return self._connection.model(service)
