"""The cloud's process: `python -m domicile_lab.cloud.server FOLDER`.

Two listeners over one moto: the guarded one, and the raw one, which judges nothing and has the controls below
/domicile/. With --reviews a third tells API servers of other machines whose a token is, and nothing else. It ends on
SIGTERM, or with --with-parent when its standard input does.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path

os.environ.setdefault("MOTO_DISABLE_GLOBAL_CORS", "true")
os.environ.setdefault("MOTO_ACM_VALIDATION_WAIT", "1")  # seconds until a certificate's validation is seen
os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")  # hundreds of made-up images and snapshots per account
os.environ.setdefault("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")  # roles of clusters have AWS's own policies attached

from moto.iam.models import iam_backends
from pydantic import ValidationError

from domicile_lab.cloud import corrections, tokens
from domicile_lab.cloud.authority import tls_context
from domicile_lab.cloud.backend import MANAGEMENT_ACCOUNT, forward
from domicile_lab.cloud.context import requested_region
from domicile_lab.cloud.faults import Faults, Planted
from domicile_lab.cloud.guard import Guard
from domicile_lab.cloud.http import Answer, Call, Listener
from domicile_lab.cloud.meter import Meter
from domicile_lab.cloud.operations import Operation, UnknownOperationError, identify
from domicile_lab.cloud.principals import ANONYMOUS, PARTITION, Principal, find_key
from domicile_lab.cloud.shelf import Shelf
from domicile_lab.cloud.shelf_hooks import CLUSTER_FILE
from domicile_lab.cloud.shelf_records import Place
from domicile_lab.cloud.signature import MalformedError, read_claim
from domicile_lab.cloud.state import CLUSTER_JSON, LOOPBACK, PROFILE, Endpoints, write_endpoints

log = logging.getLogger(__name__)

ADMINISTRATOR = "administrator"
_CONTROLS = "/domicile/"


class Service:
    """What answers: the shelf where it has the operation, else moto."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf

    def serve(self, call: Call, operation: Operation, principal: Principal, region: str) -> Answer:
        """Answer a call that was let through, as its caller's account."""
        place = Place(principal.account, region)
        if (answer := self.shelf.serve(operation, place)) is not None:
            return answer
        answer = forward(_as_account(call, principal.account))
        self.shelf.note(operation, place, answer)
        return answer

    def serve_raw(self, call: Call) -> Answer:
        """Answer a call that nobody judges: as the account of its key, or the management account where it has none."""
        try:
            claim = read_claim(call)
            if claim is None:
                return forward(call)
            key = find_key(claim.access_key)
            principal = key.principal if key else replace(ANONYMOUS, account=MANAGEMENT_ACCOUNT)
            if account := call.headers.get("x-moto-account-id"):
                principal = replace(principal, account=account)
            operation = identify(call, claim.service)
        except (MalformedError, UnknownOperationError):
            return forward(call)
        return self.serve(call, operation, principal, requested_region(operation, claim.region))


def _as_account(call: Call, account: str) -> Call:
    headers = dict(call.headers) | {"x-moto-account-id": account}
    target = call.target
    if "authorization" not in headers and "X-Amz-Credential" in call.query:
        # moto knows a caller by the header alone.
        headers["authorization"] = f"AWS4-HMAC-SHA256 Credential={call.query['X-Amz-Credential']}, Signature=checked"
        kept = [pair for pair in call.query_string.split("&") if not pair.startswith("X-Amz-")]
        target = call.path + ("?" + "&".join(kept) if kept else "")
    return replace(call, headers=headers, target=target)


