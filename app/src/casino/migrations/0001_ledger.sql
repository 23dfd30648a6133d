-- The ledger. Its invariants are in docs/ledger.md; what a name means is told here once.
--   amount   signed minor units; positive raises what the casino owes the account's owner (a credit)
--   version  how many entries an account has; entry n of an account moves it from version n-1 to n
--   chain    every transaction is a link of one hash chain; a chain ends in the row of a house account
CREATE SCHEMA wallet;

-- Money of every sort is an integer of its currency's smallest unit kept here: 10**exponent of them are one whole. A
-- bigint holds 9.2 billion whole units at nine decimals, which is why a coin with more is kept to nine.
CREATE TABLE wallet.currencies (
    currency text     PRIMARY KEY CHECK (currency ~ '^[A-Z][A-Z0-9]{2,7}$'),
    exponent smallint NOT NULL CHECK (exponent BETWEEN 0 AND 9)
);

-- Which accounts there are. A player's may never be below zero; the casino's are sharded, since one row would
-- serialise whoever touches it through its commit.
CREATE TABLE wallet.account_kinds (
    kind      text    PRIMARY KEY,
    of_player boolean NOT NULL,
    named     boolean NOT NULL,  -- whether there are several, told apart by name: a provider, a jackpot
    meaning   text    NOT NULL
);
INSERT INTO wallet.account_kinds VALUES
    ('player_cash',       true,  false, 'what the player may stake or withdraw'),
    ('player_bonus',      true,  false, 'granted, and not yet wagered as often as the bonus asks'),
    ('player_locked',     true,  false, 'won with bonus money, and released or forfeited with it'),
    ('player_stakes',     true,  false, 'staked in rounds that are not over'),
    ('player_withdrawal', true,  false, 'asked back, and not yet paid out'),
    ('house',             false, false, 'the casino''s own: stakes minus wins, which is GGR'),
    ('jackpot',           false, true,  'what players have paid into a jackpot and nobody has won'),
    ('psp_clearing',      false, true,  'minus what a provider has captured and owes the casino'),
    ('fx',                false, false, 'the position in a currency that exchanges have left'),
    ('tax',               false, true,  'owed to an authority'),
    ('fees',              false, true,  'charged by a provider, or to a player by the terms'),
    ('bonus_cost',        false, false, 'what bonuses have cost'),
    ('adjustment',        false, false, 'corrections, each with its reason'),
    ('opening',           false, true,  'balances that came from another casino''s books');

CREATE TABLE wallet.accounts (
    account_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind         text        NOT NULL,
    player_id    uuid,
    name         text,
    shard        smallint,
    currency     text        NOT NULL,
    status       text        NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'frozen', 'closed')),
    balance      bigint      NOT NULL DEFAULT 0,
    version      bigint      NOT NULL DEFAULT 0,
    last_bet_at  timestamptz,
    barred_until timestamptz,                 -- no stake before; 'infinity' where there is no end
    stake_cap    bigint CHECK (stake_cap >= 0),
    carry        bigint      NOT NULL DEFAULT 0 CHECK (carry >= 0),  -- of a jackpot: millionths of a unit, not yet posted
    links        bigint      NOT NULL DEFAULT 0,
    head         bytea       NOT NULL DEFAULT '\x',
    opened_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT no_negative_player_balance CHECK (player_id IS NULL OR balance >= 0)
) WITH (fillfactor = 50);
-- Half-full pages keep the updates of balances inside their page (HOT), away from the indexes.
CREATE UNIQUE INDEX accounts_player ON wallet.accounts (player_id, kind, currency) WHERE player_id IS NOT NULL;
CREATE UNIQUE INDEX accounts_casino ON wallet.accounts (kind, currency, shard, coalesce(name, ''))
    WHERE player_id IS NULL;

-- What never changes once an account is open is checked when it opens, and when somebody tries to change it after all.
-- As a row constraint it was parsed and checked with every bet, which took 6 % of one.
CREATE FUNCTION wallet.check_owner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM wallet.account_kinds k WHERE k.kind = NEW.kind
            AND k.of_player = (NEW.player_id IS NOT NULL) AND k.of_player = (NEW.shard IS NULL)
            AND k.named = (NEW.name IS NOT NULL)
    ) OR NOT EXISTS (SELECT FROM wallet.currencies c WHERE c.currency = NEW.currency) THEN
        RAISE EXCEPTION 'an account of kind % in % has another owner than its kind has, or an unknown currency',
            NEW.kind, NEW.currency USING ERRCODE = 'check_violation', CONSTRAINT = 'owner_matches_kind';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER owner_matches_kind BEFORE INSERT OR UPDATE OF kind, player_id, name, shard, currency ON wallet.accounts
    FOR EACH ROW EXECUTE FUNCTION wallet.check_owner();

