#!/usr/bin/python
"""The host's half of `intermediate`: OpenBao makes a key and hands out its request, and takes the certificate."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: pki_intermediate
short_description: The intermediate authority of a PKI mount of OpenBao
description:
  - Returns the certificate that the mount signs by, empty where it has none.
  - With C(generate), makes a key inside OpenBao and returns a signing request for it.
  - With C(certificate), gives OpenBao the signed certificate, by which it signs from then on.
options:
  address: {type: str, required: true, description: Base URL.}
  ca_file: {type: path, required: true, description: CA that signed the server's certificate.}
  token: {type: str, required: true, description: A token that may write below the mount.}
  mount: {type: str, required: true, description: The mount's path.}
  common_name: {type: str, required: true, description: Subject of the request.}
  generate: {type: bool, default: false, description: Make a key and return its request.}
  certificate: {type: str, description: The signed certificate in PEM.}
"""


def call(params: dict[str, Any], method: str, path: str, body: Any = None) -> dict[str, Any]:
    """The data of one answer; empty for what is not there. HTTPError for a refusal."""
    request = urllib.request.Request(  # noqa: S310 - the address is the site's own
        f"{params['address']}/v1/{params['mount']}/{path}",
        method=method,
        data=json.dumps(body).encode() if body is not None else None,
        headers={"X-Vault-Token": params["token"], "Content-Type": "application/json"},
    )
    context = ssl.create_default_context(cafile=params["ca_file"])
    try:
        with urllib.request.urlopen(request, context=context, timeout=30) as answer:  # noqa: S310
            text = answer.read()
    except urllib.error.HTTPError as error:
        # A mount without an issuer has no default one, which OpenBao calls an error of its own.
        if method == "GET" and error.code in (404, 500):
            return {}
        raise
    found: dict[str, Any] = (json.loads(text) if text else {}).get("data") or {}
    return found


def take(params: dict[str, Any]) -> None:
    """Import the certificate, and sign by it from now on: a mount keeps its first issuer as the default otherwise."""
    imported = call(params, "POST", "intermediate/set-signed", {"certificate": params["certificate"]})
    (issuer,) = [one for one, key in imported["mapping"].items() if key]
    call(params, "POST", "config/issuers", {"default": issuer})


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "address": {"type": "str", "required": True},
            "ca_file": {"type": "path", "required": True},
            "token": {"type": "str", "required": True, "no_log": True},
            "mount": {"type": "str", "required": True},
            "common_name": {"type": "str", "required": True},
            "generate": {"type": "bool", "default": False},
            "certificate": {"type": "str"},
        }
    )
    params = module.params
    try:
        if params["certificate"]:
            take(params)
            module.exit_json(changed=True)
        if params["generate"]:
            asked = {"common_name": params["common_name"], "key_type": "ec", "key_bits": 256}
            module.exit_json(changed=True, request=call(params, "POST", "intermediate/generate/internal", asked)["csr"])
        found = call(params, "GET", "issuer/default/json")
        module.exit_json(changed=False, certificate=found.get("certificate", ""))
    except urllib.error.HTTPError as error:
        module.fail_json(msg=f"{params['mount']}: {error.code} {error.read().decode(errors='replace')[:500]}")
    except OSError as error:
        module.fail_json(msg=f"{params['address']} does not answer: {error}")


if __name__ == "__main__":
    main()
