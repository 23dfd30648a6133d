-- The months from the one that was two days ago: a casino that is made on the first of a month takes the bets of a
-- process whose clock is behind (up to a day: 0019), and says of one further behind that it is.
CREATE OR REPLACE FUNCTION wallet.make_months(p_until date) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    month date;
    name  text;
    made  integer := 0;
BEGIN
    FOR month IN SELECT generate_series(
            date_trunc('month', (now() - interval '2 days') AT TIME ZONE 'UTC'), p_until, interval '1 month') LOOP
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
