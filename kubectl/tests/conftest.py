"""What the tests share is in plugin_testkit.py."""

import sys
from pathlib import Path

# Tests are imported by path, so what they share needs a name that no other member's tests use.
sys.path.insert(0, str(Path(__file__).parent))
