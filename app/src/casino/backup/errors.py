"""What a backup or a restore can fail of. The codes stand in the status of the CasinoBackup."""

from __future__ import annotations

from casino.kernel.errors import ConfigurationError


class BackupFailed(ConfigurationError):
    """Something a backup needs failed; the message says what to do and holds no secret."""

    code = "BACKUP_FAILED"


class StoreFailed(BackupFailed):
    """The store did not take, or did not give."""

    code = "BACKUP_STORE_FAILED"


class DumpFailed(BackupFailed):
    """The database was not read, or not written, to its end."""

    code = "BACKUP_DUMP_FAILED"


class BackupUnknown(BackupFailed):
    """The store has no such backup."""

    code = "BACKUP_UNKNOWN"


class DatabaseNotEmpty(BackupFailed):
    """A restore never writes over anything."""

    code = "RESTORE_DATABASE_NOT_EMPTY"


class NotWhatWasBackedUp(BackupFailed):
    """What was restored is not what was written down."""

    code = "RESTORE_NOT_VERIFIED"


class CountersBehind(BackupFailed):
    """The server's transaction counter is behind the restored events', and nobody would be told of them."""

    code = "RESTORE_COUNTERS_BEHIND"
