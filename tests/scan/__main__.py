"""Scan everything that the Pulumi program declares with checkov, or a stack that was exported.

    python -m tests.scan                              # organisation, cells, operators/deploy
    pulumi stack export --file gb-prod.json && python -m tests.scan gb-prod.json ...

Ends with 1 where a finding has no waiver in tests/scan/waivers.yaml, or a waiver lets nothing through any more (told of
the whole program alone: one stack need not have everything), and with 2 where the scan itself failed.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.scan.declared import ROOT, exported, program
from tests.scan.findings import scan, settle, told
from tests.scan.scanner import ScanError
from tests.scan.waivers import FILE, read_waivers

DEPLOY = ROOT / "operators" / "deploy"


def main(arguments: list[str]) -> int:
    if any(one.startswith("-") for one in arguments):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        waivers = read_waivers()
        if arguments:
            found = scan([exported(Path(one)) for one in arguments])
        else:
            found = scan(program(), sorted(DEPLOY.rglob("*.yaml")))
    except (ScanError, LookupError, ValueError, OSError) as fault:
        print(f"Not scanned: {fault}", file=sys.stderr)
        return 2
    verdict = settle(found.findings, waivers)
    stale = () if arguments else verdict.stale
    print("\n".join(told(verdict.open)), end="\n" if verdict.open else "")
    for one in stale:
        print(f"{FILE.relative_to(ROOT)}: {one.check} on {one.resource} lets nothing through any more: remove it.")
    print(
        f"{found.subjects} resources: {found.passed} checks passed, {verdict.waived} findings waived, "
        f"{len(verdict.open)} without a waiver. "
        f"{len(found.unchecked)} types are judged only through others, or by no check."
    )
    if verdict.open:
        print(f"Mend what was found, or say in {FILE.relative_to(ROOT)} why a check does not hold here.")
    return 1 if verdict.open or stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
