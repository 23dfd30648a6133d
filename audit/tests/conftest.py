"""Makes what these tests share importable under a name that no other member's tests use."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
