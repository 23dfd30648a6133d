"""A token of `aws eks get-token` is its caller's, for one cluster, and maps to what the access entry says."""

import base64
import json
import urllib.request

import boto3
import pytest
from domicile_lab.cloud import running_cloud

REGION = "eu-west-2"
VIEW = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
ADMIN = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with running_cloud(tmp_path_factory.mktemp("cloud")) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def sessions(cloud):
    """The administrator's session, and one of a role that has an access entry."""
    text = (cloud.folder / "credentials").read_text()
    keys = dict(line.split(" = ") for line in text.splitlines() if " = " in line)
    options = {"region_name": REGION, "endpoint_url": cloud.endpoint_url, "verify": str(cloud.ca_file)}
    administrator = boto3.Session(**keys)
    iam = administrator.client("iam", **options)
    role = iam.create_role(RoleName="ops", AssumeRolePolicyDocument="{}", Path="/people/")["Role"]["Arn"]
    eks = administrator.client("eks", **options)
    for name in ("a", "b"):
        eks.create_cluster(
            name=name, roleArn=role, resourcesVpcConfig={"subnetIds": []}, accessConfig={"authenticationMode": "API"}
        )
    eks.create_access_entry(clusterName="a", principalArn=role, kubernetesGroups=["viewers"])
    scope = {"type": "namespace", "namespaces": ["x", "y"]}
    eks.associate_access_policy(clusterName="a", principalArn=role, policyArn=VIEW, accessScope=scope)
    eks.associate_access_policy(clusterName="a", principalArn=role, policyArn=ADMIN, accessScope={"type": "cluster"})
    sts = administrator.client("sts", **options)
    made = sts.assume_role(RoleArn=role, RoleSessionName="jo")["Credentials"]
    session = boto3.Session(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])
    return {"administrator": administrator, "ops": session}, options


def token(session, options, cluster, method="get_caller_identity", **parameters):
    """What `aws eks get-token` makes."""
    sts = session.client("sts", **options)

    def sign_cluster(request, **_):
        request.headers["x-k8s-aws-id"] = cluster

    sts.meta.events.register("before-sign.sts.*", sign_cluster)
    url = sts.generate_presigned_url(method, parameters, ExpiresIn=60, HttpMethod="GET")
    return "k8s-aws-v1." + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


def review(cloud, text, query=""):
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": text}}
    request = urllib.request.Request(
        f"{cloud.raw_url}/domicile/tokenreview{query}", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        told = json.loads(answer.read())
    assert told["kind"] == "TokenReview" and told["apiVersion"] == "authentication.k8s.io/v1"
    return told["status"]


def test_an_access_entry_says_who_the_caller_is(cloud, sessions):
    who, options = sessions
    status = review(cloud, token(who["ops"], options, "a"))
    assert status["authenticated"], status
    assert status["user"]["username"] == "arn:aws:sts::123456789012:assumed-role/ops/jo"
    expected = ["viewers", "eks:AmazonEKSViewPolicy:x", "eks:AmazonEKSViewPolicy:y", "system:masters"]
    assert status["user"]["groups"] == expected
    assert status["user"]["extra"]["canonicalArn"] == ["arn:aws:iam::123456789012:role/people/ops"]


@pytest.mark.parametrize(
    ("principal", "cluster", "query", "reason"),
    [
        ("ops", "b", "", "no access entry in the cluster b"),
        ("administrator", "a", "", "no access entry in the cluster a"),
        ("ops", "c", "", "for no cluster that is here"),
        ("ops", "a", "?cluster=b", "for no cluster that is here"),
    ],
)
def test_others_are_refused(cloud, sessions, principal, cluster, query, reason):
    who, options = sessions
    status = review(cloud, token(who[principal], options, cluster), query)
    assert not status["authenticated"] and reason in status["error"]


def test_a_token_that_proves_nothing_is_refused(cloud, sessions):
    who, options = sessions
    good = token(who["ops"], options, "a")
    url = base64.urlsafe_b64decode(good.removeprefix("k8s-aws-v1.") + "==").decode()

    def packed(text):
        return "k8s-aws-v1." + base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    assert packed(url) == good
    for bad, reason in (
        ("Bearer x", "does not begin"),
        ("k8s-aws-v1.!", "no base64"),
        (packed(url.replace("GetCallerIdentity", "GetSessionToken")), "another request"),
        (packed(url + "&Other=1"), "another request"),
        (packed(url.replace("X-Amz-Date=2", "X-Amz-Date=1")), "expired"),
        (packed(url[:-1] + ("0" if url[-1] != "0" else "1")), "for no cluster"),
        (packed(url.replace("%3Bx-k8s-aws-id", "")), "not signed"),
    ):
        status = review(cloud, bad)
        assert not status["authenticated"] and reason in status["error"], (bad, status)
