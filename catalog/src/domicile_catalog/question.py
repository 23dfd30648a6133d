"""What `place()` is asked, and what it answers."""

from datetime import date
from enum import StrEnum
from typing import Any, Self

from pydantic import model_validator

from domicile_catalog.facts import Fact
from domicile_catalog.forms import Frozen
from domicile_catalog.vocabulary import Confidence, DataClass, Product


class Question(Frozen):
    """Where may one class of one product's data rest?

    `backs_up` says which class a backup is of; a backup of nothing named is of everything. `player_residence` is
    the territory where the player lives, if its law is to have its say. `production` relies on no recalled fact.
    `on` is a day where the licence is.
    """

    jurisdiction: str
    product: Product
    data_class: DataClass
    backs_up: DataClass | None = None
    player_residence: str | None = None
    production: bool = True
    on: date

    @model_validator(mode="after")
    def _only_a_backup_backs_up(self) -> Self:
        if self.backs_up is not None and self.data_class is not DataClass.BACKUP:
            raise ValueError(f"backs_up goes with the class backup, not with {self.data_class}")
        if self.backs_up is DataClass.BACKUP:
            raise ValueError("a backup is of another class than backup")
        return self

    @property
    def bound_as(self) -> DataClass:
        """The class whose rule binds: a backup rests where what it backs up may."""
        return self.backs_up or self.data_class


class Reason(Frozen):
    """One link of the chain that led to an answer, and the fact that it rests on, where it rests on one."""

    text: str
    jurisdiction: str | None = None
    fact: str | None = None
    confidence: Confidence | None = None
    source: str | None = None
    clause: str | None = None


class ConditionType(StrEnum):
    """What a placement is, or is not yet.

    `Attested`: every fact relied on is sourced or attested. `Resilient`: a second place holds a copy. `Transfer`:
    the law on personal data lets the data go there without more.
    """

    ATTESTED = "Attested"
    RESILIENT = "Resilient"
    TRANSFER = "Transfer"


class Condition(Frozen):
    """`reason` is a stable word, `message` a sentence for a person."""

    type: ConditionType
    status: bool
    reason: str
    message: str


class Purpose(StrEnum):
    """Why there is a copy: a rule demands it, or the loss of the primary's place must not lose the data."""

    REQUIRED = "required"
    RESILIENCE = "resilience"


class Copy(Frozen):
    """A place that holds the data beside the primary."""

    place: str
    purpose: Purpose


class Placement(Frozen):
    """Where the data may rest.

    `primary` is the best place, `allowed` are all of them in order of preference, with the primary first. `copies`
    are under the same rule as the primary, or where a rule demands one.
    """

    primary: str
    allowed: tuple[str, ...]
    copies: tuple[Copy, ...]
    conditions: tuple[Condition, ...]
    reasons: tuple[Reason, ...]
    warnings: tuple[str, ...] = ()

    def condition(self, kind: ConditionType) -> Condition | None:
        """The condition of that type."""
        return next((one for one in self.conditions if one.type is kind), None)


def resting_on(text: str, jurisdiction: str, name: str, fact: Fact[Any]) -> Reason:
    """A reason that rests on a fact."""
    return Reason(
        text=text,
        jurisdiction=jurisdiction,
        fact=name,
        confidence=fact.confidence,
        source=fact.source,
        clause=fact.clause,
    )
