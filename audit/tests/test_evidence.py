"""Evidence is a chain of signed documents: what was changed, taken out or put in is found, and named."""

import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from audit_testkit.world import AWAY, CELL, HOME, TAGS, judged, scope_of
from domicile_audit.evidence import Extent, Run, Verdict, canonical, document, verdict
from domicile_audit.holding import Coverage, Encryption, Holding, Key, Survey, Unread
from domicile_audit.judgement import resolve
from domicile_audit.store import StoreError, check_key, next_link, verify_chain, write, write_unsigned
from domicile_catalog import DataClass
from hypothesis import given, settings
from hypothesis import strategies as st

BEGAN = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
KEY = f"arn:aws:kms:{HOME}:{CELL}:key/1"
UNREAD = Unread(account=CELL, region=HOME, service="sqs", operation="list_queues", resource=None, reason="denied")


def _nested(of: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(of) | st.dictionaries(st.text(), of)


def survey(region: str = HOME, unread: tuple[Unread, ...] = ()) -> Survey:
    table = Holding(
        type="dynamodb:table",
        arn=f"arn:aws:dynamodb:{region}:{CELL}:table/bets",
        account=CELL,
        region=region,
        data_classes=(DataClass.WAGERING,),
        classified_by="tag",
        tags=TAGS,
        encryption=Encryption.by(KEY),
    )
    return Survey(holdings=(table,), keys=(Key(arn=KEY),), unread=unread)


WHOLE = Extent()


def evidence(folder: Path, *, after: int = 0, read: Survey | None = None, extent: Extent = WHOLE) -> dict[str, Any]:
    scope, read = scope_of(), resolve(read or survey(), scope_of())
    sequence, previous = next_link(folder)
    began = BEGAN + timedelta(hours=after)
    run = Run(caller="arn:aws:iam::123456789012:user/me", began=began, ended=began, version="0.1.0")
    return document(scope, read, judged(read, scope), run, extent, sequence=sequence, previous=previous)


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new_key(tmp_path_factory.mktemp("keys") / "auditor", "ed25519")


def new_key(path: Path, kind: str) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(path)], check=True)
    return path


@pytest.fixture()
def chain(tmp_path: Path, key: Path) -> list[Path]:
    return [write(tmp_path, evidence(tmp_path, after=number), key) for number in range(3)]


def problems(folder: Path, **options: Any) -> list[tuple[str, str | None]]:
    return [(one.file, one.problem) for one in verify_chain(folder, **options)]


def fingerprint(key: Path) -> str:
    told = subprocess.run(["ssh-keygen", "-l", "-f", f"{key}.pub"], check=True, capture_output=True, text=True)
    return told.stdout.split()[1]


