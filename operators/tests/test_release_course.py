"""The course of one tenant from release to release: whatever a pass sees, it ends at the new one or at the old one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from domicile_operator.releases.course import (
    DOWN,
    LONGEST,
    UNDER_WAY,
    Failed,
    Release,
    Seen,
    advance,
    from_status,
    standing,
    to_status,
)
from domicile_operator.releases.figures import Figures, Harm
from hypothesis import given
from hypothesis import strategies as st

OLD, NEW, MEND = "registry.test/casino:1", "registry.test/casino:2", "registry.test/casino:3"
NOW = datetime(2028, 6, 1, 12, tzinfo=UTC)
WATCH = timedelta(minutes=5)
STUCK, BUSY = Harm("NotInPlace", "No progress."), Harm("Waits", "Nobody before it.")
GOOD, BAD = Figures(1000, failed=50), Figures(1000, failed=600)


def seen(minutes: float = 0, wanted: str = NEW, **more: object) -> Seen:
    return replace(Seen(wanted, NOW + timedelta(minutes=minutes), watch=WATCH), **more)


def rolling() -> Release:
    return advance(Release(OLD), seen(settled=True, figures=GOOD))


def watching() -> Release:
    return advance(rolling(), seen(1, settled=True, serving=True))


SEEN = st.builds(
    Seen,
    st.sampled_from([OLD, NEW, MEND]),
    st.integers(0, 60).map(lambda minutes: NOW + timedelta(minutes=minutes)),
    st.sampled_from([None, None, BUSY]),
    settled=st.booleans(),
    sound=st.sampled_from([True, True, False]),
    serving=st.sampled_from([None, True, False]),
    stuck=st.sampled_from([None, None, None, STUCK]),
    figures=st.sampled_from([Figures(), GOOD, BAD, Figures(broken=True)]),
    watch=st.just(WATCH),
)


def test_a_good_release_comes_and_is_watched_and_stays() -> None:
    assert rolling() == Release(NEW, "Rolling", OLD, "2028-06-01T12:00:00Z", "2028-06-01T12:00:00Z", before=GOOD)
    assert advance(rolling(), seen(1)) == rolling()
    assert watching().phase == "Watching"
    assert advance(watching(), seen(5, settled=True, figures=GOOD)) == watching()
    assert advance(watching(), seen(6, settled=True, figures=GOOD)) == Release(NEW, since="2028-06-01T12:06:00Z")


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"stuck": STUCK}, "NotInPlace"),
        ({"settled": True, "figures": BAD}, "BetsFail"),
        ({"settled": True, "figures": Figures(broken=True)}, "LedgerBroken"),
    ],
)
def test_a_bad_one_goes_back_and_is_not_tried_again(more: dict[str, object], reason: str) -> None:
    for before in (rolling(), watching()):
        back = advance(before, seen(2, **more))
        assert (back.image, back.phase) == (OLD, "GoingBack")
        assert back.failed is not None and (back.failed.image, back.failed.reason) == (NEW, reason)
        rests = advance(back, seen(3, settled=True))
        assert (rests.image, rests.phase, rests.failed) == (OLD, "Settled", back.failed)
        assert advance(rests, seen(4, settled=True)) == rests
        assert standing(rests, seen(4)).reason == "RolledBack" and reason in standing(rests, seen(4)).message
        # Another release is another matter.
        assert advance(rests, seen(5, MEND, settled=True)).image == MEND


def test_one_that_takes_too_long_or_serves_nobody_goes_back() -> None:
    late = LONGEST.total_seconds() / 60
    assert advance(rolling(), seen(late - 1)).phase == "Rolling"
    back = advance(rolling(), seen(late))
    assert back.failed is not None and back.failed.reason == "NotInPlace"
    down = advance(watching(), seen(2, serving=False))
    assert down.down == "2028-06-01T12:02:00Z" and down.phase == "Rolling"
    assert advance(down, seen(2.5, serving=False)).phase == "Rolling"
    assert advance(down, seen(2.5, serving=True)).down == ""
    back = advance(down, seen(2 + DOWN.total_seconds() / 60, serving=False))
    assert back.failed is not None and back.failed.reason == "ServesNobody"


def test_a_release_that_is_taken_back_has_not_failed() -> None:
    back = advance(watching(), seen(2, OLD, settled=True, figures=BAD))
    assert (back.image, back.phase, back.failed) == (OLD, "GoingBack", None)
    assert standing(back, seen(2, OLD)).message == "Back to 1, which is the cell's release again."


def test_trouble_that_is_not_the_releases_begins_nothing_and_takes_nothing_back() -> None:
    late = LONGEST.total_seconds() / 60 + 1
    assert advance(Release(OLD), seen(sound=False)) == Release(OLD)
    assert advance(rolling(), seen(late, sound=False)).phase == "Rolling"
    # What is stuck with the old release may need the new one.
    assert advance(Release(OLD), seen(sound=False, stuck=STUCK)).image == NEW


def test_who_may_not_begin_says_why_and_stays() -> None:
    assert advance(Release(OLD), seen(hindrance=BUSY)) == Release(OLD)
    told = standing(Release(OLD), seen(hindrance=BUSY))
    assert (told.status, told.reason) == ("False", "Waits") and "1 runs, and 2 is to follow" in told.message
    assert standing(Release(NEW), seen()).status == "True"


TURNS = {("Settled", "Rolling"), ("Rolling", "GoingBack"), ("Watching", "GoingBack")}
RELEASES = st.lists(SEEN, max_size=12)


@given(RELEASES)
def test_a_tenant_always_has_an_image_that_it_was_given_and_a_way_back(passes: list[Seen]) -> None:
    release, known = Release(OLD), {OLD}
    for one in sorted(passes, key=lambda found: found.now):
        before, release = release, advance(release, one)
        known.add(one.wanted)
        assert release.image in known
        assert release.phase not in ("Rolling", "Watching") or release.previous in known - {release.image}
        assert from_status(to_status(release)) == release
        assert standing(release, one).message
        # One step is one change: nobody skips being watched, and a change of image always names what was before.
        if release.image != before.image:
            assert (before.phase, release.phase) in {
                ("Settled", "Rolling"),
                ("Rolling", "GoingBack"),
                ("Watching", "GoingBack"),
            }
        if release.phase == "Settled" and before.phase != "Settled":
            assert before.phase in ("Watching", "GoingBack") and one.settled
        if release.failed is not None and before.failed is None:
            assert release.image != release.failed.image == before.image


@given(RELEASES, st.booleans())
def test_left_alone_it_ends(passes: list[Seen], works: bool) -> None:
    """Whatever happened: from then on a release that works stays, and one that does not is gone from."""
    release, minute = Release(OLD), 60.0
    for one in sorted(passes, key=lambda found: found.now):
        release = advance(release, one)
    for _ in range(60):
        minute += 1
        broken = release.image == NEW and not works
        release = advance(release, seen(minute, settled=not broken, serving=True, stuck=STUCK if broken else None))
    assert release.phase not in UNDER_WAY
    gave_up = release.failed is not None and release.failed.image == NEW
    assert (release.image == NEW) == (works and not gave_up)


def test_a_status_of_nothing_but_an_image_is_read() -> None:
    assert from_status({"image": OLD}) == Release(OLD)
    failed = Failed(NEW, "BetsFail", "x", "2028-06-01T12:00:00Z")
    assert from_status(to_status(Release(OLD, failed=failed))).failed == failed
