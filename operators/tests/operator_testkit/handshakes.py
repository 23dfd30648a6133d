"""What players see of an ingress's certificates: one handshake, or one after the other without a pause."""

import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography import x509
from domicile_operator.plan import Plan

from operator_testkit.samples import CELL, plan

HOST = "play.acme.example"
CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
CONTEXT.check_hostname, CONTEXT.verify_mode = False, ssl.CERT_NONE
PLAN: Plan = plan(cell=CELL.model_copy(update={"certificates": "OpenBao"}), domains=[HOST])
"""A tenant with a domain of its own, in a cell that signs for it."""


def shown(port: int, host: str = HOST) -> x509.Certificate:
    """What a handshake for the host gives."""
    with (
        socket.create_connection(("127.0.0.1", port), 5) as plain,
        CONTEXT.wrap_socket(plain, server_hostname=host) as secured,
    ):
        found = secured.getpeercert(binary_form=True)
    assert found
    return x509.load_der_x509_certificate(found)


@dataclass
class Players:
    """Shake hands without a pause until told to stop."""

    shown: Callable[[], x509.Certificate]
    done: int = 0
    failed: list[str] = field(default_factory=list)
    serials: set[int] = field(default_factory=set)
    over: threading.Event = field(default_factory=threading.Event)

    def play(self) -> None:
        while not self.over.is_set():
            try:
                self.serials.add(self.shown().serial_number)
                self.done += 1
            except OSError as error:
                self.failed.append(repr(error))
            time.sleep(0.005)
