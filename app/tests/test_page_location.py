"""The page where the rules ask where players are: a refusal is answered by saying so, once, and the act is repeated."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import casino.web
import pytest

BROWSER = r"""
const said = [];
const scripted = JSON.parse(process.argv[3]);
globalThis.document = {
  body: { dataset: { currency: "BRL", exponent: "2", cycleMs: "0" } },
  getElementById: () => null,
  querySelector: () => ({ content: "the csrf token" }),
  querySelectorAll: () => [],
};
globalThis.fetch = async (path, options) => {
  said.push([options.method, path, options.headers["Idempotency-Key"] || null]);
  const [status, body] = scripted.shift();
  return { status, ok: status < 400, json: async () => body };
};
const script = require("fs").readFileSync(process.argv[2], "utf8");
require("vm").runInThisContext(script + "\nglobalThis.call = call;");
call("POST", "/bet", { stake_minor: 10 }, "spin").then(
  (answer) => console.log(JSON.stringify({ answer, said })),
  (error) => console.log(JSON.stringify({ error: error.message, said })),
);
"""
REQUIRED = [403, {"code": "LOCATION_REQUIRED", "detail": "Where?", "remedy": "Say it."}]
REFUSED = [403, {"code": "LOCATION_REFUSED", "detail": "Not from here.", "remedy": "Come home."}]
SAID = ["POST", "/api/v1/sessions/current/location", None]


def run(*scripted: Any) -> Any:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node on this machine")
    script = Path(casino.web.__file__).parent / "static" / "casino.js"
    command = [node, "-e", BROWSER, "--", "page", str(script), json.dumps(scripted)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_bet_that_wants_to_know_where_is_made_again_with_a_new_key() -> None:
    found = run(REQUIRED, [200, {"located_until": "later"}], [200, {"win_minor": 0}])
    assert found["answer"] == {"win_minor": 0}
    (first, located, second) = found["said"]
    assert located == SAID and first[:2] == second[:2] == ["POST", "/bet"]
    assert first[2] and second[2] and first[2] != second[2]


def test_who_is_not_where_they_may_play_is_told_so() -> None:
    found = run(REQUIRED, REFUSED)
    assert found["error"] == "Not from here. Come home." and len(found["said"]) == 2


def test_it_is_asked_once_and_no_oftener() -> None:
    found = run(REQUIRED, [200, {"located_until": "later"}], REQUIRED)
    assert found["error"] == "Where? Say it." and len(found["said"]) == 3


def test_other_refusals_are_left_as_they_are() -> None:
    found = run(REFUSED)
    assert found["error"] == "Not from here. Come home." and len(found["said"]) == 1