-- The journal is also what tells other modules of what happened: `xact` and `position` are what they read it by
-- (0007). Positions are drawn with the accounts' rows locked, so those of one account are in its order.
CREATE SEQUENCE wallet.positions;

-- The journal, by month: identifiers are uuid version 7 and begin with their time, so a month is a range of them.
-- No foreign keys in it: only the functions of this schema write it, with the accounts' rows locked, and
-- `ledger verify` looks for orphans.
CREATE TABLE wallet.transactions (
    transaction_id  uuid        PRIMARY KEY,
    kind            text        NOT NULL,
    account_id      bigint      NOT NULL,  -- the player's cash account; of a movement of the casino's own, its first
    account_version bigint      NOT NULL,  -- that account after it: the order of a player's history
    currency        text        NOT NULL,
    taken           bigint      NOT NULL CHECK (taken >= 0),  -- went from the player's accounts to the casino's,
    given           bigint      NOT NULL CHECK (given >= 0),  -- and came from those: of a round, its stake and win
    balance_after   bigint      NOT NULL,
    chain           bigint      NOT NULL,  -- the house account whose row is the chain's end, and the number in it
    link            bigint      NOT NULL,
    details         jsonb       NOT NULL,
    created_at      timestamptz NOT NULL,
    xact            xid8        NOT NULL DEFAULT pg_current_xact_id(),
    position        bigint      NOT NULL DEFAULT nextval('wallet.positions')
) PARTITION BY RANGE (transaction_id);

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
    credit_after   bigint   NOT NULL CHECK (credit_after = credit_before + amount)
) PARTITION BY RANGE (transaction_id);

-- Which request made which transaction. Not by month: a key that comes again after the month's end is still known.
CREATE TABLE wallet.request_keys (
    account_id     bigint NOT NULL,
    kind           text   NOT NULL,
    key            text   NOT NULL CHECK (char_length(key) BETWEEN 1 AND 128),
    request_hash   bytea  NOT NULL CHECK (octet_length(request_hash) = 32),
    transaction_id uuid   NOT NULL,
    PRIMARY KEY (account_id, kind, key)
);

-- The same by account: entry number `version` of an account, with the balance before and after it.
CREATE VIEW wallet.entries AS
    SELECT debit_account AS account_id, debit_version AS version, transaction_id, leg, currency, -amount AS amount,
           debit_before AS balance_before, debit_after AS balance_after
    FROM wallet.postings
    UNION ALL
    SELECT credit_account, credit_version, transaction_id, leg, currency, amount, credit_before, credit_after
    FROM wallet.postings;

-- First wall: nobody but the ledger's functions may write. Second wall: not even they may rewrite history.
CREATE FUNCTION wallet.refuse_rewrite() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only: % on wallet.% is refused; correct by a reversal',
        TG_OP, TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON wallet.transactions
    FOR EACH STATEMENT EXECUTE FUNCTION wallet.refuse_rewrite();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON wallet.postings
    FOR EACH STATEMENT EXECUTE FUNCTION wallet.refuse_rewrite();
CREATE TRIGGER never_changed BEFORE UPDATE OR TRUNCATE ON wallet.request_keys
    FOR EACH STATEMENT EXECUTE FUNCTION wallet.refuse_rewrite();
CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON wallet.accounts
    FOR EACH STATEMENT EXECUTE FUNCTION wallet.refuse_rewrite();

-- The smallest uuid of version 7 of a moment, and a new one of it.
CREATE FUNCTION wallet.uuid7_floor(p_at timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex(floor(extract(epoch FROM p_at) * 1000)::bigint), 12, '0') || '70008000000000000000')::uuid
$$;
CREATE FUNCTION wallet.uuid7(p_at timestamptz DEFAULT clock_timestamp()) RETURNS uuid LANGUAGE sql VOLATILE AS $$
    SELECT (left(replace(wallet.uuid7_floor(p_at)::text, '-', ''), 13)
        || substr(replace(gen_random_uuid()::text, '-', ''), 14))::uuid
$$;

-- The months from this one until `p_until`: a table each for transactions and postings. Answers how many it made. It
-- is made apart and then attached, so that bets are not kept waiting for more than a moment.
CREATE FUNCTION wallet.make_months(p_until date) RETURNS integer
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
            CREATE INDEX transactions_%1$s_xact ON wallet.transactions_%1$s (xact);
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
SELECT wallet.make_months((now() + interval '1 year')::date);