class Raw:
    """The listener for tests: everything goes straight to the services, but for the controls."""

    def __init__(self, faults: Faults, service: Service, meter: Meter) -> None:
        self.faults = faults
        self.service = service
        self.meter = meter

    def handle(self, call: Call) -> Answer:
        if not call.path.startswith(_CONTROLS):
            return self.service.serve_raw(call)
        try:
            return self._control(call, call.path.removeprefix(_CONTROLS))
        except (ValidationError, json.JSONDecodeError) as error:
            return _json(400, {"error": str(error)})

    def _control(self, call: Call, what: str) -> Answer:
        match call.method, what:
            case "POST", "faults":
                self.faults.plant(Planted.model_validate_json(call.body))
                return _json(201, self._faults())
            case "GET", "faults":
                return _json(200, self._faults())
            case "DELETE", "faults":
                self.faults.clear()
                return _json(200, self._faults())
            case "POST", "tokenreview":
                return review_token(call, self.service.shelf)
            case "GET", "health":
                return _json(200, {"pid": os.getpid(), **self.meter.told()})
        return _json(404, {"error": f"There is no control {call.method} {call.path}."})

    def _faults(self) -> dict[str, object]:
        return {"waiting": [one.model_dump() for one in self.faults.planted], "struck": self.faults.struck}


def review_token(call: Call, shelf: Shelf) -> Answer:
    """Answer a Kubernetes API server that asks whose token it is."""
    try:
        asked = json.loads(call.body)
    except ValueError as error:
        return _json(400, {"error": f"The body is no TokenReview: {error}"})
    if not isinstance(asked, dict):
        return _json(400, {"error": "The body is no TokenReview: it is no object."})
    return _json(200, tokens.review(asked, shelf, call.query.get("cluster")))


def _reviews_alone(call: Call, shelf: Shelf) -> Answer:
    if (call.method, call.path) == ("POST", "/tokenreview"):
        return review_token(call, shelf)
    return _json(404, {"error": "Tokens are reviewed here: POST /tokenreview."})


def _json(status: int, value: object) -> Answer:
    return Answer(status, json.dumps(value).encode(), {"Content-Type": "application/json"})


def _administrator(folder: Path) -> None:
    """Make the management account's user and leave its key in `folder`/credentials, for the owner's eyes alone."""
    iam = iam_backends[MANAGEMENT_ACCOUNT][PARTITION]
    iam.create_user("us-east-1", ADMINISTRATOR)
    key = iam.create_access_key(ADMINISTRATOR)
    file = folder / "credentials"
    file.touch(mode=0o600)
    file.chmod(0o600)
    file.write_text(
        f"[{PROFILE}]\naws_access_key_id = {key.access_key_id}\naws_secret_access_key = {key.secret_access_key}\n"
    )


def _set_at_end_of_input(ended: threading.Event) -> None:
    sys.stdin.buffer.read()
    ended.set()


def main() -> None:
    parser = argparse.ArgumentParser(description="The lab's cloud.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--port", type=int, default=0, help="of the guarded listener; 0 takes a free one")
    parser.add_argument("--raw-port", type=int, default=0)
    parser.add_argument("--reviews", default="", metavar="ADDRESS", help="review tokens there too, on the guarded port")
    parser.add_argument("--with-parent", action="store_true", help="end when standard input does")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("botocore").setLevel(logging.WARNING)
    folder: Path = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)

    os.environ[CLUSTER_FILE] = str(folder / CLUSTER_JSON)
    corrections.apply()
    faults, service = Faults(), Service(Shelf())
    _administrator(folder)
    meter = Meter(Guard(service.serve, faults).handle)
    elsewhere = [arguments.reviews] if arguments.reviews else []
    context = tls_context(folder, *elsewhere)
    guarded = Listener(meter.handle, arguments.port, context)
    raw = Listener(Raw(faults, service, meter).handle, arguments.raw_port)
    reviews = [Listener(partial(_reviews_alone, shelf=service.shelf), guarded.port, context, at) for at in elsewhere]
    listeners = (guarded, raw, *reviews)
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    signal.signal(signal.SIGINT, lambda *_: ended.set())
    for listener in listeners:
        listener.start()
    write_endpoints(folder, Endpoints(pid=os.getpid(), port=guarded.port, raw_port=raw.port))
    log.info("the cloud answers on https://%s:%d; raw on port %d", LOOPBACK, guarded.port, raw.port)
    if arguments.with_parent:
        threading.Thread(target=_set_at_end_of_input, args=(ended,), daemon=True).start()
    ended.wait()
    for listener in listeners:
        listener.stop()


if __name__ == "__main__":
    main()
