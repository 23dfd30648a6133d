#!/usr/bin/python
"""The host's half of `certificate`: keep a private key, hand out a signing request, take a certificate."""

from __future__ import annotations

import subprocess
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: certificate_request
short_description: Keep a private key and hand out its signing request
description:
  - Makes an ECDSA P-256 key at C(path).key when there is none; the key never leaves the host.
  - Returns a signing request for it, and the certificate at C(path).crt if there is one.
  - With C(certificate), writes that to C(path).crt.
options:
  path: {type: path, required: true, description: Path without its ending.}
  certificate: {type: str, description: A certificate in PEM to write.}
  mode: {type: raw, description: Mode of the key.}
  owner: {type: str, description: Owner of key and certificate.}
  group: {type: str, description: Group of key and certificate.}
"""


def openssl(module: AnsibleModule, *args: str) -> str:
    done = subprocess.run(["openssl", *args], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        module.fail_json(msg=f"openssl {args[0]}: {done.stderr.strip()}")
    return done.stdout


def main() -> None:
    module = AnsibleModule(
        argument_spec={"path": {"type": "path", "required": True}, "certificate": {"type": "str"}},
        add_file_common_args=True,
        supports_check_mode=True,
    )
    base = Path(module.params["path"])
    key, crt = base.with_name(base.name + ".key"), base.with_name(base.name + ".crt")
    changed = False
    if not key.exists():
        if module.check_mode:
            module.exit_json(changed=True, request="")
        base.parent.mkdir(parents=True, exist_ok=True)
        key.touch(mode=0o600)
        key.write_text(openssl(module, "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"))
        changed = True
    if module.params["certificate"] and not module.check_mode:
        crt.write_text(module.params["certificate"])
        crt.chmod(0o644)
        changed = True
    changed = settle(module, key, module.params["mode"], changed)
    if crt.exists():
        changed = settle(module, crt, "0644", changed)
    module.exit_json(
        changed=changed,
        request=openssl(module, "req", "-new", "-key", str(key), "-subj", "/CN=unused"),
        certificate=crt.read_text() if crt.exists() else "",
    )


def settle(module: AnsibleModule, path: Path, mode: str | None, changed: bool) -> bool:
    """Set owner, group and mode as asked."""
    arguments = dict(module.params, path=str(path), mode=mode)
    done: bool = module.set_fs_attributes_if_different(module.load_file_common_arguments(arguments), changed)
    return done


if __name__ == "__main__":
    main()
