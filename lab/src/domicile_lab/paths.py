"""Where the lab keeps things: state in the checkout, built artefacts in a cache that outlives it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


def checkout() -> Path:
    """The root of this checkout: the folder that holds uv.lock."""
    start = Path(os.environ.get("DOMICILE_CHECKOUT") or Path.cwd()).resolve()
    for folder in (start, *start.parents):
        if (folder / "uv.lock").exists() and (folder / "tools" / "tools.yaml").exists():
            return folder
    raise SystemExit(f"{start} is not inside a Domicile checkout: run from the folder that holds the Makefile.")


@dataclass(frozen=True)
class Paths:
    """The lab's folders. Everything under `state` belongs to one checkout; `cache` is shared by all."""

    root: Path
    state: Path
    cache: Path

    @classmethod
    def of(cls, root: Path) -> Paths:
        base = os.environ.get("DOMICILE_CACHE") or Path.home() / ".cache" / "domicile"
        return cls(root=root, state=root / ".lab", cache=Path(base))

    @property
    def bin(self) -> Path:
        """Links to the built tools of this checkout's pins."""
        return self.state / "bin"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def cloud(self) -> Path:
        """The stand-in cloud: its addresses, its administrator's key and the Pulumi state of what is in it."""
        return self.state / "cloud"

    @property
    def ssh_key(self) -> Path:
        return self.state / "ssh" / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        return self.state / "ssh" / "known_hosts"

    @property
    def secrets(self) -> Path:
        """Passwords, unseal keys and the administrator's certificate, for the owner's eyes alone."""
        return self.state / "secrets"

    @property
    def games_key(self) -> Path:
        """What the lab's manifests of games are signed with. No machine has it."""
        return self.secrets / "games.pem"

    @property
    def games(self) -> Path:
        """Signed manifests of games, by the tag of the image that each is of."""
        return self.state / "games"

    @property
    def authorities(self) -> Path:
        """The site's certificate authorities, with their keys."""
        return self.state / "authorities"

    @property
    def kubeconfig(self) -> Path:
        return self.state / "kubeconfig"

    @property
    def cloud_kubeconfig(self) -> Path:
        """The administrator's way into the cluster of the cloud's node."""
        return self.cloud / "node.kubeconfig"

    @property
    def kubectl(self) -> list[str]:
        """kubectl as the lab's administrator, to which a command can be appended."""
        return [str(self.bin / "kubectl"), "--kubeconfig", str(self.kubeconfig)]

    def machine(self, name: str) -> Path:
        return self.state / "machines" / name
