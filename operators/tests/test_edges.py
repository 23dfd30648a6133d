"""Parsing what comes in, and turning trouble into sentences."""

import subprocess
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import kopf
import pytest
from domicile_catalog import Finding, Residency, load_catalogue
from domicile_catalog.sshsig import public_key
from domicile_operator import handlers, metrics, server
from domicile_operator.catalogue import CatalogueRulebook
from domicile_operator.cell import NETWORKS_LIMIT, Cell, load_cell
from domicile_operator.clients.breaker import PAUSE_SECONDS, Breaker
from domicile_operator.clients.kube import _fault, _path
from domicile_operator.decide import Placed, _attested, decide
from domicile_operator.errors import Fault, Gone, Refused
from domicile_operator.names import Names
from domicile_operator.releases.course import Release
from domicile_operator.settings import read_settings
from domicile_operator.spec import TenantSpec, parse_spec
from operator_testkit.fakes import IMAGE, RULES
from operator_testkit.samples import CELL, SPEC

CELL_YAML = """
name: lab
environment: lab
production: false
places: [eu-west-2, sa-east-1]
baseDomain: l3f2a.localhost
publicPort: 18443
ingressClass: skipper
ingressNamespace: ingress-system
postgresql: {host: data1.domicile.internal, port: 5432, cidr: 10.1.2.3/32}
redis:      {host: data1.domicile.internal, port: 6379, cidr: 10.1.2.3/32}
openbao:    {address: "https://data1.domicile.internal:8200", cidr: 10.1.2.3/32, port: 8200}
paymentProviders:
  - {name: sandbox, url: "https://psp.domicile.internal:8443", cidr: 10.1.2.4/32, port: 8443}
studios:
  - {name: starbright, title: Starbright Games, dialect: rsa_status, apiUrl: "https://api.starbright.example:9443",
     launchUrl: "https://play.starbright.example", cidr: 10.1.2.5/32, port: 9443}
  - {name: moonlit, title: Moonlit, dialect: hmac_actions, apiUrl: "https://api.moonlit.example",
     launchUrl: "https://play.moonlit.example", cidr: 10.1.2.6/32, port: 443}
exclusionRegisters:
  - {name: gamstop, register: GAMSTOP, url: "https://registers.example:8444", cidr: 10.1.2.7/32, port: 8444}
  - {name: oasis, register: OASIS, url: "https://registers.example:8445", cidr: 10.1.2.7/32, port: 8445}
"""


def test_the_cell_of_the_contract_is_read(tmp_path: Path) -> None:
    (tmp_path / "cell.yaml").write_text(CELL_YAML)
    (tmp_path / "ca.crt").write_text(CELL.ca_pem)
    assert load_cell(tmp_path) == CELL


def test_a_cell_that_cannot_be_read_is_a_fault_with_a_remedy(tmp_path: Path) -> None:
    for text in ("", "name: lab", "{", None):
        if text is not None:
            (tmp_path / "cell.yaml").write_text(text)
        with pytest.raises(Fault, match="Write the ConfigMap domicile-cell"):
            load_cell(tmp_path)


def test_the_cell_may_have_a_database_of_networks_that_a_tenants_configuration_has_room_for(tmp_path: Path) -> None:
    (tmp_path / "cell.yaml").write_text(CELL_YAML)
    (tmp_path / "ca.crt").write_text(CELL.ca_pem)
    assert load_cell(tmp_path, tmp_path / "nowhere").networks == ""
    (tmp_path / "networks.csv").write_text("network,region,anonymiser\n")
    assert load_cell(tmp_path, tmp_path).networks == "network,region,anonymiser\n"
    (tmp_path / "networks.csv").write_text("x" * (NETWORKS_LIMIT + 1))
    with pytest.raises(Fault, match="keep the networks of the licences' territories"):
        load_cell(tmp_path, tmp_path)


def test_the_public_port_is_shown_unless_it_is_443() -> None:
    assert CELL.url("acme-gb") == "https://acme-gb.l3f2a.localhost:18443/"
    plain: Cell = CELL.model_copy(update={"public_port": 443})
    assert plain.url("acme-gb") == "https://acme-gb.l3f2a.localhost/"


