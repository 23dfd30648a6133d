"""`python3 -m domicile_operator certificates`: keep a certificate for every domain of a tenant's own.

It makes each key, has OpenBao sign, and gives the ingress controller both. What is there stays there whatever is away:
nothing is taken from the ingress controller but what belongs to nobody any more. Each step may be cut off anywhere:
the next pass looks at what is there and goes on.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from cryptography import x509

from domicile_operator import server
from domicile_operator.cell import load_cell
from domicile_operator.certificates import objects
from domicile_operator.certificates.cluster import Cluster
from domicile_operator.certificates.life import Issue, Remove, Revoke, Step, steps
from domicile_operator.certificates.metrics import FAILURES_TOTAL, ISSUED_TOTAL, LAST_PASS, NOT_AFTER, REVOKED_TOTAL
from domicile_operator.clients import kube
from domicile_operator.clients.bao import OpenBaoClient
from domicile_operator.errors import Fault
from domicile_operator.names import CERTIFICATES_ROLE, Names
from domicile_operator.settings import Settings

log = logging.getLogger("domicile_operator.certificates")

PERIOD = 15.0
"""Seconds between passes."""
FAILED = (30.0, 600.0)
"""Seconds until a tenant's step is tried again: after the first failure, and at most."""
ISSUED = 3600.0
"""Seconds in which a tenant's certificate is renewed once at most, whatever the clock says."""
SILENCE = 300.0
"""Seconds without a pass that came to its end, good or bad, after which the program is restarted."""


class Signer(Protocol):
    """OpenBao, of which two paths are asked."""

    def ask(self, path: str, data: dict[str, Any]) -> dict[str, Any]: ...


class Ingresses(Protocol):
    """The cluster, as `Cluster` has it."""

    def tenants(self) -> frozenset[str]: ...
    def wanted(self) -> dict[str, frozenset[str]]: ...
    def secrets(self) -> dict[str, dict[str, Any]]: ...
    def apply(self, manifest: dict[str, Any]) -> None: ...
    def remove(self, tenant: str) -> None: ...


@dataclass
class Keeper:
    """Keeps them, pass by pass. `now` is the wall clock, `since` one that only goes forward (seconds)."""

    cluster: Ingresses
    bao: Signer
    namespace: str
    ingress_class: str
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    since: Callable[[], float] = time.monotonic
    _waits: dict[str, tuple[float, float]] = field(default_factory=dict)
    _renewed: dict[str, float] = field(default_factory=dict)

    def pass_over(self) -> None:
        """Look at every tenant once. Where the cluster does not say what there is it raises Fault, and does nothing."""
        tenants = self.cluster.tenants()
        wanted, secrets = self.cluster.wanted(), self.cluster.secrets()
        present = {tenant: objects.certificate(secret) for tenant, secret in secrets.items()}
        NOT_AFTER.clear()
        for tenant, found in present.items():
            if found is not None:
                NOT_AFTER.labels(tenant).set(found.not_after.timestamp())
        for step in steps(wanted, tenants, present, self.now()):
            self._try(step, secrets)
        for tenant, found in present.items():
            # Again in every pass: of the two objects this is the one that a step cut off may not have come to.
            if found is not None and wanted.get(tenant) == found.hosts:
                self.cluster.apply(objects.ingress(tenant, self.namespace, self.ingress_class, found.hosts))
        LAST_PASS.set(self.now().timestamp())

    def _try(self, step: Step, secrets: dict[str, dict[str, Any]]) -> None:
        until, pause = self._waits.get(step.tenant, (0.0, FAILED[0]))
        if self.since() < until:
            return
        try:
            self._do(step, secrets)
            self._waits.pop(step.tenant, None)
        except Fault as fault:
            FAILURES_TOTAL.labels(fault.code).inc()
            log.warning("%s: %s %s", step.tenant, fault.code, fault.message)
            self._waits[step.tenant] = (self.since() + pause, min(pause * 2, FAILED[1]))

    def _do(self, step: Step, secrets: dict[str, dict[str, Any]]) -> None:
        match step:
            case Issue():
                self._issue(step)
            case Revoke(tenant, serials):
                self._revoke(serials)
                annotations = {objects.SUPERSEDED: "[]"}
                found = secrets[tenant]
                labels = found["metadata"]["labels"]
                said = {"name": objects.name(tenant), "namespace": self.namespace, "labels": labels}
                kept = {"apiVersion": "v1", "kind": "Secret", "type": found["type"], "data": found["data"]}
                self.cluster.apply(kept | {"metadata": said | {"annotations": annotations}})
            case Remove(tenant, serials):
                self._revoke(serials)
                self.cluster.remove(tenant)
                log.info("%s: its certificate is revoked and removed", tenant)

    def _issue(self, step: Issue) -> None:
        if step.why == "due" and self.since() - self._renewed.get(step.tenant, float("-inf")) < ISSUED:
            raise Fault(
                "CERTIFICATE_DUE_AT_ONCE",
                "The certificate that was just renewed is to be renewed again: this pod's clock and OpenBao's are "
                "weeks apart, or the PKI's own certificate ends soon. Set the clock, or renew that.",
            )
        key = objects.new_key()
        signed = self.bao.ask(
            f"pki/sign/{Names(step.tenant).certificate_role}",
            {"csr": objects.request(key, step.hosts), "format": "pem"},
        )
        chain = "\n".join([signed["certificate"], *(signed.get("ca_chain") or [])]) + "\n"
        secret = objects.secret(step.tenant, self.namespace, chain, key, step.superseded)
        made = objects.certificate(secret)
        if made is None or made.hosts != step.hosts:
            raise Fault(
                "CERTIFICATE_NOT_AS_ASKED",
                f"OpenBao signed another certificate than was asked for. Look at its role "
                f"pki/roles/{Names(step.tenant).certificate_role}.",
            )
        self.cluster.apply(secret)
        self.cluster.apply(objects.ingress(step.tenant, self.namespace, self.ingress_class, step.hosts))
        self._renewed[step.tenant] = self.since()
        NOT_AFTER.labels(step.tenant).set(made.not_after.timestamp())
        ISSUED_TOTAL.labels(step.why).inc()
        end = x509.load_pem_x509_certificate(signed["certificate"].encode()).not_valid_after_utc
        log.info("%s: certificate %s (%s) until %s", step.tenant, made.serial, step.why, end.isoformat())

    def _revoke(self, serials: tuple[str, ...]) -> None:
        """Revoking twice is revoking once."""
        for serial in serials:
            self.bao.ask("pki/revoke", {"serial_number": serial})
            REVOKED_TOTAL.inc()


def main() -> None:
    """Run until the process is ended."""
    settings = Settings("")
    cell = load_cell(settings.cell_folder)
    bao = OpenBaoClient(cell.openbao.address, settings.ca_file, settings.token_file, role=CERTIFICATES_ROLE)
    keeper = Keeper(Cluster(kube.connect(), cell.ingress_namespace), bao, cell.ingress_namespace, cell.ingress_class)
    ended = time.monotonic()
    server.start(settings.http_port, lambda: time.monotonic() - ended < SILENCE, lambda: True)
    while True:
        try:
            keeper.pass_over()
        except Fault as fault:
            FAILURES_TOTAL.labels(fault.code).inc()
            log.warning("%s %s", fault.code, fault.message)
        ended = time.monotonic()
        time.sleep(PERIOD)
