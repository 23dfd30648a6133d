"""What the program tells Prometheus."""

from prometheus_client import Counter, Gauge

NOT_AFTER = Gauge(
    "domicile_certificate_not_after_timestamp_seconds",
    "When the certificate ends that the ingress controller is given.",
    ["tenant"],
)
ISSUED_TOTAL = Counter("domicile_certificates_issued_total", "Certificates signed and given.", ["why"])
REVOKED_TOTAL = Counter("domicile_certificates_revoked_total", "Certificates revoked.")
FAILURES_TOTAL = Counter("domicile_certificates_failures_total", "Steps and passes that failed.", ["code"])
LAST_PASS = Gauge("domicile_certificates_last_pass_timestamp_seconds", "When all tenants were last looked at.")
