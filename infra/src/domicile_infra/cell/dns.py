"""The cell's name: its zone, its certificate, and who may issue one."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from domicile_infra.cell.component import CellComponent
from domicile_infra.plan.cell import CellPlan

AUTHORITY = "amazon.com"
ISSUED_WITHIN = pulumi.CustomTimeouts(create="30m")


@dataclass(frozen=True)
class DnsArgs:
    """The cell whose base domain it is."""

    plan: CellPlan


class Dns(CellComponent):
    """`certificate_arn` is there when the certificate has been issued, and None before the zone is delegated."""

    zone_id: pulumi.Output[str]
    name_servers: pulumi.Output[list[str]]
    certificate_arn: pulumi.Output[str] | None

    def __init__(self, name: str, args: DnsArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__(name, opts)
        plan = args.plan
        zone = aws.route53.Zone(
            "zone",
            name=plan.base_domain,
            comment=f"Tenants of {plan.name}",
            force_destroy=False,
            tags=plan.tags.tags(),
            opts=self.child(stateful=True),
        )
        self.zone_id = zone.zone_id
        self.name_servers = zone.name_servers.apply(list)
        aws.route53.Record(
            "issuers",
            zone_id=zone.zone_id,
            name=plan.base_domain,
            type="CAA",
            ttl=3600,
            records=[f'0 issue "{AUTHORITY}"', f'0 issuewild "{AUTHORITY}"'],
            opts=self.child(),
        )
        certificate = aws.acm.Certificate(
            "certificate",
            domain_name=plan.base_domain,
            subject_alternative_names=[f"*.{plan.base_domain}"],
            validation_method="DNS",
            key_algorithm="EC_prime256v1",
            tags=plan.tags.tags(name=plan.base_domain),
            opts=self.child(),
        )
        # The domain and its wildcard are proven by the same record.
        proof = certificate.domain_validation_options[0]
        record = aws.route53.Record(
            "validation",
            zone_id=zone.zone_id,
            name=proof.apply(lambda one: one.resource_record_name or ""),
            type=proof.apply(lambda one: one.resource_record_type or ""),
            records=[proof.apply(lambda one: one.resource_record_value or "")],
            ttl=300,
            allow_overwrite=True,
            opts=self.child(),
        )
        self.certificate_arn = None
        if plan.delegated:
            # It waits until the certificate is issued, for which the parent domain has to point here.
            issued = aws.acm.CertificateValidation(
                "certificate",
                certificate_arn=certificate.arn,
                validation_record_fqdns=[record.fqdn],
                opts=self.child(custom_timeouts=ISSUED_WITHIN),
            )
            self.certificate_arn = issued.certificate_arn
        self.register_outputs({"zoneId": self.zone_id, "nameServers": self.name_servers})
