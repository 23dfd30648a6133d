"""Staff with sessions, and the ledger's events as consumers are handed them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # --import-mode=importlib leaves the folder out

from staff_testkit import hire as hire
