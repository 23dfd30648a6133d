"""What an audit finds: things that hold data, as values, each as the cloud's or the cluster's API told it."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from itertools import chain

from domicile_catalog import DataClass
from domicile_catalog.forms import Frozen
from domicile_policies.names import AND, CLASS_TAG, JURISDICTION_TAG
from domicile_policies.names import NONE as NOTHING

ANYBODY = "*"
GLOBAL = "global"
"""The region of what stands in none: its members do."""
NOWHERE_KNOWN = "unknown"
"""The region of what the cloud did not tell the region of. No law lets data rest there."""


class KeyKind(StrEnum):
    """What encrypts a thing at rest.

    `named`: the key that `Encryption.key` names, whosever it is; `domicile_audit.keys` finds out. `own`: a customer
    managed key of the organisation. `provider`: a key of the cloud's own. `foreign`: a key of an account outside.
    `lost`: a key that no account has. `none`: nothing. `inapplicable`: it has no data at rest of its own.
    """

    NAMED = "named"
    OWN = "own"
    PROVIDER = "provider"
    FOREIGN = "foreign"
    LOST = "lost"
    NONE = "none"
    INAPPLICABLE = "inapplicable"


class Encryption(Frozen):
    """What encrypts a thing at rest, and by which key: an ARN, an id or an alias, as the API gave it."""

    kind: KeyKind
    key: str | None = None

    @classmethod
    def by(cls, key: str | None, *, otherwise: KeyKind = KeyKind.PROVIDER) -> "Encryption":
        """Encrypted with the key named; where none is, as `otherwise` says."""
        return cls(kind=KeyKind.NAMED, key=key) if key else cls(kind=otherwise)


NOT_AT_REST = Encryption(kind=KeyKind.INAPPLICABLE)
UNENCRYPTED = Encryption(kind=KeyKind.NONE)


class Access(Frozen):
    """Somebody outside the organisation who is let in. `principal` is `*` for anybody; `by` says through what."""

    principal: str
    by: str


class Flow(Frozen):
    """Data that goes elsewhere by itself. `region` and `account` are None where the API does not tell them.

    `target` is an ARN or, where there is none, what the API calls the target.
    """

    target: str
    by: str
    region: str | None = None
    account: str | None = None


class Lock(Frozen):
    """What keeps a thing from being deleted: `compliance` binds everybody, `governance` all but those with a right."""

    mode: str
    days: int


class Holding(Frozen):
    """One thing that holds data.

    `data_classes` come from its tag; where it has none, or says `none`, they are those of its type, and
    `classified_by` tells which. `jurisdictions` are those that its tag names. `tags` is None of what cannot bear
    any. `copy_of_data` marks backups and snapshots. `plaintext` says how it may be reached without TLS; None where it
    may not. `lockable` marks what can be locked against deletion, and `lock` the lock that it has.
    """

    type: str
    arn: str
    account: str
    region: str
    data_classes: tuple[DataClass, ...]
    classified_by: str
    jurisdictions: tuple[str, ...] = ()
    tags: dict[str, str] | None = None
    encryption: Encryption = NOT_AT_REST
    shared_with: tuple[Access, ...] = ()
    flows: tuple[Flow, ...] = ()
    copy_of_data: bool = False
    multi_region: bool = False
    plaintext: str | None = None
    lockable: bool = False
    lock: Lock | None = None
    note: str | None = None


class Key(Frozen):
    """A KMS key as an account has it. `provider` marks the keys that the cloud keeps for its own services."""

    arn: str
    aliases: tuple[str, ...] = ()
    provider: bool = False
    multi_region: bool = False


class Tagged(Frozen):
    """Something that bears tags, as the tagging API lists it."""

    arn: str
    account: str
    region: str
    tags: dict[str, str]


class Unread(Frozen):
    """A question that the cloud or the cluster did not answer: what lies behind it is not known.

    `account` is an account's number, or the name of a cluster.
    """

    account: str
    region: str
    service: str
    operation: str
    resource: str | None
    reason: str


class Coverage(Frozen):
    """What one collector read in one place: how many things, with how many calls."""

    account: str
    region: str
    collector: str
    holdings: int
    calls: int


class Survey(Frozen):
    """Everything that was read of the world, and what was not. `not_offered` are services that a region lacks."""

    holdings: tuple[Holding, ...] = ()
    keys: tuple[Key, ...] = ()
    tagged: tuple[Tagged, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    unread: tuple[Unread, ...] = ()
    not_offered: tuple[str, ...] = ()

    @classmethod
    def all_of(cls, surveys: Iterable["Survey"]) -> "Survey":
        """Several surveys as one."""
        parts = list(surveys)
        return cls(
            **{name: tuple(chain.from_iterable(getattr(one, name) for one in parts)) for name in cls.model_fields}
        )


def tagged_classes(tags: Mapping[str, str]) -> tuple[DataClass, ...]:
    """The classes that the tag names, without what is no class; `misspelt_classes` has those."""
    return tuple(DataClass(word) for word in _words(tags, CLASS_TAG) if word in set(DataClass))


def misspelt_classes(tags: Mapping[str, str]) -> tuple[str, ...]:
    """Words of the tag that are no class of data."""
    return tuple(word for word in _words(tags, CLASS_TAG) if word not in set(DataClass))


def tagged_jurisdictions(tags: Mapping[str, str]) -> tuple[str, ...]:
    """The jurisdictions that the tag names."""
    return _words(tags, JURISDICTION_TAG)


def _words(tags: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Several words in one tag are joined by `+`; `none` is no word."""
    return tuple(word for word in tags.get(name, "").split(AND) if word not in ("", NOTHING))
