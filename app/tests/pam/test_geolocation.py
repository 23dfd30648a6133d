"""Where a player is: geometry at the border, the database of networks, the decision, and the way over HTTP."""

from __future__ import annotations

import itertools
import math
import sys
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from casino.compliance.api import Territory
from casino.dev.run import Child, checkout, free_port
from casino.kernel.addresses import client_address
from casino.kernel.errors import ConfigurationError
from casino.pam.geolocation.decision import decide, in_regions
from casino.pam.geolocation.models import Anonymity, Evidence, Network, Position, Reason
from casino.pam.geolocation.networks import Networks, load_networks
from casino.pam.geolocation.outline import circle_inside, distance_to_border, metres_per_degree
from casino.pam.geolocation.provider import HttpAnonymityProvider
from casino.pam.module import PlayerModule
from hypothesis import assume, given
from hypothesis import strategies as st

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
PASSWORD = "correct horse battery"

# A square of about 100 km with a square hole in its middle, somewhere between the tropics and the polar circle.
latitudes = st.floats(-65, 65)
longitudes = st.floats(-180, 180)


def square(longitude: float, latitude: float, half: float) -> list[tuple[float, float]]:
    return [(longitude - half, latitude - half), (longitude + half, latitude - half),
            (longitude + half, latitude + half), (longitude - half, latitude + half)]  # fmt: skip


def haversine(a: tuple[float, float], b: tuple[float, float]) -> float:
    (x1, y1), (x2, y2) = (tuple(map(math.radians, one)) for one in (a, b))
    inner = math.sin((y2 - y1) / 2) ** 2 + math.cos(y1) * math.cos(y2) * math.sin((x2 - x1) / 2) ** 2
    return 2 * 6_371_009 * math.asin(min(1.0, math.sqrt(inner)))


@given(longitudes, latitudes, st.floats(-0.6, 0.6), st.floats(-0.6, 0.6), st.floats(0, 20_000))
def test_whoever_is_let_in_is_inside_wherever_in_the_circle_they_are(
    x: float, y: float, dx: float, dy: float, radius: float
) -> None:
    territory = [[square(x, y, 0.5), square(x, y, 0.05)]]
    if not circle_inside(territory, x + dx, y + dy, radius):
        return
    east, north = metres_per_degree(y + dy)
    for step in range(32):  # the circle's rim, in degrees
        angle = 2 * math.pi * step / 32
        px, py = dx + radius * math.cos(angle) / east, dy + radius * math.sin(angle) / north
        assert abs(px) <= 0.5 and abs(py) <= 0.5
        assert abs(px) >= 0.05 or abs(py) >= 0.05
    assert abs(dx) >= 0.05 or abs(dy) >= 0.05


@given(longitudes, latitudes, st.floats(-0.499, 0.499), st.floats(3, 2000))
def test_at_the_border_the_radius_decides(x: float, y: float, along: float, metres: float) -> None:
    """A point `metres` within the western border: circles well within that are in, circles that touch it are not."""
    east, _ = metres_per_degree(y + along)
    point = (x - 0.5 + metres / east, y + along)
    assume(0.5 - abs(along) > 0.05)
    territory = [[square(x, y, 0.5)]]
    assert circle_inside(territory, *point, metres * 0.98 - 2)
    assert not circle_inside(territory, *point, metres)
    assert not circle_inside(territory, x - 0.5 - metres / east, y + along, 0)


@given(latitudes, st.floats(-0.4, 0.4), st.floats(-0.4, 0.4), st.sampled_from([-540.0, -360.0, 0.0, 360.0, 540.0]))
def test_a_territory_on_both_sides_of_the_180th_meridian_is_one(y: float, dx: float, dy: float, turn: float) -> None:
    outline = [[(x + turn, y) for x, y in square(180.0, y, 0.5)]] if turn % 360 == 0 else [square(180.0, y, 0.5)]
    longitude = 180 + dx if 180 + dx <= 180 else dx - 180
    assert circle_inside([outline], longitude, y + dy, 100)
    assert not circle_inside([outline], longitude / 2, y + dy, 100)


@given(longitudes, latitudes, st.floats(-0.01, 0.01), st.floats(-0.01, 0.01))
def test_distances_are_those_on_the_globe(x: float, y: float, dx: float, dy: float) -> None:
    spot = (x, y)
    triangle = [(x + dx, y + dy)] * 3
    expected = haversine(spot, triangle[0])
    # A sphere is no ellipsoid: they differ by up to 0.6 %.
    assert distance_to_border([triangle], *spot) == pytest.approx(expected, rel=0.008, abs=0.01)


