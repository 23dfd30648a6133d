"""The addresses of the method families and of the controls, all signed by the merchant as a payment is."""

from __future__ import annotations

import json
import re
from typing import Any

from psp_faults import Fault, Refused
from psp_methods import DIALECTS
from psp_rails import OPERATIONS, Rails

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def answer_post(rails: Rails, merchant: str, path: str, body: bytes) -> dict[str, Any]:
    """`POST /v1/{method}/{charges|captures|refunds|payouts}` and `/control/{faults|events|webhooks}`.

    Raises Refused, NoAnswer.
    """
    match path.strip("/").split("/"):
        case ["v1", method, "captures"] if method in DIALECTS:
            return rails.capture(merchant, method, str(_object(body).get("reference")))
        case ["v1", method, what] if method in DIALECTS and what in OPERATIONS:
            return rails.perform(merchant, method, OPERATIONS[what], body)
        case ["control", "faults"]:
            fields = _object(body)
            if fields.get("name") == "none":
                rails.faults.clear(merchant)
            else:
                rails.faults.add(Fault.read(merchant, fields))
            return {"faults": rails.faults.list(merchant)}
        case ["control", "events"]:
            return rails.happen(merchant, _object(body))
        case ["control", "webhooks"]:
            url = _object(body).get("url")
            if url is not None and not (isinstance(url, str) and url.startswith(("http://", "https://"))):
                raise Refused(422, "invalid_url", "url is an http(s) URL, or null to keep the events here")
            rails.webhooks.send_to(merchant, url)
            return {"url": url}
    raise Refused(404, "not_found", "there is nothing here")


def answer_get(rails: Rails, merchant: str, path: str, asked: dict[str, str]) -> dict[str, Any] | str:
    """`GET /v1/{method}/operations?reference=`, `/v1/{method}/settlements?date=` and `/control/{faults|webhooks}`.

    Raises Refused, NoAnswer.
    """
    match path.strip("/").split("/"):
        case ["v1", method, "operations"] if method in DIALECTS:
            return rails.find(merchant, method, asked.get("reference", ""))
        case ["v1", method, "settlements"] if method in DIALECTS and _DAY.fullmatch(asked.get("date", "")):
            return rails.settlement(merchant, method, asked["date"])
        case ["control", "faults"]:
            return {"faults": rails.faults.list(merchant)}
        case ["control", "webhooks"]:
            return {"webhooks": rails.webhooks.fetch(merchant)}
    raise Refused(404, "not_found", "there is nothing here")


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(400, "invalid_json", "the body is not JSON") from None
    if not isinstance(found, dict):
        raise Refused(422, "invalid_request", "the body is an object")
    return found
