"""Bringing the lab up: the steps, in their order. Each is safe to run again at any point."""

from __future__ import annotations

import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from domicile_lab import games, host, images, inventory, machines, mirror, tools
from domicile_lab.identity import DOMAIN, MACHINES, Identity, machine
from domicile_lab.paths import Paths
from domicile_lab.progress import Step
from domicile_lab.shell import Argument, Say, run

REGISTRY_PORT = 5000
DATABASE = "operators/src/domicile_operator/database"  # which the playbooks apply too
REGISTRY = f"registry1.{DOMAIN}:{REGISTRY_PORT}"  # as the cluster's node names it
FLOATING_TAG = "lab"  # what environments/lab/environment.yaml names: that file cannot know this checkout's build


@dataclass
class Up:
    """One run of `make up`: what a step leaves for a later one is kept here."""

    paths: Paths
    identity: Identity
    built: dict[str, images.Image] = field(default_factory=dict)

    def steps(self) -> list[Step]:
        return [
            Step("host packages", self.packages),
            Step("network", self.network, after=("host packages",)),
            Step("debian", self.debian, after=("host packages",)),
            Step("machines", self.machines, after=("debian", "network")),
            Step("tools", self.tools, after=("host packages",)),
            Step("images", self.images, after=("tools",)),
            Step("site", self.site, after=("machines", "images")),
            Step("push", self.push, after=("site",)),
            Step("operator", self.operator, after=("push",)),
            Step("tenants", self.tenants, after=("operator",)),
        ]

    def packages(self, say: Say) -> None:
        host.install_packages(self.paths, say)

    def network(self, say: Say) -> None:
        host.raise_sysctls(self.paths)
        host.make_network(self.identity, say)

    def debian(self, say: Say) -> None:
        mirror.build_rootfs(self.paths, say)
        mirror.build_mirror(self.paths, say)

    def machines(self, say: Say) -> None:
        machines.ensure_keypair(self.paths.ssh_key, f"lab-{self.identity.id}")  # once, before they all want it
        with ThreadPoolExecutor(max_workers=len(MACHINES)) as pool:
            booting = [pool.submit(machines.boot, self.paths, self.identity, m, say) for m in MACHINES]
        for result in booting:
            result.result()
        machines.write_known_hosts(self.paths, self.identity)

    def tools(self, say: Say) -> None:
        tools.build_all(self.paths, say)
        tools.link_plugin(self.paths)

    def images(self, say: Say) -> None:
        images.build_system_images(self.paths, say)
        for spec in (images.CASINO, images.OPERATOR):
            self.built[spec.name] = images.build_python_image(self.paths, spec, say)
        casino = self.built[images.CASINO.name]
        self.built[images.BACKUP] = images.build_backup_image(self.paths, casino, say)
        games.sign(self.paths, self.built[images.CASINO.name], say)

    def site(self, say: Say) -> None:
        """Run the playbook, unless the machines are as its last run left them."""
        stamp, wanted = self.paths.state / "site.stamp", self._site_key()
        if stamp.exists() and stamp.read_text() == wanted:
            return
        machines.provision(self.paths, "site.log", say)
        stamp.write_text(wanted)

    def _site_key(self) -> str:
        """A hash of the playbooks, the inventory and the machines' boots: a new boot is sealed and empty."""
        digest = hashlib.sha256(json.dumps(inventory.inventory(self.paths, self.identity)).encode())
        for folder in ("playbooks", "environments/lab/inventory", "lab/simulators", DATABASE):
            for file in sorted((self.paths.root / folder).rglob("*")):
                if file.is_file() and "__pycache__" not in file.parts:
                    digest.update(file.read_bytes())
        for tool in (one for one in tools.load_tools(self.paths) if not one.on_demand):
            digest.update(tools.cache_key(self.paths, tool).encode())
        for m in MACHINES:
            digest.update(str(machines.pid_of(self.paths, m)).encode())
        return digest.hexdigest()

    def push(self, say: Say) -> None:
        registry = f"{self.identity.address(machine('registry1'))}:{REGISTRY_PORT}"
        for image in self.built.values():
            say(image.name)
            for tag in (image.tag, FLOATING_TAG):
                images.push(self.paths, image, registry, tag)

    def operator(self, say: Say) -> None:
        operator, casino = (self.built[spec.name] for spec in (images.OPERATOR, images.CASINO))
        backup = self.built[images.BACKUP]
        run(
            ["make", "--no-print-directory", "install",
             f"KUBECONFIG={self.paths.kubeconfig}",
             f"OPERATOR_IMAGE={REGISTRY}/{operator.name}:{operator.tag}",
             f"CASINO_IMAGE={REGISTRY}/{casino.name}:{casino.tag}",
             f"BACKUP_IMAGE={REGISTRY}/{backup.name}:{backup.tag}",
             f"GAMES_MANIFEST={games.manifest(self.paths, casino)}"],
            cwd=self.paths.root, log=self.paths.logs / "install.log", say=say,
            env={"PATH": f"{self.paths.bin}:{os.environ['PATH']}"},
        )  # fmt: skip

    def tenants(self, say: Say) -> None:
        kubectl: list[Argument] = [*self.paths.kubectl]
        log = self.paths.logs / "tenants.log"
        say("kubectl apply -k environments/lab/tenants")
        run([*kubectl, "apply", "--server-side", "-k", self.paths.root / "environments/lab/tenants"], log=log)
        tag = self.built[images.CASINO.name].tag
        say(f"waiting until every tenant runs {tag}")
        version = f"--for=jsonpath={{.status.version}}={tag}"
        run([*kubectl, "wait", version, "casinotenants", "--all", "--timeout=180s"], log=log, say=say)
        # A tenant stays Ready on its old pods while the new ones come: Ready first, then the new pods.
        say("waiting until every tenant is Ready")
        run(
            [*kubectl, "wait", "--for=condition=Ready", "casinotenants", "--all", "--timeout=180s"],
            log=log,
            say=say,
        )
        for tenant in tenant_urls(self.paths):
            for deployment in ("casino", "casino-worker", "casino-realtime"):
                rollout: list[Argument] = [*kubectl, "rollout", "status", f"deployment/{deployment}", "--timeout=120s"]
                run([*rollout, "-n", f"casino-{tenant}"], log=log, say=say)


def tenant_urls(paths: Paths) -> dict[str, str]:
    """The tenants of the running lab and where each answers."""
    template = '{range .items[*]}{.metadata.name}{"\\t"}{.status.url}{"\\n"}{end}'
    text = run([*paths.kubectl, "get", "casinotenants", "-o", f"jsonpath={template}"], check=False)
    return dict(line.split("\t", 1) for line in text.splitlines() if "\t" in line)


def state_folders(paths: Paths) -> None:
    """Make the folders of the lab's state; secrets are for their owner alone."""
    paths.state.mkdir(mode=0o755, exist_ok=True)
    for folder in (paths.logs, paths.bin):
        folder.mkdir(exist_ok=True)
    for folder in (paths.secrets, paths.authorities):
        folder.mkdir(mode=0o700, exist_ok=True)
    paths.cache.mkdir(parents=True, exist_ok=True)