def test_no_outline_holds_nobody() -> None:
    assert not circle_inside([], 0, 0, 0)
    assert not circle_inside([[]], 0, 0, 0)
    assert not circle_inside([[[]]], 0, 0, 0)
    assert not circle_inside([[[(0, 0), (1, 1)]]], 0.5, 0.5, 0)


networks = st.one_of(
    st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 32)).map(lambda t: ip_network((t[0], t[1]), strict=False)),
    st.tuples(st.integers(0, 2**128 - 1), st.integers(0, 128)).map(lambda t: ip_network((t[0], t[1]), strict=False)),
)


@given(st.dictionaries(networks, st.tuples(st.sampled_from(["GB", "IE", "US-NJ"]), st.booleans()), max_size=12),
       networks.map(lambda network: network.network_address))  # fmt: skip
def test_the_longest_network_that_holds_an_address_answers(rows: Any, address: Any) -> None:
    found = Networks((str(network), *answer) for network, answer in rows.items()).find(str(address))
    if getattr(address, "ipv4_mapped", None) is not None:
        address = address.ipv4_mapped
    holding = [network for network in rows if network.version == address.version and address in network]
    if not holding:
        assert found is None
    else:
        assert found == Network(*rows[max(holding, key=lambda network: network.prefixlen)])


@pytest.mark.parametrize("text", [None, "", "x", "1.2.3", "1.2.3.4/32", "::g"])
def test_what_is_no_address_is_unknown(text: str | None) -> None:
    assert Networks([("0.0.0.0/0", "GB", False)]).find(text) is None


@pytest.mark.parametrize(
    ("text", "line"),
    [("", 1), ("network,region\n", 1), ("network,region,anonymiser\n10.0.0.0/8,GB,0\n10.0.0.1/8,GB,0\n", 3),
     ("network,region,anonymiser\n10.0.0.0/8,Great Britain,0\n", 2),
     ("network,region,anonymiser\n10.0.0.0/8,GB,\n", 2)],
)  # fmt: skip
def test_a_database_with_a_faulty_line_opens_no_casino(tmp_path: Path, text: str, line: int) -> None:
    path = tmp_path / "networks.csv"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=f"line {line} "):
        load_networks(path)


INSIDE = Position(0.0, 50.0, 20.0, NOW)
TERRITORY = Territory(
    regions=("US-NJ", "GB"), polygons=((tuple(square(0.0, 50.0, 0.5)),),), position_required=True, max_accuracy_m=500
)
GOOD = Evidence(Network("GB", False), Anonymity.NONE, INSIDE)


def test_every_row_of_the_decision_table() -> None:
    far = Position(3.0, 50.0, 20.0, NOW)
    rows = [
        (Evidence(None, Anonymity.NONE, INSIDE), Reason.NETWORK_UNKNOWN),
        (Evidence(Network("GB", True), Anonymity.NONE, INSIDE), Reason.ANONYMISER),
        (Evidence(Network("GB", False), Anonymity.ANONYMISER, INSIDE), Reason.ANONYMISER),
        (Evidence(Network("GB", False), Anonymity.UNKNOWN, INSIDE), Reason.PROVIDER_UNAVAILABLE),
        (Evidence(Network("IE", False), Anonymity.NONE, INSIDE), Reason.NETWORK_OUTSIDE),
        (Evidence(Network("US-NY", False), Anonymity.NONE, INSIDE), Reason.NETWORK_OUTSIDE),
        (Evidence(Network("US", False), Anonymity.NONE, INSIDE), Reason.NETWORK_OUTSIDE),
        (Evidence(Network("GB", False), Anonymity.NONE, None), Reason.POSITION_MISSING),
        (Evidence(Network("GB-ENG", False), None, Position(0, 50, 20, NOW - timedelta(seconds=61))),
         Reason.POSITION_STALE),
        (Evidence(Network("GB", False), None, Position(0, 50, 20, NOW + timedelta(seconds=11))), Reason.POSITION_STALE),
        (Evidence(Network("GB", False), None, Position(0, 50, 501, NOW)), Reason.POSITION_INACCURATE),
        (Evidence(Network("GB", False), None, far), Reason.POSITION_OUTSIDE),
        (GOOD, Reason.INSIDE),
        (Evidence(Network("US-NJ", False), None, INSIDE), Reason.INSIDE),
    ]  # fmt: skip
    for evidence, reason in rows:
        assert decide(TERRITORY, evidence, NOW).reason is reason, evidence
    assert {reason for _, reason in rows} == set(Reason)


