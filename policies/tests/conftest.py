import sys
from pathlib import Path

# Tests are imported by path, so what they share needs a name that no other member's tests use. The catalogue's
# independent reading of its own data is shared with its tests.
HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "catalog" / "tests")]
