"""How long a plugin lives: until the engine asks it to end, or has gone."""

from __future__ import annotations

import os
import signal
import threading


class Lifetime:
    """Make it in the main thread before the engine learns the port.

    The engine ends a plugin with SIGINT to its process group and, when that does nothing for five seconds, with
    SIGKILL (sdk/go/common/resource/plugin/plugin.go): a plugin that ignored the interrupt would make every command
    five seconds longer. A user's own interrupt does not come here, since a plugin's process group is its own. An
    engine that was killed asks nothing; its plugins are then children of another process.
    """

    def __init__(self) -> None:
        self._engine = os.getppid()
        self._asked = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self._asked.set())

    def wait(self) -> None:
        """Returns when this process is to end."""
        while not self._asked.wait(1) and os.getppid() == self._engine:
            pass
