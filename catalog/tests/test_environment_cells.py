"""The cells of an environment: what is refused before anything is built, and in which line it stands."""

from datetime import date

import pytest
import yaml
from domicile_catalog import load_catalogue
from domicile_catalog.documents import located
from domicile_catalog.environment import NOBODY, ZONES, Cell, check_cells, read_surroundings, zones_of

DAY = date(2026, 11, 24)
CATALOGUE = load_catalogue()

ENVIRONMENT = """\
name: test
production: false
owner: platform@acme.example
organization:
  account: "111111111111"
  home: eu-west-1
  email: aws+{account}@acme.example
cells:
  - name: gb-test
    place: eu-west-2
    jurisdictions: [GB]
    baseDomain: gb.acme.example
    account: "222222222222"
    cidr: 10.64.0.0/16
  - name: br-test
    place: sa-east-1
    jurisdictions: [BR]
    baseDomain: br.acme.example
    account: "333333333333"
    cidr: 10.65.0.0/16
"""


def faults_of(tmp_path, text):
    """The faults of an environment, as (line, path, problem)."""
    folder = tmp_path / "test"
    folder.mkdir()
    (folder / "environment.yaml").write_text(text)
    found = []
    around = read_surroundings(folder, CATALOGUE, NOBODY, found)
    found += [located(fault, folder) for fault in check_cells(around, DAY)]
    return [(fault.line, fault.path, fault.problem) for fault in found]


def test_a_sound_environment_has_no_faults(tmp_path):
    assert faults_of(tmp_path, ENVIRONMENT) == []


REGISTERS = """\
    exclusionRegisters:
      - {name: gamstop, register: GAMSTOP, url: "https://registers.example", cidr: 203.0.113.9/32, port: 443}
      - {name: other, register: Other, url: "https://registers.example", cidr: 203.0.113.9/32, port: 443}
"""


@pytest.mark.parametrize(
    ("was", "becomes", "path", "says"),
    [
        (
            "",
            "",
            "cells.1.exclusionRegisters.0.register",
            "GAMSTOP is the register of none of the cell's jurisdictions",
        ),
        ("[BR]", "[BR, GB]", "cells.1.exclusionRegisters.1.register", "Other is the register of none"),
        ("Other", "GAMSTOP", "cells.1.exclusionRegisters.1.register", "GAMSTOP is claimed by"),
        ("other", "gamstop", "cells.1.exclusionRegisters.1.name", "gamstop is claimed by"),
        ("name: other", "name: Other", "cells.1.exclusionRegisters.1.name", "not a valid code"),
        ("https://registers.example", "http://registers.example", "cells.1.exclusionRegisters.0.url", ""),
        ("203.0.113.9/32", "203.0.113.9/24", "cells.1.exclusionRegisters.0.cidr", "host bits"),
        ("port: 443", "port: 0", "cells.1.exclusionRegisters.0.port", ""),
    ],
)
def test_a_register_that_nobody_would_ask_or_could_reach_is_refused(tmp_path, was, becomes, path, says):
    found = faults_of(tmp_path, (ENVIRONMENT + REGISTERS).replace(was, becomes) if was else ENVIRONMENT + REGISTERS)
    assert any(where == path and says in problem for _, where, problem in found), found


def test_a_cell_may_lead_to_the_registers_of_its_jurisdictions(tmp_path):
    text = (
        (ENVIRONMENT + REGISTERS)
        .replace("[BR]", "[BR, GB]")
        .replace("Other", "Plataforma Centralizada de Autoexclusão")
    )
    assert not [path for _, path, _ in faults_of(tmp_path, text) if "exclusionRegisters" in path]


