"""The operator's own settings, from its environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

LEAST_SECONDS = {"DOMICILE_LEASE_SECONDS": 1.5, "DOMICILE_WATCH_SILENCE_SECONDS": 7.0}
"""Below these two looks at the Lease, or kopf's taking up a watch anew, do not fit in."""


@dataclass(frozen=True)
class Settings:
    """Where things are mounted and how often to look. Times in seconds.

    `resync_seconds` bounds how long drift lives that no event tells of (OpenBao, PostgreSQL), in a fleet that is not
    too large for it (runtime.resync_seconds). `lease_seconds` is how long the others wait for a leader that fell
    silent.
    `watch_silence_seconds` is how long a watch may show no sign of life before the process is not healthy: kopf takes
    it up anew after 2/7 of that, and the API server sends a bookmark each minute.
    """

    casino_image: str
    backup_image: str = ""
    cell_folder: Path = Path("/etc/domicile")
    attestations_folder: Path = Path("/etc/domicile-attestations")
    networks_folder: Path = Path("/etc/domicile-networks")
    games_folder: Path = Path("/etc/domicile-games")
    token_file: Path = Path("/var/run/secrets/openbao/token")
    http_port: int = 8080
    workers: int = 4
    resync_seconds: float = 25.0
    relist_seconds: float = 20.0
    lease_seconds: float = 15.0
    watch_silence_seconds: float = 245.0

    @property
    def ca_file(self) -> Path:
        return self.cell_folder / "ca.crt"


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read CASINO_IMAGE, and the optional CASINO_BACKUP_IMAGE and DOMICILE_*. Raises SystemExit with a sentence."""
    for name, least in LEAST_SECONDS.items():
        if not float(environment.get(name, least)) >= least:
            raise SystemExit(f"{name} is {environment[name]}: give it at least {least:g} seconds.")
    image = environment.get("CASINO_IMAGE", "")
    if not image:
        raise SystemExit("CASINO_IMAGE is not set: name the casino's image, registry and tag.")
    defaults = Settings(image)
    return Settings(
        casino_image=image,
        backup_image=environment.get("CASINO_BACKUP_IMAGE", ""),
        cell_folder=Path(environment.get("DOMICILE_CELL_FOLDER", defaults.cell_folder)),
        attestations_folder=Path(environment.get("DOMICILE_ATTESTATIONS_FOLDER", defaults.attestations_folder)),
        networks_folder=Path(environment.get("DOMICILE_NETWORKS_FOLDER", defaults.networks_folder)),
        games_folder=Path(environment.get("DOMICILE_GAMES_FOLDER", defaults.games_folder)),
        token_file=Path(environment.get("BAO_TOKEN_FILE", defaults.token_file)),
        http_port=int(environment.get("DOMICILE_HTTP_PORT", defaults.http_port)),
        workers=int(environment.get("DOMICILE_WORKERS", defaults.workers)),
        resync_seconds=float(environment.get("DOMICILE_RESYNC_SECONDS", defaults.resync_seconds)),
        relist_seconds=float(environment.get("DOMICILE_RELIST_SECONDS", defaults.relist_seconds)),
        lease_seconds=float(environment.get("DOMICILE_LEASE_SECONDS", defaults.lease_seconds)),
        watch_silence_seconds=float(environment.get("DOMICILE_WATCH_SILENCE_SECONDS", defaults.watch_silence_seconds)),
    )
