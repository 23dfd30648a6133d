"""Signatures of the real ssh-keygen, and everything that is not one."""

import base64
import subprocess

import pytest
from domicile_catalog.sshsig import BEGIN, END, SignatureError, public_key, verify
from hypothesis import given
from hypothesis import strategies as st

MESSAGE = b"jurisdiction: DE\n"
NAMESPACE = "domicile-attestation"


@pytest.fixture(scope="module", params=["ed25519", "ecdsa"])
def signed(request, tmp_path_factory):
    """(public key line, armoured signature) by ssh-keygen, whose absence fails the test."""
    folder = tmp_path_factory.mktemp(request.param)
    key, file = folder / "key", folder / "message"
    file.write_bytes(MESSAGE)
    subprocess.run(["ssh-keygen", "-q", "-t", request.param, "-N", "", "-f", key, "-C", "ada"], check=True)
    subprocess.run(["ssh-keygen", "-Y", "sign", "-q", "-n", NAMESPACE, "-f", key, file], check=True)
    listed = subprocess.run(["ssh-keygen", "-l", "-f", key], check=True, capture_output=True, text=True).stdout
    return (folder / "key.pub").read_text(), (folder / "message.sig").read_text(), listed.split()[1]


def test_what_ssh_keygen_signs_holds_and_names_its_key(signed):
    line, signature, fingerprint = signed
    assert verify(signature, MESSAGE, NAMESPACE) == public_key(line)
    assert public_key(line).fingerprint == fingerprint


def test_another_message_or_namespace_does_not_hold(signed):
    _, signature, _ = signed
    with pytest.raises(SignatureError, match="changed after it was signed"):
        verify(signature, MESSAGE + b" ", NAMESPACE)
    with pytest.raises(SignatureError, match="made for 'domicile-attestation'"):
        verify(signature, MESSAGE, "git")


def test_every_byte_counts(signed):
    _, signature, _ = signed
    raw = bytearray(base64.b64decode("".join(signature.strip().splitlines()[1:-1])))
    for at in range(len(raw)):
        raw[at] ^= 1
        changed = "\n".join([BEGIN, base64.b64encode(bytes(raw)).decode(), END])
        raw[at] ^= 1
        try:
            signer = verify(changed, MESSAGE, NAMESPACE)
        except SignatureError:
            continue
        pytest.fail(f"byte {at} does not count; {signer.fingerprint} was taken for the signer")


def test_rsa_keys_are_refused_by_name(tmp_path):
    subprocess.run(["ssh-keygen", "-q", "-t", "rsa", "-N", "", "-f", tmp_path / "key"], check=True)
    with pytest.raises(SignatureError, match="neither Ed25519 nor ECDSA"):
        public_key((tmp_path / "key.pub").read_text())


@given(
    st.text(max_size=200) | st.binary(max_size=200).map(lambda b: "\n".join([BEGIN, base64.b64encode(b).decode(), END]))
)
def test_what_is_no_signature_is_refused_and_nothing_else_happens(text):
    with pytest.raises(SignatureError):
        verify(text, MESSAGE, NAMESPACE)


@given(st.text(max_size=100) | st.binary(max_size=100).map(lambda b: f"ssh-ed25519 {base64.b64encode(b).decode()}"))
def test_what_is_no_key_is_refused_and_nothing_else_happens(line):
    with pytest.raises(SignatureError):
        public_key(line)
