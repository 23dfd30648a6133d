"""kopf with the operator's own handlers and settings, on an API server of three kinds in the same process.

`python -m operator_testkit.kopf_alone FOLDER`: every watch stays silent; the second one of services brings an ERROR
event. Prints what is asked for, a line each, and `stopped` when the handlers have been told to stop.
"""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import kopf
from aiohttp import web
from domicile_operator import handlers
from domicile_operator.watches import Watches

from operator_testkit.servers import free_port

KINDS = {
    "/api/v1": [("namespaces", "Namespace"), ("services", "Service"), ("configmaps", "ConfigMap")],
    "/apis/apiextensions.k8s.io/v1": [("customresourcedefinitions", "CustomResourceDefinition")],
}
GROUP = {"groupVersion": "apiextensions.k8s.io/v1", "version": "v1"}
DISCOVERY: dict[str, Any] = {
    "/api": {"versions": ["v1"]},
    "/apis": {"groups": [{"name": "apiextensions.k8s.io", "versions": [GROUP], "preferredVersion": GROUP}]},
} | {
    path: {
        "resources": [
            {"name": plural, "singularName": plural[:-1], "namespaced": False, "kind": kind, "verbs": ["list", "watch"]}
            for plural, kind in kinds
        ]
    }
    for path, kinds in KINDS.items()
}


class Runtime:
    """As much of the runtime as the handlers ask for."""

    def __init__(self) -> None:
        self.watches = Watches(7)

    async def start(self) -> None:
        return

    async def stop(self) -> None:
        print("stopped", flush=True)

    def listing(self, kind: str | None) -> None:
        return

    def wake(self, tenant: str, delay: float = 0.0) -> None:
        raise AssertionError("nothing happens here")


async def main(folder: Path) -> None:
    watched: list[str] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        if request.path in DISCOVERY:
            return web.json_response(DISCOVERY[request.path])
        if request.query.get("watch") != "true":
            return web.json_response({"kind": "List", "items": [], "metadata": {"resourceVersion": "5"}})
        watched.append(request.path)
        print(request.path, flush=True)
        response = web.StreamResponse()
        await response.prepare(request)
        if watched.count("/api/v1/services") == 2 and request.path == "/api/v1/services":
            status = {"kind": "Status", "code": 500, "message": "etcd is not well"}
            await response.write(json.dumps({"type": "ERROR", "object": status}).encode() + b"\n")
            return response
        await asyncio.sleep(600)
        return response

    application, port = web.Application(), free_port()
    application.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(application, access_log=None, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    named = {"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}
    context = {"name": "c", "context": {"cluster": "c", "user": "u"}}
    user = {"name": "u", "user": {"token": "of-the-test"}}
    config = {"apiVersion": "v1", "kind": "Config", "current-context": "c"}
    (folder / "kubeconfig").write_text(
        json.dumps(config | {"clusters": [named], "contexts": [context], "users": [user]})
    )
    os.environ["KUBECONFIG"] = str(folder / "kubeconfig")
    handlers.EXIT_SECONDS = 1.0
    registry = kopf.OperatorRegistry()
    handlers.register(registry, Runtime())  # type: ignore[arg-type]
    await kopf.operator(registry=registry, clusterwide=True, standalone=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
