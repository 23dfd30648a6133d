-- The ledger. Its invariants are in docs/ledger.md; what a name means is told here once.
--   amount   signed minor units; positive raises what the casino owes the account's owner (a credit)
--   version  how many entries an account has; entry n of an account moves it from version n-1 to n
CREATE SCHEMA wallet;

CREATE TABLE wallet.accounts (
    account_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind        text        NOT NULL,
    player_id   uuid,
    provider    text,
    shard       smallint,
    currency    text        NOT NULL CHECK (char_length(currency) = 3),
    status      text        NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'frozen', 'closed')),
    balance     bigint      NOT NULL DEFAULT 0,
    version     bigint      NOT NULL DEFAULT 0,
    last_bet_at timestamptz,
    opened_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (account_id, currency),
    CONSTRAINT owner_matches_kind CHECK (CASE kind
        WHEN 'player_cash'  THEN player_id IS NOT NULL AND provider IS NULL     AND shard IS NULL
        WHEN 'house'        THEN player_id IS NULL     AND provider IS NULL     AND shard IS NOT NULL
        WHEN 'psp_clearing' THEN player_id IS NULL     AND provider IS NOT NULL AND shard IS NOT NULL
        ELSE false END),
    CONSTRAINT no_negative_player_balance CHECK (kind <> 'player_cash' OR balance >= 0)
) WITH (fillfactor = 50);
-- Half-full pages keep the updates of balances inside their page (HOT), away from the indexes.
CREATE UNIQUE INDEX accounts_player ON wallet.accounts (player_id, currency) WHERE kind = 'player_cash';
CREATE UNIQUE INDEX accounts_house ON wallet.accounts (currency, shard) WHERE kind = 'house';
CREATE UNIQUE INDEX accounts_clearing ON wallet.accounts (provider, currency, shard) WHERE kind = 'psp_clearing';

CREATE TABLE wallet.transactions (
    transaction_id  uuid        PRIMARY KEY,  -- version 7: grows with time, so its index grows at one end
    kind            text        NOT NULL CHECK (kind IN ('round', 'deposit')),
    account_id      bigint      NOT NULL,     -- no foreign keys in the journal: only the functions below write it, with
                                              -- the accounts' rows locked, and `ledger verify` looks for orphans
    account_version bigint      NOT NULL,     -- the player's account after it: the order of a player's history
    idempotency_key text        NOT NULL CHECK (char_length(idempotency_key) BETWEEN 1 AND 128),
    request_hash    bytea       NOT NULL CHECK (octet_length(request_hash) = 32),
    currency        text        NOT NULL,
    stake           bigint      NOT NULL CHECK (stake >= 0),
    win             bigint      NOT NULL CHECK (win >= 0),
    balance_after   bigint      NOT NULL,
    details         jsonb       NOT NULL,
    created_at      timestamptz NOT NULL,
    CONSTRAINT one_per_key UNIQUE (account_id, kind, idempotency_key)
);

-- A posting is both its entries in one row, so an unbalanced one cannot be written down: amount leaves one account's
-- balance and joins another's, in one currency. (docs/ledger.md tells what the alternatives cost.)
CREATE TABLE wallet.postings (
    transaction_id uuid     NOT NULL,
    leg            smallint NOT NULL CHECK (leg > 0),
    currency       text     NOT NULL,
    amount         bigint   NOT NULL CHECK (amount > 0),
    debit_account  bigint   NOT NULL,
    debit_version  bigint   NOT NULL CHECK (debit_version > 0),
    debit_before   bigint   NOT NULL,
    debit_after    bigint   NOT NULL CHECK (debit_after = debit_before - amount),
    credit_account bigint   NOT NULL CHECK (credit_account <> debit_account),
    credit_version bigint   NOT NULL CHECK (credit_version > 0),
    credit_before  bigint   NOT NULL,
    credit_after   bigint   NOT NULL CHECK (credit_after = credit_before + amount),
    CONSTRAINT debit_once UNIQUE (debit_account, debit_version),
    CONSTRAINT credit_once UNIQUE (credit_account, credit_version)
);
-- Enough to find a transaction's postings for an auditor, and almost free to keep.
CREATE INDEX postings_transaction ON wallet.postings USING brin (transaction_id);

-- The same by account: entry number `version` of an account, with the balance before and after it.
CREATE VIEW wallet.entries AS
    SELECT debit_account AS account_id, debit_version AS version, transaction_id, leg, currency, -amount AS amount,
           debit_before AS balance_before, debit_after AS balance_after
    FROM wallet.postings
    UNION ALL
    SELECT credit_account, credit_version, transaction_id, leg, currency, amount, credit_before, credit_after
    FROM wallet.postings;

-- First wall: nobody but the owner's functions may write. Second wall: not even they may rewrite history.
CREATE FUNCTION wallet.refuse_rewrite() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only: % on wallet.% is refused; correct by a reversal',
        TG_OP, TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON wallet.transactions
    FOR EACH STATEMENT EXECUTE FUNCTION wallet.refuse_rewrite();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON wallet.postings
    FOR EACH STATEMENT EXECUTE FUNCTION wallet.refuse_rewrite();
CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON wallet.accounts
    FOR EACH STATEMENT EXECUTE FUNCTION wallet.refuse_rewrite();

