"""An OpenBao that signs whatever it is asked to, for tests that are of something else."""

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from domicile_operator.errors import Fault


@dataclass
class Bao:
    """Signs what it is asked to, for thirty days."""

    clock: dt.datetime
    away: bool = False
    signed: int = 0
    revoked: list[str] = field(default_factory=list)
    key: Any = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def ask(self, path: str, data: dict[str, Any]) -> dict[str, Any]:
        if self.away:
            raise Fault("OPENBAO_UNREACHABLE", "away")
        if path == "pki/revoke":
            self.revoked.append(data["serial_number"])
            return {}
        assert path.startswith("pki/sign/casino-")
        self.signed += 1
        csr = x509.load_pem_x509_csr(data["csr"].encode())
        issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
        builder = x509.CertificateBuilder().subject_name(csr.subject).issuer_name(issuer).public_key(csr.public_key())
        for extension in csr.extensions:
            builder = builder.add_extension(extension.value, extension.critical)
        builder = (
            builder.serial_number(self.signed)
            .not_valid_before(self.clock)
            .not_valid_after(self.clock + dt.timedelta(days=30))
        )
        certificate = builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
        return {"certificate": certificate, "ca_chain": []}
