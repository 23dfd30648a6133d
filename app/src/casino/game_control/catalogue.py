"""The definitions of this package's games, read and checked."""

from __future__ import annotations

import json
from fractions import Fraction
from functools import cache
from importlib import resources
from typing import Any

from pydantic import ValidationError

from casino.game_control.definition import Definition
from casino.game_control.engines.baccarat import Baccarat
from casino.game_control.engines.blackjack import Blackjack
from casino.game_control.engines.crash import Crash
from casino.game_control.engines.dice import Dice
from casino.game_control.engines.line_slot import LineSlot
from casino.game_control.engines.roulette import Roulette
from casino.game_control.engines.video_poker import VideoPoker
from casino.game_control.engines.video_slot import VideoSlot
from casino.game_control.figures import Figures
from casino.kernel.errors import ConfigurationError

KINDS: dict[str, type[Definition]] = {
    "baccarat": Baccarat,
    "blackjack": Blackjack,
    "crash": Crash,
    "dice": Dice,
    "line_slot": LineSlot,
    "roulette": Roulette,
    "video_poker": VideoPoker,
    "video_slot": VideoSlot,
}
DEFAULT_KIND = "line_slot"
"""The kind of a definition that names none."""
MAX_DEFINITION_BYTES = 1 << 20


class GameRefused(ConfigurationError):
    """A game may not be offered; the message says by which rule."""


def kind_of(text: str) -> str:
    """The kind that a definition names, or the default for one that names none or is no JSON object."""
    try:
        document: Any = json.loads(text)
    except (ValueError, RecursionError):
        return DEFAULT_KIND
    return str(document.get("kind", DEFAULT_KIND)) if isinstance(document, dict) else DEFAULT_KIND


def parse_definition(text: str, origin: str) -> Definition:
    """A definition from its JSON, its figures not checked yet. Raises GameRefused with every fault."""
    model = KINDS.get(kind_of(text)) if len(text) <= MAX_DEFINITION_BYTES else None
    if model is None:
        raise GameRefused(
            f"{origin} is no usable definition: its kind is none of {', '.join(KINDS)}, or it is too long"
        )
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, e['loc'])) or 'document'}: {e['msg']}" for e in error.errors()]
        raise GameRefused(f"{origin} is no usable definition: " + "; ".join(faults)) from error


def definition_texts() -> dict[str, str]:
    """Every definition of the package by its file's name."""
    files = sorted(resources.files("casino.game_control.games").iterdir(), key=lambda file: file.name)
    return {file.name: file.read_text() for file in files if file.name.endswith(".json")}


def load_catalogue() -> dict[str, Definition]:
    """Every game of the package by its id, checked as at start. Raises GameRefused for the first that is not right."""
    return {definition.game_id: definition for definition in _checked_catalogue()}


@cache
def _checked_catalogue() -> tuple[Definition, ...]:
    """Worked out once a process: definitions do not change, and whether files did is asked by verification."""
    return tuple(checked(parse_definition(text, name)) for name, text in definition_texts().items())


def checked(definition: Definition) -> Definition:
    """The definition, when its declared figures are its own.

    They are computed again, or, where that takes long, must belong to the definition's digest. Raises GameRefused.
    """
    if not definition.SLOW:
        require_figures(definition, definition.exact_figures())
    elif definition.figures_digest != definition.digest_without_figures():
        raise GameRefused(
            f"{definition.game_id} {definition.version}: the definition is not the one that its figures were computed "
            "for (figures_digest): run `casino games figures` and certify what is played"
        )
    return definition


def require_figures(definition: Definition, exact: dict[str, Figures]) -> None:
    """Raise GameRefused unless the declared figures are these."""
    name = f"{definition.game_id} {definition.version}"
    if set(exact) != set(definition.figures):
        missing = sorted(set(exact) ^ set(definition.figures))
        raise GameRefused(f"{name}: figures are declared for other wagers than there are: {', '.join(missing)}")
    for wager, figures in exact.items():
        for field in Figures.model_fields:
            declared: Fraction = getattr(definition.figures[wager], field)
            true: Fraction = getattr(figures, field)
            if declared != true:
                raise GameRefused(
                    f"{name}: the definition declares a {field} of {declared} for {wager}, but its maths give {true}: "
                    "certify what is played"
                )


def with_figures(text: str, definition: Definition, exact: dict[str, Figures]) -> str:
    """The definition's text with these figures in the place of the declared ones; the rest as it was written."""
    document = json.loads(text)
    document.pop("figures", None)
    document.pop("figures_digest", None)
    body = text.rstrip()
    start = body.find('"figures":')
    if start >= 0:
        body = body[:start].rstrip().rstrip(",") + "\n}"
    lines = [f'    "{wager}": {json.dumps(figures.model_dump(mode="json"))}' for wager, figures in exact.items()]
    told = '  "figures": {\n' + ",\n".join(lines) + "\n  }"
    if definition.SLOW:
        told += f',\n  "figures_digest": "{definition.digest_without_figures()}"'
    written = body.rstrip()[:-1].rstrip().rstrip(",") + ",\n" + told + "\n}\n"
    rest = {key: value for key, value in json.loads(written).items() if not key.startswith("figures")}
    if rest != document:
        raise ValueError("figures must come last in a definition")
    return written
