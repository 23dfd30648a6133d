"""`pulumi-language-python`: the plugin through which the Pulumi engine runs Python programs.

It serves `LanguageRuntime` (pulumi/language.proto) on a free port of the loopback and prints the port, once. Each Run
is a process of the program's interpreter (`run_program.py`). The interpreter is the project's `virtualenv` option,
else DOMICILE_PYTHON, else the one that runs this host.

The host ends when the engine asks (Cancel, SIGINT, SIGTERM) and when the engine is gone; the program ends with it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent import futures
from importlib.metadata import version
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

from domicile_lab.providers.interpreter import (
    InterpreterError,
    distribution,
    installed,
    interpreter,
    normal,
)
from domicile_lab.providers.lifetime import Lifetime
from domicile_lab.providers.run_program import REPORTED

RUNNER = Path(__file__).with_name("run_program.py")
MESSAGE_LIMIT = 400 * 1024 * 1024
"""Bytes in one message: the engine's own limit (sdk/go/common/util/rpcutil). gRPC's default of 4 MiB is too low."""


def outcome(code: int) -> language_pb2.RunResponse:
    """What the engine is told of a program that ended with `code` (negative: by that signal)."""
    if code == 0:
        return language_pb2.RunResponse()
    if code == REPORTED:
        return language_pb2.RunResponse(bail=True)
    if code < 0:
        return language_pb2.RunResponse(error=f"Program was ended by {signal.Signals(-code).name}")
    return language_pb2.RunResponse(error=f"Program exited with non-zero exit code: {code}")


def program_of(info: language_pb2.ProgramInfo) -> str:
    """The file or folder to run: the entry point in the program's folder ("." is the folder itself)."""
    return str(Path(info.program_directory) / info.entry_point)


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """LanguageRuntime for Python, for the engine at `engine` (an address, or "" when a Handshake will tell it)."""

    def __init__(self, engine: str, version: str) -> None:
        self._engine = engine
        self._version = version
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def stop(self) -> None:
        """End the programs that run, and start no more. Waits up to 2 s for each before it kills."""
        with self._lock:
            self._stopped = True
            running = list(self._running)
        for process in running:
            process.terminate()
        for process in running:
            try:
                process.wait(2)
            except subprocess.TimeoutExpired:
                process.kill()

    def Handshake(self, request: Any, context: grpc.ServicerContext) -> language_pb2.LanguageHandshakeResponse:
        self._engine = request.engine_address
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=self._version)

    def GetRequiredPackages(self, request: Any, context: Any) -> language_pb2.GetRequiredPackagesResponse:
        """None. The engine asks in order to download what is missing, and a lab downloads nothing.

        To name every installed SDK's plugin, as the real host does, would demand plugins of programs that do not use
        them. A resource's plugin is looked for when its first resource comes, at the version that its SDK states.
        """
        return language_pb2.GetRequiredPackagesResponse()

    def GetRequiredPlugins(self, request: Any, context: Any) -> language_pb2.GetRequiredPluginsResponse:
        """None either: the same question from engines that know no packages."""
        return language_pb2.GetRequiredPluginsResponse()

    def About(self, request: Any, context: Any) -> language_pb2.AboutResponse:
        python = self._interpreter(request.info, context)
        return language_pb2.AboutResponse(executable=python, version=self._installed(request.info, context)["python"])

    def GetProgramDependencies(self, request: Any, context: Any) -> language_pb2.GetProgramDependenciesResponse:
        """Installed distributions; without the transitive ones, those that no other one requires."""
        found = self._installed(request.info, context)["distributions"]
        if not request.transitiveDependencies:
            needed = {distribution(requirement) for d in found for requirement in d["requires"]}
            found = [d for d in found if normal(d["name"]) not in needed]
        return language_pb2.GetProgramDependenciesResponse(
            dependencies=[
                language_pb2.DependencyInfo(name=d["name"], version=d["version"])
                for d in sorted(found, key=lambda d: normal(d["name"]))
            ]
        )

    def InstallDependencies(
        self, request: Any, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.InstallDependenciesResponse]:
        """Install nothing: the workspace's lock file is what installs. Fails when the interpreter has no `pulumi`."""
        python = self._interpreter(request.info, context)
        names = {normal(d["name"]) for d in self._installed(request.info, context)["distributions"]}
        if "pulumi" not in names:
            context.abort(
                grpc.StatusCode.FAILED_PRECONDITION,
                f"{python} has no package `pulumi`. Install the program's dependencies into it (`uv sync`, or "
                f"`uv pip install --python {python} -r requirements.txt`).",
            )
        text = f"Nothing to install: {python} has pulumi and {len(names) - 1} more packages.\n"
        yield language_pb2.InstallDependenciesResponse(stdout=text.encode())

    def RuntimeOptionsPrompts(self, request: Any, context: Any) -> language_pb2.RuntimeOptionsResponse:
        return language_pb2.RuntimeOptionsResponse()

    def Run(self, request: language_pb2.RunRequest, context: grpc.ServicerContext) -> language_pb2.RunResponse:
        """Run the program to its end. Its standard output and error are this process's, which the engine reads."""
        command = [
            *(self._interpreter(request.info, context), "-P", "-u", str(RUNNER)),
            *(request.monitor_address, self._engine, request.project, request.stack, request.organization),
            *(str(request.parallel), "true" if request.dryRun else "false"),
            *(request.info.root_directory, program_of(request.info), *request.args),
        ]
        environment = os.environ | {
            "PULUMI_CONFIG": json.dumps(dict(request.config)),
            "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
        }
        with self._lock:
            if self._stopped:
                return language_pb2.RunResponse(bail=True)
            process = subprocess.Popen(command, cwd=request.pwd or None, env=environment, stdin=subprocess.DEVNULL)
            self._running.add(process)
        # The engine gives up on a call by ending it; nobody then waits for the program.
        context.add_callback(lambda: process.terminate() if process.poll() is None else None)
        code = process.wait()
        with self._lock:
            self._running.discard(process)
        return language_pb2.RunResponse(bail=True) if self._stopped else outcome(code)

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> empty_pb2.Empty:
        self.stop()
        return empty_pb2.Empty()

    def _interpreter(self, info: language_pb2.ProgramInfo, context: grpc.ServicerContext) -> str:
        try:
            return interpreter(info.root_directory, dict(info.options), os.environ)
        except InterpreterError as error:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
            raise

    def _installed(self, info: language_pb2.ProgramInfo, context: grpc.ServicerContext) -> dict[str, Any]:
        try:
            return installed(interpreter(info.root_directory, dict(info.options), os.environ))
        except InterpreterError as error:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
            raise


def serve(arguments: list[str]) -> None:
    """Serve until asked to stop. `arguments`: options, which repeat what each call says, and the engine's address."""
    addresses = [a for a in arguments if not a.startswith("-")]
    lifetime = Lifetime()
    host = LanguageHost(addresses[-1] if addresses else "", version("pulumi"))
    limits = [("grpc.max_receive_message_length", MESSAGE_LIMIT), ("grpc.max_send_message_length", MESSAGE_LIMIT)]
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=16), options=limits)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    lifetime.wait()
    host.stop()
    server.stop(grace=1).wait()


if __name__ == "__main__":
    serve(sys.argv[1:])
