"""Make a PKI mount of OpenBao an authority below one of the controller's.

OpenBao makes the key and keeps it; the authority's key stays on the controller, in `authority_dir`, and may be offline
between two runs. The intermediate is signed again when its authority changed or less than a third of its life is left.

Arguments: address, ca_file, token, mount, authority, common_name, days (default 365). Variables: authority_dir.
"""

from __future__ import annotations

import datetime as dt
import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID


def sibling(name: str) -> ModuleType:
    """Another plugin of this folder, which Ansible puts on no path."""
    spec = importlib.util.spec_from_file_location(f"domicile_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def is_good(pem: str, authority: x509.Certificate, now: dt.datetime) -> bool:
    """Whether the mount's certificate is of this authority and not near its end."""
    if not pem:
        return False
    found = x509.load_pem_x509_certificate(pem.encode())
    try:
        found.verify_directly_issued_by(authority)
    except Exception:  # whatever is wrong with it, another is signed
        return False
    life = found.not_valid_after_utc - found.not_valid_before_utc
    return found.not_valid_after_utc - now > life / 3


def sign(
    request: x509.CertificateSigningRequest, common_name: str, authority: x509.Certificate, key: Any, days: int = 365
) -> str:
    """An authority with none below it. Nothing but the key is taken from the request."""
    now = dt.datetime.now(dt.UTC)
    usage = x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)]))
        .issuer_name(authority.subject)
        .public_key(request.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(request.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()),  # type: ignore[arg-type]
            critical=False,
        )
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


class ActionModule(ActionBase):
    """Runs on the controller."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        variables, args = task_vars or {}, self._task.args
        folder = variables.get("authority_dir")
        if not folder:
            raise AnsibleActionFail("intermediate: set `authority_dir`, the controller's folder of authorities")
        there = {name: args[name] for name in ("address", "ca_file", "token", "mount", "common_name")}

        def ask(**more: Any) -> dict[str, Any]:
            return dict(self._execute_module("pki_intermediate", module_args=there | more, task_vars=variables))

        certificates = sibling("certificate")
        authority, key = certificates.ensure_authority(
            Path(self._templar.template(folder)), args["authority"], path_length=1
        )
        found = ask()
        if found.get("failed"):
            return found
        if is_good(found["certificate"], authority, dt.datetime.now(dt.UTC)):
            return {"changed": False}
        if self._task.check_mode:
            return {"changed": True, "msg": f"would sign the authority of {args['mount']}"}
        asked = ask(generate=True)
        if asked.get("failed"):
            return asked
        request = x509.load_pem_x509_csr(asked["request"].encode())
        signed = sign(request, args["common_name"], authority, key, int(args.get("days") or 365))
        placed = ask(certificate=signed)
        return placed if placed.get("failed") else {"changed": True, "msg": f"signed the authority of {args['mount']}"}
