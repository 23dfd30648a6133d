"""Whose attestations count: signatures of real keys, vouched for by a root that the folder cannot name."""

import subprocess
from datetime import date
from pathlib import Path

import pytest
from domicile_catalog import AttestationError, load_attestations
from domicile_catalog.sshsig import public_key

GOOD = f"""\
jurisdiction: NO
fact: data_residency
value: none
attested_by: Ada
role: Counsel
attested_on: 2026-05-04
source: Letter of 2026-04-28
source_sha256: {"a" * 64}
expires_on: 2027-05-04
"""


class Keys:
    """Key pairs by name, made by ssh-keygen."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _path(self, name: str) -> Path:
        path = self._folder / name
        if not path.exists():
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", path], check=True)
        return path

    def public(self, name: str) -> str:
        return self._path(name).with_suffix(".pub").read_text().strip()

    def fingerprint(self, name: str) -> str:
        return public_key(self.public(name)).fingerprint

    def sign(self, name: str, file: Path, namespace: str) -> None:
        file.with_name(f"{file.name}.sig").unlink(missing_ok=True)
        subprocess.run(["ssh-keygen", "-Y", "sign", "-q", "-n", namespace, "-f", self._path(name), file], check=True)


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    return Keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def folder(tmp_path, keys):
    """An attestation by Ada, whom the root vouches for."""
    appoint(tmp_path, keys)
    write(tmp_path, keys, GOOD)
    return tmp_path


def appoint(folder, keys, more="", by="root"):
    """officers.yaml with Ada, and whoever else, signed."""
    officers = folder / "officers.yaml"
    officers.write_text(f"officers:\n  - {{name: Ada, role: Counsel, key: {keys.public('ada')}{more}}}\n")
    keys.sign(by, officers, "domicile-officers")


def write(folder, keys, text, by="ada", namespace="domicile-attestation"):
    file = folder / "no.yaml"
    file.write_text(text)
    keys.sign(by, file, namespace)


@pytest.fixture
def load(catalogue, keys, folder):
    def load_(root="root", production=True):
        fingerprint = keys.fingerprint(root) if root else None
        return load_attestations(folder, catalogue, root=fingerprint, production=production)

    return load_


def refused(load, **how):
    with pytest.raises(AttestationError) as caught:
        load(**how)
    return "\n".join(map(str, caught.value.faults))


def test_what_a_vouched_officer_signed_counts(load):
    (found,) = load()
    assert (found.jurisdiction, found.attested_by, found.role) == ("NO", "Ada", "Counsel")
    assert found.holds(date(2026, 6, 1))


def test_without_a_root_production_takes_nobodys_word(load):
    assert "no root is configured" in refused(load, root=None)
    assert len(load(root=None, production=False)) == 1


def test_with_a_root_every_environment_asks_for_signatures(load, folder):
    (folder / "no.yaml.sig").unlink()
    assert "no.yaml.sig: cannot be read" in refused(load, production=False)


def test_a_pull_request_cannot_appoint_its_own_officer(load, folder, keys):
    appoint(folder, keys, by="mallory")
    told = refused(load)
    assert keys.fingerprint("mallory") in told and keys.fingerprint("root") in told


def test_a_list_of_officers_that_was_changed_appoints_nobody(load, folder):
    with (folder / "officers.yaml").open("a") as file:
        file.write("# and one more\n")
    assert "changed after it was signed" in refused(load)


def test_a_stranger_attests_nothing(load, folder, keys):
    write(folder, keys, GOOD, by="mallory")
    assert "nobody's in officers.yaml" in refused(load)


def test_an_attestation_that_was_changed_counts_for_nothing(load, folder):
    (folder / "no.yaml").write_text(GOOD.replace("value: none", "value: in_territory"))
    assert "changed after it was signed" in refused(load)


def test_a_signature_for_something_else_is_none(load, folder, keys):
    write(folder, keys, GOOD, namespace="git")
    assert "made for 'git'" in refused(load)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("attested_by: Ada", "attested_by: Grace", "attested_by: is Grace, and Ada signed"),
        ("role: Counsel", "role: Chief of everything", "role: is Chief of everything"),
    ],
)
def test_an_officer_speaks_for_nobody_else(load, folder, keys, old, new, told):
    write(folder, keys, GOOD.replace(old, new))
    assert told in refused(load)


@pytest.mark.parametrize("more", [", valid_to: 2026-05-03", ", valid_from: 2026-05-05"])
def test_a_key_is_good_on_its_days_alone(load, folder, keys, more):
    appoint(folder, keys, more)
    assert "when the officer's key was not good" in refused(load)


@pytest.mark.parametrize("more", [", valid_to: 2026-05-04", ", valid_from: 2026-05-04"])
def test_the_first_and_the_last_day_of_a_key_are_its_days(load, folder, keys, more):
    appoint(folder, keys, more)
    assert len(load()) == 1


def test_an_officer_without_a_key_is_a_fault_of_the_list(load, folder, keys):
    (folder / "officers.yaml").write_text("officers: [{name: Ada, role: Counsel, key: hunter2}]\n")
    keys.sign("root", folder / "officers.yaml", "domicile-officers")
    assert "officers.0.key: is no public key" in refused(load)


def test_an_empty_root_is_a_root_that_nobody_is(catalogue, folder):
    with pytest.raises(AttestationError):
        load_attestations(folder, catalogue, root="", production=True)


def test_a_role_that_has_ended_is_not_lengthened_by_another_of_the_same_key(load, folder, keys):
    key = keys.public("ada")
    (folder / "officers.yaml").write_text(
        f"officers:\n  - {{name: Ada, role: Counsel, key: {key}, valid_to: 2024-12-31}}\n"
        f"  - {{name: Ada, role: Analyst, key: {key}, valid_from: 2025-01-01}}\n"
    )
    keys.sign("root", folder / "officers.yaml", "domicile-officers")
    assert "when the officer's key was not good" in refused(load)
