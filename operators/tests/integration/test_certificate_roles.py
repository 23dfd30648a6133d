"""What OpenBao signs for a tenant, and what it refuses: by the role that the operator writes, asked with the policy of
`domicile-certificates`."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from domicile_operator.bao_documents import certificate_role
from domicile_operator.certificates import objects
from domicile_operator.certificates.loop import Keeper
from domicile_operator.children.base import Ending
from domicile_operator.children.order import SECRETS
from domicile_operator.clients.bao import OpenBaoClient
from domicile_operator.errors import Fault
from domicile_operator.names import CERTIFICATES_ROLE, OPERATOR_ROLE, Names
from operator_testkit.bao import Vault
from operator_testkit.fakes import Fakes
from operator_testkit.samples import CELL, plan
from operator_testkit.servers import stopped_afterwards
from operator_testkit.tls import Authority

ROOT = Path(__file__).parents[3]
POLICIES = ROOT / "playbooks" / "roles" / "cell" / "files"
ISSUING = CELL.model_copy(update={"certificates": "OpenBao"})
HOST = "play.acme.example"


@dataclass
class Pki:
    vault: Vault
    signer: OpenBaoClient
    operator: OpenBaoClient

    def sign(self, csr: str, role: str = "casino-acme-gb") -> x509.Certificate:
        answer = self.signer.ask(f"pki/sign/{role}", {"csr": csr})
        return x509.load_pem_x509_certificate(answer["certificate"].encode())

    def revoked(self, serial: str) -> bool:
        return bool(self.vault.root.read(f"pki/cert/{serial}")["data"]["revocation_time"])


PLAY = """
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - intermediate: {address: "{{ address }}", ca_file: "{{ ca }}", token: "{{ token }}", mount: pki, authority: hosts,
                     common_name: host names}
