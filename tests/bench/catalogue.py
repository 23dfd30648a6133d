"""How long the catalogue takes: to be read, to answer everything that can be asked, to tell a cell its law."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from domicile_catalog import Catalogue, DataClass, Product, Question, cell_law, load_catalogue, place


def run_catalogue() -> dict[str, Any]:
    """Seconds of one core: every jurisdiction and class of data held against every place, with nothing remembered."""
    catalogue, load_s = timed(lambda: load_catalogue.__wrapped__(None))
    answers, place_s = timed(lambda: decide_everything(catalogue))
    law, law_s = timed(lambda: law_of(catalogue))
    return {
        "catalogue_load_s": round(load_s, 2),
        "place_questions": answers,
        "place_places": len(catalogue.places),
        "place_all_s": round(place_s, 3),
        "cell_law_s": round(law_s, 3),
        "cell_law_bytes": sum(len(key) + len(value) for key, value in law.items()),
    }


def timed(what: Callable[[], Any]) -> tuple[Any, float]:
    """The answer, and the processor time that it took."""
    begun = time.process_time()
    answer = what()
    return answer, time.process_time() - begun


def decide_everything(catalogue: Catalogue) -> int:
    """Ask for every jurisdiction and class among all places; gives how many questions that were."""
    today, places, asked = datetime.now(UTC).date(), tuple(catalogue.places), 0
    for code in catalogue.jurisdictions:
        for data_class in DataClass:
            question = Question(
                jurisdiction=code, product=Product.CASINO, data_class=data_class, production=False, on=today
            )
            place(catalogue, question, places)
            asked += 1
    return asked


def law_of(catalogue: Catalogue) -> dict[str, str]:
    """The law of a cell of two places."""
    places = ("eu-west-2", "sa-east-1")
    now = datetime.now(UTC)
    return cell_law(catalogue, cell="bench", places=places, production=False, attestations=(), now=now)


if __name__ == "__main__":
    for name, value in run_catalogue().items():
        print(f"{name}: {value}")
