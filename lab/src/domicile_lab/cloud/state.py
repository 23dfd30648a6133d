"""The cloud's folder: where it answers, and the environment that leads programs there."""

from __future__ import annotations

import json
import os
import secrets
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

LOOPBACK = "127.0.0.1"
PROFILE = "domicile-lab"
HOME_REGION = "us-east-1"
_FILE = "endpoints.json"
CLUSTER_JSON = "cluster.json"
"""Tells of the API server behind the clusters: {"endpoint", "certificate_authority" (PEM, or that in base64)}."""


@dataclass(frozen=True)
class Endpoints:
    """The process and its two ports."""

    pid: int
    port: int
    raw_port: int


def write_endpoints(folder: Path, endpoints: Endpoints) -> None:
    """Say where the cloud answers; the file comes to be at once, whole."""
    temporary = folder / f".{_FILE}"
    temporary.write_text(json.dumps(asdict(endpoints)))
    temporary.replace(folder / _FILE)


def read_endpoints(folder: Path) -> Endpoints | None:
    """Where the cloud of this folder answers; None where none has been started, or it has ended."""
    try:
        endpoints = Endpoints(**json.loads((folder / _FILE).read_text()))
        os.kill(endpoints.pid, 0)
        command = Path(f"/proc/{endpoints.pid}/cmdline").read_bytes()
    except (OSError, ValueError, TypeError):
        return None
    return endpoints if b"domicile_lab.cloud.server" in command else None  # else the number is another process's now


@dataclass(frozen=True)
class Cloud:
    """A running cloud: its folder, its addresses and the environment that makes programs use it."""

    folder: Path
    endpoints: Endpoints

    @property
    def endpoint_url(self) -> str:
        return f"https://{LOOPBACK}:{self.endpoints.port}"

    @property
    def raw_url(self) -> str:
        return f"http://{LOOPBACK}:{self.endpoints.raw_port}"

    @property
    def ca_file(self) -> Path:
        return self.folder / "ca.crt"

    def environment(self, path: str | None = None, checkout: Path | None = None) -> dict[str, str]:
        """The variables that lead AWS clients and Pulumi to this cloud; `path` is the PATH to lead with ours.

        `checkout` is the folder whose .lab/bin and lab/cloud/bin come first on PATH.
        """
        pulumi = self.folder / "pulumi"
        (pulumi / "state").mkdir(parents=True, exist_ok=True)
        passphrase = pulumi / "passphrase"
        if not passphrase.exists():
            passphrase.touch(mode=0o600)
            passphrase.write_text(secrets.token_urlsafe(32))
        root = checkout or _checkout()
        own = [str(root / ".lab" / "bin"), str(root / "lab" / "cloud" / "bin")]
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            # S3 Control puts the account's number before the endpoint's name, where no name server knows it. Before a
            # user name it disturbs nobody.
            "AWS_ENDPOINT_URL_S3_CONTROL": f"https://s3-control@{LOOPBACK}:{self.endpoints.port}",
            "AWS_CA_BUNDLE": str(self.ca_file),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.folder / "credentials"),
            "AWS_PROFILE": PROFILE,
            "AWS_REGION": HOME_REGION,
            "AWS_DEFAULT_REGION": HOME_REGION,
            # Some operations put an account's number before the host's name, and no name server knows those here.
            "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
            "AWS_EC2_METADATA_DISABLED": "true",
            "DOMICILE_CLOUD_RAW_URL": self.raw_url,
            "DOMICILE_PYTHON": sys.executable,
            "PULUMI_HOME": str(pulumi / "home"),
            "PULUMI_BACKEND_URL": f"file://{pulumi / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(passphrase),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            # What runs here brings `aws` and `domicile` along, for a shell that has neither.
            "PATH": os.pathsep.join(
                [*own, path if path is not None else os.environ.get("PATH", ""), str(Path(sys.executable).parent)]
            ),
        }


def _checkout() -> Path:
    """The checkout that this file is in."""
    return Path(__file__).resolve().parents[4]
