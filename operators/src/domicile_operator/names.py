"""Every name that derives from a tenant's name (docs/architecture.md, "Contracts between the parts")."""

from dataclasses import dataclass

GROUP = "casino.domicile.dev"
VERSION = "v1alpha1"
PLURAL = "casinotenants"
API_VERSION = f"{GROUP}/{VERSION}"
KIND = "CasinoTenant"
BACKUP_PLURAL = "casinobackups"
BACKUP_KIND = "CasinoBackup"
FINALIZER = "casino.domicile.dev/teardown"
FIELD_MANAGER = "domicile-operator"

LABEL_TENANT = "domicile.dev/tenant"
LABEL_JURISDICTION = "domicile.dev/jurisdiction"
LABEL_PLACE = "domicile.dev/place"
LABEL_MANAGED_BY = "app.kubernetes.io/managed-by"
LABEL_FIRST = "domicile.dev/first"
"""On a CasinoTenant, with the value "true": another release of the casino comes to it before it comes to others."""
LABEL_SCRAPES = "domicile.dev/scrapes-metrics"
"""On a namespace, with the value "true": what runs there may read the metrics of casinos and of the operator."""

APP = "casino"
"""Service account, Deployment, Service, Ingress and disruption budget all carry this name."""
WORKER = "casino-worker"
LEDGER_ARCHIVE = "casino-ledger-archive"
REALTIME = "casino-realtime"
"""Service account, Deployment, Service and disruption budget of who tells players over WebSockets."""
MIGRATE_ACCOUNT = "casino-migrate"
BACKUP_ACCOUNT = "casino-backup"
"""Service account and network policy of who backs a tenant up (docs/adr/0038-backups-of-one-tenant.md)."""
CONFIG_MAP = "casino-config"
OPERATION = "casino-operation"
"""The ConfigMap that says what may be done (docs/adr/0034-a-tenants-life.md)."""
MARK_REVISION = "casino.domicile.dev/operation-revision"
MARK_ONBOARDED = "casino.domicile.dev/onboarded"
"""Annotations of a tenant's namespace: the newest revision that was given out, and when its onboarding was complete."""
PROVISIONER_CREDENTIALS = "domicile-provisioner"
"""The OpenBao database role that gives the operator a PostgreSQL login."""
PROVISIONER_ROLE = "domicile_provisioner"
OPENBAO_LOGIN = "openbao"
"""The login by which OpenBao itself makes and removes PostgreSQL roles."""
SYSTEM_NAMESPACE = "domicile-system"
LEASE = "domicile-operator"
"""The Lease by which one of several operators leads."""
LAW = "domicile-law"
"""The ConfigMap that the admission policies read."""
AUDIENCE = "openbao"
OPERATOR_ROLE = "domicile-operator"
LOGINS_ROLE = "domicile-logins"
"""The JWT role of who makes the database's first logins."""
CERTIFICATES_ROLE = "domicile-certificates"
"""Service account, JWT role and field manager of who has certificates signed."""
MODULES = ("pam", "wallet", "gal", "compliance", "responsible_gaming", "game_control", "ops")
"""The casino's modules: each has a schema, a role and a login of its own in the tenant's database."""


@dataclass(frozen=True)
class Names:
    """Names of one tenant's parts.

    Takes the tenant's `metadata.name` (at most 32 characters of [a-z0-9-], which the CRD enforces).
    A name must not end in `-migrate`, `-realtime` or `-backup`: its OpenBao policy would be that of another tenant's
    process.
    """

    tenant: str

    @property
    def namespace(self) -> str:
        return f"casino-{self.tenant}"

    @property
    def database(self) -> str:
        return f"casino_{self.tenant.replace('-', '_')}"

    @property
    def owner_role(self) -> str:
        return f"{self.database}_owner"

    @property
    def ledger_role(self) -> str:
        """Owns the functions that move money. Nobody logs in by it."""
        return f"{self.database}_ledger"

    @property
    def module_roles(self) -> dict[str, str]:
        """The role of each module."""
        return {module: f"{self.database}_{module}" for module in MODULES}

    @property
    def backup_role(self) -> str:
        """Reads everything and writes nothing: who backs the database up."""
        return f"{self.database}_backup"

    @property
    def former_role(self) -> str:
        """What casinos served as before each module had a role. It goes when its last login has."""
        return f"{self.database}_app"

    @property
    def bao_role(self) -> str:
        """OpenBao policy and JWT role of the casino."""
        return f"casino-{self.tenant}"

    @property
    def certificate_role(self) -> str:
        """The role of OpenBao's PKI by which the certificate of its own domains is signed."""
        return f"casino-{self.tenant}"

    @property
    def bao_migrate_role(self) -> str:
        """OpenBao policy and JWT role of the migration."""
        return f"casino-{self.tenant}-migrate"

    @property
    def bao_realtime_role(self) -> str:
        """OpenBao policy and JWT role of real time."""
        return f"casino-{self.tenant}-realtime"

    @property
    def bao_backup_role(self) -> str:
        """OpenBao policy and JWT role of backups."""
        return f"casino-{self.tenant}-backup"

    @property
    def creds_modules(self) -> dict[str, str]:
        """The database role of OpenBao that gives each module's login."""
        return {module: f"casino-{self.tenant}-{module.replace('_', '-')}" for module in MODULES}

    @property
    def creds_former(self) -> str:
        return f"casino-{self.tenant}-app"

    @property
    def creds_owner(self) -> str:
        return f"casino-{self.tenant}-owner"

    @property
    def creds_backup(self) -> str:
        return f"casino-{self.tenant}-backup"

    @property
    def creds_redis(self) -> str:
        return f"casino-{self.tenant}-redis"

    @property
    def creds_realtime(self) -> str:
        """Real time's login of Redis: it reads its streams and sessions, and writes nothing."""
        return f"casino-{self.tenant}-realtime-redis"

    @property
    def transit_key(self) -> str:
        """The key in OpenBao's transit engine under which the casino seals its players' data."""
        return f"casino-{self.tenant}"

    @property
    def cache_user(self) -> str:
        """Its user where AWS makes the cache's: an id there is at most 40 characters."""
        return f"casino-{self.tenant}"

    @property
    def redis_secret(self) -> str:
        """Where in `kv/` that user's password lies."""
        return f"tenants/{self.tenant}/redis"

    @property
    def backup_secret(self) -> str:
        """Where in `kv/` the password lies that the tenant's backups are sealed under."""
        return f"tenants/{self.tenant}/backup"

    def backup_report(self, backup: str) -> str:
        """Where in `kv/` a backup tells how it ended. `backup` is the CasinoBackup's uid."""
        return f"tenants/{self.tenant}/backups/{backup}"

    @property
    def redis_prefix(self) -> str:
        return f"{self.tenant}:"
