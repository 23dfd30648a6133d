"""Former names of what the program declares, so that a new name replaces nothing."""

import pulumi


def renamed(*names: str) -> list[pulumi.Alias | str] | None:
    """The aliases of something that had these names; None of what has had one name alone."""
    return [pulumi.Alias(name=name) for name in names] or None
