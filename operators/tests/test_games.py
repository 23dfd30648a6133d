"""The signed manifest of the games: which one counts, how it reaches the pods, what is said of it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from domicile_operator import games
from domicile_operator.cell import Cell, load_cell
from domicile_operator.clients.pods import Told, ask_all
from domicile_operator.errors import Fault, Refused
from domicile_operator.games import GamesManifest, judge, trusted
from domicile_operator.manifests import pods, workload
from domicile_operator.plan import image_version
from domicile_operator.reconcile import reconcile
from hypothesis import given
from hypothesis import strategies as st
from operator_testkit.fakes import IMAGE, Fakes
from operator_testkit.samples import CELL, plan, tenant
from operator_testkit.signing import SIGNER, STRANGER, manifest, public

VERSION = image_version(IMAGE)
KEY = public(SIGNER)
NAMESPACE = "casino-acme-gb"


def cell(*keys: str, **manifests: str) -> Cell:
    return CELL.model_copy(update={"games_keys": keys, "games_manifests": manifests})


def code(found: GamesManifest | Refused | None) -> str:
    return found.code if isinstance(found, Refused) else "trusted" if found else "nobody asked"


def test_without_a_key_no_manifest_is_asked_for_and_none_counts() -> None:
    assert trusted({VERSION: manifest()}, (), VERSION, "lab") is None


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (manifest(), "trusted"),
        (manifest(STRANGER), "GAMES_MANIFEST_UNTRUSTED"),
        (manifest().replace("2026-11-30", "2026-12-01"), "GAMES_MANIFEST_UNTRUSTED"),
        (manifest().replace("a" * 64, "b" * 64), "GAMES_MANIFEST_UNTRUSTED"),
        (json.dumps(json.loads(manifest())["manifest"]), "GAMES_MANIFEST_UNTRUSTED"),
        (manifest(note="x" * games.LIMIT), "GAMES_MANIFEST_UNTRUSTED"),
        ("[]", "GAMES_MANIFEST_UNTRUSTED"),
        ("", "GAMES_MANIFEST_UNTRUSTED"),
    ],
)
def test_only_what_the_cells_key_signed_counts(text: str, wanted: str) -> None:
    assert code(trusted({VERSION: text}, (KEY,), VERSION, "lab")) == wanted


def test_a_manifest_of_another_release_is_none_of_this_one() -> None:
    assert code(trusted({"0.0.9": manifest()}, (KEY,), VERSION, "lab")) == "GAMES_MANIFEST_MISSING"


def test_while_signers_change_both_keys_count_and_the_pods_get_the_one_that_signed() -> None:
    found = trusted({VERSION: manifest(STRANGER)}, (KEY, public(STRANGER)), VERSION, "lab")
    assert isinstance(found, GamesManifest) and found.key == public(STRANGER)


@given(st.text(max_size=200) | st.recursive(st.none() | st.text(), st.lists).map(json.dumps))
def test_whatever_the_text_it_is_trusted_or_refused_and_never_raises(text: str) -> None:
    assert code(trusted({VERSION: text}, (KEY,), VERSION, "lab")) == "GAMES_MANIFEST_UNTRUSTED"


def test_the_casino_and_its_worker_get_the_manifest_and_the_key_and_nobody_else() -> None:
    signed = replace(plan(), games=GamesManifest(manifest(), KEY))
    assert pods.config_map_data(signed)[pods.GAMES_FILE] == manifest()
    for made, has in (
        (workload.deployment(signed), True),
        (workload.worker_deployment(signed), True),
        (workload.realtime_deployment(signed), False),
        (workload.migration_job(signed), False),
    ):
        container = made["spec"]["template"]["spec"]["containers"][0]
        env = {one["name"]: one["value"] for one in container["env"]}
        mounts = [one for one in container["volumeMounts"] if one["mountPath"] == env.get("CASINO_GAMES_MANIFEST")]
        assert [one["subPath"] for one in mounts] == ([pods.GAMES_FILE] if has else [])
        assert env.get("CASINO_GAMES_MANIFEST_KEY") == (KEY if has else None)


def test_a_pod_keeps_the_manifest_that_it_began_with_and_another_one_is_another_pod() -> None:
    first, second = (replace(plan(), games=GamesManifest(manifest(note=note), KEY)) for note in ("", " "))
    for build in (workload.deployment, workload.worker_deployment):
        templates = [build(one)["spec"]["template"]["metadata"]["annotations"] for one in (plan(), first, second)]
        assert len({json.dumps(one) for one in templates}) == 3
    assert workload.realtime_deployment(first) == workload.realtime_deployment(second)
    assert workload.migration_job(first) == workload.migration_job(second)


def test_a_cell_without_a_key_rolls_no_pod_for_this_release_of_the_operator() -> None:
    without = workload.deployment(plan())["spec"]["template"]
    assert "games" not in json.dumps(without)
    assert pods.GAMES_FILE not in pods.config_map_data(plan())


def test_a_casino_is_built_when_its_release_brings_a_manifest_that_the_cell_trusts() -> None:
    fakes = Fakes(cell(KEY))
    fakes.kube.put(tenant())
    assert reconcile("acme-gb", fakes.world).code == "GAMES_MANIFEST_MISSING"
    assert f"{VERSION}.json" in fakes.condition("Ready")["message"]
    assert not fakes.kube.find("Namespace")
    fakes.cell = cell(KEY, **{VERSION: manifest(STRANGER)})
    assert reconcile("acme-gb", fakes.world).code == "GAMES_MANIFEST_UNTRUSTED"
    fakes.cell = cell(KEY, **{VERSION: manifest()})
    assert reconcile("acme-gb", fakes.world).kind == "waiting"
    (config,) = (c for c in fakes.kube.find("ConfigMap", NAMESPACE) if c["metadata"]["name"] == "casino-config")
    assert config["data"][pods.GAMES_FILE] == manifest()


def test_the_condition_of_a_live_casino_says_what_was_verified_or_that_nothing_was() -> None:
    fakes = Fakes(cell())
    fakes.kube.put(tenant())
    for step in (lambda: None, fakes.finish_migration, fakes.roll_out):
        step()
        reconcile("acme-gb", fakes.world)
    found = fakes.condition("GamesVerified")
    assert (found["status"], found["reason"]) == ("False", "NoKey") and "gamesKeys" in found["message"]
    assert fakes.condition("Ready")["status"] == "True"


SIGNED = GamesManifest(manifest(), KEY)


@pytest.mark.parametrize(
    ("told", "pods_there", "status", "reason"),
    [
        ([True, True], 2, "True", "Verified"),
        ([True, False], 2, "False", "VerificationFailed"),
        ([True], 2, "Unknown", "NotSeen"),
        ([True, None], 2, "Unknown", "NotSeen"),
        ([], 0, "Unknown", "NotSeen"),
    ],
)
def test_verified_is_what_every_pod_found(told: list[bool | None], pods_there: int, status: str, reason: str) -> None:
    found = judge(SIGNED, "lab", told, pods_there)
    assert (found.status, found.reason) == (status, reason)
    if status == "True":
        assert KEY in found.message and SIGNED.digest[:12] in found.message


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("casino_games_verified 1.0\n", True),
        ("casino_games_verified 0.0\n", False),
        ("casino_games_verified 2.0\n", None),
        ('casino_game_offered{game="squall"} 1.0\n', None),
    ],
)
def test_a_pod_tells_whether_its_games_are_as_signed(said: str, wanted: bool | None) -> None:
    assert ask_all(["a"], lambda _: said) == [Told(None, wanted)]


def write_cell(folder: Path, **more: object) -> None:
    document = CELL.model_dump(mode="json", by_alias=True, exclude={"ca_pem", "networks", "games_manifests"})
    (folder / "cell.yaml").write_text(yaml.safe_dump(document | more))
    (folder / "ca.crt").write_text("")


def test_manifests_are_read_by_the_version_that_their_files_are_named_after(tmp_path: Path) -> None:
    write_cell(tmp_path, gamesKeys=[KEY])
    assert load_cell(tmp_path).games_keys == (KEY,)
    (tmp_path / "0.1.0-abc.json").write_text("{}")
    (tmp_path / "README").write_text("no manifest")
    assert load_cell(tmp_path, None, tmp_path).games_manifests == {"0.1.0-abc": "{}"}
    assert load_cell(tmp_path, None, tmp_path / "none").games_manifests == {}


@pytest.mark.parametrize("keys", [["short"], ["A" * 44], [1, 2], KEY])
def test_a_key_that_is_none_makes_the_cell_unreadable(tmp_path: Path, keys: object) -> None:
    write_cell(tmp_path, gamesKeys=keys)
    with pytest.raises(Fault, match="Write the ConfigMap domicile-cell"):
        load_cell(tmp_path)