def test_whatever_is_missing_or_worse_is_a_no() -> None:
    """Every combination: let in is only whom every part of the evidence lets in."""
    places = [(None, False), (Network("GB", False), True), (Network("GB", True), False), (Network("FR", False), False)]
    signals = [(Anonymity.NONE, True), (None, True), (Anonymity.UNKNOWN, False), (Anonymity.ANONYMISER, False)]
    positions = [(INSIDE, True), (None, False), (Position(9.0, 50.0, 1.0, NOW), False)]
    for (network, a), (anonymity, b), (position, c) in itertools.product(places, signals, positions):
        assert decide(TERRITORY, Evidence(network, anonymity, position), NOW).allowed is (a and b and c)


def test_where_no_position_is_required_one_that_is_outside_still_counts() -> None:
    relaxed = TERRITORY.model_copy(update={"position_required": False})
    assert decide(relaxed, Evidence(Network("GB", False), None, None), NOW).allowed
    assert not decide(relaxed, Evidence(Network("GB", False), None, Position(9.0, 50.0, 1.0, NOW)), NOW).allowed
    no_outline = TERRITORY.model_copy(update={"polygons": ()})
    assert not decide(no_outline, GOOD, NOW).allowed


@pytest.mark.parametrize(
    ("region", "inside"), [("GB", True), ("GB-SCT", True), ("GBX", False), ("US", False), ("US-NJ", True)]
)
def test_a_part_of_a_region_is_in_it_and_a_whole_is_not_in_its_part(region: str, inside: bool) -> None:
    assert in_regions(region, ("GB", "US-NJ")) is inside


@pytest.mark.parametrize(
    ("header", "proxies", "found"),
    [
        ("", 0, "192.0.2.9"), ("1.1.1.1", 0, "192.0.2.9"), ("1.1.1.1", 1, "1.1.1.1"),
        ("6.6.6.6, 1.1.1.1", 1, "1.1.1.1"), ("6.6.6.6, 1.1.1.1, 10.0.0.1", 2, "1.1.1.1"), ("1.1.1.1", 2, None),
        ("", 1, None), ("unknown", 1, None), ("1.1.1.1:80", 1, None),
    ],
)  # fmt: skip
def test_a_client_cannot_write_its_own_address(header: str, proxies: int, found: str | None) -> None:
    lines = [header] if header else []
    request: Any = SimpleNamespace(
        client=SimpleNamespace(host="192.0.2.9"), headers=SimpleNamespace(getlist=lambda _: lines)
    )
    assert client_address(request, proxies) == found


@pytest.fixture(scope="session")
def provider_url() -> Any:
    """The provider's simulator, as a process."""
    script = checkout() / "lab" / "simulators" / "anonymity" / "anonymity_simulator.py"
    port = free_port()
    command = [sys.executable, str(script), "--listen", f"127.0.0.1:{port}", "--anonymiser", "198.51.100.128/25"]
    with Child([*command, "--slow-seconds", "1"], "the anonymity simulator", port=port):
        yield f"http://127.0.0.1:{port}"


