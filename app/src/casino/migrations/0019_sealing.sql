-- Closed months (docs/ledger.md, "A month's life"): sealed, exported, and after their retention detached and dropped.
-- A month's transactions are no stretch of a chain or of an account: an identifier is drawn before the locks are had, so
-- around midnight rows of two months alternate. So a seal says for each chain and account how far everything up to
-- it lies in sealed months, and keeps the few transactions beyond that whole: who verifies goes on from there.
CREATE TABLE wallet.seals (
    month     date        PRIMARY KEY CHECK (month = date_trunc('month', month)),
    document  text        NOT NULL,  -- sums, counts and hashes, and the digest of the seal before it
    digest    bytea       NOT NULL CHECK (digest = sha256(convert_to(document, 'UTF8'))),
    sealed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE wallet.sealed_chains (
    month date   NOT NULL REFERENCES wallet.seals DEFERRABLE,
    chain bigint NOT NULL,
    links bigint NOT NULL,
    head  bytea  NOT NULL,
    PRIMARY KEY (chain, month)
);
-- Of the accounts that moved in the month; of another, its last row before it holds.
CREATE TABLE wallet.sealed_accounts (
    month      date   NOT NULL REFERENCES wallet.seals DEFERRABLE,
    account_id bigint NOT NULL,
    version    bigint NOT NULL,
    balance    bigint NOT NULL,
    PRIMARY KEY (account_id, month)
);
-- Transactions of this month or before it that lie beyond what is told above, and their postings.
CREATE TABLE wallet.sealed_transactions (
    sealed_in date NOT NULL REFERENCES wallet.seals DEFERRABLE, LIKE wallet.transactions, PRIMARY KEY (sealed_in, transaction_id));
CREATE TABLE wallet.sealed_postings (
    sealed_in date NOT NULL REFERENCES wallet.seals DEFERRABLE, LIKE wallet.postings, PRIMARY KEY (sealed_in, transaction_id, leg));
-- Files that a month was written to, verified without the database.
CREATE TABLE wallet.exports (
    month       date        NOT NULL REFERENCES wallet.seals,
    sha256      bytea       NOT NULL CHECK (octet_length(sha256) = 32),
    bytes       bigint      NOT NULL CHECK (bytes > 0),
    name        text        NOT NULL CHECK (char_length(name) BETWEEN 1 AND 255),
    verified_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (month, sha256)
);
-- Keeps a month, or every month where none is named, whatever its age. Lifted by a row that names it.
CREATE TABLE wallet.legal_holds (
    hold_id uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
    month   date        CHECK (month = date_trunc('month', month)),
    lifts   uuid        UNIQUE REFERENCES wallet.legal_holds,
    reason  text        NOT NULL CHECK (char_length(reason) BETWEEN 1 AND 500),
    by      text        NOT NULL DEFAULT session_user,
    at      timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE wallet.retirements (
    month  date        NOT NULL REFERENCES wallet.seals,
    step   text        NOT NULL CHECK (step IN ('detached', 'dropped')),
    export bytea       NOT NULL,
    by     text        NOT NULL DEFAULT session_user,
    at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (month, step),
    FOREIGN KEY (month, export) REFERENCES wallet.exports
);
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['seals', 'sealed_chains', 'sealed_accounts', 'sealed_transactions', 'sealed_postings',
            'exports', 'legal_holds', 'retirements'] LOOP
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON wallet.%I
            FOR EACH STATEMENT EXECUTE FUNCTION wallet.refuse_rewrite()', name);
    END LOOP;
END $$;

-- A month is sealed three days after its end. Nothing may be written into one that long: an identifier a day behind the
-- database's clock comes from a casino whose own clock is wrong.
CREATE FUNCTION wallet.refuse_late() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'transaction % is dated more than a day before the database''s clock', NEW.transaction_id
        USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Set the casino''s clock.';
END $$;
-- The first six bytes of an identifier are its milliseconds. By wallet.uuid7_floor, which reckons in numeric, the check
-- took 7 % of a bet's time in the server; like this it is not to be measured.
CREATE TRIGGER not_late BEFORE INSERT ON wallet.transactions FOR EACH ROW
    WHEN (uuid_send(NEW.transaction_id)
        < substring(int8send(((date_part('epoch', now()) - 86400) * 1000)::bigint) FROM 3))
    EXECUTE FUNCTION wallet.refuse_late();

-- As wallet.chain, from a head on.
CREATE FUNCTION wallet.link_from(p_state bytea, p_head bytea, p_content text) RETURNS bytea LANGUAGE sql IMMUTABLE
AS $$ SELECT sha256(coalesce(p_state, p_head) || convert_to(p_content, 'UTF8')) $$;
CREATE AGGREGATE wallet.chain_from (bytea, text) (SFUNC = wallet.link_from, STYPE = bytea);

CREATE FUNCTION wallet.month_floor(p_month date) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT wallet.uuid7_floor(p_month::timestamp AT TIME ZONE 'UTC')
$$;
CREATE FUNCTION wallet.next_month(p_month date) RETURNS date LANGUAGE sql IMMUTABLE AS $$
    SELECT (p_month + interval '1 month')::date
$$;
CREATE FUNCTION wallet.is_attached(p_month date) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent IN ('wallet.transactions'::regclass, 'wallet.postings'::regclass)
            AND c.relname IN (to_char(p_month, '"transactions_y"YYYY"m"MM'), to_char(p_month, '"postings_y"YYYY"m"MM')))
$$;

-- What verification begins from: the month that the session names (casino.verify_from), else the last one that was
-- detached, else nothing. Before it lies what the seal answers for.
CREATE FUNCTION wallet.base() RETURNS date LANGUAGE sql STABLE AS $$
    SELECT coalesce(nullif(current_setting('casino.verify_from', true), '')::date, (SELECT max(month) FROM wallet.retirements))
$$;
CREATE FUNCTION wallet.kept_from() RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT coalesce(wallet.month_floor(wallet.next_month(wallet.base())), '00000000-0000-0000-0000-000000000000'::uuid)
$$;
CREATE VIEW wallet.opening_chains AS SELECT chain, links, head FROM wallet.sealed_chains WHERE month = wallet.base();
CREATE VIEW wallet.opening_accounts AS
    SELECT DISTINCT ON (account_id) account_id, version, balance FROM wallet.sealed_accounts
    WHERE month <= wallet.base() ORDER BY account_id, month DESC;
CREATE VIEW wallet.kept_transactions AS
    SELECT * FROM wallet.transactions WHERE transaction_id >= (SELECT wallet.kept_from())
    UNION ALL
    SELECT transaction_id, kind, account_id, account_version, currency, taken, given, balance_after, chain, link,
        details, created_at, xact, position FROM wallet.sealed_transactions WHERE sealed_in = wallet.base();
CREATE VIEW wallet.kept_postings AS
    SELECT * FROM wallet.postings WHERE transaction_id >= (SELECT wallet.kept_from())
    UNION ALL
    SELECT transaction_id, leg, currency, amount, debit_account, debit_version, debit_before, debit_after,
        credit_account, credit_version, credit_before, credit_after FROM wallet.sealed_postings WHERE sealed_in = wallet.base();
CREATE VIEW wallet.kept_entries AS
    SELECT e.* FROM (
        SELECT debit_account AS account_id, debit_version AS version, transaction_id, leg, currency, -amount AS amount,
               debit_before AS balance_before, debit_after AS balance_after
        FROM wallet.kept_postings
        UNION ALL
        SELECT credit_account, credit_version, transaction_id, leg, currency, amount, credit_before, credit_after
        FROM wallet.kept_postings) AS e
    LEFT JOIN wallet.opening_accounts o USING (account_id) WHERE e.version > coalesce(o.version, 0);

-- A month's own rows as they are hashed and exported: what the chain says, and every posting in full.
CREATE FUNCTION wallet.journal_of(p_from uuid, p_to uuid, p_carried date)
RETURNS TABLE (transaction_id uuid, chain bigint, link bigint, content text, postings text, rows bigint)
LANGUAGE sql STABLE AS $$
    WITH legs AS (
        SELECT p.* FROM wallet.postings p WHERE p.transaction_id >= p_from AND p.transaction_id < p_to
        UNION ALL
        SELECT s.transaction_id, leg, currency, amount, debit_account, debit_version, debit_before, debit_after,
            credit_account, credit_version, credit_before, credit_after
        FROM wallet.sealed_postings s WHERE s.sealed_in = p_carried
    ), told AS (
        SELECT l.transaction_id, count(*) AS rows,
            string_agg(concat(debit_account, '>', credit_account, ':', amount, ' '), '' ORDER BY leg) AS short,
            string_agg(concat_ws(',', leg, currency, amount, debit_account, debit_version, debit_before,
                credit_account, credit_version, credit_before), ';' ORDER BY leg) AS full
        FROM legs l GROUP BY l.transaction_id
    )
    SELECT t.transaction_id, t.chain, t.link, wallet.content(t.transaction_id, t.kind, t.account_id, t.account_version,
        t.currency, t.taken, t.given, t.balance_after, t.created_at, t.details,
        CASE t.kind WHEN 'round' THEN '' ELSE told.short END), told.full, told.rows
    FROM (
        SELECT * FROM wallet.transactions j WHERE j.transaction_id >= p_from AND j.transaction_id < p_to
        UNION ALL
        SELECT s.transaction_id, kind, account_id, account_version, currency, taken, given, balance_after, s.chain,
            s.link, details, created_at, xact, position
        FROM wallet.sealed_transactions s WHERE s.sealed_in = p_carried) AS t
    LEFT JOIN told USING (transaction_id)
$$;

-- What a stretch of the journal did with jackpots: what its rounds say that they owe, in millionths, and what was posted.
-- A seal keeps it, since a jackpot is held against all that there ever was of it (casino jackpots reconcile).
CREATE FUNCTION wallet.jackpots_of(p_from uuid, p_to uuid)
RETURNS TABLE (name text, currency text, rounds bigint, micros numeric, contributions numeric, seeds numeric,
    wins numeric, others numeric)
LANGUAGE sql STABLE AS $$
    WITH owed AS (
        SELECT t.details -> 'jackpot' ->> 'name' AS name, t.currency, count(*) AS rounds,
            sum((t.details -> 'jackpot' ->> 'micros')::numeric) AS micros
        FROM wallet.transactions t
        WHERE t.kind = 'round' AND t.details ? 'jackpot'
            AND t.transaction_id >= p_from AND (t.transaction_id < p_to OR p_to IS NULL)
        GROUP BY 1, 2
    ), moved AS (
        SELECT a.name, a.currency,
            sum(side.amount) FILTER (WHERE t.kind = 'jackpot_contribution') AS contributions,
            sum(side.amount) FILTER (WHERE t.kind = 'jackpot_seed') AS seeds,
            -sum(side.amount) FILTER (WHERE t.kind = 'jackpot_win') AS wins,
            sum(side.amount) FILTER (WHERE t.kind NOT IN ('jackpot_contribution', 'jackpot_seed', 'jackpot_win'))
                AS others
        FROM wallet.accounts a JOIN wallet.entries side USING (account_id)
        JOIN wallet.transactions t USING (transaction_id)
        WHERE a.player_id IS NULL AND a.kind = 'jackpot'
            AND side.transaction_id >= p_from AND (side.transaction_id < p_to OR p_to IS NULL)
        GROUP BY 1, 2
    )
    SELECT name, currency, coalesce(o.rounds, 0), coalesce(o.micros, 0), coalesce(m.contributions, 0),
        coalesce(m.seeds, 0), coalesce(m.wins, 0), coalesce(m.others, 0)
    FROM owed o FULL JOIN moved m USING (name, currency)
$$;

-- What a seal's document says of them; null of nothing.
CREATE FUNCTION wallet.journal_digest(p_from uuid, p_to uuid, p_carried date) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT encode(wallet.chain_from('', concat(j.chain, ',', j.link, '|', j.content, '#', j.postings)
        ORDER BY j.chain, j.link), 'hex') FROM wallet.journal_of(p_from, p_to, p_carried) j
$$;
CREATE FUNCTION wallet.chains_digest(p_month date) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT encode(wallet.chain_from('', concat_ws(',', chain, links, encode(head, 'hex')) ORDER BY chain), 'hex')
    FROM wallet.sealed_chains WHERE month = p_month
$$;
CREATE FUNCTION wallet.accounts_digest(p_month date) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT encode(wallet.chain_from('', concat_ws(',', account_id, version, balance) ORDER BY account_id), 'hex')
    FROM wallet.sealed_accounts WHERE month = p_month
$$;

-- The accounts of a sealed month and of what was carried into it: where its rows find each one, and where they leave it.
CREATE FUNCTION wallet.accounts_of(p_month date)
RETURNS TABLE (account_id bigint, opening_version bigint, opening_balance bigint, version bigint, balance bigint)
LANGUAGE sql STABLE AS $$
    WITH legs AS (
        SELECT p.debit_account, p.credit_account FROM wallet.postings p
        WHERE p.transaction_id >= wallet.month_floor(p_month)
            AND p.transaction_id < wallet.month_floor(wallet.next_month(p_month))
        UNION ALL
        SELECT s.debit_account, s.credit_account FROM wallet.sealed_postings s
        WHERE s.sealed_in = p_month - interval '1 month'
    ), moved AS (
        SELECT debit_account AS account_id FROM legs UNION SELECT credit_account FROM legs
    )
    SELECT m.account_id, coalesce(b.version, 0), coalesce(b.balance, 0), coalesce(c.version, 0), coalesce(c.balance, 0)
    FROM moved m
    LEFT JOIN LATERAL (SELECT * FROM wallet.sealed_accounts s WHERE s.account_id = m.account_id
        AND s.month < p_month ORDER BY s.month DESC LIMIT 1) AS b ON true
    LEFT JOIN LATERAL (SELECT * FROM wallet.sealed_accounts s WHERE s.account_id = m.account_id
        AND s.month <= p_month ORDER BY s.month DESC LIMIT 1) AS c ON true
$$;

-- Why a month cannot be sealed yet; null when it can.
CREATE FUNCTION wallet.unsettled(p_month date) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    first  uuid := wallet.month_floor(p_month);
    after  uuid := wallet.month_floor(wallet.next_month(p_month));
    latest date := (SELECT max(month) FROM wallet.seals);
    found  bigint;
BEGIN
    IF p_month <> date_trunc('month', p_month)
            OR wallet.next_month(p_month)::timestamp AT TIME ZONE 'UTC' > clock_timestamp() - interval '3 days' THEN
        RETURN 'it is not over since three days';
    END IF;
    IF latest IS NOT NULL AND latest <> p_month - interval '1 month' THEN
        RETURN 'months are sealed one after the other: ' || to_char(wallet.next_month(latest), 'YYYY-MM') || ' is next';
    END IF;
    IF latest IS NULL AND EXISTS (SELECT FROM wallet.transactions t WHERE t.transaction_id < first) THEN
        RETURN 'months are sealed one after the other, and there is an older one';
    END IF;
    IF NOT wallet.is_attached(p_month) THEN
        RETURN 'the journal has no tables of it';
    END IF;
    SELECT count(*) INTO found FROM wallet.holds h
        WHERE h.status = 'open' AND h.opened_by IS NOT NULL AND h.opened_by < after;
    IF found > 0 THEN
        RETURN format('%s bets or withdrawals of it are open', found);
    END IF;
    SELECT count(*) INTO found FROM wallet.payments p
        WHERE p.created_at < wallet.next_month(p_month)::timestamp AT TIME ZONE 'UTC'
            AND p.state IN ('initiated', 'processing', 'authorized', 'refunding', 'sending_back', 'requested',
                'approved', 'pending_review');
    IF found > 0 THEN
        RETURN format('%s payments of it are under way', found);
    END IF;
    RETURN NULL;
END $$;

-- Seals a month, once; a sealed one is answered as it stands. The caller verifies the ledger first: this takes the journal
-- at its word.
CREATE FUNCTION wallet.seal_month(p_month date) RETURNS wallet.seals
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    sealed   wallet.seals;
    reason   text;
    previous date := (SELECT max(month) FROM wallet.seals WHERE month < p_month);
    first    uuid := wallet.month_floor(p_month);
    after    uuid := wallet.month_floor(wallet.next_month(p_month));
    told     jsonb;
BEGIN
    PERFORM pg_advisory_xact_lock(7246155903);
    SELECT * INTO sealed FROM wallet.seals WHERE month = p_month;
    IF FOUND THEN
        RETURN sealed;
    END IF;
    reason := wallet.unsettled(p_month);
    IF reason IS NOT NULL THEN
        RAISE EXCEPTION '% is not sealed: %', to_char(p_month, 'YYYY-MM'), reason
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    -- The tables below point to the seal, which is known last.
    SET CONSTRAINTS ALL DEFERRED;
    WITH chained AS (
        SELECT j.chain, j.link, j.content, coalesce(b.links, 0) AS links, coalesce(b.head, '') AS head,
            j.link - coalesce(b.links, 0) = row_number() OVER (PARTITION BY j.chain ORDER BY j.link) AS closed
        FROM wallet.journal_of(first, after, previous) j
        LEFT JOIN wallet.sealed_chains b ON b.chain = j.chain AND b.month = previous
        WHERE j.link > coalesce(b.links, 0)
    ), grown AS (
        SELECT chain, min(links) + count(*) AS links, wallet.chain_from(head, content ORDER BY link) AS head
        FROM chained WHERE closed GROUP BY chain
    )
    INSERT INTO wallet.sealed_chains
    SELECT p_month, coalesce(g.chain, b.chain), coalesce(g.links, b.links), coalesce(g.head, b.head)
    FROM grown g FULL JOIN (SELECT * FROM wallet.sealed_chains WHERE month = previous) AS b USING (chain);

    WITH legs AS (
        SELECT * FROM wallet.postings p WHERE p.transaction_id >= first AND p.transaction_id < after
        UNION ALL
        SELECT transaction_id, leg, currency, amount, debit_account, debit_version, debit_before, debit_after,
            credit_account, credit_version, credit_before, credit_after
        FROM wallet.sealed_postings WHERE sealed_in = previous
    ), entries AS (
        SELECT debit_account AS account_id, debit_version AS version, -amount AS amount FROM legs
        UNION ALL SELECT credit_account, credit_version, amount FROM legs
    ), opened AS (
        SELECT DISTINCT ON (account_id) account_id, version, balance FROM wallet.sealed_accounts
        WHERE month <= previous ORDER BY account_id, month DESC
    ), counted AS (
        SELECT e.account_id, e.amount, coalesce(o.version, 0) AS opening, coalesce(o.balance, 0) AS balance,
            e.version - coalesce(o.version, 0) = row_number() OVER (PARTITION BY e.account_id ORDER BY e.version) AS closed
        FROM entries e LEFT JOIN opened o USING (account_id) WHERE e.version > coalesce(o.version, 0)
    )
    INSERT INTO wallet.sealed_accounts
    SELECT p_month, account_id, min(opening) + count(*), (min(balance) + sum(amount))::bigint
    FROM counted WHERE closed GROUP BY account_id;

    INSERT INTO wallet.sealed_postings
    WITH legs AS (
        SELECT * FROM wallet.postings p WHERE p.transaction_id >= first AND p.transaction_id < after
        UNION ALL
        SELECT transaction_id, leg, currency, amount, debit_account, debit_version, debit_before, debit_after,
            credit_account, credit_version, credit_before, credit_after
        FROM wallet.sealed_postings WHERE sealed_in = previous
    ), closed AS (
        SELECT DISTINCT ON (account_id) account_id, version FROM wallet.sealed_accounts
        WHERE month <= p_month ORDER BY account_id, month DESC
    ), beyond AS (
        SELECT l.transaction_id FROM legs l
        LEFT JOIN closed d ON d.account_id = l.debit_account LEFT JOIN closed c ON c.account_id = l.credit_account
        WHERE l.debit_version > coalesce(d.version, 0) OR l.credit_version > coalesce(c.version, 0)
        UNION
        SELECT j.transaction_id FROM wallet.journal_of(first, after, previous) j
        LEFT JOIN wallet.sealed_chains s ON s.chain = j.chain AND s.month = p_month WHERE j.link > coalesce(s.links, 0)
    )
    SELECT p_month, l.* FROM legs l JOIN beyond USING (transaction_id);
    INSERT INTO wallet.sealed_transactions
    SELECT p_month, t.* FROM wallet.transactions t
        WHERE t.transaction_id IN (SELECT s.transaction_id FROM wallet.sealed_postings s WHERE s.sealed_in = p_month)
            AND t.transaction_id >= first AND t.transaction_id < after
    UNION ALL
    SELECT p_month, transaction_id, kind, account_id, account_version, currency, taken, given, balance_after, chain, link,
        details, created_at, xact, position
    FROM wallet.sealed_transactions t WHERE t.sealed_in = previous
        AND t.transaction_id IN (SELECT s.transaction_id FROM wallet.sealed_postings s WHERE s.sealed_in = p_month);

    SELECT jsonb_build_object(
        'month', to_char(p_month, 'YYYY-MM'),
        'previous', (SELECT encode(digest, 'hex') FROM wallet.seals WHERE month = previous),
        'transactions', (SELECT count(*) FROM wallet.transactions WHERE transaction_id >= first AND transaction_id < after),
        'postings', (SELECT count(*) FROM wallet.postings WHERE transaction_id >= first AND transaction_id < after),
        'sums', (SELECT coalesce(jsonb_agg(s ORDER BY s.kind, s.currency), '[]') FROM (
            SELECT kind, currency, count(*) AS transactions, sum(taken) AS taken, sum(given) AS given
            FROM wallet.transactions WHERE transaction_id >= first AND transaction_id < after
            GROUP BY kind, currency) AS s),
        'jackpots', (SELECT coalesce(jsonb_agg(j ORDER BY j.name, j.currency), '[]')
            FROM wallet.jackpots_of(first, after) AS j),
        'carried', (SELECT document::jsonb ->> 'beyond' FROM wallet.seals WHERE month = previous),
        'beyond', wallet.journal_digest(first, first, p_month),
        'journal', wallet.journal_digest(first, after, NULL),
        'chains', wallet.chains_digest(p_month),
        'accounts', wallet.accounts_digest(p_month),
        'openings', (SELECT encode(wallet.chain_from('', concat_ws(',', account_id, opening_version, opening_balance)
            ORDER BY account_id), 'hex') FROM wallet.accounts_of(p_month))) INTO told;
    INSERT INTO wallet.seals (month, document, digest)
        VALUES (p_month, told::text, sha256(convert_to(told::text, 'UTF8'))) RETURNING * INTO sealed;
    RETURN sealed;
END $$;

CREATE FUNCTION wallet.record_export(p_month date, p_sha256 bytea, p_bytes bigint, p_name text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO wallet.exports (month, sha256, bytes, name) VALUES (p_month, p_sha256, p_bytes, p_name)
        ON CONFLICT DO NOTHING
$$;

CREATE FUNCTION wallet.held(p_month date) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT min(h.reason) FROM wallet.legal_holds h
    WHERE h.lifts IS NULL AND (h.month IS NULL OR h.month = p_month)
        AND NOT EXISTS (SELECT FROM wallet.legal_holds l WHERE l.lifts = h.hold_id)
$$;

-- The three steps of a month's end. They run with the rights of who calls them, and only the owner has those that they
-- need; the owner calls them after it has verified the file itself (casino ledger retire).
CREATE FUNCTION wallet.begin_retirement(p_month date, p_years integer, p_export bytea, p_digest bytea) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    reason text;
BEGIN
    reason := CASE
        WHEN NOT EXISTS (SELECT FROM wallet.seals WHERE month = p_month AND digest = p_digest)
            THEN 'it has no seal, or another one than the file'
        WHEN NOT EXISTS (SELECT FROM wallet.exports WHERE month = p_month AND sha256 = p_export)
            THEN 'no export of this file was recorded when it was made'
        WHEN coalesce(p_years, -1) < 0 THEN 'the rules name no retention'
        WHEN wallet.next_month(p_month)::timestamp AT TIME ZONE 'UTC' + make_interval(years => p_years) > clock_timestamp()
            THEN format('it is kept for %s years', p_years)
        WHEN wallet.held(p_month) IS NOT NULL THEN 'a legal hold keeps it: ' || wallet.held(p_month)
        WHEN EXISTS (SELECT FROM wallet.transactions WHERE transaction_id < wallet.month_floor(p_month))
            THEN 'an older month is still there'
    END;
    IF reason IS NOT NULL THEN
        RAISE EXCEPTION '% stays: %', to_char(p_month, 'YYYY-MM'), reason
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    INSERT INTO wallet.retirements (month, step, export) VALUES (p_month, 'detached', p_export) ON CONFLICT DO NOTHING;
END $$;

-- What stands for the transactions of detached months goes with them: keys of their requests, and holds that they
-- resolved. Not those of a jackpot's seeds: they say that it was begun, and count its cycles. Both are walked in stretches of pages, each a short transaction.
CREATE FUNCTION wallet.retired_before() RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT wallet.month_floor(wallet.next_month(max(month))) FROM wallet.retirements),
        '00000000-0000-0000-0000-000000000000'::uuid)
