"""moto in this process: a call goes in, an answer comes out. Nothing is judged here."""

from __future__ import annotations

import json
import logging
import threading

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.test import run_wsgi_app

from domicile_lab.cloud.http import Answer, Call

log = logging.getLogger(__name__)

MANAGEMENT_ACCOUNT = "123456789012"
"""The account in which moto puts a caller without a key of its own."""

_application = DomainDispatcherApplication(create_backend_app)
_lock = threading.RLock()  # moto's stores are plain dictionaries, and two threads in one of them have lost entries


def forward(call: Call) -> Answer:
    """moto's answer. What moto has not built is answered 501 with a word on where to add it."""
    environ = call.environ()
    try:
        service = _application.get_application(environ)
    except Exception:  # moto has no module for the service, and stumbles over that
        return _missing(f"{call.method} {call.path}")
    try:
        with _lock:
            pieces, status, headers = run_wsgi_app(service, environ, buffered=True)
            body = b"".join(piece.encode() if isinstance(piece, str) else piece for piece in pieces)
    except NotImplementedError as error:
        return _missing(str(error))
    except Exception as error:
        log.exception("moto failed: %s %s", call.method, call.target)
        return Answer(
            500,
            json.dumps({"__type": "InternalFailure", "message": f"moto failed: {error!r}"}).encode(),
            {"Content-Type": "application/x-amz-json-1.1", "x-amzn-errortype": "InternalFailure"},
        )
    number = int(status.split(" ", 1)[0])
    if number == 404 and body.startswith(b"<!doctype html>"):
        return _missing(f"{call.method} {call.path}")
    return Answer(number, body, {name: value for name, value in headers.items() if not name.startswith("Access-")})


def _missing(what: str) -> Answer:
    message = f"The lab's cloud lacks this operation ({what}); it can be added in cloud/shelves/."
    return Answer(
        501,
        json.dumps({"__type": "NotImplemented", "message": message}).encode(),
        {"Content-Type": "application/x-amz-json-1.1", "x-amzn-errortype": "NotImplemented"},
    )
