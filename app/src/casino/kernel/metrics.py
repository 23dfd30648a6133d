"""What /metrics shows. Labels are bounded: routes, codes and games, never players."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()
_LATENCY = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)

REQUESTS = Counter("casino_http_requests_total", "Requests answered.", ("method", "route", "status"), registry=REGISTRY)
REQUEST_SECONDS = Histogram(
    "casino_http_request_seconds", "Time to answer.", ("method", "route"), buckets=_LATENCY, registry=REGISTRY
)
BETS = Counter("casino_bets_total", "Rounds asked of the ledger.", ("game", "outcome"), registry=REGISTRY)
STAKES = Counter("casino_stakes_minor_total", "Handle, in minor units.", ("game",), registry=REGISTRY)
WINS = Counter("casino_wins_minor_total", "Wins paid, in minor units.", ("game",), registry=REGISTRY)
LEDGER_SECONDS = Histogram(
    "casino_ledger_seconds", "Time of one call of the ledger.", ("call",), buckets=_LATENCY, registry=REGISTRY
)
DEPOSITS = Counter("casino_deposits_total", "Deposits by where they ended.", ("status",), registry=REGISTRY)
DEPOSITS_PENDING = Gauge("casino_deposits_pending", "Deposits whose answer is not known.", registry=REGISTRY)
PAYMENTS = Counter(
    "casino_payments_total", "Transitions of payments.", ("kind", "method", "transition"), registry=REGISTRY
)
PSP_SECONDS = Histogram(
    "casino_psp_seconds", "Time of one call of a PSP.", ("psp", "outcome"), buckets=_LATENCY, registry=REGISTRY
)
COUNTERPARTIES = Gauge(
    "casino_counterparty", "1 for how a party answered the last signed call that moves nothing.",
    ("kind", "name", "answer"), registry=REGISTRY,
)  # fmt: skip
LOGINS = Counter("casino_logins_total", "Log-ins by outcome.", ("outcome",), registry=REGISTRY)
CREDENTIAL_EXPIRY = Gauge(
    "casino_credential_expiry_timestamp_seconds", "When a credential runs out.", ("role",), registry=REGISTRY
)
EVENTS_HANDLED = Counter("casino_events_handled_total", "Events read.", ("consumer",), registry=REGISTRY)
EVENTS_PARKED = Counter("casino_events_parked_total", "Events that failed.", ("consumer",), registry=REGISTRY)
JOB_SECONDS = Histogram("casino_job_seconds", "Time of a job.", ("job",), buckets=_LATENCY, registry=REGISTRY)
JOB_FAILURES = Counter("casino_job_failures_total", "Jobs that failed.", ("job",), registry=REGISTRY)
JOB_FAILURES_IN_A_ROW = Gauge(
    "casino_job_failures_in_a_row", "How often a job failed since it was last done.", ("job",), registry=REGISTRY
)
JOB_LAST_SUCCESS = Gauge(
    "casino_job_last_success_timestamp_seconds", "When a job was last done; 0 for one that never was.", ("job",),
    registry=REGISTRY,
)  # fmt: skip
JOB_INTERVAL = Gauge("casino_job_interval_seconds", "How often a job is due.", ("job",), registry=REGISTRY)
RELEASE = Gauge("casino_release", "1 for the release that this process is of.", ("release",), registry=REGISTRY)
RULES_CHANGES = Counter(
    "casino_rules_changes_total", "Changed rules.json files by what became of them.", ("outcome",), registry=REGISTRY
)
RULES_REFUSED = Gauge(
    "casino_rules_refused", "1 while the rules.json in place is not the one in force.", registry=REGISTRY
)
RULES_IN_FORCE = Gauge(
    "casino_rules_in_force", "1 for the rules in force.", ("digest", "catalogue_version"), registry=REGISTRY
)
OPERATION_REVISION = Gauge(
    "casino_operation_revision", "The record of what may be done that binds in the ledger; 0: none.", registry=REGISTRY
)
OPERATION_BARRIER = Gauge(
    "casino_operation_barrier_passed",
    "The record up to which no transaction runs any more that may have judged by an older one.",
    registry=REGISTRY,
)
OPERATION_REFUSED = Gauge(
    "casino_operation_refused", "1 while the operation.json in place cannot be used, or contradicts the ledger.",
    registry=REGISTRY,
)  # fmt: skip
LEDGER_OK = Gauge("casino_ledger_ok", "1 when the last verification found every invariant.", registry=REGISTRY)
JOURNAL_MONTHS = Gauge("casino_journal_months_ahead", "Months that the journal has tables for.", registry=REGISTRY)
GAMES_OFFERED = Gauge("casino_game_offered", "1 while this process offers the game.", ("game",), registry=REGISTRY)
GAMES_VERIFIED = Gauge("casino_games_verified", "1 when the last verification found no fault.", registry=REGISTRY)
RTP_OUT_OF_BOUNDS = Gauge(
    "casino_rtp_out_of_bounds", "1 while a game returns what it should not.", ("game", "version", "span"),
    registry=REGISTRY,
)  # fmt: skip
JACKPOT_WINS = Counter("casino_jackpot_wins_minor_total", "Jackpots paid.", ("jackpot",), registry=REGISTRY)
JACKPOTS_OK = Gauge("casino_jackpots_ok", "1 when every jackpot was found to balance.", registry=REGISTRY)
CLOCK_SKEW = Gauge(
    "casino_clock_skew_seconds", "How far the casino's clock is ahead of the database's.", registry=REGISTRY
)
READY = Gauge("casino_ready", "1 when the casino takes players.", registry=REGISTRY)
for _unknown in (LEDGER_OK, JACKPOTS_OK, JOURNAL_MONTHS):
    # Until this process has looked it knows neither: a 0 would be an alarm after each restart.
    _unknown.set(float("nan"))
