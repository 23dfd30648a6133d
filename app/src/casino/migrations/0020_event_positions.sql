-- Events are read in the order of their positions, a chunk at a time: by an index on them a chunk costs what it holds.
-- By one on transaction ids each chunk of a window sorted the whole window, and a reader that had fallen behind by a
-- hundred thousand bets took the server with it.
-- Of the parent alone, and not valid before 0021 has made every month's. A month to come is made like its parent.
CREATE INDEX transactions_position ON ONLY wallet.transactions (position);

CREATE OR REPLACE FUNCTION wallet.make_months(p_until date) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    month date;
    name  text;
    made  integer := 0;
BEGIN
    FOR month IN SELECT generate_series(date_trunc('month', now() AT TIME ZONE 'UTC'), p_until, interval '1 month') LOOP
        name := to_char(month, '"y"YYYY"m"MM');
        CONTINUE WHEN to_regclass('wallet.postings_' || name) IS NOT NULL;
        EXECUTE format('CREATE TABLE wallet.transactions_%1$s (LIKE wallet.transactions INCLUDING ALL);
            CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON wallet.transactions_%1$s
                FOR EACH STATEMENT EXECUTE FUNCTION wallet.refuse_rewrite();
            ALTER TABLE wallet.transactions ATTACH PARTITION wallet.transactions_%1$s FOR VALUES FROM (%2$L) TO (%3$L);
            CREATE TABLE wallet.postings_%1$s (LIKE wallet.postings INCLUDING ALL);
            CREATE UNIQUE INDEX postings_%1$s_debit ON wallet.postings_%1$s (debit_account, debit_version);
            CREATE UNIQUE INDEX postings_%1$s_credit ON wallet.postings_%1$s (credit_account, credit_version);
            CREATE INDEX postings_%1$s_transaction ON wallet.postings_%1$s USING brin (transaction_id);
            CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON wallet.postings_%1$s
                FOR EACH STATEMENT EXECUTE FUNCTION wallet.refuse_rewrite();
            ALTER TABLE wallet.postings ATTACH PARTITION wallet.postings_%1$s FOR VALUES FROM (%2$L) TO (%3$L)',
            name, wallet.uuid7_floor(month::timestamp AT TIME ZONE 'UTC'),
            wallet.uuid7_floor((month + interval '1 month')::timestamp AT TIME ZONE 'UTC'));
        made := made + 1;
    END LOOP;
    RETURN made;
END $$;

-- No join: a branch of UNION ALL with one is read whole and sorted before the first row comes of it.
CREATE OR REPLACE VIEW wallet.events AS
    SELECT position, xact, event_id, type, schema_version, aggregate, occurred_at, payload FROM wallet.outbox
    UNION ALL
    SELECT t.position, t.xact, t.transaction_id, 'wallet.' || t.kind, 1,
        coalesce((SELECT a.player_id FROM wallet.accounts a WHERE a.account_id = t.account_id),
            '00000000-0000-0000-0000-000000000000'::uuid),
        t.created_at,
        jsonb_build_object('account_id', t.account_id, 'account_version', t.account_version, 'currency', t.currency,
            'taken_minor', t.taken, 'given_minor', t.given, 'balance_minor', t.balance_after, 'details', t.details)
    FROM wallet.transactions t;
