"""One budget of connections for a process, shared out to its modules' pools."""

from __future__ import annotations

import pytest
from casino.grants import MODULES
from casino.kernel.db import pool_sizes
from casino.kernel.errors import ConfigurationError
from hypothesis import given
from hypothesis import strategies as st


@given(
    st.integers(1, 300),
    st.lists(st.sampled_from(MODULES), unique=True, min_size=1),
    st.dictionaries(st.sampled_from(MODULES), st.integers(2, 60)),
)
def test_the_pools_keep_to_the_budget_and_none_is_without_a_connection(
    budget: int, modules: list[str], given_: dict[str, int]
) -> None:
    chosen = {module: size for module, size in given_.items() if module in modules}
    minimum = {"wallet": 2} if "wallet" in modules else {}
    try:
        sizes = pool_sizes(budget, modules, chosen, minimum)
    except ConfigurationError:
        # Refused only where the named sizes and the least for the rest are more than there is.
        rest = [module for module in modules if module not in chosen]
        least = sum(2 if module in minimum else max(1, budget // 10) for module in rest)
        assert sum(chosen.values()) + least > budget
        return
    assert set(sizes) == set(modules)
    assert sum(sizes.values()) <= budget
    assert all(sizes[module] >= max(1, minimum.get(module, 0)) for module in modules)
    assert all(sizes[module] == size for module, size in chosen.items())


def test_who_has_most_to_do_gets_most_of_it() -> None:
    sizes = pool_sizes(20, MODULES, {}, {"wallet": 2})
    assert sizes["wallet"] == 8 and all(size == 2 for module, size in sizes.items() if module != "wallet")


def test_a_size_for_a_module_that_is_not_there_is_a_mistake() -> None:
    with pytest.raises(ConfigurationError, match="walet"):
        pool_sizes(20, MODULES, {"walet": 9}, {"wallet": 2})
