"""Whose key encrypts what: names of keys, as the services tell them, held against the keys that the accounts have.

Pure. A service tells the key by ARN, id or alias, and does not say whose it is.
"""

from collections.abc import Iterable

from domicile_audit.holding import Encryption, Holding, Key, KeyKind
from domicile_audit.resource_policy import account_of

_OF_PROVIDER = "alias/aws/"


class Keys:
    """The keys that were read, by every name that they go by in their account and region."""

    def __init__(self, keys: Iterable[Key]) -> None:
        self._by_name: dict[tuple[str | None, str, str], Key] = {}
        for key in keys:
            account, region = account_of(key.arn), key.arn.split(":")[3]
            self._by_name[account, region, key.arn] = key
            for name in (key.arn.rpartition("/")[2], *key.aliases):
                self._by_name[account, region, name] = key

    def resolved(self, holding: Holding, ours: frozenset[str]) -> Holding:
        """The holding, with `named` replaced by whose the key is: `own`, `provider`, `foreign` or `lost`."""
        found = holding.encryption
        if found.kind is not KeyKind.NAMED or found.key is None:
            return holding
        return holding.model_copy(update={"encryption": self._whose(found.key, holding, ours)})

    def _whose(self, name: str, holding: Holding, ours: frozenset[str]) -> Encryption:
        account, region, short = holding.account, holding.region, name
        if name.startswith("arn:"):
            parts = name.split(":", 5)
            account, region = parts[4], parts[3]
            short = name if parts[5].startswith("key/") else parts[5]
        if short.startswith(_OF_PROVIDER):
            return Encryption(kind=KeyKind.PROVIDER, key=name)
        if account not in ours:
            return Encryption(kind=KeyKind.FOREIGN, key=name)
        key = self._by_name.get((account, region, short))
        if key is None:
            return Encryption(kind=KeyKind.LOST, key=name)
        return Encryption(kind=KeyKind.PROVIDER if key.provider else KeyKind.OWN, key=key.arn)