class TestDocument:
    def test_it_tells_each_holding_its_law_and_whether_it_is_lawful(self, tmp_path: Path) -> None:
        good = evidence(tmp_path)
        assert (good["verdict"], good["holdings"][0]["lawful"]) == ("clean", True)
        assert good["holdings"][0]["bound_by"] == ["AA wagering"]
        bad = evidence(tmp_path, read=survey(AWAY))
        (holding,) = bad["holdings"]
        assert (bad["verdict"], holding["lawful"]) == ("violations", False)
        assert set(holding["findings"]) == {one["id"] for one in bad["findings"]}
        assert bad["scope"]["laws"]["AA"]["by_class"]["wagering"]["places"] == [HOME]

    def test_what_was_not_read_makes_it_incomplete_and_violations_outweigh_that(self) -> None:
        scope = scope_of()
        narrowed = Extent(regions=(HOME,))
        for region, unread, extent, told in (
            (HOME, (), WHOLE, Verdict.CLEAN),
            (HOME, (), narrowed, Verdict.PARTIAL),
            (HOME, (), Extent(clusters_left=("gb",)), Verdict.PARTIAL),
            (HOME, (UNREAD,), narrowed, Verdict.INCOMPLETE),
            (AWAY, (UNREAD,), narrowed, Verdict.VIOLATIONS),
        ):
            read = resolve(survey(region, unread), scope)
            assert verdict(read, judged(read, scope), extent) is told

    def test_it_tells_what_was_looked_at(self, tmp_path: Path) -> None:
        covered = (
            Coverage(account=CELL, region=HOME, collector="sqs queues", holdings=0, calls=1),
            Coverage(account=CELL, region="*", collector="cluster gb", holdings=0, calls=4),
        )
        read = survey().model_copy(update={"coverage": covered})
        told = evidence(tmp_path, read=read, extent=Extent(regions=(HOME,), clusters=("gb",), clusters_left=("br",)))
        assert told["extent"] == {
            "whole": False,
            "narrowed_to": [HOME],
            "accounts": [CELL],
            "regions": [HOME],
            "clusters": ["gb"],
            "clusters_left": ["br"],
        }
        assert evidence(tmp_path)["extent"]["whole"]

    def test_the_same_evidence_has_the_same_bytes(self, tmp_path: Path) -> None:
        assert canonical(evidence(tmp_path)) == canonical(json.loads(canonical(evidence(tmp_path))))

    @settings(max_examples=40)
    @given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), _nested))
    def test_canonical_bytes_are_read_back_as_the_same_value(self, value: Any) -> None:
        content = canonical({"value": value})
        assert json.loads(content) == {"value": value}
        assert canonical(json.loads(content)) == content


class TestChain:
    def test_a_chain_that_nobody_touched_holds(self, tmp_path: Path, chain: list[Path], key: Path) -> None:
        links = verify_chain(tmp_path, signers=[fingerprint(key)])
        assert [one.file for one in links] == [path.name for path in chain]
        assert all(one.problem is None and one.signer == fingerprint(key) for one in links)
        assert chain[0].name == "000001-20261124T120000Z.json"

    @pytest.mark.parametrize("at", [0, 1, 2])
    def test_a_changed_document_is_named(self, tmp_path: Path, chain: list[Path], at: int) -> None:
        value = json.loads(chain[at].read_bytes())
        value["findings"] = ["nothing to see"]
        chain[at].write_bytes(canonical(value))
        last = problems(tmp_path)[-1]
        assert last[0] == chain[at].name
        assert "does not hold" in str(last[1])

    def test_a_changed_document_that_is_signed_again_breaks_the_next(
        self, tmp_path: Path, chain: list[Path], key: Path
    ) -> None:
        value = json.loads(chain[1].read_bytes())
        value["verdict"] = "violations"
        chain[1].write_bytes(canonical(value))
        chain[1].with_name(f"{chain[1].name}.sig").unlink()
        subprocess.run(
            ["ssh-keygen", "-q", "-Y", "sign", "-n", "domicile-evidence", "-f", str(key), str(chain[1])],
            check=True,
            capture_output=True,
        )
        told = problems(tmp_path)
        assert [one for one, problem in told if problem] == [chain[2].name]
        assert f"does not follow {chain[1].name}" in str(told[-1][1])

    @pytest.mark.parametrize(("at", "told"), [(0, "are missing"), (1, "follows number 1")])
    def test_a_document_that_was_taken_out_is_missed(
        self, tmp_path: Path, chain: list[Path], at: int, told: str
    ) -> None:
        chain[at].unlink()
        last = problems(tmp_path)[-1]
        assert last[0] == chain[at + 1].name
        assert told in str(last[1])

    def test_white_space_is_a_change(self, tmp_path: Path, chain: list[Path]) -> None:
        chain[0].write_text(json.dumps(json.loads(chain[0].read_bytes()), indent=1))
        assert "canonical form" in str(problems(tmp_path)[0][1])

    def test_what_is_no_evidence_breaks_the_chain(self, tmp_path: Path, chain: list[Path]) -> None:
        (tmp_path / "000004-x.json").write_text("{}")
        assert "is no evidence" in str(problems(tmp_path)[-1][1])
        with pytest.raises(StoreError, match="is no evidence"):
            next_link(tmp_path)

    def test_a_missing_signature_is_found(self, tmp_path: Path, chain: list[Path]) -> None:
        chain[1].with_name(f"{chain[1].name}.sig").unlink()
        assert problems(tmp_path)[-1] == (chain[1].name, "is not signed")

    def test_a_strangers_signature_does_not_count(self, tmp_path: Path, chain: list[Path]) -> None:
        told = problems(tmp_path, signers=["SHA256:somebody-else"])
        assert "does not count" in str(told[0][1])
        assert len(told) == 1

    def test_the_chain_of_another_environment_does_not_go_on_here(
        self, tmp_path: Path, chain: list[Path], key: Path
    ) -> None:
        write(tmp_path, evidence(tmp_path, after=4) | {"environment": "other"}, key)
        assert problems(tmp_path)[-1][1] == "is of other, and the chain is of test"

    def test_time_does_not_go_back(self, tmp_path: Path, chain: list[Path], key: Path) -> None:
        write(tmp_path, evidence(tmp_path, after=-1), key)
        assert problems(tmp_path)[-1][1] == f"began before {chain[2].name} did"

    def test_an_empty_folder_has_no_links(self, tmp_path: Path) -> None:
        assert verify_chain(tmp_path) == []


