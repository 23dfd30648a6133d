"""Signatures of the real ssh-keygen, and everything that is not one."""

import base64
import hashlib
import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
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


def text(value):
    return len(value).to_bytes(4, "big") + value


class Token:
    """A FIDO token in software: what a real one signs, and no hardware (OpenSSH's PROTOCOL.u2f)."""

    def __init__(self, kind):
        self._ed25519 = kind == "ed25519"
        if self._ed25519:
            self._key = ed25519.Ed25519PrivateKey.generate()
            self._name = b"sk-ssh-ed25519@openssh.com"
            fields = [self._key.public_key().public_bytes_raw()]
        else:
            self._key = ec.generate_private_key(ec.SECP256R1())
            self._name = b"sk-ecdsa-sha2-nistp256@openssh.com"
            point = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
            fields = [b"nistp256", point]
        self.blob = b"".join(map(text, [self._name, *fields, b"ssh:"]))
        self.line = f"{self._name.decode()} {base64.b64encode(self.blob).decode()} ada"

    def sign(self, message, *, flags=1, counter=7, application=b"ssh:"):
        """The armoured signature of a message, as `ssh-keygen -Y sign` writes it."""
        digest = hashlib.sha512(message).digest()
        to_sign = b"SSHSIG" + b"".join(map(text, [NAMESPACE.encode(), b"", b"sha512", digest]))
        seen = bytes([flags]) + counter.to_bytes(4, "big")
        signed = hashlib.sha256(application).digest() + seen + hashlib.sha256(to_sign).digest()
        signature = text(self._name) + text(self._raw(signed)) + seen
        body = [self.blob, NAMESPACE.encode(), b"", b"sha512", signature]
        raw = b"SSHSIG" + (1).to_bytes(4, "big") + b"".join(map(text, body))
        encoded = base64.b64encode(raw).decode()
        return "\n".join([BEGIN, *(encoded[at : at + 70] for at in range(0, len(encoded), 70)), END, ""])

    def _raw(self, signed):
        if self._ed25519:
            return self._key.sign(signed)
        numbers = utils.decode_dss_signature(self._key.sign(signed, ec.ECDSA(SHA256())))
        return b"".join(text(one.to_bytes(one.bit_length() // 8 + 1, "big")) for one in numbers)


@pytest.fixture(params=["ed25519", "ecdsa"])
def token(request):
    return Token(request.param)


def test_a_token_that_was_touched_signs_as_openssh_has_it(token, tmp_path):
    signature = token.sign(MESSAGE)
    assert verify(signature, MESSAGE, NAMESPACE) == public_key(token.line)
    (tmp_path / "sig").write_text(signature)
    command = ["ssh-keygen", "-Y", "check-novalidate", "-n", NAMESPACE, "-s", tmp_path / "sig"]
    told = subprocess.run(command, input=MESSAGE, capture_output=True, check=False)
    assert told.returncode == 0, told.stderr
    assert public_key(token.line).fingerprint in told.stdout.decode()


@pytest.mark.parametrize("flags", [0, 4, 0xFE])
def test_a_token_that_nobody_touched_signs_nothing(token, flags):
    with pytest.raises(SignatureError, match="nobody touched"):
        verify(token.sign(MESSAGE, flags=flags), MESSAGE, NAMESPACE)


def test_a_token_that_was_touched_by_a_known_finger_signs_too(token):
    assert verify(token.sign(MESSAGE, flags=5), MESSAGE, NAMESPACE) == public_key(token.line)


def test_a_token_signs_for_its_application_alone(token):
    with pytest.raises(SignatureError, match="does not hold"):
        verify(token.sign(MESSAGE, application=b"https://shop.example"), MESSAGE, NAMESPACE)


def test_every_byte_of_a_tokens_signature_counts(token):
    lines = token.sign(MESSAGE).strip().splitlines()[1:-1]
    test_every_byte_counts((None, "\n".join([BEGIN, *lines, END]), None))
    raw = base64.b64decode("".join(lines))
    for changed in (raw[:-1], raw + b"\0"):
        with pytest.raises(SignatureError):
            verify("\n".join([BEGIN, base64.b64encode(changed).decode(), END]), MESSAGE, NAMESPACE)


def test_a_tokens_key_does_not_sign_as_a_plain_one():
    """Without flags and counter, as if the key were a file: what was touched is then not known."""
    token = Token("ed25519")
    plain = text(b"ssh-ed25519") + text(token._key.public_key().public_bytes_raw())
    digest = hashlib.sha512(MESSAGE).digest()
    to_sign = b"SSHSIG" + b"".join(map(text, [NAMESPACE.encode(), b"", b"sha512", digest]))
    signature = text(b"ssh-ed25519") + text(token._key.sign(to_sign))
    for blob, holds in ((token.blob, False), (plain, True)):
        raw = (
            b"SSHSIG"
            + (1).to_bytes(4, "big")
            + b"".join(map(text, [blob, NAMESPACE.encode(), b"", b"sha512", signature]))
        )
        armoured = "\n".join([BEGIN, base64.b64encode(raw).decode(), END])
        if holds:
            assert verify(armoured, MESSAGE, NAMESPACE) != public_key(token.line)
        else:
            with pytest.raises(SignatureError, match="another kind of key"):
                verify(armoured, MESSAGE, NAMESPACE)


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