def test_a_spec_gets_the_schemas_defaults() -> None:
    spec = parse_spec(SPEC)
    assert isinstance(spec, TenantSpec)
    assert (spec.size, spec.deletion_policy, spec.domains) == ("small", "Retain", ())
    assert spec.licence.valid_until == date(2028, 12, 31)


def test_settings_want_an_image() -> None:
    assert read_settings({"CASINO_IMAGE": "casino:1", "DOMICILE_WORKERS": "9"}).workers == 9
    with pytest.raises(SystemExit, match="CASINO_IMAGE is not set"):
        read_settings({})


@pytest.fixture(scope="module")
def rulebook(tmp_path_factory: pytest.TempPathFactory) -> CatalogueRulebook:
    return CatalogueRulebook.load(tmp_path_factory.mktemp("attestations"))


def ask(
    rulebook: CatalogueRulebook, *places: str, production: bool = False, root: str | None = None, **spec: Any
) -> Placed | Refused:
    cell = CELL.model_copy(update={"production": production, "attestation_root": root, "places": places})
    return rulebook.place(TenantSpec.model_validate(SPEC | spec), None, cell, date(2026, 11, 22))


def test_the_catalogue_places_and_gives_rules(rulebook: CatalogueRulebook) -> None:
    placed = ask(rulebook, "eu-west-2", "sa-east-1")
    assert isinstance(placed, Placed)
    assert placed.place == "eu-west-2"
    assert '"jurisdiction": "GB"' in placed.rules.text


def test_a_refusal_of_the_catalogue_keeps_code_law_and_remedy(rulebook: CatalogueRulebook) -> None:
    refused = ask(rulebook, "eu-west-2", jurisdiction="US-NJ")
    assert isinstance(refused, Refused)
    assert (refused.code, refused.condition) == ("NO_PLACE_IN_TERRITORY", "Placed")
    assert "Law: " in refused.message and "add a site there" in refused.message


def test_the_catalogue_tells_of_the_law_that_ends_a_place(tmp_path: Path) -> None:
    known = load_catalogue()
    days = [(None, date(2026, 11, 30), Residency.NONE), (date(2026, 12, 1), None, Residency.IN_TERRITORY)]
    findings = tuple(
        Finding(value=value, confidence="sourced", source="an act", source_kind="law", valid_from=begins, valid_to=ends)
        for begins, ends, value in days
    )
    record = known.jurisdictions["GB"]
    changed = record.model_copy(update={"facts": record.facts.model_copy(update={"data_residency": findings})})
    catalogue = replace(known, jurisdictions={**known.jurisdictions, "GB": changed})
    rulebook = CatalogueRulebook(catalogue, tmp_path)
    stays, leaves = ask(rulebook, "eu-west-2"), ask(rulebook, "eu-central-1")
    assert isinstance(stays, Placed) and stays.ahead is None
    assert isinstance(leaves, Placed) and leaves.ahead is not None
    assert leaves.ahead.deadline == datetime(2026, 12, 1, tzinfo=UTC)
    assert "must rest in Great Britain" in leaves.ahead.must
    gone = rulebook.place(TenantSpec.model_validate(SPEC), "eu-central-1", CELL, date(2026, 12, 24))
    assert isinstance(gone, Refused) and gone.since == datetime(2026, 12, 1, tzinfo=UTC)
    never = rulebook.place(
        TenantSpec.model_validate(SPEC | {"jurisdiction": "NO"}), "eu-west-2", CELL, date(2026, 12, 24)
    )
    assert isinstance(never, Refused) and never.since is None


def test_a_laxer_limit_is_refused_by_its_name(rulebook: CatalogueRulebook) -> None:
    refused = ask(rulebook, "eu-west-2", limits={"slotMaxStakeMinor": 100_000})
    assert isinstance(refused, Refused)
    assert refused.code == "LIMIT_LAXER"
    assert "slotMaxStakeMinor" in refused.message


ATTESTATION = f"""\
environment: lab
jurisdiction: EE
fact: online_casino
value: legal
attested_by: Ada
role: Counsel
attested_on: 2026-01-01
source: counsel's letter
source_sha256: {"a" * 64}
expires_on: 2027-01-01
"""


def sign(file: Path, key: Path, namespace: str) -> None:
    """Sign with the real ssh-keygen."""
    subprocess.run(["ssh-keygen", "-Y", "sign", "-q", "-n", namespace, "-f", key, file], check=True)


