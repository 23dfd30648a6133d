"""Tests are imported by path, so what these share needs a name that no others use."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
