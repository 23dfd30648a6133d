"""The tags that everything taggable carries: whose it is, for which law, and what it holds.

Rules of form: AWS "Tag naming limits and requirements". Keys are at most 128 characters and values 256, of letters,
digits, spaces and `_ . : / = + - @`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from domicile_catalog import DataClass
from domicile_policies.names import (
    AND,
    CELL_TAG,
    CLASS_TAG,
    ENVIRONMENT_TAG,
    JURISDICTION_TAG,
    NONE,
    OWNER_TAG,
    TENANT_TAG,
)

from domicile_infra.plan.errors import PlanError

ORGANIZATION = "organization"
"""The value of `domicile:cell` for what belongs to no cell."""
SHARED = "shared"
"""The value of `domicile:tenant` for what no single tenant owns."""

LONGEST_KEY, LONGEST_VALUE, MOST_TAGS = 128, 256, 50
_FORM = re.compile(r"[\w\s.:/=+\-@]*")


@dataclass(frozen=True, slots=True)
class TagScope:
    """What a whole stack's tags have in common. `owner` is the e-mail address of who answers for it."""

    environment: str
    cell: str
    jurisdictions: tuple[str, ...]
    owner: str
    tenant: str = SHARED

    def tags(self, data_classes: Iterable[DataClass] = (), *, name: str | None = None) -> dict[str, str]:
        """The tags of something that holds these classes of data; `name` is what AWS's console shows of it.

        Raises PlanError where AWS would refuse a tag.
        """
        held = set(data_classes)
        found = {
            ENVIRONMENT_TAG: self.environment,
            CELL_TAG: self.cell,
            TENANT_TAG: self.tenant,
            JURISDICTION_TAG: AND.join(sorted(self.jurisdictions)) or NONE,
            CLASS_TAG: AND.join(one.value for one in DataClass if one in held) or NONE,
            OWNER_TAG: self.owner,
        }
        if name is not None:
            found["Name"] = name
        return checked(found)


def checked(tags: dict[str, str]) -> dict[str, str]:
    """The tags, or PlanError for the first that AWS would refuse."""
    if len(tags) > MOST_TAGS:
        raise PlanError(f"{len(tags)} tags, and AWS takes {MOST_TAGS} of a resource: leave some out.")
    for key, value in tags.items():
        for what, text, longest in ((f"key {key}", key, LONGEST_KEY), (f"value of {key}", value, LONGEST_VALUE)):
            if len(text) > longest:
                raise PlanError(
                    f"The tag's {what} has {len(text)} characters, and AWS takes {longest}. Shorten it; where it "
                    "lists jurisdictions, serve some of them from a cell of their own."
                )
            if not _FORM.fullmatch(text):
                raise PlanError(
                    f"The tag's {what} is {text!r}: AWS takes letters, digits, spaces and _ . : / = + - @ in a tag."
                )
    return tags
