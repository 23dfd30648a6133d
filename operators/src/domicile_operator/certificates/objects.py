"""The objects by which the ingress controller is given a certificate: pure functions to and from Kubernetes' form.

Skipper takes certificates from the `tls` of an Ingress, and the Secret from that Ingress's namespace. So each tenant
has one more Ingress, in the controller's namespace, and no key ever lies in the tenant's. It has to have a rule for
each host, whose path nobody asks for: all others stay with the tenant's own Ingress.
"""

import base64
import json
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from domicile_operator.certificates.life import Certificate
from domicile_operator.names import CERTIFICATES_ROLE, LABEL_MANAGED_BY, LABEL_TENANT

SELECTOR = f"{LABEL_MANAGED_BY}={CERTIFICATES_ROLE}"
SUPERSEDED = "casino.domicile.dev/superseded-certificates"
"""Annotation of a Secret: serial numbers, as a JSON list, that are still to be revoked."""
PATH = "/.well-known/domicile-certificate"
NO_BACKEND = "domicile-no-backend"
"""A Service without pods, which the path above leads to (deploy/certificates/ingress.yaml)."""


def name(tenant: str) -> str:
    """Of the Secret and of the Ingress."""
    return f"casino-{tenant}-certificate"


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def request(key: ec.EllipticCurvePrivateKey, hosts: frozenset[str]) -> str:
    """A signing request for the hosts, without a common name: one holds 64 characters, and no browser reads it."""
    names = x509.SubjectAlternativeName([x509.DNSName(host) for host in sorted(hosts)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).add_extension(names, critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def secret(
    tenant: str, namespace: str, chain: str, key: ec.EllipticCurvePrivateKey, superseded: tuple[str, ...]
) -> dict[str, Any]:
    """`chain` is in PEM, the tenant's own certificate first."""
    secret_key = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": _metadata(tenant, namespace) | {"annotations": {SUPERSEDED: json.dumps(list(superseded))}},
        "data": {"tls.crt": _base64(chain.encode()), "tls.key": _base64(secret_key)},
    }


def ingress(tenant: str, namespace: str, ingress_class: str, hosts: frozenset[str]) -> dict[str, Any]:
    backend = {"service": {"name": NO_BACKEND, "port": {"number": 80}}}
    paths = [{"path": PATH, "pathType": "Exact", "backend": backend}]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": _metadata(tenant, namespace),
        "spec": {
            "ingressClassName": ingress_class,
            "rules": [{"host": host, "http": {"paths": paths}} for host in sorted(hosts)],
            "tls": [{"hosts": sorted(hosts), "secretName": name(tenant)}],
        },
    }


def certificate(found: dict[str, Any]) -> Certificate | None:
    """What a Secret holds. None where it is no certificate, or its key is of another: nothing could serve it."""
    data = found.get("data") or {}
    try:
        read = x509.load_pem_x509_certificate(base64.b64decode(data["tls.crt"]))
        key = serialization.load_pem_private_key(base64.b64decode(data["tls.key"]), password=None)
        names = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        superseded = json.loads((found["metadata"].get("annotations") or {}).get(SUPERSEDED, "[]"))
        if key.public_key() != read.public_key():
            return None
    except (KeyError, ValueError, TypeError, x509.ExtensionNotFound):
        return None
    return Certificate(
        hosts=frozenset(names.get_values_for_type(x509.DNSName)),
        serial=serial(read),
        not_before=read.not_valid_before_utc,
        not_after=read.not_valid_after_utc,
        superseded=tuple(superseded),
    )


def serial(read: x509.Certificate) -> str:
    """As OpenBao writes it: bytes in hexadecimal, with colons."""
    number = read.serial_number
    return number.to_bytes((number.bit_length() + 7) // 8, "big").hex(":")


def _metadata(tenant: str, namespace: str) -> dict[str, Any]:
    labels = {LABEL_MANAGED_BY: CERTIFICATES_ROLE, LABEL_TENANT: tenant}
    return {"name": name(tenant), "namespace": namespace, "labels": labels}


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
