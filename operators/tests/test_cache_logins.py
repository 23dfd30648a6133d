"""A login to a cache whose users AWS makes: whatever fails at whichever step, the casino's password opens it."""

import itertools
from datetime import timedelta

import pytest
from domicile_operator.cache_logins import ROTATION, Login, from_document, next_step, to_document
from domicile_operator.children.cache import CacheLogin
from domicile_operator.errors import Fault
from domicile_operator.names import Names
from domicile_operator.reconcile import reconcile
from hypothesis import given, settings
from hypothesis import strategies as st
from operator_testkit.fakes import Fakes
from operator_testkit.samples import CELL, IN_AWS, plan, tenant

NAMES = Names("acme-gb")
PATH = "kv/data/tenants/acme-gb/redis"


def step(fakes: Fakes) -> str:
    """One pass of the child; gives what it waits for."""
    child, wanted = CacheLogin(), plan(cell=IN_AWS)
    return child.observe(wanted, child.apply(wanted, fakes.world)).waiting


def kept(fakes: Fakes) -> Login:
    found = from_document(fakes.bao.documents[PATH]["data"], NAMES)
    assert found is not None
    return found


def opening(fakes: Fakes) -> tuple[str, ...]:
    """The passwords that open the cache."""
    passwords: tuple[str, ...] = fakes.cache_users.users[NAMES.cache_user]["passwords"]
    return passwords


def test_a_new_tenant_gets_a_user_a_place_in_the_group_and_a_password() -> None:
    fakes = Fakes(IN_AWS)
    assert step(fakes) == ""
    user = fakes.cache_users.users["casino-acme-gb"]
    assert user["access"].startswith("on resetchannels ~acme-gb:* &acme-gb:* +@all -@dangerous -@admin")
    assert user["tags"] == {"domicile:cell": "lab", "domicile:tenant": "acme-gb"}
    assert fakes.cache_users.members == {"casino-acme-gb"}
    assert opening(fakes) == (kept(fakes).password,) and len(kept(fakes).password) == 48


def test_what_is_in_place_is_not_touched_again() -> None:
    fakes = Fakes(IN_AWS)
    step(fakes)
    fakes.switch.calls.clear()
    step(fakes)
    assert fakes.switch.calls == [f"bao read {PATH}", "cache find casino-acme-gb"]


def test_the_casino_is_kept_back_until_its_user_is_there() -> None:
    fakes = Fakes(IN_AWS)
    fakes.cache_users.instant = False
    assert step(fakes) == "Waiting for ElastiCache: the user casino-acme-gb is creating."
    assert kept(fakes).password == ""
    fakes.cache_users.settle()
    fakes.cache_users.busy = True
    assert "takes another change" in step(fakes)
    fakes.cache_users.busy = False
    assert step(fakes) == "" and kept(fakes).password


def test_a_day_later_the_password_is_another_and_the_one_before_counts_until_the_next() -> None:
    fakes = Fakes(IN_AWS)
    step(fakes)
    passwords = [kept(fakes).password]
    for _ in range(3):
        fakes.clock.now += ROTATION
        assert step(fakes) == ""
        passwords.append(kept(fakes).password)
        assert opening(fakes) == (passwords[-1], passwords[-2])
    assert len(set(passwords)) == 4


def test_while_the_next_password_is_on_its_way_nobody_waits_and_the_present_one_stands() -> None:
    fakes = Fakes(IN_AWS)
    step(fakes)
    first = kept(fakes).password
    fakes.cache_users.instant = False
    fakes.clock.now += ROTATION
    assert step(fakes) == "" and kept(fakes).password == first
    fakes.cache_users.settle()
    assert step(fakes) == "" and kept(fakes).password != first


def test_what_somebody_changes_in_aws_is_set_back() -> None:
    fakes = Fakes(IN_AWS)
    step(fakes)
    as_made = dict(fakes.cache_users.users["casino-acme-gb"])
    fakes.cache_users.users["casino-acme-gb"]["access"] = "on ~* +@all"
    fakes.cache_users.members.clear()
    step(fakes)
    assert fakes.cache_users.users["casino-acme-gb"] == as_made and fakes.cache_users.members


def test_a_user_that_somebody_deleted_comes_back_with_the_password_that_the_casino_has() -> None:
    fakes = Fakes(IN_AWS)
    step(fakes)
    before = kept(fakes).password
    fakes.cache_users.users.clear()
    assert step(fakes) == "" and opening(fakes) == (before,) == (kept(fakes).password,)


