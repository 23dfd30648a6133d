"""Amazon EC2: routes. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/"""

from __future__ import annotations

from typing import Any, Final

from domicile_lab.providers.aws.model import Call, Facts, Read, Resource, Update
from domicile_lab.providers.aws.table._ec2 import ARN, named, tags

DESTINATIONS: Final = ("destinationCidrBlock", "destinationIpv6CidrBlock", "destinationPrefixListId")
ROUTE: Final = {
    "RouteTableId": "{routeTableId}",
    **{f"{key[0].upper()}{key[1:]}": f"{{{key}}}" for key in DESTINATIONS},
}


def _destination(facts: Facts) -> str:
    found = next((facts.get(key) for key in DESTINATIONS if facts.get(key)), None)
    return str(found or facts.id.rpartition("_")[2])


def _route(routes: Any, facts: Facts) -> Any:
    wanted = _destination(facts)
    members = [f"{key[0].upper()}{key[1:]}" for key in DESTINATIONS]
    return next((each for each in routes or () if wanted in [each.get(member) for member in members]), None)


def _endpoint(route: Any) -> Any:
    """EC2 takes an endpoint as such and tells it as a gateway."""
    gateway = route.get("GatewayId", "")
    return gateway if gateway.startswith("vpce-") else None


def _plain_gateway(route: Any) -> Any:
    gateway = route.get("GatewayId", "")
    return gateway if gateway and not gateway.startswith("vpce-") else None


RESOURCES: Final = (
    Resource(
        type="aws:ec2/routeTable:RouteTable",
        service="ec2",
        create=Call("CreateRouteTable"),
        id="=RouteTable.RouteTableId",
        reads=(
            Read(
                "DescribeRouteTables",
                {"RouteTableIds": ["{id}"]},
                at="RouteTables",
                gone=("InvalidRouteTableID.NotFound",),
                only=("vpcId", "ownerId"),
                tags="RouteTables[0].Tags",
            ),
        ),
        delete=Call("DeleteRouteTable", {"RouteTableId": "{id}"}),
        tags=tags("route-table"),
        computed={"arn": ARN + "route-table/{id}"},
        unsupported=("propagatingVgws", "routes"),  # routes are resources of their own: aws.ec2.Route
    ),
    Resource(
        type="aws:ec2/route:Route",
        service="ec2",
        create=Call("CreateRoute"),
        id=lambda _, facts: f"{facts.inputs['routeTableId']}_{_destination(facts)}",
        id_parts=("routeTableId", "_destination"),
        id_separator="_",
        reads=(
            Read(
                "DescribeRouteTables",
                {"RouteTableIds": ["{routeTableId}"]},
                at="RouteTables[0].Routes",
                gone=("InvalidRouteTableID.NotFound",),
                pick=_route,
                fields={"vpcEndpointId": _endpoint, "gatewayId": _plain_gateway},
            ),
        ),
        updates=(
            Update(
                Call(
                    "ReplaceRoute",
                    ROUTE,
                ),
                whole=True,
            ),
        ),
        delete=Call(
            "DeleteRoute",
            ROUTE,
        ),
        names={"egressOnlyGatewayId": "EgressOnlyInternetGatewayId"},
        replaces=("routeTableId", *DESTINATIONS),
    ),
    Resource(
        type="aws:ec2/routeTableAssociation:RouteTableAssociation",
        service="ec2",
        create=Call("AssociateRouteTable"),
        id="=AssociationId",
        reads=(
            Read(
                "DescribeRouteTables",
                {"Filters": [named("association.route-table-association-id", "{id}")]},
                at="RouteTables[].Associations[]",
                pick=lambda found, facts: next(
                    (each for each in found or () if each["RouteTableAssociationId"] == facts.id), None
                ),
            ),
        ),
        delete=Call("DisassociateRouteTable", {"AssociationId": "{id}"}),
        delete_before_replace=True,
    ),
)