class TestWriting:
    def test_a_number_that_is_taken_is_refused_and_leaves_nothing_behind(self, tmp_path: Path, key: Path) -> None:
        value = evidence(tmp_path)
        write(tmp_path, value, key)
        before = sorted(path.name for path in tmp_path.iterdir())
        with pytest.raises(StoreError, match="has a number 1 already"):
            write(tmp_path, value, key)
        assert sorted(path.name for path in tmp_path.iterdir()) == before

    def test_a_key_that_cannot_sign_is_refused_and_leaves_nothing_behind(self, tmp_path: Path) -> None:
        with pytest.raises(StoreError, match="cannot sign"):
            write(tmp_path, evidence(tmp_path), tmp_path / "no-such-key")
        assert list(tmp_path.iterdir()) == []

    def test_a_kind_of_key_that_does_not_verify_is_refused(self, tmp_path: Path) -> None:
        key = new_key(tmp_path / "rsa", "rsa")
        with pytest.raises(StoreError, match="ed25519 or ecdsa"):
            write(tmp_path / "evidence", evidence(tmp_path / "evidence"), key)
        assert list((tmp_path / "evidence").iterdir()) == []

    def test_what_is_left_unsigned_is_no_link_of_the_chain(self, tmp_path: Path, chain: list[Path], key: Path) -> None:
        apart = evidence(tmp_path, after=3) | {"sequence": None, "previous": None}
        path = write_unsigned(tmp_path, apart)
        assert path.parent == tmp_path / "unsigned"
        assert next_link(tmp_path)[0] == 4
        write(tmp_path, evidence(tmp_path, after=4), key)
        assert [problem for _, problem in problems(tmp_path)] == [None] * 4
        with pytest.raises(StoreError, match="exists already"):
            write_unsigned(tmp_path, apart)

    def test_what_was_left_unsigned_cannot_be_put_into_the_chain(self, tmp_path: Path, chain: list[Path]) -> None:
        path = write_unsigned(tmp_path, evidence(tmp_path, after=3) | {"sequence": None, "previous": None})
        path.rename(tmp_path / f"000004-{path.name}")
        assert "is no link of a chain" in str(problems(tmp_path)[-1][1])
        with pytest.raises(StoreError, match="is no link of a chain"):
            next_link(tmp_path)

    def test_a_key_is_tried_before_anything_is_read(self, tmp_path: Path, key: Path) -> None:
        check_key(key)
        with pytest.raises(StoreError, match="ed25519 or ecdsa"):
            check_key(new_key(tmp_path / "rsa", "rsa"))
