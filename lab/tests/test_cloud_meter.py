"""What the cloud says of its own work."""

import threading

import pytest
from domicile_lab.cloud.http import Answer
from domicile_lab.cloud.meter import Meter


def test_every_call_counts_once_whether_it_is_answered_or_fails():
    def handle(call):
        if call is None:
            raise ValueError
        return Answer(200, b"", {})

    meter = Meter(handle)
    threads = [threading.Thread(target=lambda: meter.handle("call")) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with pytest.raises(ValueError):
        meter.handle(None)
    assert meter.told()["calls"] == 21 and meter.told()["seconds"] > 0
