"""Why a tenant has no rules of play. Codes are stable; each says what was refused, by which rule, and what to do."""


class RulesError(ValueError):
    """Rules that cannot be made. `code` is stable; `rule` is the fact; `remedy` says what to do."""

    code = "RULES"

    def __init__(self, message: str, *, rule: str, remedy: str) -> None:
        super().__init__(f"{self.code}: {message} {remedy}")
        self.message, self.rule, self.remedy = message, rule, remedy


class UnknownJurisdictionError(RulesError):
    """The catalogue has no such jurisdiction."""

    code = "JURISDICTION_UNKNOWN"


class UnknownRuleError(RulesError):
    """The casino cannot run without this fact, and the catalogue lacks it."""

    code = "FACT_UNKNOWN"


class RecalledRuleError(RulesError):
    """A rule that binds play was never read in a source, and production relies on no memory."""

    code = "FACT_RECALLED"


class ContradictedRuleError(RulesError):
    """An attestation contradicts a sourced fact, or another attestation."""

    code = "ATTESTATION_CONTRADICTS"


class InvalidLimitError(RulesError):
    """A limit that is not one of `LIMITS`, or is not a positive whole number."""

    code = "LIMIT_INVALID"


class LaxerLimitError(RulesError):
    """A tenant's limit is laxer than its jurisdiction's rule. A tenant may only be stricter."""

    code = "LIMIT_LAXER"
