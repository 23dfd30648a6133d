"""The cell's cluster: EKS with its API inside the network, its nodes, its add-ons, and who may enter."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from domicile_catalog import DataClass

from domicile_infra.cell.component import CellComponent
from domicile_infra.cell.endpoints import Endpoints
from domicile_infra.cell.logs import make_log_group
from domicile_infra.cell.network import Network
from domicile_infra.cell.roles import CellRole, make_role
from domicile_infra.plan.cell import CellPlan
from domicile_infra.plan.cidr import SERVICES, SubnetRole
from domicile_infra.plan.documents import render
from domicile_infra.plan.documents.keys import KeyPurpose
from domicile_infra.plan.documents.roles import ROLES, RolePurpose, ServiceAccount, openbao_policy
from domicile_infra.plan.kubeconfig import kubeconfig
from domicile_infra.plan.sizes import ADDONS, KUBERNETES, NEED_NODES

LOGS = ("api", "audit", "authenticator", "controllerManager", "scheduler")
# Without it NetworkPolicies are taken and nothing keeps to them.
SETTINGS = {"vpc-cni": json.dumps({"enableNetworkPolicy": "true"})}


@dataclass(frozen=True)
class ClusterArgs:
    """`key_arns` has those of the cluster, of its audit log, and of OpenBao's seal."""

    plan: CellPlan
    network: Network
    endpoints: Endpoints
    key_arns: Mapping[KeyPurpose, pulumi.Input[str]]


