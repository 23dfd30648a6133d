"""Attestations of an environment, as the commands count them."""

import json
import subprocess
from datetime import date

import pytest
from domicile_catalog import TenantRequest, load_catalogue, place_tenant
from domicile_catalog.environment import NOBODY, read_surroundings
from domicile_catalog.sshsig import public_key
from domicile_cli.main import app
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

ON = ["--on", "2026-06-01"]
DAY = date(2026, 6, 1)
CATALOGUE = load_catalogue()
NORWAY = ["place", "NO", *ON]


def run(*arguments, **variables):
    runner = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"} | variables)
    return runner.invoke(app, [str(one) for one in arguments])


def text(environment, jurisdiction="NO", fact="data_residency", value="none"):
    return (
        f"environment: {environment}\njurisdiction: {jurisdiction}\nfact: {fact}\nvalue: {json.dumps(value)}\n"
        "attested_by: Ada\nrole: Counsel\nattested_on: 2026-05-01\nsource: Letter of the regulator\n"
        f"expires_on: 2027-05-01\nsource_sha256: {'a' * 64}\n"
    )


@pytest.fixture
def signed(lab, tmp_path):
    """The lab with an attestation that its root's officer signed; gives the folder and the root's fingerprint."""
    key, folder = tmp_path / "key", lab / "attestations"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    public = key.with_suffix(".pub").read_text().strip()
    (folder / "officers.yaml").write_text(f"serial: 5\nofficers: [{{name: Ada, role: Counsel, key: {public}}}]\n")
    (folder / "no.yaml").write_text(text("lab"))
    for name, namespace in (("officers.yaml", "domicile-officers"), ("no.yaml", "domicile-attestation")):
        subprocess.run(["ssh-keygen", "-Y", "sign", "-q", "-n", namespace, "-f", key, folder / name], check=True)
    return lab, public_key(public).fingerprint


def test_a_signed_attestation_counts_in_its_environment(signed):
    lab, root = signed
    assert run(*NORWAY).exit_code == 1
    assert run(*NORWAY, "-e", lab, "--attestation-root", root).exit_code == 0
    assert run(*NORWAY, "-e", lab, DOMICILE_ATTESTATION_ROOT=root, DOMICILE_ATTESTATION_SERIAL="5").exit_code == 0


def test_copied_into_another_environment_it_is_refused_with_its_reason(signed):
    lab, root = signed
    live = lab.rename(lab.with_name("live"))
    (live / "environment.yaml").write_text("name: live\nproduction: true\n")
    result = run(*NORWAY, "-e", live, "--attestation-root", root)
    assert result.exit_code == 1
    assert "attestations/no.yaml:1: environment: is lab, and this is live" in result.stderr
    (live / "environment.yaml").write_text("name: lab\nproduction: true\n")  # nor is it by naming it so
    assert "name: is lab" in run(*NORWAY, "-e", live, "--attestation-root", root).stderr


@pytest.mark.parametrize(
    "command",
    [["validate"], ["explain", "NO", "-e"], ["place", "NO", "-e"]],
)
def test_a_list_that_was_put_back_is_refused_by_every_command(signed, command):
    lab, root = signed
    result = run(*command, lab, *ON, "--attestation-root", root, "--attestation-serial", "6")
    assert result.exit_code == 1
    assert "officers.yaml:1: serial: is 5" in result.output + result.stderr
    assert "6 or more" in result.output + result.stderr


def test_a_tenants_file_impact_and_gaps_go_by_the_serial_too(signed):
    lab, root = signed
    given = ["--attestation-root", root, "--attestation-serial"]
    tenant = lab / "tenants" / "acme-gb.yaml"
    assert [run("explain", tenant, *ON, *given, serial).exit_code for serial in (5, 6)] == [0, 1]
    for serial, faults in ((5, 0), (6, 1)):
        told = json.loads(run("catalog", "gaps", "--environments", lab.parent, "--json", *ON, *given, serial).stdout)
        assert len(told["environments"][0]["faults"]) == faults
        assert run("impact", lab, "--on", "2026-06-01", *given, serial).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--attestation-serial", "3"], "give --attestation-root too"),
        (["--attestation-root", "SHA256:" + "a" * 43, "--attestation-serial", "0"], "--attestation-serial"),
        (["--attestation-root", "SHA256:" + "a" * 43, "--attestation-serial", "new"], "--attestation-serial"),
    ],
)
def test_a_serial_that_cannot_be_is_wrong_use(lab, arguments, words):
    told = run("validate", lab, *arguments)
    assert (told.exit_code, told.stdout) == (2, "")
    assert words in told.stderr


names = st.from_regex(r"\A[a-z][a-z0-9-]{0,10}\Z")
answers = st.sampled_from(
    [("data_residency", "none"), ("data_residency", "in_territory"), ("online_casino", "legal"), ("min_age", 18)]
)


def decisions(folder, jurisdictions):
    faults = []
    around = read_surroundings(folder, CATALOGUE, NOBODY, faults)
    asked = [
        TenantRequest(
            jurisdiction=code,
            products=("casino",),
            candidates=around.candidates,
            production=around.production,
            attestations=around.attestations,
            on=DAY,
        )
        for code in jurisdictions
    ]
    return [place_tenant(around.catalogue, one) for one in asked], faults


@given(names, names, answers, st.sampled_from(sorted(CATALOGUE.jurisdictions)))
def test_an_attestation_for_one_environment_never_changes_a_decision_in_another(
    tmp_path_factory, here, elsewhere, answer, code
):
    folder = tmp_path_factory.mktemp("environments") / here
    (folder / "attestations").mkdir(parents=True)
    (folder / "environment.yaml").write_text(f"name: {here}\nproduction: false\n")
    asked = (code, "NO", "GB")
    before, _ = decisions(folder, asked)
    (folder / "attestations" / "one.yaml").write_text(text(elsewhere, code, *answer))
    after, faults = decisions(folder, asked)
    if here != elsewhere:
        assert after == before
        assert [one.path for one in faults] == ["environment"]
    else:
        assert faults == []


def test_in_its_own_environment_it_changes_one(lab):
    assert run(*NORWAY, "-e", lab).exit_code == 1
    (lab / "attestations" / "no.yaml").write_text(text("lab"))
    assert run(*NORWAY, "-e", lab).exit_code == 0