def test_a_password_that_openbao_lost_is_made_anew() -> None:
    fakes = Fakes(IN_AWS)
    step(fakes)
    before = kept(fakes).password
    fakes.bao.documents[PATH] = {"data": {"username": "casino-acme-gb", "password": ""}}
    assert step(fakes) == "" and kept(fakes).password in opening(fakes) and kept(fakes).password != before


@settings(max_examples=60, deadline=None)
@given(
    faults=st.lists(st.one_of(st.none(), st.integers(0, 12)), min_size=4, max_size=9),
    hours=st.lists(st.integers(0, 40), min_size=9, max_size=9),
    instant=st.booleans(),
)
def test_whatever_fails_the_password_that_the_casino_reads_opens_the_cache(
    faults: list[int | None], hours: list[int], instant: bool
) -> None:
    fakes = Fakes(IN_AWS)
    fakes.cache_users.instant = instant
    for fault, passed in zip(faults, hours, strict=False):
        before = kept(fakes).password if PATH in fakes.bao.documents else ""
        fakes.switch.fail_at = None if fault is None else len(fakes.switch.calls) + fault
        try:
            step(fakes)
        except Fault as raised:
            assert raised.code == "INJECTED"
        fakes.switch.fail_at = None
        present = kept(fakes).password if PATH in fakes.bao.documents else ""
        if present:
            assert present in opening(fakes)
        if before:
            assert before in opening(fakes), "the casino has had no time to read the new one"
        fakes.cache_users.settle()
        fakes.clock.advance(hours=passed)
    for _ in range(4):
        step(fakes)
        fakes.cache_users.settle()
    assert step(fakes) == "" and kept(fakes).password in opening(fakes)


def test_every_way_through_the_steps_ends() -> None:
    words = itertools.count()
    fakes = Fakes(IN_AWS)
    for minutes in (0, 1, 1500, 1501):
        fakes.clock.now += timedelta(minutes=minutes)
        step(fakes)
    found = fakes.cache_users.find(NAMES.cache_user)
    last = next_step(NAMES, kept(fakes), found, fakes.clock.now, lambda: f"p{next(words)}")
    assert type(last).__name__ == "Done"


def test_a_login_tells_no_password_to_who_prints_it() -> None:
    login = Login("casino-acme-gb", password="secret-1", next="secret-2")
    assert "secret" not in repr(login) and from_document(to_document(login), NAMES) == login


def test_another_tenants_document_is_none_of_this_one() -> None:
    assert from_document(to_document(Login("casino-other", password="p")), NAMES) is None
    assert from_document(None, NAMES) is None


@pytest.mark.parametrize(("cell", "variable"), [(CELL, "BAO_REDIS_ROLE"), (IN_AWS, "BAO_REDIS_SECRET")])
def test_the_casino_learns_where_its_login_is_and_no_more(cell: object, variable: str) -> None:
    fakes = Fakes(cell)  # type: ignore[arg-type]
    fakes.kube.put(tenant())
    reconcile("acme-gb", fakes.world)
    fakes.finish_migration()
    reconcile("acme-gb", fakes.world)
    for found in fakes.kube.find("Deployment", "casino-acme-gb"):
        (container,) = found["spec"]["template"]["spec"]["containers"]
        told = {one["name"] for one in container["env"] if "REDIS" in one["name"]}
        assert told == {"CASINO_REDIS_HOST", "CASINO_REDIS_PORT", "CASINO_REDIS_PREFIX", variable}
    assert ("database/roles/casino-acme-gb-redis" in fakes.bao.documents) == (cell is CELL)
    assert bool(fakes.cache_users.users) == (cell is IN_AWS)


def test_with_the_tenant_go_the_user_and_its_password() -> None:
    fakes = Fakes(IN_AWS)
    fakes.kube.put(tenant())
    reconcile("acme-gb", fakes.world)
    assert PATH in fakes.bao.documents
    fakes.delete()
    reconcile("acme-gb", fakes.world)
    fakes.kube.finish_namespace("casino-acme-gb")
    assert reconcile("acme-gb", fakes.world).kind == "waiting"
    assert "delete the user casino-acme-gb" in fakes.condition("Progressing")["message"]
    fakes.cache_users.settle()
    assert reconcile("acme-gb", fakes.world).kind == "gone"
    assert PATH not in fakes.bao.documents and not fakes.cache_users.users


def test_where_openbao_makes_the_logins_nothing_is_asked_of_aws() -> None:
    fakes = Fakes(CELL)
    child, wanted = CacheLogin(), plan()
    assert child.observe(wanted, child.apply(wanted, fakes.world)).children == ()
    assert fakes.switch.calls == []
