#!/usr/bin/env python3
"""Ansible's dynamic half of the lab's inventory: what derives from this checkout (addresses, keys, folders)."""

import os
import sys
from pathlib import Path

os.environ.setdefault("DOMICILE_CHECKOUT", str(Path(__file__).resolve().parents[3]))

try:
    from domicile_lab.inventory import main
except ImportError:
    sys.exit("The lab's inventory needs the project's environment: run `uv run ansible-playbook ...`, or `make up`.")

main()
