"""The authority below one of the controller's: who believes it, whom it may vouch for, and when it is signed again."""

import datetime as dt
import importlib.util
import subprocess
from pathlib import Path
from types import ModuleType

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

PLUGIN = Path(__file__).resolve().parents[1] / "action_plugins" / "intermediate.py"


@pytest.fixture(scope="module")
def plugin() -> ModuleType:
    spec = importlib.util.spec_from_file_location("intermediate_plugin", PLUGIN)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def request_of(key: ec.EllipticCurvePrivateKey) -> x509.CertificateSigningRequest:
    return x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())


def test_what_it_signs_is_believed_and_an_authority_below_it_is_not(plugin: ModuleType, tmp_path: Path) -> None:
    certificates = plugin.sibling("certificate")
    root, root_key = certificates.ensure_authority(tmp_path, "hosts", path_length=1)
    key, below = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    middle = plugin.sign(request_of(key), "host names", root, root_key)
    authority = x509.load_pem_x509_certificate(middle.encode())
    (tmp_path / "middle.crt").write_text(middle)

    def believed(chain: str, leaf: bytes) -> bool:
        (tmp_path / "chain.crt").write_text(chain)
        (tmp_path / "leaf.crt").write_bytes(leaf)
        command = ["openssl", "verify", "-x509_strict", "-CAfile", str(tmp_path / "hosts.crt")]
        command += ["-untrusted", str(tmp_path / "chain.crt"), "-verify_hostname", "play.acme.example"]
        return subprocess.run([*command, str(tmp_path / "leaf.crt")], capture_output=True, check=False).returncode == 0

    wanted = certificates.Wanted({"common_name": "play.acme.example", "dns": ["play.acme.example"]})
    assert believed(middle, wanted.sign(request_of(below), authority, key))
    lower = plugin.sign(request_of(below), "lower", authority, key)
    signed = wanted.sign(request_of(key), x509.load_pem_x509_certificate(lower.encode()), below)
    assert not believed(middle + lower, signed)


def test_it_is_signed_again_in_the_last_third_of_its_life_or_by_another_authority(
    plugin: ModuleType, tmp_path: Path
) -> None:
    certificates = plugin.sibling("certificate")
    root, root_key = certificates.ensure_authority(tmp_path, "hosts", path_length=1)
    other, _ = certificates.ensure_authority(tmp_path, "other", path_length=1)
    pem = plugin.sign(request_of(ec.generate_private_key(ec.SECP256R1())), "host names", root, root_key, 90)
    now = dt.datetime.now(dt.UTC)
    assert plugin.is_good(pem, root, now + dt.timedelta(days=59))
    assert not plugin.is_good(pem, root, now + dt.timedelta(days=61))
    assert not plugin.is_good(pem, other, now) and not plugin.is_good("", root, now)
    assert root.public_bytes(serialization.Encoding.PEM) == (tmp_path / "hosts.crt").read_bytes()
