"""Where each casino stands between two releases. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from domicile_kubectl.names import Object
from domicile_kubectl.tenant import Tenant, age, instant, text_of

ORDER = ("Rolling", "Watching", "GoingBack", "RolledBack", "Halted", "Waits")
"""What comes first in the list: what is under way, then what went wrong, then who waits."""


@dataclass(frozen=True)
class Row:
    """One tenant. `stands` is the reason of its condition Release, `message` what that says."""

    name: str
    image: str
    stands: str
    since: str
    previous: str
    message: str


def rows(tenants: Iterable[Object]) -> list[Row]:
    """A row for each tenant, what asks for attention first."""
    found = [_row(Tenant(one)) for one in tenants]
    return sorted(found, key=lambda row: (ORDER.index(row.stands) if row.stands in ORDER else len(ORDER), row.name))


HEADINGS = ("NAME", "RELEASE", "STANDS", "FOR", "FROM", "WHY")


def cells(row: Row, now: datetime) -> list[str]:
    """A row's cells under HEADINGS."""
    why = "" if row.stands in ("Current", "NotLookedAt") else row.message
    since = age(instant(row.since), now) if row.since else ""
    return [row.name, *map(text_of, (_tag(row.image), row.stands, since, _tag(row.previous), why))]


def _row(tenant: Tenant) -> Row:
    release, told = tenant.status.get("release") or {}, tenant.condition("Release")
    return Row(
        name=tenant.name,
        image=str(release.get("image", "")),
        stands=told.reason if told else "NotLookedAt",
        since=str(release.get("since", "")),
        previous=str(release.get("previous", "")),
        message=told.message if told else "",
    )


def _tag(image: str) -> str:
    """What an image is called for short, as the operator calls it."""
    return image.rpartition("/")[2].partition("@")[2][:19] or image.rpartition("/")[2].rpartition(":")[2]
