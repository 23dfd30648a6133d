#!/usr/bin/python
"""Write an OpenBao path only where it differs from what is asked."""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: openbao
short_description: Write an OpenBao path where it differs
options:
  address: {type: str, required: true, description: Base URL.}
  ca_file: {type: path, required: true, description: CA that signed the server's certificate.}
  token: {type: str, required: true, description: A token that may write.}
  path: {type: str, required: true, description: API path without C(/v1/).}
  read_path: {type: str, description: "Where to read it back, when that is another path."}
  data: {type: dict, required: true, description: What the path should hold.}
  write_only:
    {type: list, elements: str, default: [], description: "Keys of data that the server never shows; not compared."}
"""


def call(params: dict[str, Any], method: str, path: str, body: Any = None) -> Any:
    """One API call; None for 404."""
    context = ssl.create_default_context(cafile=params["ca_file"])
    request = urllib.request.Request(  # noqa: S310 - the address is the site's own
        f"{params['address']}/v1/{path}",
        method=method,
        data=json.dumps(body).encode() if body is not None else None,
        headers={"X-Vault-Token": params["token"], "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, context=context, timeout=30) as answer:  # noqa: S310
            text = answer.read()
    except urllib.error.HTTPError as error:
        if error.code in (404, 400) and method == "GET":
            return None
        raise
    return json.loads(text) if text else {}


def differs(wanted: Any, found: Any) -> bool:
    """Whether `found` lacks what `wanted` says; keys that only the server adds do not count."""
    if isinstance(wanted, dict):
        return not isinstance(found, dict) or any(differs(v, found.get(k)) for k, v in wanted.items())
    if isinstance(wanted, list) and isinstance(found, list):
        return wanted != found
    return str(wanted) != str(found)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "address": {"type": "str", "required": True},
            "ca_file": {"type": "path", "required": True},
            "token": {"type": "str", "required": True, "no_log": True},
            "path": {"type": "str", "required": True},
            "read_path": {"type": "str"},
            "data": {"type": "dict", "required": True},
            "write_only": {"type": "list", "elements": "str", "default": [], "no_log": False},
        },
        supports_check_mode=True,
    )
    params = module.params
    comparable = {k: v for k, v in params["data"].items() if k not in params["write_only"]}
    try:
        found = call(params, "GET", params["read_path"] or params["path"])
        current = (found or {}).get("data") or {}
        if not differs(comparable, current):
            module.exit_json(changed=False)
        if not module.check_mode:
            call(params, "POST", params["path"], params["data"])
    except urllib.error.HTTPError as error:
        module.fail_json(msg=f"{params['path']}: {error.code} {error.read().decode(errors='replace')[:500]}")
    except OSError as error:
        module.fail_json(msg=f"{params['address']} does not answer: {error}")
    module.exit_json(changed=True)


if __name__ == "__main__":
    main()