CREATE FUNCTION wallet.open_player_account(p_player uuid, p_currency text) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO wallet.accounts (kind, player_id, currency) VALUES ('player_cash', p_player, p_currency)
    RETURNING account_id
$$;

-- The casino's own side: 64 rows for each currency and provider, because one row would serialise all bets.
CREATE FUNCTION wallet.open_house_accounts(p_currency text, p_providers text[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO wallet.accounts (kind, currency, shard)
    SELECT 'house', p_currency, shard FROM generate_series(0, 63) AS shard
    ON CONFLICT DO NOTHING;
    INSERT INTO wallet.accounts (kind, provider, currency, shard)
    SELECT 'psp_clearing', provider, p_currency, shard
    FROM unnest(p_providers) AS provider, generate_series(0, 63) AS shard
    ON CONFLICT DO NOTHING;
$$;

-- One round of play: checks, stake and win, in one round trip. Refusals come back as `outcome`, money unmoved:
--   placed | replayed | key_reused | account_unknown | account_not_open | stake_above_limit | cycle_too_short
--   (wait_ms says how long) | insufficient_funds
-- p_stake_cap and p_min_cycle_ms come from rules.json; null means that there is no such limit.
CREATE FUNCTION wallet.place_round(
    p_account bigint, p_key text, p_hash bytea, p_transaction uuid, p_stake bigint, p_win bigint,
    p_stake_cap bigint, p_min_cycle_ms integer, p_details jsonb,
    OUT outcome text, OUT transaction_id uuid, OUT stake bigint, OUT win bigint, OUT balance bigint,
    OUT details jsonb, OUT created_at timestamptz, OUT wait_ms integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    player wallet.accounts;
    house  record;
    past   record;
    at     timestamptz;
    steps  integer := CASE WHEN p_win > 0 THEN 2 ELSE 1 END;
BEGIN
    IF p_stake <= 0 OR p_win < 0 THEN
        RAISE EXCEPTION 'a round has a positive stake and no negative win' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    -- The player's row is the lock: bets of one player follow each other, and a raced key finds the first one's row.
    SELECT * INTO player FROM wallet.accounts a
        WHERE a.account_id = p_account AND a.kind = 'player_cash' FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        outcome := 'account_unknown'; RETURN;
    END IF;
    balance := player.balance;

    SELECT t.transaction_id, t.request_hash, t.stake, t.win, t.balance_after, t.details, t.created_at INTO past
        FROM wallet.transactions t
        WHERE t.account_id = p_account AND t.kind = 'round' AND t.idempotency_key = p_key;
    IF FOUND THEN
        IF past.request_hash <> p_hash THEN
            outcome := 'key_reused'; RETURN;
        END IF;
        outcome := 'replayed'; transaction_id := past.transaction_id; stake := past.stake; win := past.win;
        balance := past.balance_after; details := past.details; created_at := past.created_at;
        RETURN;
    END IF;

    at := clock_timestamp();  -- after the lock was had: now() would be when the waiting began
    IF player.status <> 'open' THEN
        outcome := 'account_not_open'; RETURN;
    END IF;
    IF p_stake > p_stake_cap THEN
        outcome := 'stake_above_limit'; RETURN;
    END IF;
    IF at < player.last_bet_at + p_min_cycle_ms * interval '1 millisecond' THEN
        outcome := 'cycle_too_short';
        wait_ms := ceil(extract(epoch FROM player.last_bet_at - at) * 1000 + p_min_cycle_ms);
        RETURN;
    END IF;
    IF player.balance < p_stake THEN
        outcome := 'insufficient_funds'; RETURN;
    END IF;

    balance := player.balance - p_stake + p_win;
    UPDATE wallet.accounts a SET balance = player.balance - p_stake + p_win, version = player.version + steps,
            last_bet_at = at
        WHERE a.account_id = p_account;
    -- A shard per server process: two bets at the same moment never meet on a house row.
    UPDATE wallet.accounts a SET balance = a.balance + p_stake - p_win, version = a.version + steps
        WHERE a.kind = 'house' AND a.currency = player.currency AND a.shard = (pg_backend_pid() & 63)::smallint
        RETURNING a.account_id, a.balance, a.version INTO STRICT house;

    INSERT INTO wallet.transactions VALUES (p_transaction, 'round', p_account, player.version + steps, p_key, p_hash,
        player.currency, p_stake, p_win, balance, p_details, at);
    -- Player: stake out, then win in. House: the mirror image, from where its row was before this round.
    INSERT INTO wallet.postings VALUES (p_transaction, 1, player.currency, p_stake,
        p_account, player.version + 1, player.balance, player.balance - p_stake,
        house.account_id, house.version - steps + 1, house.balance + p_win - p_stake, house.balance + p_win);
    IF p_win > 0 THEN
        INSERT INTO wallet.postings VALUES (p_transaction, 2, player.currency, p_win,
            house.account_id, house.version, house.balance + p_win, house.balance,
            p_account, player.version + 2, player.balance - p_stake, balance);
    END IF;
    outcome := 'placed'; transaction_id := p_transaction; stake := p_stake; win := p_win;
    details := p_details; created_at := at;
END $$;
