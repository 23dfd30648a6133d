"""The operator as it is, but for one thing: what pods say of themselves it asks of the benchmark (fleet_cell.py), since
the pods of a fleet that kwok plays have nothing that listens."""

from __future__ import annotations

import os

import urllib3
from domicile_operator import __main__ as operator
from domicile_operator.clients import pods


def ask() -> pods.Ask:
    """What the pod at an address would say, by HTTP as from the pod."""
    pool, where = urllib3.PoolManager(timeout=pods.TIMEOUTS, maxsize=8, retries=False), os.environ["FLEET_PODS"]
    return lambda address: pool.request("GET", f"{where}/{address}").data.decode()


if __name__ == "__main__":
    pods.ask = ask
    operator.main()
