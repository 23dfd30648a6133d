"""Whose attestations count: signatures of real keys, vouched for by a root that the folder cannot name."""

import subprocess
from datetime import date
from pathlib import Path

import pytest
from domicile_catalog import AttestationError, load_attestations
from domicile_catalog.sshsig import public_key

GOOD = f"""\
environment: live
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


def appoint(folder, keys, more="", by="root", serial="serial: 3\n"):
    """officers.yaml with Ada, and whoever else, signed."""
    ada = f"officers:\n  - {{name: Ada, role: Counsel, key: {keys.public('ada')}{more}}}\n"
    list_officers(folder, keys, serial + ada, by)


def list_officers(folder, keys, text, by="root"):
    (folder / "officers.yaml").write_text(text)
    keys.sign(by, folder / "officers.yaml", "domicile-officers")


def write(folder, keys, text, by="ada", namespace="domicile-attestation"):
    file = folder / "no.yaml"
    file.write_text(text)
    keys.sign(by, file, namespace)


@pytest.fixture
def load(catalogue, keys, folder):
    def load_(root="root", production=True, environment="live", minimum=None):
        fingerprint = keys.fingerprint(root) if root else None
        return load_attestations(
            folder,
            catalogue,
            environment=environment,
            root=fingerprint,
            minimum_serial=minimum,
            production=production,
        )

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
    list_officers(folder, keys, "serial: 1\nofficers: [{name: Ada, role: Counsel, key: hunter2}]\n")
    assert "officers.0.key: is no public key" in refused(load)


def test_an_empty_root_is_a_root_that_nobody_is(catalogue, folder):
    with pytest.raises(AttestationError):
        load_attestations(folder, catalogue, environment="live", root="", production=True)


def test_a_role_that_has_ended_is_not_lengthened_by_another_of_the_same_key(load, folder, keys):
    key = keys.public("ada")
    list_officers(
        folder,
        keys,
        f"serial: 1\nofficers:\n  - {{name: Ada, role: Counsel, key: {key}, valid_to: 2024-12-31}}\n"
        f"  - {{name: Ada, role: Analyst, key: {key}, valid_from: 2025-01-01}}\n",
    )
    assert "when the officer's key was not good" in refused(load)


@pytest.mark.parametrize("day", ["2026-05-03", "2026-05-04", "2026-05-05", "2099-01-01"])
def test_a_revoked_key_signs_nothing_whatever_day_it_writes(load, folder, keys, day):
    appoint(folder, keys, f", revoked: {{date: {day}, reason: her laptop was stolen}}")
    assert f"was made with Ada's key, revoked on {day}: her laptop was stolen" in refused(load)


def test_a_key_that_is_revoked_in_one_role_is_revoked_in_all(load, folder, keys):
    key = keys.public("ada")
    list_officers(
        folder,
        keys,
        f"serial: 1\nofficers:\n  - {{name: Ada, role: Counsel, key: {key}}}\n"
        f"  - {{name: Ada, role: Analyst, key: {key}, revoked: {{date: 2026-07-01, reason: lost}}}}\n",
    )
    assert "revoked on 2026-07-01: lost" in refused(load)


def test_an_officer_attests_with_a_new_key_once_the_old_one_is_revoked(load, folder, keys):
    old = f"{{name: Ada, role: Counsel, key: {keys.public('ada')}, revoked: {{date: 2026-07-01, reason: lost}}}}"
    new = f"{{name: Ada, role: Counsel, key: {keys.public('ada-2')}}}"
    list_officers(folder, keys, f"serial: 4\nofficers: [{old}, {new}]\n")
    write(folder, keys, GOOD, by="ada-2")
    assert len(load()) == 1


@pytest.mark.parametrize(
    ("revoked", "words"),
    [
        ("yes", "officers.0.revoked"),
        ("{date: 2026-07-01}", "reason: is missing"),
        ("{reason: lost}", "date: is missing"),
    ],
)
def test_a_revocation_has_its_day_and_its_reason(load, folder, keys, revoked, words):
    appoint(folder, keys, f", revoked: {revoked}")
    assert words in refused(load)


@pytest.mark.parametrize(
    ("serial", "words"),
    [
        ("", "serial: is missing"),
        ("serial: 0\n", "greater than or equal to 1"),
        ("serial: 1.5\n", "serial"),
        ("serial: '3'\n", "serial"),
        ("serial: true\n", "serial"),
    ],
)
def test_a_list_of_officers_has_a_whole_number_as_its_serial(load, folder, keys, serial, words):
    appoint(folder, keys, serial=serial)
    assert words in refused(load)


def test_a_list_that_was_put_back_is_refused(load, folder, keys):
    """The list before Ada's key was revoked, with the root's signature of that time."""
    assert len(load(minimum=3)) == 1
    told = refused(load, minimum=4)
    assert "officers.yaml:1: serial: is 3" in told and "4 or more" in told
    appoint(folder, keys, serial="serial: 5\n")
    assert len(load(minimum=4)) == 1


def test_what_was_signed_for_staging_does_not_count_in_production(load):
    assert len(load()) == 1
    for production in (True, False):
        told = refused(load, environment="staging", production=production)
        assert "no.yaml:1: environment: is live, and this is staging: it counts in no other" in told


def test_a_signed_attestation_names_its_environment(load, folder, keys):
    write(folder, keys, GOOD.replace("environment: live\n", ""))
    assert "environment: is missing" in refused(load)
    assert "environment: is missing" in refused(load, production=False)
    assert len(load(root=None, production=False)) == 1


def test_an_environment_that_is_written_in_afterwards_breaks_the_signature(load, folder):
    (folder / "no.yaml").write_text(GOOD.replace("environment: live", "environment: staging"))
    assert "changed after it was signed" in refused(load, environment="staging")