"""


def play(folder: Path, vault: Vault, authority: Authority) -> str:
    """What the role `openbao` does with the mount, by the same plugin; gives what it said."""
    given = {"address": vault.address, "ca": str(authority.certificate), "token": vault.root.token}
    given |= {"authority_dir": str(folder / "authorities"), "ansible_python_interpreter": sys.executable}
    (folder / "play.yml").write_text(PLAY)
    settings = {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_LOCAL_TEMP": str(folder / "local")}
    settings |= {f"ANSIBLE_{kind.upper()}": str(ROOT / "playbooks" / kind) for kind in ("action_plugins", "library")}
    command = [sys.executable, "-m", "ansible", "playbook", "-i", "localhost,", "-e", json.dumps(given)]
    done = subprocess.run(
        [*command, str(folder / "play.yml")],
        env=os.environ | settings, cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pki]:
    with stopped_afterwards():
        folder = tmp_path_factory.mktemp("pki")
        authority = Authority(folder)
        vault = Vault(folder, authority)
        root = vault.root
        root.sys.enable_secrets_engine("pki", config={"max_lease_ttl": "400d"})
        assert "changed=1" in play(folder, vault, authority) and "changed=0" in play(folder, vault, authority)
        root.sys.enable_secrets_engine("database")
        root.sys.enable_auth_method("jwt")
        root.write_data(
            "auth/jwt/config",
            data={"jwt_validation_pubkeys": [vault.public_key], "bound_issuer": "https://issuer.test"},
        )
        for name, file in ((OPERATOR_ROLE, "operator.hcl"), (CERTIFICATES_ROLE, "certificates.hcl")):
            root.sys.create_or_update_policy(name, (POLICIES / file).read_text())
            subject = f"system:serviceaccount:domicile-system:{name}"
            role = {"role_type": "jwt", "user_claim": "sub", "bound_audiences": ["openbao"]}
            root.write_data(f"auth/jwt/role/{name}", data=role | {"bound_subject": subject, "token_policies": [name]})

        def client(name: str) -> OpenBaoClient:
            return OpenBaoClient(vault.address, authority.certificate, vault.token(name), role=name)

        made = Pki(vault, client(CERTIFICATES_ROLE), client(OPERATOR_ROLE))
        for tenant, host in (("acme-gb", HOST), ("other-gb", "play.other.example")):
            role_of = certificate_role(plan(tenant, cell=ISSUING, domains=[host]))
            assert role_of is not None
            assert made.operator.ensure(role_of.path, role_of.data)
            assert not made.operator.ensure(role_of.path, role_of.data), "what is there is not written again"
        yield made


def csr(*names: x509.GeneralName, common: str = "", key: Any = None) -> str:
    subject = [x509.NameAttribute(x509.NameOID.COMMON_NAME, common)] if common else []
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(subject))
    builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    signed = builder.sign(key or ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM).decode()


def test_a_tenants_own_domain_is_signed_for_a_month_to_serve_and_for_nothing_else(pki: Pki) -> None:
    found = pki.sign(objects.request(objects.new_key(), frozenset({HOST})))
    assert [str(one.value) for one in found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value] == [
        HOST
    ]
    usage = found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert not found.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    with pytest.raises(x509.ExtensionNotFound):  # without it nothing takes it for an authority (RFC 5280, 4.2.1.9)
        found.extensions.get_extension_for_class(x509.BasicConstraints)
    left = found.not_valid_after_utc - datetime.now(UTC)
    assert 29.9 < left.total_seconds() / 86400 <= 30
    assert 3500 < (datetime.now(UTC) - found.not_valid_before_utc).total_seconds() < 3700
    assert not list(found.subject)


@pytest.mark.parametrize(
    "names",
    [
        [x509.DNSName("play.other.example")],
        [x509.DNSName(HOST), x509.DNSName("play.other.example")],
        [x509.DNSName(f"www.{HOST}")],
        [x509.DNSName(f"*.{HOST}")],
        [x509.DNSName("*.acme.example")],
        [x509.DNSName("acme.example")],
        [x509.DNSName("localhost")],
        [x509.DNSName(HOST), x509.IPAddress(ip_address("10.1.2.3"))],
        [x509.DNSName(HOST), x509.UniformResourceIdentifier("spiffe://cell/casino")],
        [x509.DNSName(HOST), x509.RFC822Name("it@acme.example")],
    ],
    ids=lambda names: " ".join(str(one.value) for one in names),
)
def test_another_host_is_refused(pki: Pki, names: list[x509.GeneralName]) -> None:
    with pytest.raises(Fault) as refused:
        pki.sign(csr(*names))
    assert refused.value.code == "OPENBAO_REFUSED"


def test_a_common_name_of_the_request_counts_for_nothing(pki: Pki) -> None:
    found = pki.sign(csr(x509.DNSName(HOST), common="play.other.example"))
    assert "other" not in found.subject.rfc4514_string()


def test_another_kind_of_key_is_refused(pki: Pki) -> None:
    for key in (ec.generate_private_key(ec.SECP224R1()), rsa.generate_private_key(65537, 2048)):
        with pytest.raises(Fault) as refused:
            pki.sign(csr(x509.DNSName(HOST), key=key))
        assert refused.value.code == "OPENBAO_REFUSED"


def test_who_signs_may_not_change_a_role_and_the_operator_may_not_sign(pki: Pki) -> None:
    role = certificate_role(plan("acme-gb", cell=ISSUING, domains=["play.other.example"]))
    assert role is not None
    for attempt in (
        lambda: pki.signer.write(role.path, role.data),
        lambda: pki.signer.read(role.path),
        lambda: pki.signer.ask("pki/issue/casino-acme-gb", {"common_name": HOST}),
        lambda: pki.operator.ask("pki/sign/casino-acme-gb", {"csr": csr(x509.DNSName(HOST))}),
        lambda: pki.operator.ask("pki/issue/casino-acme-gb", {"common_name": HOST}),
        lambda: pki.operator.read("pki/config/ca"),
    ):
        with pytest.raises(Fault) as refused:
            attempt()
        assert refused.value.code == "OPENBAO_FORBIDDEN"


class Ingresses:
    """A cluster that keeps what it is given."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, str], dict[str, Any]] = {}
        self.hosts = {"acme-gb": frozenset({HOST})}
        self.all = frozenset({"acme-gb"})

    def tenants(self) -> frozenset[str]:
        return self.all

    def wanted(self) -> dict[str, frozenset[str]]:
        return self.hosts

    def secrets(self) -> dict[str, dict[str, Any]]:
        name = objects.name("acme-gb")
        return {"acme-gb": self.found["Secret", name]} if ("Secret", name) in self.found else {}

    def apply(self, manifest: dict[str, Any]) -> None:
        self.found[manifest["kind"], manifest["metadata"]["name"]] = manifest

    def remove(self, tenant: str) -> None:
        self.found = {}


def test_a_certificate_is_had_renewed_and_revoked_with_its_tenant(pki: Pki) -> None:
    cluster = Ingresses()
    Keeper(cluster, pki.signer, "ingress-system", "skipper").pass_over()
    first = objects.certificate(cluster.secrets()["acme-gb"])
    assert first is not None and first.hosts == {HOST}
    Keeper(cluster, pki.signer, "ingress-system", "skipper", now=lambda: first.due).pass_over()
    second = objects.certificate(cluster.secrets()["acme-gb"])
    assert second is not None and second.serial != first.serial and not pki.revoked(first.serial)
    cluster.all, cluster.hosts = frozenset(), {}
    Keeper(cluster, pki.signer, "ingress-system", "skipper").pass_over()
    assert cluster.found == {} and pki.revoked(second.serial)
    world = replace(Fakes(ISSUING).world, bao=pki.operator)
    SECRETS.cleanup(Ending(Names("acme-gb"), "000-1", drop_records=False), world)
    with pytest.raises(Fault):
        pki.sign(csr(x509.DNSName(HOST)))
