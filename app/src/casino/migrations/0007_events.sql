-- What modules tell each other (ADR 31): an outbox for each that tells, a cursor and a place for what failed for each
-- that listens. kernel/events/ reads and writes them.
DO $$
DECLARE
    module text;
BEGIN
    FOREACH module IN ARRAY ARRAY['pam', 'wallet', 'gal', 'compliance', 'responsible_gaming', 'game_control', 'ops'] LOOP
        EXECUTE format($sql$
            CREATE SCHEMA IF NOT EXISTS %1$I;

            -- xact is what it is read by: all that was written by transactions of [from, to), when none of those runs.
            CREATE TABLE %1$I.outbox (
                position       bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                xact           xid8        NOT NULL DEFAULT pg_current_xact_id(),
                event_id       uuid        NOT NULL,
                type           text        NOT NULL CHECK (type ~ '^[a-z_]+[.][a-z_]+$'),
                schema_version integer     NOT NULL CHECK (schema_version > 0),
                aggregate      uuid        NOT NULL,
                occurred_at    timestamptz NOT NULL,
                payload        jsonb       NOT NULL
            );
            CREATE INDEX outbox_xact ON %1$I.outbox (xact);

            -- How far a consumer of this module has read a producer: the window [window_from, window_to) up to
            -- position. Who reads holds a lease; fence tells a reader whose lease ran out from the one after it.
            CREATE TABLE %1$I.cursors (
                consumer     text        NOT NULL,
                producer     text        NOT NULL,
                server       bigint,     -- the identity of the server whose transaction ids these are
                window_from  xid8        NOT NULL DEFAULT '0',
                window_to    xid8        NOT NULL DEFAULT '0',
                position     bigint      NOT NULL DEFAULT 0,
                floor        bigint      NOT NULL DEFAULT 0,  -- what lies at or below is of another server's time
                lease_holder uuid,
                lease_until  timestamptz,
                fence        bigint      NOT NULL DEFAULT 0,
                stopped      text,       -- why it stands still until somebody acts
                handled_at   timestamptz,
                PRIMARY KEY (consumer, producer)
            );

            -- What a consumer could not handle, and what came after it for the same aggregate, in order.
            CREATE TABLE %1$I.parked (
                consumer  text        NOT NULL,
                producer  text        NOT NULL,
                position  bigint      NOT NULL,
                aggregate uuid        NOT NULL,
                event     jsonb       NOT NULL,
                error     text        NOT NULL,
                attempts  integer     NOT NULL,
                next_at   timestamptz,  -- null: waits for `casino events replay` or `skip`
                parked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
                PRIMARY KEY (consumer, producer, position)
            );
            CREATE INDEX parked_aggregate ON %1$I.parked (consumer, producer, aggregate, position);
        $sql$, module);
    END LOOP;
END $$;

-- The wallet's transactions are events without having been written as such; both draw from one row of positions.
ALTER TABLE wallet.outbox ALTER COLUMN position DROP IDENTITY;
ALTER TABLE wallet.outbox ALTER COLUMN position SET DEFAULT nextval('wallet.positions');
CREATE VIEW wallet.events AS
    SELECT position, xact, event_id, type, schema_version, aggregate, occurred_at, payload FROM wallet.outbox
    UNION ALL
    SELECT t.position, t.xact, t.transaction_id, 'wallet.' || t.kind, 1,
        coalesce(a.player_id, '00000000-0000-0000-0000-000000000000'::uuid), t.created_at,
        jsonb_build_object('account_id', t.account_id, 'account_version', t.account_version, 'currency', t.currency,
            'taken_minor', t.taken, 'given_minor', t.given, 'balance_minor', t.balance_after, 'details', t.details)
    FROM wallet.transactions t JOIN wallet.accounts a USING (account_id);
