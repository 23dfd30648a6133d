"""The closed lists that the catalogue's files and its callers draw from."""

from enum import StrEnum


class Confidence(StrEnum):
    """How a fact is known, best first.

    `sourced`: read in a text that the fact names. `attested`: answered by a compliance officer, on the
    record of one environment. `recalled`: believed, not read. `unknown`: nobody has looked, or nobody found.
    """

    SOURCED = "sourced"
    ATTESTED = "attested"
    RECALLED = "recalled"
    UNKNOWN = "unknown"


class SourceKind(StrEnum):
    """Who wrote the source, most authoritative first."""

    LAW = "law"
    REGULATOR = "regulator"
    LAWFIRM = "lawfirm"
    PRESS = "press"
    VENDOR = "vendor"
    OTHER = "other"


class Level(StrEnum):
    """What kind of territory a jurisdiction is."""

    COUNTRY = "country"
    STATE = "state"
    PROVINCE = "province"
    TERRITORY = "territory"


class LicenceRegime(StrEnum):
    """How licences are given."""

    OPEN = "open"
    CONCESSION = "concession"
    MONOPOLY = "monopoly"
    GREY = "grey"
    PROHIBITED = "prohibited"


class OnlineCasino(StrEnum):
    """Whether online casino can be licensed."""

    LEGAL = "legal"
    UNREGULATED = "unregulated"
    SPORTS_ONLY = "sports_only"
    POKER_ONLY = "poker_only"
    PROHIBITED = "prohibited"


class Residency(StrEnum):
    """What the licence asks about where data rests."""

    IN_TERRITORY = "in_territory"
    IN_REGION = "in_region"
    COPY_IN_TERRITORY = "copy_in_territory"
    REGULATOR_ACCESS = "regulator_access"
    NONE = "none"


class Kyc(StrEnum):
    """Whether a player is verified before the first bet."""

    YES = "yes"
    DEFERRED = "deferred"


class Product(StrEnum):
    """What a tenant offers."""

    CASINO = "casino"
    LIVE_CASINO = "live_casino"
    POKER = "poker"
    BINGO = "bingo"
    SPORTS = "sports"


class DataClass(StrEnum):
    """The classes of data that a tenant keeps."""

    PLAYER_IDENTITY = "player_identity"
    WAGERING = "wagering"
    GAME_SERVER = "game_server"
    REGULATOR_COPY = "regulator_copy"
    KEYS = "keys"
    AUDIT_LOG = "audit_log"
    BACKUP = "backup"
    TELEMETRY = "telemetry"


class Scope(StrEnum):
    """How far from the jurisdiction a class of data may rest."""

    TERRITORY = "territory"
    REGION = "region"
    ANYWHERE = "anywhere"
