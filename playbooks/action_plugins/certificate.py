"""Issue a certificate to a host from the site's own authority.

The host makes its key and a signing request (module `certificate_request`); the authority's key stays on the
controller, in `authority_dir`. A certificate is issued again when its names, its key, or its authority changed,
or when less than a third of its life is left.

Arguments: path (without ending; `.key` and `.crt` are added), authority (default `site`), common_name,
organization, dns (list), ip (list), usage (list of server, client), days (default 365), owner, group, mode (of
the key). Variables: authority_dir.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import ipaddress
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

USAGES = {"server": ExtendedKeyUsageOID.SERVER_AUTH, "client": ExtendedKeyUsageOID.CLIENT_AUTH}
AUTHORITY_YEARS = 10


def ensure_authority(
    folder: Path, name: str, path_length: int = 0
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """Read the authority `name` from `folder`, or make it: ECDSA P-256, key 0600, with so many authorities below it."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    certificate_file, key_file = folder / f"{name}.crt", folder / f"{name}.key"
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not certificate_file.exists():
            key = ec.generate_private_key(ec.SECP256R1())
            key_file.touch(mode=0o600)
            key_file.write_bytes(
                key.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.NoEncryption(),
                )
            )
            made = sign_authority(name, key, path_length)
            certificate_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
    loaded = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
    assert isinstance(loaded, ec.EllipticCurvePrivateKey)
    return certificate, loaded


def sign_authority(name: str, key: ec.EllipticCurvePrivateKey, path_length: int) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Domicile {name} authority")])
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + dt.timedelta(days=365 * AUTHORITY_YEARS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                key_cert_sign=True,
                crl_sign=True,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .sign(key, hashes.SHA256())
    )


class Wanted:
    """What the certificate should say."""

    def __init__(self, args: dict[str, Any]) -> None:
        names = [x509.NameAttribute(NameOID.COMMON_NAME, args["common_name"])]
        if args.get("organization"):
            names.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, args["organization"]))
        self.subject = x509.Name(names)
        dns: list[x509.GeneralName] = [x509.DNSName(n) for n in args.get("dns") or []]
        self.names = dns + [x509.IPAddress(ipaddress.ip_address(a)) for a in args.get("ip") or []]
        self.usages = [USAGES[u] for u in args.get("usage") or ["server"]]
        self.days = int(args.get("days") or 365)

    def is_met_by(self, pem: str, public_key: bytes, authority: x509.Certificate) -> bool:
        """Whether the certificate in `pem` is this one, for that key, of that authority, and not near its end."""
        if not pem:
            return False
        try:
            found = x509.load_pem_x509_certificate(pem.encode())
            found.verify_directly_issued_by(authority)
        except Exception:  # whatever is wrong with it, it has to be issued again
            return False
        try:
            value = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            names = list(value)
        except x509.ExtensionNotFound:
            names = []
        usages = list(found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
        life = found.not_valid_after_utc - found.not_valid_before_utc
        left = found.not_valid_after_utc - dt.datetime.now(dt.UTC)
        return (
            found.subject == self.subject
            and names == self.names
            and usages == self.usages
            and spki(found.public_key()) == public_key
            and left > life / 3
        )

    def sign(self, request: x509.CertificateSigningRequest, authority: x509.Certificate, key: Any) -> bytes:
        """Sign for the request's key. Nothing but the key is taken from the request."""
        now = dt.datetime.now(dt.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(self.subject)
            .issuer_name(authority.subject)
            .public_key(request.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(minutes=5))
            .not_valid_after(now + dt.timedelta(days=self.days))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage(self.usages), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()),  # type: ignore[arg-type]
                critical=False,
            )
        )
        if self.names:
            builder = builder.add_extension(x509.SubjectAlternativeName(self.names), critical=False)
        return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def spki(key: Any) -> bytes:
    encoded: bytes = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return encoded


class ActionModule(ActionBase):
    """Runs on the controller: asks the host for its key's request, signs it, copies the certificate."""

    TRANSFERS_FILES = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        variables = task_vars or {}
        args = self._task.args
        for needed in ("path", "common_name"):
            if not args.get(needed):
                raise AnsibleActionFail(f"certificate: the argument `{needed}` is missing")
        folder = variables.get("authority_dir")
        if not folder:
            raise AnsibleActionFail("certificate: set `authority_dir`, the controller's folder of authorities")
        authority, key = ensure_authority(Path(self._templar.template(folder)), args.get("authority", "site"))
        ownership = {k: args[k] for k in ("owner", "group") if args.get(k)}
        asked = self._execute_module(
            module_name="certificate_request",
            module_args={"path": args["path"], "mode": args.get("mode", "0600"), **ownership},
            task_vars=variables,
        )
        if asked.get("failed"):
            return dict(asked)
        wanted = Wanted(args)
        if not asked.get("request"):  # check mode on a host that has no key yet
            return {"changed": True, "msg": f"would make {args['path']}.key and its certificate"}
        request = x509.load_pem_x509_csr(asked["request"].encode())
        if wanted.is_met_by(asked.get("certificate", ""), spki(request.public_key()), authority):
            return {"changed": bool(asked.get("changed"))}
        if self._task.check_mode:
            return {"changed": True, "msg": f"would issue {args['path']}.crt"}
        signed = wanted.sign(request, authority, key).decode()
        placed = self._execute_module(
            module_name="certificate_request",
            module_args={"path": args["path"], "mode": args.get("mode", "0600"), "certificate": signed, **ownership},
            task_vars=variables,
        )
        if placed.get("failed"):
            return dict(placed)
        return {"changed": True, "msg": f"issued {args['path']}.crt"}
