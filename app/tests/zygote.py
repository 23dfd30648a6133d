"""Forks casinos that can be killed. Importing the casino takes a second; forking one that did takes none.

Reads ports from standard input, one a line; answers each with the process id of a casino serving there.
"""

from __future__ import annotations

import os
import signal
import sys

import casino.app
import casino.server  # noqa: F401
import uvloop  # noqa: F401


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries the dead
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            os.environ["CASINO_PORT"] = line.strip()
            log = os.open(os.environ["CASINO_TEST_LOG"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(log, 1)
            os.dup2(log, 2)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            from casino.__main__ import main as casino_main

            os._exit(casino_main(["api"]))
        print(pid, flush=True)


if __name__ == "__main__":
    main()