async def test_a_provider_that_fails_in_any_way_knows_nothing(
    provider_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("casino.pam.geolocation.provider.TIMEOUT_S", 0.3)
    async with httpx.AsyncClient() as client:
        provider = HttpAnonymityProvider(client, provider_url)
        assert await provider.look_up("198.51.100.1") is Anonymity.NONE
        assert await provider.look_up("198.51.100.200") is Anonymity.ANONYMISER
        for fault in ("203.0.113.1", "203.0.113.2", "203.0.113.3", "203.0.113.4", "nonsense"):
            assert await provider.look_up(fault) is Anonymity.UNKNOWN, fault
        away = HttpAnonymityProvider(client, f"http://127.0.0.1:{free_port()}")
        assert await away.look_up("198.51.100.1") is Anonymity.UNKNOWN


DATABASE = """network,region,anonymiser
198.51.100.0/24,GB,0
192.0.2.0/24,FR,0
203.0.113.0/24,GB,0
"""


async def test_no_bet_and_no_deposit_from_outside_and_a_session_is_located_for_its_address(
    open_casino: Any, tmp_path: Path, provider_url: str
) -> None:
    database = tmp_path / "networks.csv"
    database.write_text(DATABASE)
    casino = await open_casino(
        {"CASINO_IP_NETWORKS": str(database), "CASINO_TRUSTED_PROXIES": "1", "CASINO_ANONYMITY_URL": provider_url},
        geolocation_moments=["login", "deposit", "bet"],
        geolocation_territory={
            "regions": ["GB"], "polygons": [[square(0.0, 50.0, 0.5)]], "position_required": True, "max_accuracy_m": 500,
        },
    )  # fmt: skip
    email = "ada@example.test"
    assert (await casino.register(email=email)).status_code == 201

    def position(**changes: Any) -> dict[str, Any]:
        taken = casino.clock.now().isoformat()
        return {"longitude": 0.1, "latitude": 50.1, "accuracy_m": 30.0, "taken_at": taken} | changes

    async def call(method: str, path: str, body: Any, address: str, token: str = "") -> httpx.Response:
        headers = {"X-Forwarded-For": address, "Authorization": f"Bearer {token}", "Idempotency-Key": path + address}
        return await casino.http.request(method, f"/api/v1{path}", json=body, headers=headers)

    def rule(answer: httpx.Response) -> str:
        error = answer.json()
        assert (answer.status_code, error["code"]) == (403, "LOCATION_REFUSED"), answer.text
        return str(error["rule"]).rpartition(" ")[2]

    who = {"email": email, "password": PASSWORD}
    for address, place, reason in (
        ("192.0.2.1", position(), "network_outside"),
        ("8.8.8.8", position(), "network_unknown"),
        ("198.51.100.200", position(), "anonymiser"),
        ("203.0.113.2", position(), "provider_unavailable"),
        ("198.51.100.1", None, "position_missing"),
        ("198.51.100.1", position(longitude=0.5), "position_outside"),
        ("198.51.100.1", position(accuracy_m=900.0), "position_inaccurate"),
    ):
        assert rule(await call("POST", "/sessions", who | {"position": place}, address)) == reason
    # Who does not know the password learns nothing of places.
    wrong = await call("POST", "/sessions", who | {"password": "wrong password"}, "192.0.2.1")
    assert wrong.json()["code"] == "BAD_CREDENTIALS"

    here = "198.51.100.1"
    token = (await call("POST", "/sessions", who | {"position": position()}, here)).json()["token"]
    deposit, spin = {"amount_minor": 1000, "card_token": "tok_visa"}, {"stake_minor": 20}
    assert (await call("POST", "/deposits", deposit, here, token)).status_code == 201
    assert (await call("POST", "/games/harbour-lights/spins", spin, here, token)).status_code == 200
    # Another address, or the same one later: to be established anew.
    for address, minutes in (("198.51.100.2", 0), (here, 6)):
        casino.clock.forward(minutes=minutes)
        other = {"amount_minor": 1000, "method": "card", "token": "tok_visa"}
        for path, body in (
            ("/deposits", deposit),
            ("/payments/deposits", other),
            ("/games/harbour-lights/spins", spin),
        ):
            answer = await call("POST", path, body, address, token)
            assert (answer.status_code, answer.json()["code"]) == (403, "LOCATION_REQUIRED")
    assert rule(await call("POST", "/sessions/current/location", {}, here, token)) == "position_missing"
    located = await call("POST", "/sessions/current/location", {"position": position()}, here, token)
    assert located.status_code == 200
    assert (await call("POST", "/games/harbour-lights/spins", {"stake_minor": 50}, here, token)).status_code == 409
    rows = await casino.part(PlayerModule).repository.pool.fetch("SELECT l::text FROM pam.location_checks l")
    assert len(rows) == 10
    kept = "".join(row[0] for row in rows)
    assert "198.51" not in kept and "50.1" not in kept and "position_outside" in kept


async def test_rules_that_ask_and_a_casino_that_cannot_answer_never_meet(open_casino: Any) -> None:
    from casino.pam.module import geolocation_sources

    casino = await open_casino()
    asking = casino.rules.model_copy(
        update={"geolocation_moments": ("bet",), "geolocation_territory": Territory(regions=("GB",))}
    )
    from casino.kernel.settings import Settings

    with pytest.raises(ConfigurationError, match="CASINO_IP_NETWORKS"):
        geolocation_sources(casino.part(Settings), asking)
    player = await casino.player()
    located = await player.call("POST", "/sessions/current/location", {})
    assert located.json() == {"located_until": None}
