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


class Permission(StrEnum):
    """Whether the player may have it. `limited` is neither: the finding's note has the terms."""

    ALLOWED = "allowed"
    LIMITED = "limited"
    BANNED = "banned"


class Period(StrEnum):
    """What a cap on money is counted over."""

    SPIN = "spin"
    SESSION = "session"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class LimitKind(StrEnum):
    """What a player can limit."""

    DEPOSIT = "deposit"
    LOSS = "loss"
    STAKE = "stake"
    TIME = "time"
    BALANCE = "balance"


class Moment(StrEnum):
    """When a check is due: of a register, of where the player is."""

    REGISTRATION = "registration"
    LOGIN = "login"
    DEPOSIT = "deposit"
    WAGER = "wager"
    SESSION = "session"
    PAYOUT = "payout"
    MARKETING = "marketing"


class IdentityData(StrEnum):
    """What an operator must know of a player before play, beside e-mail address and date of birth."""

    NAME = "name"
    ADDRESS = "address"
    PHONE = "phone"
    NATIONALITY = "nationality"
    NATIONAL_ID = "national_id"
    GENDER = "gender"
    PLACE_OF_BIRTH = "place_of_birth"
    OCCUPATION = "occupation"


class AccessNotice(StrEnum):
    """Which log-ins the player is told of."""

    EVERY_LOGIN = "every_login"
    NEW_DEVICE = "new_device"
    NONE = "none"


class Demand(StrEnum):
    """Whether the law asks for something that is done or is not."""

    REQUIRED = "required"
    NONE = "none"


class Frequency(StrEnum):
    """How often a regulator is reported to, the most often first."""

    REAL_TIME = "real_time"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    YEARLY = "yearly"
    ON_DEMAND = "on_demand"


class Localisation(StrEnum):
    """What a law asks of the data of its residents, wherever they play.

    `none`: it may rest abroad. `copy`: it may, with a copy at home. `primary`: it is recorded at home first, and
    copies may go abroad. `only`: it rests at home and nowhere else.
    """

    NONE = "none"
    COPY = "copy"
    PRIMARY = "primary"
    ONLY = "only"


class PaymentMethod(StrEnum):
    """How a player pays in; payment_methods.yaml has what each is."""

    CREDIT_CARD = "credit_card"
    DEBIT_CARD = "debit_card"
    PREPAID_CARD = "prepaid_card"
    BANK_TRANSFER = "bank_transfer"
    INSTANT_TRANSFER = "instant_transfer"
    DIRECT_DEBIT = "direct_debit"
    BANK_SLIP = "bank_slip"
    E_WALLET = "e_wallet"
    VOUCHER = "voucher"
    CASH = "cash"
    MOBILE_BILLING = "mobile_billing"
    CRYPTO = "crypto"


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