@pytest.mark.parametrize(
    ("was", "becomes", "line", "path", "says"),
    [
        ("place: sa-east-1", "place: sa-east-9", 16, "cells.1.place", "unknown place sa-east-9"),
        ("place: sa-east-1", "place: us-gov-west-1", 16, "cells.1.place", "separate partition"),
        ("[BR]", "[BR, XX]", 17, "cells.1.jurisdictions.1", "unknown jurisdiction XX"),
        ("[BR]", "[NL]", 17, "cells.1.jurisdictions.0", "NO_PLACE_IN_TERRITORY"),
        ("[BR]", "[US-NJ]", 17, "cells.1.jurisdictions.0", "NO_PLACE_IN_TERRITORY"),
        ("name: br-test", "name: gb-test", 15, "cells.1.name", "gb-test is claimed by cells.0.name too"),
        ("333333333333", "222222222222", 19, "cells.1.account", "claimed by cells.0.account"),
        ("333333333333", "111111111111", 19, "cells.1.account", "claimed by organization.account"),
        ("br.acme", "gb.acme", 18, "cells.1.baseDomain", "claimed by cells.0.baseDomain"),
        ("10.65.0.0/16", "10.64.128.0/17", 20, "cells.1.cidr", "overlaps 10.64.0.0/16 of the cell gb-test"),
        ("10.65.0.0/16", "10.65.0.0/24", 20, "cells.1.cidr", "no size of a cell"),
        ("10.65.0.0/16", "8.8.0.0/16", 20, "cells.1.cidr", "private network"),
        ('"333333333333"', '"33333"', 19, "cells.1.account", "not a valid code"),
        ("baseDomain: br", "baseDomian: br", 18, "cells.1.baseDomian", "unknown key"),
        ("home: eu-west-1", "home: dublin", 6, "organization.home", "no AWS region"),
        ("aws+{account}@", "aws@", 7, "organization.email", "{account}"),
        ("10.65.0.0/16", "10.65.0.0/16\n    backupPlace: us-east-1", 21, "cells.1.backupPlace", "NO_PLACE"),
        ("10.65.0.0/16", "10.65.0.0/16\n    apiCidrs: [0.0.0.0/0]", 21, "cells.1.apiCidrs.0", "half the world"),
        (
            "10.65.0.0/16",
            "10.65.0.0/16\n    availabilityZones: [sa-east-1a, sa-east-1b, sa-east-1-hel-1a]",
            21,
            "cells.1.availabilityZones.2",
            "no availability zone",
        ),
        (
            "10.65.0.0/16",
            "10.65.0.0/16\n    availabilityZones: [sa-east-1a, sa-east-1b, sa-east-1a]",
            21,
            "cells.1.availabilityZones.2",
            "stands twice",
        ),
        (
            "  email:",
            "  existing: {id: our-organisation}\n  email:",
            7,
            "organization.existing.id",
            "not a valid code",
        ),
        ("  email:", "  existing: {id: o-abcdefghij, unit: r-ab12}\n  email:", 7, "organization.existing.unit", "code"),
        ("  email:", "  quotas: {accounts: 0}\n  email:", 7, "organization.quotas.accounts", "1"),
        ("  email:", "  quotas: {acounts: 20}\n  email:", 7, "organization.quotas.acounts", "unknown key"),
        (
            "  email:",
            "  contacts:\n    security: {name: A, title: B, email: a@b.example, phone: call me}\n  email:",
            8,
            "organization.contacts.security.phone",
            "code",
        ),
        ("  email:", "  contacts: {press: {}}\n  email:", 7, "organization.contacts.press.[key]", "unknown value"),
        ("production: false", "production: true\ndisposable: true", 3, "disposable", "cannot be thrown away"),
        ("owner: platform@acme.example\n", "", 1, "owner", "is missing"),
    ],
)
def test_each_fault_has_its_line(tmp_path, was, becomes, line, path, says):
    assert was in ENVIRONMENT
    found = faults_of(tmp_path, ENVIRONMENT.replace(was, becomes))
    assert [(one[0], one[1]) for one in found if says in one[2]] == [(line, path)], found


