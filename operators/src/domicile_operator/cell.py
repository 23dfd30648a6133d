"""The cell that this operator serves, as the ConfigMap `domicile-cell` says it."""

from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from domicile_operator.errors import Fault

Port = Annotated[int, Field(ge=1, le=65535)]


class _Model(BaseModel):
    # Unknown keys pass: a newer builder of cells may write more than this operator reads.
    model_config = ConfigDict(extra="ignore", frozen=True, alias_generator=to_camel, populate_by_name=True)


class Endpoint(_Model):
    """A server outside the cluster: its name for TLS, its port, and the CIDR that network policies open."""

    host: str
    port: Port
    cidr: str


class OpenBao(_Model):
    address: str
    cidr: str
    port: Port


class PaymentProvider(_Model):
    name: str
    url: str
    cidr: str
    port: Port


class Cell(_Model):
    """One cluster and the stores beside it. `ca_pem` is the CA of those stores' certificates.

    `jurisdictions` are those that it is for; none named means every one that may lawfully live in its places.
    `attestation_root` is the fingerprint of the key that vouches for the officers whose attestations count here.
    """

    name: str
    environment: str
    production: bool
    attestation_root: Annotated[str, Field(pattern=r"^SHA256:[A-Za-z0-9+/]{43}$")] | None = None
    places: Annotated[tuple[str, ...], Field(min_length=1)]
    jurisdictions: tuple[str, ...] = ()
    base_domain: str
    public_port: Port = 443
    ingress_class: str
    ingress_namespace: str
    postgresql: Endpoint
    redis: Endpoint
    openbao: OpenBao
    payment_providers: tuple[PaymentProvider, ...] = ()
    ca_pem: str = ""

    def url(self, tenant: str) -> str:
        """Where players reach the tenant."""
        port = "" if self.public_port == 443 else f":{self.public_port}"
        return f"https://{tenant}.{self.base_domain}{port}/"


def load_cell(folder: Path) -> Cell:
    """Read `cell.yaml` and `ca.crt` of the mounted ConfigMap. Raises Fault CELL_UNREADABLE."""
    try:
        cell = Cell.model_validate(yaml.safe_load((folder / "cell.yaml").read_text()))
        return cell.model_copy(update={"ca_pem": (folder / "ca.crt").read_text()})
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise Fault(
            "CELL_UNREADABLE",
            f"The cell's description in {folder} cannot be read: {error}. "
            "Write the ConfigMap domicile-cell in namespace domicile-system again.",
        ) from error
