"""Completion of `kubectl casino`: kubectl runs `kubectl_complete-casino` with the words after `casino`.

The last word is the one that is being written, and may be empty. The answer is a word a line, with what it means after
a tab, and then a directive of kubectl's completion.
"""

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from domicile_kubectl.options import complete_names

DIRECTIVE = ":4"
"""Offer no files (cobra's ShellCompDirectiveNoFileComp)."""

Names = Callable[[dict[str, str]], Iterable[str]]


def complete(words: Sequence[str], command: Any, names: Names) -> list[str]:
    """The lines to print. `names` gives the tenants' names by the options that were written so far. Pure but for it."""
    *before, written = words or [""]
    commands: dict[str, Any] = command.commands
    if not before:
        return [f"{name}\t{_first(one.help)}" for name, one in commands.items() if name.startswith(written)]
    chosen = commands.get(before[0])
    if chosen is None:
        return []
    options = {opt: one for one in chosen.params if one.param_type_name == "option" for opt in one.opts}
    if written.startswith("-"):
        return [f"{opt}\t{_first(one.help)}" for opt, one in options.items() if opt.startswith(written)]
    given, values = _given(before[1:], options)
    if before[-1] in options and not options[before[-1]].is_flag:
        return []
    if values or not any(one.name == "name" for one in chosen.params):
        return []
    return [name for name in names(given) if name.startswith(written)]


def _given(words: Sequence[str], options: dict[str, Any]) -> tuple[dict[str, str], list[str]]:
    """The options' values that were written, and the arguments."""
    given: dict[str, str] = {}
    values: list[str] = []
    rest = iter(words)
    for word in rest:
        opt, sign, value = word.partition("=")
        if opt in options:
            if not options[opt].is_flag:
                given[str(options[opt].name)] = value if sign else next(rest, "")
        else:
            values.append(word)
    return given, values


def _first(text: str | None) -> str:
    return (text or "").split("\n")[0].split(". ")[0]


def run() -> None:
    """The program."""
    from typer.main import get_command

    from domicile_kubectl.main import app

    for line in [*complete(sys.argv[1:], get_command(app), complete_names), DIRECTIVE]:
        print(line)