$$;
DROP TRIGGER never_deleted ON wallet.holds;
CREATE TRIGGER never_deleted BEFORE DELETE ON wallet.holds FOR EACH ROW
    WHEN (OLD.status = 'open' OR OLD.resolved_by IS NULL OR OLD.resolved_by >= wallet.retired_before())
    EXECUTE FUNCTION wallet.refuse_rewrite();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON wallet.holds
    FOR EACH STATEMENT EXECUTE FUNCTION wallet.refuse_rewrite();
CREATE FUNCTION wallet.forget(p_page bigint, p_pages integer, OUT gone bigint, OUT more boolean)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    first  tid  := format('(%s,0)', p_page);
    after  tid  := format('(%s,0)', p_page + p_pages);
    before uuid := wallet.retired_before();
    holds  bigint;
BEGIN
    DELETE FROM wallet.request_keys k WHERE k.ctid >= first AND k.ctid < after AND k.transaction_id < before
        AND k.kind <> 'jackpot_seed';
    GET DIAGNOSTICS gone = ROW_COUNT;
    DELETE FROM wallet.holds h
        WHERE h.ctid >= first AND h.ctid < after AND h.status <> 'open' AND h.resolved_by < before;
    GET DIAGNOSTICS holds = ROW_COUNT;
    gone := gone + holds;
    more := (p_page + p_pages) * current_setting('block_size')::integer
        < greatest(pg_relation_size('wallet.request_keys'), pg_relation_size('wallet.holds'));
END $$;

CREATE FUNCTION wallet.drop_month(p_month date) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    done   wallet.retirements;
    reason text;
BEGIN
    SELECT * INTO done FROM wallet.retirements WHERE month = p_month AND step = 'detached';
    reason := CASE
        WHEN done.month IS NULL OR wallet.is_attached(p_month) THEN 'it is not detached'
        WHEN wallet.held(p_month) IS NOT NULL THEN 'a legal hold keeps it: ' || wallet.held(p_month)
    END;
    IF reason IS NOT NULL THEN
        RAISE EXCEPTION '% stays: %', to_char(p_month, 'YYYY-MM'), reason
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    EXECUTE format('DROP TABLE IF EXISTS wallet.transactions_%1$s, wallet.postings_%1$s',
        to_char(p_month, '"y"YYYY"m"MM'));
    INSERT INTO wallet.retirements (month, step, export) VALUES (p_month, 'dropped', done.export)
        ON CONFLICT DO NOTHING;
END $$;