-- Links of a chain: what each transaction says, hashed with what came before it. A batch's, and all of a chain's.
CREATE FUNCTION wallet.link(p_head bytea, p_content text) RETURNS bytea LANGUAGE sql IMMUTABLE
AS $$ SELECT sha256(p_head || convert_to(p_content, 'UTF8')) $$;
CREATE FUNCTION wallet.fold(p_head bytea, p_contents text[]) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    content text;
BEGIN
    FOREACH content IN ARRAY p_contents LOOP
        p_head := sha256(p_head || convert_to(content, 'UTF8'));
    END LOOP;
    RETURN p_head;
END $$;
CREATE AGGREGATE wallet.chain (text) (SFUNC = wallet.link, STYPE = bytea, INITCOND = '');
-- What a transaction says. `p_legs` are its postings, `debit>credit:amount` each, in order; a round's follow from it.
CREATE FUNCTION wallet.content(
    p_transaction uuid, p_kind text, p_account bigint, p_version bigint, p_currency text, p_taken bigint, p_given bigint,
    p_balance bigint, p_at timestamptz, p_details jsonb, p_legs text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT concat_ws('|', p_transaction, p_kind, p_account, p_version, p_currency, p_taken, p_given, p_balance,
        extract(epoch FROM p_at), p_details, p_legs)
$$;

CREATE FUNCTION wallet.add_currency(p_currency text, p_exponent smallint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO wallet.currencies VALUES (p_currency, p_exponent) ON CONFLICT DO NOTHING;
    IF (SELECT exponent FROM wallet.currencies WHERE currency = p_currency) <> p_exponent THEN
        RAISE EXCEPTION '% has another exponent already: amounts in the ledger would change their meaning', p_currency
            USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO wallet.accounts (kind, currency, shard)
        SELECT 'house', p_currency, shard FROM generate_series(0, 63) AS shard
        ON CONFLICT DO NOTHING;
END $$;

-- A player's account of a kind, opened where it is not there yet.
CREATE FUNCTION wallet.open_player_account(p_player uuid, p_currency text, p_kind text DEFAULT 'player_cash')
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found bigint;
BEGIN
    -- Looked for first: it is there nearly always, and an insert that meets it would use up a number.
    SELECT a.account_id INTO found FROM wallet.accounts a
        WHERE a.player_id = p_player AND a.kind = p_kind AND a.currency = p_currency;
    IF found IS NULL THEN
        INSERT INTO wallet.accounts (kind, player_id, currency) VALUES (p_kind, p_player, p_currency)
            ON CONFLICT DO NOTHING RETURNING account_id INTO found;
        RETURN coalesce(found, wallet.open_player_account(p_player, p_currency, p_kind));
    END IF;
    RETURN found;
END $$;

-- Its answer goes into a variable before it is looked up: an account that a statement opens is not seen by that statement.
-- An account of the casino's: of a kind there are 64, and a server process has the one of its number, so that two
-- movements at one moment practically never meet on a row. Opened where it is not there yet.
CREATE FUNCTION wallet.open_casino_account(p_kind text, p_currency text, p_name text DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    mine  smallint := pg_backend_pid() & 63;
    found bigint;
BEGIN
    SELECT a.account_id INTO found FROM wallet.accounts a
        WHERE a.player_id IS NULL AND a.kind = p_kind AND a.currency = p_currency AND a.shard = mine
            AND coalesce(a.name, '') = coalesce(p_name, '');
    IF found IS NULL THEN
        INSERT INTO wallet.accounts (kind, name, currency, shard) VALUES (p_kind, p_name, p_currency, mine)
            ON CONFLICT DO NOTHING RETURNING account_id INTO found;
        RETURN coalesce(found, wallet.open_casino_account(p_kind, p_currency, p_name));
    END IF;
    RETURN found;
END $$;

-- What keeps a player from playing stands in the row that a stake locks. It only ever tightens: a later end, a lower
-- cap. Loosening is another function, for who has waited as long as the law says.
CREATE FUNCTION wallet.restrict(p_account bigint, p_barred_until timestamptz, p_stake_cap bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE wallet.accounts a SET barred_until = greatest(a.barred_until, p_barred_until),
            stake_cap = least(a.stake_cap, p_stake_cap)
        WHERE a.account_id = p_account AND a.kind = 'player_cash';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'account % is no player''s cash account', p_account USING ERRCODE = 'no_data_found';
    END IF;
END $$;
CREATE FUNCTION wallet.loosen(p_account bigint, p_barred_until timestamptz, p_stake_cap bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE wallet.accounts a SET barred_until = p_barred_until, stake_cap = p_stake_cap
        WHERE a.account_id = p_account AND a.kind = 'player_cash';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'account % is no player''s cash account', p_account USING ERRCODE = 'no_data_found';
    END IF;
END $$;
