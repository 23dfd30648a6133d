"""`python3 -m domicile_operator`: wire the world together and run. With the word `logins`: see `logins.py`;
with `certificates`: see `certificates/loop.py`.
"""

import logging
import sys
import time
from datetime import UTC, datetime

import kopf

from domicile_operator import handlers, logins, server
from domicile_operator.catalogue import CatalogueRulebook
from domicile_operator.cell import Cell, load_cell
from domicile_operator.clients import kube, pods
from domicile_operator.clients.bao import OpenBaoClient
from domicile_operator.clients.elasticache import ElastiCacheClient
from domicile_operator.clients.lease import LeaseApi
from domicile_operator.clients.postgres import PostgresClient
from domicile_operator.clients.viewed import ViewedKube
from domicile_operator.election import Timing
from domicile_operator.errors import Fault
from domicile_operator.files import Unchanged
from domicile_operator.gate import Gate, LeadersGate
from domicile_operator.leadership import Leadership, identity
from domicile_operator.names import API_VERSION, BACKUP_KIND, KIND
from domicile_operator.rounds import Rounds
from domicile_operator.runtime import STORES_AFTER, Runtime
from domicile_operator.settings import Settings, read_settings
from domicile_operator.view import View
from domicile_operator.world import World

log = logging.getLogger("domicile_operator")


def main() -> None:
    """Run until SIGTERM; with `logins`, until the database has its first logins."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    # A line for every watch event says nothing; passes and transitions are logged by the operator itself.
    logging.getLogger("kopf.objects").setLevel(logging.WARNING)
    if sys.argv[1:] == ["logins"]:
        logins.main()
        return
    if sys.argv[1:] == ["certificates"]:
        from domicile_operator.certificates import loop  # its series are not the operator's

        loop.main()
        return
    settings = read_settings()
    api, timing = kube.connect(), Timing(settings.lease_seconds)
    # Two calls and the pause before them fit into the time that a leader has.
    leadership = Leadership(LeaseApi(api, timing.renew / 3), identity(), timing)
    gate = LeadersGate(leadership.seconds_to_write)
    cluster, view = kube.KubernetesApi(api, gate), View()
    world = build_world(settings, ViewedKube(cluster, view), gate)
    wait_for_crd(world)
    runtime = Runtime(world, settings, leadership, view, cluster)
    registry = kopf.OperatorRegistry()
    handlers.register(registry, runtime)
    server.start(settings.http_port, lambda: runtime.healthy, lambda: runtime.ready)
    log.info("serving cell %s with %s", world.cell().name, settings.casino_image)
    kopf.run(registry=registry, clusterwide=True, standalone=True)


def build_world(settings: Settings, cluster: kube.Kube, gate: Gate) -> World:
    """The real clients. The cell's stores are not called yet: they may come up later than the operator."""
    cell = load_cell(settings.cell_folder, settings.networks_folder)
    folders = (settings.cell_folder, settings.networks_folder, settings.games_folder)
    files: Unchanged[Cell] = Unchanged(*folders)
    bao = OpenBaoClient(cell.openbao.address, settings.ca_file, settings.token_file, gate=gate)
    return World(
        kube=cluster,
        bao=bao,
        databases=PostgresClient(cell.postgresql.host, cell.postgresql.port, settings.ca_file, bao, gate=gate),
        cache_users=lambda cache: ElastiCacheClient.of(cache, gate),
        rulebook=CatalogueRulebook.load(settings.attestations_folder),
        cell=lambda: files.of(lambda: load_cell(*folders)),
        image=settings.casino_image,
        pod_metrics=pods.ask(),
        now=lambda: datetime.now(UTC),
        rounds=Rounds(settings.resync_seconds * STORES_AFTER),
        backup_image=settings.backup_image,
    )


def wait_for_crd(world: World) -> None:
    """kopf looks for resources once, at its start: wait until the API server serves ours."""
    while True:
        try:
            for kind in (KIND, BACKUP_KIND):
                world.kube.list(API_VERSION, kind)
            return
        except Fault as fault:
            log.warning("waiting for the CRD: %s", fault.message)
            time.sleep(2)


if __name__ == "__main__":
    main()
