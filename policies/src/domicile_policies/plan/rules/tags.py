"""Everything that can be tagged says whose it is, for which law, and what it holds."""

import re
from collections.abc import Iterator

from domicile_catalog import DataClass

from domicile_policies.names import AND, CLASS_TAG, ENVIRONMENT_TAG, NONE, OWNER_TAG, TAG_KEYS
from domicile_policies.plan.facts import PackFacts
from domicile_policies.plan.resource import UNKNOWN, PlannedResource
from domicile_policies.plan.rule import Rule, Said, fault, undecided
from domicile_policies.plan.types import TAGGABLE

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def tagged(resource: PlannedResource, facts: PackFacts) -> Iterator[Said]:
    """The six tags are there, and have values that mean something."""
    if resource.type not in TAGGABLE:
        return
    if resource.at("tags") is UNKNOWN:
        yield undecided(resource, "its tags")
        return
    missing = [key for key in TAG_KEYS if not resource.tag(key)]
    if missing:
        yield fault(resource, f"lacks the tags {', '.join(missing)}")
    for key, value in ((key, resource.tag(key)) for key in TAG_KEYS if key not in missing):
        if value is UNKNOWN:
            yield undecided(resource, f"the tag {key}")
        elif wrong := _wrong(key, str(value), facts):
            yield fault(resource, f"the tag {key} is {value}: {wrong}")


def _wrong(key: str, value: str, facts: PackFacts) -> str | None:
    if key == ENVIRONMENT_TAG and value != facts.environment:
        return f"it must be {facts.environment}"
    if key == CLASS_TAG:
        unknown = sorted(set(value.split(AND)) - {str(one) for one in DataClass}) if value != NONE else []
        return f"no data class: {', '.join(unknown)}" if unknown else None
    if key == OWNER_TAG and not _EMAIL.fullmatch(value):
        return "it must be an e-mail address"
    return None


RULES = (
    Rule(
        "tags-required",
        "Everything taggable has the platform's tags",
        f"Set {', '.join(TAG_KEYS)}.",
        on_resource=tagged,
    ),
)
