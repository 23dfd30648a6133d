"""AWS Certificate Manager. https://docs.aws.amazon.com/acm/latest/APIReference/"""

from __future__ import annotations

from typing import Any, Final

from domicile_lab.providers.aws.model import Call, Cloud, Facts, Read, Resource, Tags, Update, Wait

ARN: Final = {"CertificateArn": "{id}"}


def _alternatives(certificate: Any) -> list[str]:
    """ACM tells the name itself among its alternatives."""
    names = certificate.get("SubjectAlternativeNames") or []
    return [each for each in names if each != certificate.get("DomainName")]


def _given(names: Any) -> Any:
    return list(names) or None


def _proofs(certificate: Any) -> list[dict[str, Any]]:
    """The records by which the names are proved."""
    found = []
    for each in certificate.get("DomainValidationOptions") or ():
        record = each.get("ResourceRecord") or {}
        proof = {
            "domainName": each["DomainName"],
            "resourceRecordName": record.get("Name"),
            "resourceRecordType": record.get("Type"),
            "resourceRecordValue": record.get("Value"),
        }
        found.append({key: value for key, value in proof.items() if value is not None})
    return found


def _adopt(_: Cloud, facts: Facts) -> Any:
    """Nothing is made: the certificate is waited for."""
    return {"id": facts.inputs["certificateArn"]}


RESOURCES: Final = (
    Resource(
        type="aws:acm/certificate:Certificate",
        service="acm",
        create=Call("RequestCertificate"),
        id="=CertificateArn",
        reads=(
            Read(
                "DescribeCertificate",
                ARN,
                at="Certificate",
                fields={
                    "arn": "CertificateArn",
                    "domainValidationOptions": _proofs,
                    "subjectAlternativeNames": _alternatives,
                    "validationMethod": "DomainValidationOptions[0].ValidationMethod",
                    "validationOptions": lambda _: None,
                    "certificateAuthorityArn": "CertificateAuthorityArn",
                    "earlyRenewalDuration": lambda _: None,
                    "renewalSummaries": lambda _: None,
                },
            ),
            Read("ListTagsForCertificate", ARN, only=(), tags="Tags"),
        ),
        # The records are what the program makes next.
        wait=Wait(
            "(Type == 'PRIVATE' || not_null(DomainValidationOptions[0].ResourceRecord.Name, "
            "DomainValidationOptions[0].ValidationDomain)) && 'described' || 'pending'",
            ("described",),
        ),
        updates=(Update(Call("UpdateCertificateOptions", ARN, takes=("options",))),),
        delete=Call("DeleteCertificate", ARN),
        tags=Tags(
            Call("AddTagsToCertificate", ARN),
            Call("RemoveTagsFromCertificate", ARN),
            create="Tags",
            untag_param="Tags",
            untag_form="pairs",
        ),
        write={"subjectAlternativeNames": _given},
        untold=("keyAlgorithm",),  # moto calls every key RSA_2048; that of a certificate cannot change
        quiet=("options", "validationMethod"),
        unsupported=(
            "certificateBody",
            "certificateChain",
            "earlyRenewalDuration",
            "privateKey",
            "validationOptions",
        ),
    ),
    Resource(
        type="aws:acm/certificateValidation:CertificateValidation",
        service="acm",
        create=_adopt,
        id="=id",
        id_parts=("certificateArn",),
        id_separator="\0",
        reads=(Read("DescribeCertificate", ARN, at="Certificate", only=()),),
        wait=Wait("Status", ("ISSUED",), ("FAILED", "VALIDATION_TIMED_OUT", "REVOKED", "EXPIRED")),
        delete=None,
        local=("validationRecordFqdns",),
        replaces=("validationRecordFqdns",),
    ),
)
