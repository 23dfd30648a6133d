"""Tests are imported by path; what other folders share is named here."""

import sys
from pathlib import Path

for folder in ("sealing", "rounds"):
    sys.path.insert(0, str(Path(__file__).parents[1] / folder))
