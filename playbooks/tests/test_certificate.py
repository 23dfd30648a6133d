"""A certificate says what the playbook asked for, for the host's key, and is issued again when it would not do."""

import datetime as dt
import importlib.util
import stat
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PLUGIN = Path(__file__).resolve().parents[1] / "action_plugins" / "certificate.py"
ASKED: dict[str, Any] = {
    "common_name": "data1.example",
    "dns": ["data1.example", "db.example"],
    "ip": ["10.1.2.3"],
    "usage": ["server", "client"],
    "days": 90,
}


@pytest.fixture(scope="module")
def plugin() -> ModuleType:
    spec = importlib.util.spec_from_file_location("certificate_plugin", PLUGIN)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def request_of(key: ec.EllipticCurvePrivateKey, name: str = "unused") -> x509.CertificateSigningRequest:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())


@pytest.fixture
def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def test_openssl_takes_the_certificate_for_each_name_and_no_other(
    plugin: ModuleType, tmp_path: Path, key: ec.EllipticCurvePrivateKey
) -> None:
    authority, authority_key = plugin.ensure_authority(tmp_path / "authorities", "site")
    signed = plugin.Wanted(ASKED).sign(request_of(key), authority, authority_key)
    (tmp_path / "host.crt").write_bytes(signed)

    def verify(*asked: str) -> bool:
        command = ["openssl", "verify", "-x509_strict", "-CAfile", str(tmp_path / "authorities" / "site.crt")]
        done = subprocess.run([*command, *asked, str(tmp_path / "host.crt")], capture_output=True, check=False)
        return done.returncode == 0

    for good in (
        ["-verify_hostname", "db.example"],
        ["-verify_ip", "10.1.2.3"],
        ["-purpose", "sslserver"],
        ["-purpose", "sslclient"],
    ):
        assert verify(*good), good
    assert not verify("-verify_hostname", "other.example")
    assert not verify("-verify_ip", "10.1.2.4")


def test_nothing_but_the_key_is_taken_from_the_request(
    plugin: ModuleType, tmp_path: Path, key: ec.EllipticCurvePrivateKey
) -> None:
    authority, authority_key = plugin.ensure_authority(tmp_path, "site")
    greedy = request_of(key, name="system:masters")
    found = x509.load_pem_x509_certificate(plugin.Wanted(ASKED).sign(greedy, authority, authority_key))
    assert [a.value for a in found.subject] == ["data1.example"]
    assert found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False
    assert found.public_key() == key.public_key()


@pytest.mark.parametrize(
    "change",
    [{"dns": ["data1.example"]}, {"ip": []}, {"usage": ["server"]}, {"common_name": "x"}, {"organization": "ops"}],
    ids=lambda change: next(iter(change)),
)
def test_a_certificate_that_says_something_else_is_issued_again(
    plugin: ModuleType, tmp_path: Path, key: ec.EllipticCurvePrivateKey, change: dict[str, Any]
) -> None:
    authority, authority_key = plugin.ensure_authority(tmp_path, "site")
    pem = plugin.Wanted(ASKED).sign(request_of(key), authority, authority_key).decode()
    public = plugin.spki(key.public_key())
    assert plugin.Wanted(ASKED).is_met_by(pem, public, authority)
    assert not plugin.Wanted({**ASKED, **change}).is_met_by(pem, public, authority)


def test_another_key_another_authority_or_no_certificate_is_issued_again(
    plugin: ModuleType, tmp_path: Path, key: ec.EllipticCurvePrivateKey
) -> None:
    authority, authority_key = plugin.ensure_authority(tmp_path, "site")
    other, _ = plugin.ensure_authority(tmp_path, "other")
    pem = plugin.Wanted(ASKED).sign(request_of(key), authority, authority_key).decode()
    public = plugin.spki(key.public_key())
    stranger = plugin.spki(ec.generate_private_key(ec.SECP256R1()).public_key())
    wanted = plugin.Wanted(ASKED)
    assert not wanted.is_met_by(pem, stranger, authority)
    assert not wanted.is_met_by(pem, public, other)
    assert not wanted.is_met_by("", public, authority)
    assert not wanted.is_met_by("-----BEGIN CERTIFICATE-----\nbroken", public, authority)


@pytest.mark.parametrize(("days_gone", "still_good"), [(59, True), (61, False)])
def test_a_certificate_is_renewed_in_the_last_third_of_its_life(
    plugin: ModuleType,
    tmp_path: Path,
    key: ec.EllipticCurvePrivateKey,
    monkeypatch: pytest.MonkeyPatch,
    days_gone: int,
    still_good: bool,
) -> None:
    authority, authority_key = plugin.ensure_authority(tmp_path, "site")
    pem = plugin.Wanted(ASKED).sign(request_of(key), authority, authority_key).decode()
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=days_gone)

    class Later(dt.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return later

    monkeypatch.setattr(plugin.dt, "datetime", Later)
    assert plugin.Wanted(ASKED).is_met_by(pem, plugin.spki(key.public_key()), authority) is still_good


def test_an_authority_is_made_once_and_its_key_is_its_owners_alone(plugin: ModuleType, tmp_path: Path) -> None:
    folder = tmp_path / "authorities"
    first, _ = plugin.ensure_authority(folder, "site")
    again, _ = plugin.ensure_authority(folder, "site")
    assert first == again
    assert stat.S_IMODE((folder / "site.key").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