def test_what_nobody_has_read_needs_an_attestation(tmp_path):
    found = faults_of(tmp_path, ENVIRONMENT.replace("[BR]", "[HU]"))
    assert [problem for line, _, problem in found if line == 17 and "FACT_UNKNOWN" in problem and "attest" in problem]


def test_production_needs_one_of_what_is_only_recalled(tmp_path):
    ontario = ENVIRONMENT.replace("[BR]", "[CA-ON]").replace("sa-east-1", "ca-central-1")
    assert faults_of(tmp_path, ontario) == []
    (tmp_path / "production").mkdir()
    found = faults_of(tmp_path / "production", ontario.replace("production: false", "production: true"))
    assert [problem for line, _, problem in found if line == 17 and "FACT_RECALLED" in problem]


def test_cells_without_an_organisation_are_refused(tmp_path):
    document = yaml.safe_load(ENVIRONMENT)
    del document["organization"]
    assert ("organization", "is missing") in [one[1:] for one in faults_of(tmp_path, yaml.safe_dump(document))]


def test_an_approval_names_a_stack_that_exists(tmp_path):
    approval = """\
approvals:
  - {stack: gb-tset, resource: database, action: replace, reason: a new engine, by: a@b.example, until: 2026-12-01}
"""
    assert (22, "approvals.0.stack", "unknown stack gb-tset") in faults_of(tmp_path, ENVIRONMENT + approval)


def test_an_environment_without_a_cloud_needs_none_of_it(tmp_path):
    assert faults_of(tmp_path, "name: test\nproduction: false\n") == []


WEST = ENVIRONMENT.replace("[BR]", "[GB]").replace("place: sa-east-1", "place: us-west-1")


def test_a_region_with_too_few_zones_is_refused_with_the_zones_that_it_has(tmp_path):
    line, path, problem = next(one for one in faults_of(tmp_path, WEST) if "availability zones" in one[2])
    assert (line, path) == (16, "cells.1.place")
    assert "gets 2 availability zones in us-west-1 (us-west-1a, us-west-1b)" in problem


def test_an_account_that_has_more_zones_names_them(tmp_path):
    named = WEST.replace("10.65.0.0/16", "10.65.0.0/16\n    availabilityZones: [us-west-1a, us-west-1b, us-west-1c]")
    assert faults_of(tmp_path, named) == []


def test_the_zones_of_every_commercial_region_are_known():
    known = {code: CATALOGUE.places[code].availability_zones for code in CATALOGUE.implicit_places}
    assert [code for code, zones in known.items() if not zones] == []
    assert [code for code, zones in known.items() if len(zones) < ZONES] == ["us-west-1"]
    assert known["ca-central-1"] == ("ca-central-1a", "ca-central-1b", "ca-central-1d")
    assert known["ap-northeast-1"] == ("ap-northeast-1a", "ap-northeast-1c", "ap-northeast-1d")


def test_a_cell_spans_the_first_zones_that_an_account_gets_or_those_that_it_names():
    one = {"name": "one", "place": "ca-central-1", "jurisdictions": ["CA-ON"], "baseDomain": "one.example.com"}
    assert zones_of(CATALOGUE, Cell.model_validate(one)) == ("ca-central-1a", "ca-central-1b", "ca-central-1d")
    named = ["ca-central-1b", "ca-central-1c", "ca-central-1d"]
    assert zones_of(CATALOGUE, Cell.model_validate(one | {"availabilityZones": named})) == tuple(named)
    virginia = Cell.model_validate(one | {"place": "us-east-1"})
    assert zones_of(CATALOGUE, virginia) == ("us-east-1a", "us-east-1b", "us-east-1c")


def test_an_account_that_was_there_before_is_no_part_of_what_can_be_thrown_away(tmp_path):
    found = faults_of(tmp_path, ENVIRONMENT.replace("production: false", "production: false\ndisposable: true"))
    closed = [one[:2] for one in found if "would be closed" in one[2]]
    assert closed == [(14, "cells.0.account"), (20, "cells.1.account")]
