"""A world of the tests' own: the lab's cloud, a real API server for its clusters, and a project for the real engine."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import yaml
from domicile_lab.cloud import Cloud, running_cloud

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = "lab"
ORGANIZATION, GB, BR = "organization-lab", "gb-lab", "br-lab"
LINKED = ("infra", "operators", "policies", ".venv")
"""What a project shares with the checkout; its environments are its own."""


@contextmanager
def running_world(folder: Path) -> Iterator[World]:
    """A cloud whose EKS clusters are one real kube-apiserver, which asks the cloud whose a token is."""
    os.environ.setdefault("DOMICILE_TOOLS", str(ROOT / ".lab" / "bin"))
    sys.path.insert(0, str(ROOT / "operators" / "tests"))
    from operator_testkit.servers import Cluster, stopped_afterwards
    from operator_testkit.tls import Authority

    with stopped_afterwards(), running_cloud(folder / "cloud") as cloud:
        authority = Authority(folder)
        cluster = Cluster(folder, authority, asks_of_tokens=f"{cloud.raw_url}/domicile/tokenreview")
        ca = base64.b64encode(authority.certificate.read_bytes()).decode()
        about = {"endpoint": cluster.url, "certificate_authority": ca}
        (cloud.folder / "cluster.json").write_text(json.dumps(about))
        yield World(folder, cloud, cluster)


@dataclass
class World:
    """One cloud and one project. Nothing of it is shared with the checkout's lab, or with the user's home."""

    folder: Path
    cloud: Cloud
    cluster: Any
    variables: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.project = self.folder / "project"
        environments = self.project / "environments"
        environments.mkdir(parents=True)
        shutil.copy(ROOT / "Pulumi.yaml", self.project)
        for name in LINKED:
            (self.project / name).symlink_to(ROOT / name)
        shutil.copytree(ROOT / "environments" / ENVIRONMENT, environments / ENVIRONMENT)

    @property
    def environment_file(self) -> Path:
        return self.project / "environments" / ENVIRONMENT / "environment.yaml"

    def edit(self, was: str, becomes: str) -> None:
        """Put one text of environment.yaml for another; it must be there."""
        text = self.environment_file.read_text()
        assert was in text, f"{was!r} is not in environment.yaml"
        self.environment_file.write_text(text.replace(was, becomes))

    @contextmanager
    def edited(self, was: str, becomes: str) -> Iterator[None]:
        """The same for as long as it is needed."""
        before = self.environment_file.read_text()
        self.edit(was, becomes)
        try:
            yield
        finally:
            self.environment_file.write_text(before)

    @cached_property
    def environ(self) -> dict[str, str]:
        """What leads programs to this world."""
        return os.environ | self.cloud.environment(checkout=ROOT) | self.variables

    def start(self, *command: str) -> subprocess.Popen[str]:
        """A program of this world, both its outputs in one pipe, in a process group of its own."""
        return subprocess.Popen(
            command,
            cwd=self.project,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )

    def run(self, *command: str, fails: bool = False, timeout: float = 600) -> str:
        """What a program prints; an AssertionError when it fails, or with `fails` when it does not."""
        process = self.start(*command)
        try:
            output, _ = process.communicate(timeout=timeout)
        finally:
            process.kill()
        assert (process.returncode != 0) == fails, f"{' '.join(command)}: {process.returncode}\n{output[-6000:]}"
        return output

    def pulumi(self, stack: str, *arguments: str, fails: bool = False) -> str:
        """`pulumi ... --stack <stack>`, as typed in a shell."""
        return self.run("pulumi", *arguments, "--stack", stack, "--non-interactive", "--color=never", fails=fails)

    def up(self, stack: str, *more: str, fails: bool = False) -> Up:
        """`pulumi up` of a stack, made if it is not there."""
        self.init(stack)
        begun = time.monotonic()
        output = self.pulumi(stack, "up", "--yes", "--skip-preview", *more, fails=fails)
        return Up(output, time.monotonic() - begun)

    def init(self, stack: str) -> None:
        """Make the stack and its file, where they are not there."""
        path = self._file(stack)
        if path.exists():
            return
        config = {"domicile:environment": ENVIRONMENT} | ({} if stack == ORGANIZATION else {"domicile:cell": stack})
        path.write_text(yaml.safe_dump({"config": config}))
        self.run("pulumi", "stack", "init", stack, "--non-interactive", "--color=never")

    def _file(self, stack: str) -> Path:
        return self.project / "environments" / f"Pulumi.{stack}.yaml"

    def resources(self, stack: str) -> list[dict[str, Any]]:
        """The stack's resources as Pulumi's state has them."""
        state = json.loads(self.pulumi(stack, "stack", "export"))
        found: list[dict[str, Any]] = state["deployment"].get("resources", [])
        return found

    def stands(self, stack: str) -> bool:
        """Whether the stack has anything, whole or not."""
        return self._file(stack).exists() and bool(managed(self.resources(stack)))

    def output(self, stack: str, name: str) -> Any:
        return json.loads(self.pulumi(stack, "stack", "output", name, "--json"))

    @property
    def accounts(self) -> dict[str, str]:
        """The ids of the organisation's accounts, by their names in the plan."""
        told = self.output(ORGANIZATION, "organization")
        return {name: one["id"] for name, one in told["accounts"].items()}

    def session(self, account: str | None = None, role: str = "OrganizationAccountAccessRole") -> boto3.Session:
        """A session through the guarded endpoint: the administrator's, or of a role in another account."""
        own = {key: self.environ[key] for key in ("AWS_SHARED_CREDENTIALS_FILE",)}
        os.environ.update(own)
        session = boto3.Session(profile_name=self.environ["AWS_PROFILE"])
        if account is None:
            return session
        arn = f"arn:aws:iam::{account}:role/{role}"
        told = self.client(session, "sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
        return boto3.Session(
            aws_access_key_id=told["AccessKeyId"],
            aws_secret_access_key=told["SecretAccessKey"],
            aws_session_token=told["SessionToken"],
        )

    def stranger(self) -> boto3.Session:
        """A user of an account that is in no organisation of ours."""
        iam = self.raw("iam", "999999999999", "us-east-1")
        iam.create_user(UserName="stranger")
        key = iam.create_access_key(UserName="stranger")["AccessKey"]
        return boto3.Session(aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])

    def client(self, session: boto3.Session, service: str, region: str = "us-east-1") -> Any:
        """A client of a session, at the guarded endpoint."""
        return session.client(
            service, region_name=region, endpoint_url=self.cloud.endpoint_url, verify=str(self.cloud.ca_file)
        )

    def domicile(self, command: str, *arguments: str, fails: bool = False) -> str:
        """`domicile <command> environments/lab ...`."""
        return self.run("domicile", command, f"environments/{ENVIRONMENT}", *arguments, fails=fails)

    def told(self, command: str, *arguments: str) -> list[dict[str, Any]]:
        """What such a command says of each operation, for programs."""
        output = self.domicile(command, *arguments, "--json")
        found: list[dict[str, Any]] = json.loads(output[output.index("[") :])
        return found

    def plant_fault(self, **fault: Any) -> None:
        """Have the cloud fail a call that is yet to come (`service`, `operation`, `times`, `error`)."""
        asked = urllib.request.Request(
            f"{self.cloud.raw_url}/domicile/faults", data=json.dumps(fault).encode(), method="POST"
        )
        with urllib.request.urlopen(asked, timeout=10) as answer:
            assert answer.status == 201

    def clear_faults(self) -> None:
        """Take back the faults that have not struck yet."""
        asked = urllib.request.Request(f"{self.cloud.raw_url}/domicile/faults", method="DELETE")
        with urllib.request.urlopen(asked, timeout=10) as answer:
            assert answer.status == 200

    def await_lock(self, stack: str, seconds: float = 60) -> None:
        """Wait until somebody holds the stack's lock."""
        locks = self.cloud.folder / "pulumi" / "state" / ".pulumi" / "locks"
        until = time.monotonic() + seconds
        while not [file for file in locks.rglob("*.json") if stack in str(file)]:
            assert time.monotonic() < until, f"nobody took the lock of {stack} within {seconds} s"
            time.sleep(0.05)

    def tagged(self, account: str, region: str, *, cell: str) -> list[str]:
        """The ARNs of everything tagged as the cell's, as the tagging API knows it."""
        wanted = [{"Key": "domicile:cell", "Values": [cell]}]
        pages = self.raw("resourcegroupstaggingapi", account, region).get_paginator("get_resources")
        return [
            one["ResourceARN"] for page in pages.paginate(TagFilters=wanted) for one in page["ResourceTagMappingList"]
        ]

    def raw(self, service: str, account: str, region: str) -> Any:
        """A client behind the policies' back: straight to the store, in any account."""
        client = boto3.client(
            service,
            region_name=region,
            endpoint_url=self.cloud.raw_url,
            aws_access_key_id="raw",
            aws_secret_access_key="raw",
        )

        def as_account(request: Any, **_: Any) -> None:
            request.headers["x-moto-account-id"] = account

        client.meta.events.register("before-sign.*", as_account)
        return client


def managed(resources: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What providers made: no components, no providers, not the stack itself."""
    return [one for one in resources if one.get("custom") and not one["type"].startswith("pulumi:")]


@dataclass(frozen=True)
class Up:
    """What an update printed, and the seconds that it took."""

    output: str
    seconds: float

    def count(self, kind: str) -> int:
        """How many resources its last lines say were `created`, `updated`, `unchanged` and so on."""
        lines = [line.split() for line in self.output.splitlines()]
        counted = [words for words in lines if len(words) in (2, 3) and words[-1] == kind]
        return int(counted[-1][-2]) if counted else 0
