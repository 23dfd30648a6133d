"""A certificate authority for one test run."""

import subprocess
from pathlib import Path


class Authority:
    """Signs server certificates with openssl, for loopback and a name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.certificate, self._key = folder / "ca.crt", folder / "ca.key"
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                      "-days", "2", "-subj", "/CN=test CA",
                      "-keyout", str(self._key), "-out", str(self.certificate))  # fmt: skip

    def issue(self, name: str) -> tuple[Path, Path]:
        """Certificate and key for `name`, localhost and 127.0.0.1."""
        cert, key, request = (self._folder / f"{name}.{kind}" for kind in ("crt", "key", "csr"))
        if cert.exists():
            return cert, key
        extensions = self._folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName=DNS:{name},DNS:localhost,IP:127.0.0.1\n")
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                      "-subj", f"/CN={name}", "-keyout", str(key), "-out", str(request))  # fmt: skip
        self._openssl("x509", "-req", "-in", str(request), "-CA", str(self.certificate), "-CAkey", str(self._key),
                      "-CAcreateserial", "-days", "2", "-extfile", str(extensions), "-out", str(cert))  # fmt: skip
        return cert, key

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], check=True, capture_output=True)
