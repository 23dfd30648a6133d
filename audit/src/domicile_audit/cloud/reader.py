"""What a collector reads through: calls to one account in one region, which keep count of what was not answered. I/O.

A list that cannot be read ends its collector, since nothing is known of what is there. A detail that cannot be read is
noted, and the thing is kept without it. Either makes the audit incomplete; neither passes for an empty answer.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError

from domicile_audit.cloud.client import Account
from domicile_audit.holding import Unread
from domicile_audit.resource_policy import Ours

FAILURES = (ClientError, BotoCoreError, NotImplementedError)
"""What a call raises. NotImplementedError is a stand-in cloud's, of an operation that it lacks."""


class UnansweredError(Exception):
    """A list could not be read."""

    def __init__(self, unread: Unread) -> None:
        super().__init__(unread.reason)
        self.unread = unread


class NotOfferedError(Exception):
    """The region has no such service."""


class Reader:
    """Reads one account in one region, for one collector."""

    def __init__(self, account: Account, region: str, ours: Ours) -> None:
        self.account = account.account_id
        self.region = region
        self.ours = ours
        self.unread: list[Unread] = []
        self.calls = 0
        self._account = account
        self._clients: dict[tuple[str, str], Any] = {}

    def close(self) -> None:
        """Close the connections that it has made."""
        for client in self._clients.values():
            client.close()

    def pages(self, service: str, operation: str, key: str, *, region: str | None = None, **params: Any) -> list[Any]:
        """All items of a list, over all its pages. `operation` and `key` are spelt as boto3 does.

        Raises UnansweredError, and NotOfferedError where the region is not known to have the service and has not.
        """
        where = region or self.region
        try:
            return [item for page in self._pages(service, operation, where, params) for item in page.get(key) or ()]
        except FAILURES as error:
            # boto3's list of endpoints may lag behind, so it is asked only of a service that does not answer.
            if _is_not_there(error) and not self._account.offers(service, where):
                raise NotOfferedError(f"{service} in {where}") from error
            raise UnansweredError(self._unread(service, operation, where, None, error)) from error

    def details(self, service: str, operation: str, key: str, *, about: str, **params: Any) -> list[Any]:
        """All items of a list that tells more of a thing; empty where the cloud does not answer, which is noted."""
        try:
            return self.pages(service, operation, key, **params)
        except UnansweredError as error:
            self.unread.append(error.unread.model_copy(update={"resource": about}))
            return []

    def ask(
        self,
        service: str,
        operation: str,
        *,
        about: str,
        absent: Sequence[str] = (),
        region: str | None = None,
        **params: Any,
    ) -> dict[str, Any] | None:
        """One answer about one thing, named by `about`.

        None where the cloud says, by one of the error codes in `absent`, that there is nothing to tell, and also
        where it does not answer, which is noted.
        """
        where = region or self.region
        try:
            self.calls += 1
            return dict(getattr(self._client(service, where), operation)(**params))
        except FAILURES as error:
            if _code(error) not in absent:
                self.unread.append(self._unread(service, operation, where, about, error))
            return None

    def tags(self, service: str, operation: str, key: str, *, about: str, **params: Any) -> dict[str, str]:
        """The tags of one thing, by the service's own operation, in any of the forms that AWS has for them."""
        return tag_mapping((self.ask(service, operation, about=about, **params) or {}).get(key))

    def _pages(self, service: str, operation: str, region: str, params: dict[str, Any]) -> Iterator[dict[str, Any]]:
        client = self._client(service, region)
        if client.can_paginate(operation):
            for page in client.get_paginator(operation).paginate(**params):
                self.calls += 1
                yield page
            return
        call = getattr(client, operation)
        while True:
            self.calls += 1
            page = call(**params)
            yield page
            token = next((name for name in ("NextToken", "nextToken", "Marker") if page.get(name)), None)
            if token is None:
                return
            params = {**params, token: page[token]}

    def _client(self, service: str, region: str) -> Any:
        if (service, region) not in self._clients:
            self._clients[service, region] = self._account.client(service, region)
        return self._clients[service, region]

    def _unread(self, service: str, operation: str, region: str, about: str | None, error: Exception) -> Unread:
        reason = _code(error) or type(error).__name__
        return Unread(
            account=self.account,
            region=region,
            service=service,
            operation=operation,
            resource=about,
            reason=f"{reason}: {_message(error)}",
        )


def tag_mapping(given: Any) -> dict[str, str]:
    """Tags as a mapping, of a mapping or of a list of Key and Value, in whatever case."""
    if isinstance(given, dict):
        return {str(key): str(value) for key, value in given.items()}
    pairs = ({str(key).lower(): value for key, value in one.items()} for one in given or ())
    return {str(one.get("key", one.get("tagkey"))): str(one.get("value", one.get("tagvalue")) or "") for one in pairs}


def _is_not_there(error: Exception) -> bool:
    """Whether nobody answered, or somebody who does not know the service: one that knows it answers with a 4xx."""
    if isinstance(error, ClientError):
        return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)) >= 500
    return isinstance(error, EndpointConnectionError)


def _code(error: Exception) -> str:
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""


def _message(error: Exception) -> str:
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Message", error))
    return str(error)
