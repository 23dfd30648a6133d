"""The policy on loosening has the catalogue's table. What the API server makes of it: operators/tests/integration."""

import json

from domicile_catalog.acts import GIVES
from domicile_policies import admission, loosening


def test_the_policys_table_is_the_catalogues() -> None:
    # A CEL map of strings to lists of strings is JSON but for its quotes.
    table = json.loads(loosening.table().replace("'", '"'))
    assert {state: frozenset(acts) for state, acts in table.items()} == {str(s): frozenset(a) for s, a in GIVES.items()}


def test_the_record_is_the_operators() -> None:
    policies = {m["metadata"]["name"]: m["spec"] for m in admission.manifests() if "validations" in m["spec"]}
    (rule,) = policies[loosening.RECORDS]["matchConstraints"]["resourceRules"]
    assert rule["resourceNames"] == ["casino-operation"] and "DELETE" not in rule["operations"]
    (only,) = policies[loosening.RECORDS]["validations"]
    assert only["expression"].startswith("authorizer.") and "check('loosen')" in only["expression"]


def test_the_policy_is_applied_and_asks_whatever_the_law_says() -> None:
    by_kind = {(m["kind"], m["metadata"]["name"]): m["spec"] for m in admission.manifests()}
    policy = by_kind["ValidatingAdmissionPolicy", loosening.NAME]
    binding = by_kind["ValidatingAdmissionPolicyBinding", loosening.NAME]
    assert "paramKind" not in policy and "paramRef" not in binding  # a cell that lost its law loosens nothing either
    assert policy["failurePolicy"] == "Fail" and binding["validationActions"] == ["Deny"]
    (rule,) = policy["matchConstraints"]["resourceRules"]
    assert rule["operations"] == ["UPDATE"] and rule["resources"] == ["casinotenants"]