def test_a_signed_attestation_answers_what_production_would_not_believe(tmp_path: Path) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    public = key.with_suffix(".pub").read_text().strip()
    folder = tmp_path / "attestations"
    folder.mkdir()
    rulebook, root = CatalogueRulebook.load(folder), public_key(public).fingerprint
    before = ask(rulebook, "eu-central-1", jurisdiction="EE", production=True, root=root)
    assert isinstance(before, Refused) and before.code == "FACT_RECALLED"
    (folder / "ee.yaml").write_text(ATTESTATION)
    (folder / "officers.yaml").write_text(f"serial: 1\nofficers: [{{name: Ada, role: Counsel, key: {public}}}]\n")
    for vouched in (None, root):
        with pytest.raises(Fault) as raised:  # nobody vouches for Ada, or nobody signed
            ask(rulebook, "eu-central-1", jurisdiction="EE", production=True, root=vouched)
        assert raised.value.code == "ATTESTATIONS_UNREADABLE"
    sign(folder / "officers.yaml", key, "domicile-officers")
    sign(folder / "ee.yaml", key, "domicile-attestation")
    after = ask(rulebook, "eu-central-1", jurisdiction="EE", production=True, root=root)
    assert isinstance(after, Placed) or "online_casino" not in after.message
    for changed in ({"environment": "live"}, {"attestation_serial": 2}):  # copied from elsewhere, or put back
        cell = CELL.model_copy(update={"production": True, "attestation_root": root} | changed)
        with pytest.raises(Fault, match=r"is lab, and this is live|2 or more") as raised:
            rulebook.place(TenantSpec.model_validate(SPEC), "eu-west-2", cell, date(2026, 11, 22))
        assert raised.value.code == "ATTESTATIONS_UNREADABLE"


