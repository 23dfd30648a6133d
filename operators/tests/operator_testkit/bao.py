"""An OpenBao that whoever holds the test's key can log in to: what a cluster's issuer is to a real one."""

import base64
import json
import time
from pathlib import Path
from typing import Any

import hvac
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from operator_testkit.servers import OpenBao, eventually
from operator_testkit.tls import Authority


class Vault:
    """Initialised and unsealed; `root` is a client that may do everything."""

    def __init__(self, folder: Path, authority: Authority) -> None:
        self._folder = folder
        self.server = OpenBao(folder, authority)
        self.address = self.server.address
        self.root = hvac.Client(self.address, verify=str(authority.certificate))
        eventually(lambda: self.root.sys.is_initialized() in (True, False), what="OpenBao")
        keys = self.root.sys.initialize(1, 1)
        self.root.sys.submit_unseal_key(keys["keys"][0])
        self.root.token = keys["root_token"]
        eventually(lambda: self.root.sys.read_health_status(method="GET")["initialized"], what="OpenBao unsealed")
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @property
    def public_key(self) -> str:
        """What OpenBao must know to trust `token`."""
        public = self._key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return public.decode().strip()

    def token(self, account: str, namespace: str = "domicile-system") -> Path:
        """A file with the token of a service account, as a pod has it."""
        now = int(time.time())
        claims: dict[str, Any] = {"sub": f"system:serviceaccount:{namespace}:{account}", "aud": ["openbao"]}
        claims |= {"iss": "https://issuer.test", "iat": now, "exp": now + 3600}
        file = self._folder / f"{namespace}-{account}.token"
        signed = ".".join(_base64(json.dumps(part).encode()) for part in ({"alg": "RS256", "typ": "JWT"}, claims))
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        file.write_text(f"{signed}.{_base64(signature)}")
        return file


def _base64(content: bytes) -> str:
    """As JWT has it (RFC 7515, 2)."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
