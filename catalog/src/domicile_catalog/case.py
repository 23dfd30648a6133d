"""One question on its way to an answer: what `place()` keeps in hand."""

from dataclasses import dataclass, field
from functools import cached_property

from domicile_catalog.model import Catalogue, Jurisdiction, PersonalDataLaw, Place
from domicile_catalog.question import Question, Reason
from domicile_catalog.reading import Reading
from domicile_catalog.residency import ResidencyRule
from domicile_catalog.transfers import Home, is_free, laws_protecting


@dataclass
class Case:
    """One question on its way to an answer, and the chain of reasons so far."""

    catalogue: Catalogue
    question: Question
    reading: Reading
    chain: list[Reason] = field(default_factory=list)

    @property
    def jurisdiction(self) -> Jurisdiction:
        return self.reading.jurisdiction

    @property
    def grounds(self) -> tuple[str, ...]:
        """Where the people live whose data it is: where the licence is, and where a player is said to."""
        return tuple(dict.fromkeys(filter(None, (self.jurisdiction.code, self.question.player_residence))))

    @cached_property
    def laws(self) -> tuple[PersonalDataLaw, ...]:
        """The laws on personal data that have a say: the licence's, and the player's home's."""
        if not self.catalogue.data_classes[self.question.bound_as].personal:
            return ()
        return laws_protecting(self.catalogue, self.jurisdiction.code, self.question.player_residence)

    @cached_property
    def _asked(self) -> tuple[Question, Question]:
        """The question as it is, and as memory would answer it."""
        return self.question, self.question.model_copy(update={"production": False})

    def preference(self, found: Place) -> tuple[bool, bool]:
        """A sort key: where every law is known to let the data go comes first, then where that is remembered.

        What no such law binds goes the way of the rest, by the licence's own: the parts of a casino stand together.
        """
        laws = self.laws or laws_protecting(self.catalogue, self.jurisdiction.code)
        known, recalled = (
            all(is_free(self.catalogue, law, found, question) for law in laws) for question in self._asked
        )
        return not known, not recalled


@dataclass(frozen=True)
class Law:
    """What binds: the licence's rule and the player's home, and the candidates to hold against both."""

    rule: ResidencyRule
    home: Home | None
    candidates: tuple[Place, ...]
    for_copies: tuple[Place, ...]