def test_a_serial_of_no_roots_list_is_a_fault_of_the_cell(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("")
    (tmp_path / "cell.yaml").write_text(CELL_YAML + "attestationSerial: 3\n")
    with pytest.raises(Fault, match="name the attestationRoot too"):
        load_cell(tmp_path)
    (tmp_path / "cell.yaml").write_text(CELL_YAML + f"attestationSerial: 3\nattestationRoot: SHA256:{'a' * 43}\n")
    assert load_cell(tmp_path).attestation_serial == 3


def test_an_attestation_that_ends_soon_is_a_reason_of_the_condition() -> None:
    ending = Placed("eu-west-2", True, (), RULES, ("Ada's attestation ends with 2026-12-01: renew it.",))
    condition = _attested(ending)
    assert (condition.status, condition.reason) == ("True", "AttestationExpiring")
    assert "2026-12-01" in condition.message


def test_papers_that_cannot_be_read_are_a_fault(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("{jurisdiction: DE}")
    with pytest.raises(Fault) as raised:
        ask(CatalogueRulebook.load(tmp_path), "eu-west-2")
    assert raised.value.code == "ATTESTATIONS_UNREADABLE"


def test_paths_of_the_cluster() -> None:
    assert _path("v1", "Namespace", None) == "/api/v1/namespaces"
    assert _path("apps/v1", "Deployment", "casino-x") == "/apis/apps/v1/namespaces/casino-x/deployments"
    assert _path("batch/v1", "Job", None) == "/apis/batch/v1/jobs"


@pytest.mark.parametrize(
    ("status", "text", "code"),
    [
        (404, b"{}", "NOT_FOUND"),
        (403, b'{"message": "forbidden"}', "KUBERNETES_FORBIDDEN"),
        (403, b'{"message": "namespace x is being terminated"}', "NAMESPACE_TERMINATING"),
        (409, b"{}", "CONFLICT"),
        (422, b"not json", "KUBERNETES_REFUSED"),
        (500, b"", "KUBERNETES_ERROR"),
    ],
)
def test_answers_of_the_cluster_have_stable_codes(status: int, text: bytes, code: str) -> None:
    fault = _fault(status, "PATCH", "/api/v1/x", text)
    assert fault.code == code
    assert isinstance(fault, Gone) == (status == 404)


def test_a_server_that_did_not_answer_is_left_alone_for_a_while() -> None:
    now = [0.0]
    breaker = Breaker(lambda: now[0])
    breaker.check()
    breaker.trip(Fault("OPENBAO_UNREACHABLE", "no answer"))
    with pytest.raises(Fault, match="no answer"):
        breaker.check()
    now[0] = PAUSE_SECONDS
    breaker.check()


def test_kopf_writes_nothing_and_takes_no_finalizer_of_ours() -> None:
    settings = kopf.OperatorSettings()
    handlers.configure(settings, 245)
    assert settings.persistence.finalizer != "casino.domicile.dev/teardown"
    assert not settings.posting.enabled
    assert settings.peering.standalone
    assert len(settings.watching.label_selectors) == len(handlers.WATCHED)
    assert settings.watching.inactivity_timeout == 70


def test_a_series_goes_with_its_tenant() -> None:
    metrics.record_conditions("gone-gb", [{"type": "Ready", "status": "True"}])
    assert ("gone-gb", "Ready") in metrics.CONDITION._metrics
    metrics.forget("gone-gb")
    metrics.forget("gone-gb")
    assert not any(labels[0] == "gone-gb" for labels in metrics.CONDITION._metrics)


@pytest.mark.parametrize(
    ("path", "healthy", "status"),
    [
        ("/healthz", True, "200"),
        ("/healthz", False, "503"),
        ("/readyz", True, "200"),
        ("/readyz", False, "503"),
        ("/metrics", True, "200"),
        ("/", True, "404"),
    ],
)
def test_the_http_server(path: str, healthy: bool, status: str) -> None:
    answered: list[str] = []
    application = server.application(lambda: healthy, lambda: healthy)
    list(application({"PATH_INFO": path, "REQUEST_METHOD": "GET"}, lambda line, _: answered.append(line)))
    assert answered[0].startswith(status)


def test_a_cell_serves_the_jurisdictions_that_it_is_for(rulebook: CatalogueRulebook) -> None:
    cell = CELL.model_copy(update={"jurisdictions": ("BR",)})
    spec = TenantSpec.model_validate(SPEC)
    decision = decide(
        Names("acme-gb"), spec, cell=cell, release=Release("casino:1"), rulebook=rulebook, today=date(2026, 11, 22)
    )
    assert decision.refused and decision.refused.code == "NOT_SERVED"
    assert rulebook.law(cell, datetime(2026, 11, 22, tzinfo=UTC))["GB.refused"].startswith("NOT_SERVED")


@pytest.mark.parametrize(("jurisdiction", "instant"), [("GB", "2028-06-30T23:00:00Z"), ("BR", "2028-07-01T03:00:00Z")])
def test_a_licence_ends_at_midnight_where_it_is(rulebook: CatalogueRulebook, jurisdiction: str, instant: str) -> None:
    spec = TenantSpec.model_validate(
        SPEC | {"jurisdiction": jurisdiction, "licence": SPEC["licence"] | {"validUntil": "2028-06-30"}}
    )
    today = date(2028, 6, 30)
    decision = decide(Names("acme"), spec, cell=CELL, release=Release(IMAGE), rulebook=rulebook, today=today)
    assert decision.licence_ends == datetime.fromisoformat(instant)
    assert decision.sources.closings[0].at == decision.licence_ends and decision.sources.asked


def test_a_copy_may_rest_in_another_place_than_the_cell(rulebook: CatalogueRulebook) -> None:
    site = {"code": "site-amsterdam", "territory": "NL", "city": "Amsterdam"}
    plain = CELL.model_copy(update={"places": ("eu-central-1",), "production": False})
    spec = TenantSpec.model_validate(SPEC | {"jurisdiction": "NL"})
    refused = rulebook.place(spec, None, plain, date(2026, 11, 22))
    assert isinstance(refused, Refused) and "regulator_copy" in refused.message
    cell = Cell.model_validate(plain.model_dump(by_alias=True) | {"sites": [site], "copyPlaces": ["site-amsterdam"]})
    placed = rulebook.place(spec, None, cell, date(2026, 11, 22))
    assert isinstance(placed, Placed) and placed.place == "eu-central-1"
    assert "NL.products" in rulebook.law(cell, datetime(2026, 11, 22, tzinfo=UTC))


def test_a_law_says_until_when_it_admits(rulebook: CatalogueRulebook) -> None:
    assert rulebook.law(CELL, datetime(2026, 11, 22, 9, tzinfo=UTC))["validThrough"] == "2026-11-23T09:00:00Z"
