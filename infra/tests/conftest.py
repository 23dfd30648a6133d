import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems():
    """Keep Hypothesis from loading all of pulumi_aws.

    It looks into every imported module for constants to try, and a look at one of pulumi_aws's lazy modules loads it:
    all of them are twenty seconds.
    """
    from hypothesis.internal.conjecture import providers

    lazy = {id(module) for module in list(sys.modules.values()) if type(module).__name__ == "_LazyModule"}
    getattr(providers, "_seen_modules", set()).update(lazy)
