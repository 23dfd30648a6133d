"""What the organisation's stack tells the cells' stacks is read whole or not at all."""

import copy

import pytest
from domicile_infra.plan.organization_outputs import SCHEMA, OutputsError, parse_outputs

GOOD = {
    "schema": SCHEMA,
    "organizationId": "o-exampleorg01",
    "managementAccountId": "123456789012",
    "accounts": {
        "gb": {
            "id": "111111111111",
            "role": "cell",
            "unit": "anywhere",
            "roles": {"deployer": "arn:aws:iam::111111111111:role/domicile-deployer"},
            "boundary": "arn:aws:iam::111111111111:policy/domicile-boundary",
        }
    },
    "zoneOfCell": {"gb": "anywhere"},
    "logArchives": {
        "anywhere": {
            "eu-west-2": {
                "bucket": "test-audit-222222222222-eu-west-2",
                "keyArn": "arn:aws:kms:eu-west-2:222222222222:key/1",
                "accountId": "222222222222",
                "retentionDays": 1830.0,
            }
        }
    },
}


def leaves(value, path=()):
    if isinstance(value, dict):
        for key, one in value.items():
            yield from leaves(one, (*path, key))
    else:
        yield path


def changed(path, value):
    found = copy.deepcopy(GOOD)
    inner = found
    for step in path[:-1]:
        inner = inner[step]
    if value is None:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return found


def test_what_was_written_is_read():
    told = parse_outputs(GOOD).of_cell("gb", "eu-west-2")
    assert (told.organization_id, told.zone, told.account.id) == ("o-exampleorg01", "anywhere", "111111111111")
    assert told.deployer_role_arn == "arn:aws:iam::111111111111:role/domicile-deployer"
    assert told.archive.retention_days == 1830


@pytest.mark.parametrize("value", [None, "", 7.5, True, [], {}], ids=repr)
@pytest.mark.parametrize("path", list(leaves(GOOD)), ids=".".join)
def test_whatever_is_missing_or_misformed_is_refused_by_its_name(path, value):
    broken = changed(path, value)
    if path[:-1] in (("zoneOfCell",), ("accounts", "gb", "roles")) and value is None:
        with pytest.raises(OutputsError, match="pulumi up"):
            parse_outputs(broken).of_cell("gb", "eu-west-2")
    else:
        with pytest.raises(OutputsError, match=path[-1]):
            parse_outputs(broken)


@pytest.mark.parametrize("value", [None, "text", [], 1], ids=repr)
def test_what_is_no_mapping_is_refused(value):
    with pytest.raises(OutputsError):
        parse_outputs(value)
    with pytest.raises(OutputsError, match="accounts"):
        parse_outputs(GOOD | {"accounts": value})


def test_outputs_of_another_schema_are_refused():
    with pytest.raises(OutputsError, match="same version"):
        parse_outputs(GOOD | {"schema": SCHEMA + 1})


def test_a_cell_that_the_organisation_does_not_know_is_refused():
    with pytest.raises(OutputsError, match="no account for the cell br: it knows gb"):
        parse_outputs(GOOD).of_cell("br", "sa-east-1")
    with pytest.raises(OutputsError, match="no log archive of anywhere in eu-west-1"):
        parse_outputs(GOOD).of_cell("gb", "eu-west-1")