class Cluster(CellComponent):
    """`ready` is what must be there before anything is put into the cluster: those who may, and nodes."""

    name: pulumi.Output[str]
    endpoint: pulumi.Output[str]
    ca_data: pulumi.Output[str]
    issuer: pulumi.Output[str]
    security_group_id: pulumi.Output[str]
    kubeconfig: pulumi.Output[str]
    ready: tuple[pulumi.Resource, ...]

    def __init__(self, name: str, args: ClusterArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__(name, opts)
        self._args = args
        plan = args.plan
        cluster = self._cluster()
        self.name, self.endpoint = cluster.name, cluster.endpoint
        self.ca_data = cluster.certificate_authority.apply(lambda found: found.data or "")
        self.issuer = cluster.identities.apply(
            lambda found: next((one.issuer for identity in found for one in identity.oidcs or () if one.issuer), "")
        )
        self.security_group_id = cluster.vpc_config.apply(lambda found: found.cluster_security_group_id or "")
        self.kubeconfig = pulumi.Output.all(cluster.name, cluster.endpoint, self.ca_data).apply(
            lambda found: kubeconfig(found[0], found[1], found[2], plan.place, plan.deployer_role_arn)
        )
        identities = self._identities(cluster)
        early = [self._addon(cluster, one, identities) for one in ADDONS if one not in NEED_NODES]
        nodes = self._nodes(cluster, early)
        late = [self._addon(cluster, one, [*identities, nodes]) for one in ADDONS if one in NEED_NODES]
        self.ready = (nodes, *self._access(cluster), *late)
        self.register_outputs({"name": self.name, "endpoint": self.endpoint})

    def _cluster(self) -> aws.eks.Cluster:
        plan, network = self._args.plan, self._args.network
        role = make_role(self, plan, RolePurpose.CLUSTER)
        log = make_log_group(
            self,
            "cluster-log",
            plan,
            f"/aws/eks/{plan.cluster_name}/cluster",
            self._args.key_arns[KeyPurpose.AUDIT],
            data_class=DataClass.AUDIT_LOG,
        )
        vpc: aws.eks.ClusterVpcConfigArgsDict = {
            "subnet_ids": network.ids(SubnetRole.PRIVATE),
            "endpoint_private_access": True,
            "endpoint_public_access": bool(plan.api_cidrs),
        }
        if plan.api_cidrs:
            vpc["public_access_cidrs"] = list(plan.api_cidrs)
        return aws.eks.Cluster(
            "cluster",
            name=plan.cluster_name,
            version=KUBERNETES,
            role_arn=role.arn,
            vpc_config=vpc,
            # Access entries and nothing else; and not for whoever happened to create it.
            access_config={"authentication_mode": "API", "bootstrap_cluster_creator_admin_permissions": False},
            bootstrap_self_managed_addons=False,
            encryption_config={
                "provider": {"key_arn": self._args.key_arns[KeyPurpose.CLUSTER]},
                "resources": ["secrets"],
            },
            kubernetes_network_config={"ip_family": "ipv4", "service_ipv4_cidr": str(SERVICES)},
            enabled_cluster_log_types=list(LOGS),
            upgrade_policy={"support_type": "STANDARD"},
            deletion_protection=plan.production,
            tags=plan.tags.tags(),
            # Tenants are objects in it, so that it is more than a machine.
            opts=self.child(stateful=True, after=[*role.ready, log]),
        )

    def _identities(self, cluster: aws.eks.Cluster) -> list[pulumi.Resource]:
        """The roles that service accounts take."""
        seal = pulumi.Output.from_input(self._args.key_arns[KeyPurpose.UNSEAL])
        policies = {RolePurpose.OPENBAO: seal.apply(lambda arn: render(openbao_policy(arn)))}
        made: list[pulumi.Resource] = []
        for purpose in (RolePurpose.NETWORK, RolePurpose.VOLUMES, RolePurpose.OPENBAO):
            role = make_role(self, self._args.plan, purpose, policies.get(purpose))
            made.append(associate(self, self._args.plan, cluster.name, purpose, role))
        return made

    def _addon(self, cluster: aws.eks.Cluster, name: str, after: list[pulumi.Resource]) -> aws.eks.Addon:
        return aws.eks.Addon(
            name,
            addon_name=name,
            cluster_name=cluster.name,
            configuration_values=SETTINGS.get(name),
            resolve_conflicts_on_create="OVERWRITE",
            resolve_conflicts_on_update="OVERWRITE",
            tags=self._args.plan.tags.tags(),
            opts=self.child(after=after),
        )

    def _nodes(self, cluster: aws.eks.Cluster, addons: list[aws.eks.Addon]) -> aws.eks.NodeGroup:
        plan, size = self._args.plan, self._args.plan.size
        role = make_role(self, plan, RolePurpose.NODES)
        template = self._template()
        return aws.eks.NodeGroup(
            "nodes",
            node_group_name=f"{plan.name}-nodes",
            cluster_name=cluster.name,
            node_role_arn=role.arn,
            subnet_ids=self._args.network.ids(SubnetRole.PRIVATE),
            ami_type="AL2023_x86_64_STANDARD",
            capacity_type="ON_DEMAND",
            instance_types=list(size.node_classes),
            version=KUBERNETES,
            launch_template={"id": template.id, "version": template.latest_version.apply(str)},
            scaling_config={"min_size": plan.nodes, "max_size": plan.nodes, "desired_size": plan.nodes},
            update_config={"max_unavailable": 1},
            tags=plan.tags.tags(),
            opts=self.child(after=[*role.ready, *addons, *self._args.endpoints.ready]),
        )

    def _template(self) -> aws.ec2.LaunchTemplate:
        plan = self._args.plan
        tags = plan.tags.tags(name=f"{plan.name}-node")
        return aws.ec2.LaunchTemplate(
            "nodes",
            name=f"{plan.name}-nodes",
            update_default_version=True,
            vpc_security_group_ids=[self.security_group_id, self._args.network.workloads_id],
            block_device_mappings=[
                {
                    "device_name": "/dev/xvda",
                    "ebs": {
                        "volume_type": "gp3",
                        "volume_size": plan.size.disk,
                        "encrypted": "true",
                        "kms_key_id": self._args.key_arns[KeyPurpose.CLUSTER],
                        "delete_on_termination": "true",
                    },
                }
            ],
            # One hop: a pod does not reach the node's own credentials.
            metadata_options={"http_endpoint": "enabled", "http_tokens": "required", "http_put_response_hop_limit": 1},
            monitoring={"enabled": True},
            tag_specifications=[{"resource_type": kind, "tags": tags} for kind in ("instance", "volume")],
            tags=plan.tags.tags(),
            opts=self.child(),
        )

    def _access(self, cluster: aws.eks.Cluster) -> list[pulumi.Resource]:
        made: list[pulumi.Resource] = []
        for role_arn, policy in self._args.plan.access:
            name = role_arn.rsplit("/", 1)[-1]
            entry = aws.eks.AccessEntry(
                name,
                cluster_name=cluster.name,
                principal_arn=role_arn,
                type="STANDARD",
                tags=self._args.plan.tags.tags(),
                opts=self.child(),
            )
            made.append(
                aws.eks.AccessPolicyAssociation(
                    name,
                    cluster_name=cluster.name,
                    principal_arn=entry.principal_arn,
                    policy_arn=f"arn:aws:eks::aws:cluster-access-policy/{policy}",
                    access_scope={"type": "cluster"},
                    opts=self.child(),
                )
            )
        return made


def associate(
    parent: CellComponent, plan: CellPlan, cluster: pulumi.Input[str], purpose: RolePurpose, role: CellRole
) -> aws.eks.PodIdentityAssociation:
    """Give the role of that purpose to its service account in the cluster."""
    account = ROLES[purpose].taken_by
    if not isinstance(account, ServiceAccount):
        raise TypeError(f"{purpose} is taken by {account}, and by no service account")
    return aws.eks.PodIdentityAssociation(
        purpose,
        cluster_name=cluster,
        namespace=account.namespace,
        service_account=account.name,
        role_arn=role.arn,
        tags=plan.tags.tags(),
        opts=parent.child(after=role.ready),
    )
