-- Every movement of money but a round: which kinds there are, and the two functions that write one.

-- From which account to which a movement of a kind may go. What is not here cannot be posted.
CREATE TABLE wallet.movements (
    kind   text NOT NULL,
    debit  text NOT NULL REFERENCES wallet.account_kinds,
    credit text NOT NULL REFERENCES wallet.account_kinds,
    PRIMARY KEY (kind, debit, credit)
);
-- Whether it takes an open account: money that is the player's comes in and goes back whatever became of the account.
CREATE TABLE wallet.movement_kinds (
    kind       text    PRIMARY KEY,
    needs_open boolean NOT NULL,
    is_stake   boolean NOT NULL
);
INSERT INTO wallet.movements VALUES
    ('deposit',              'psp_clearing',      'player_cash'),
    ('deposit_refund',       'player_cash',       'psp_clearing'),
    ('refund_failed',        'psp_clearing',      'player_cash'),
    ('chargeback',           'player_cash',       'psp_clearing'),
    ('chargeback',           'house',             'psp_clearing'),
    ('chargeback_won',       'psp_clearing',      'player_cash'),
    ('chargeback_won',       'psp_clearing',      'house'),
    ('withdrawal_request',   'player_cash',       'player_withdrawal'),
    ('withdrawal_release',   'player_withdrawal', 'player_cash'),
    ('withdrawal_paid',      'player_withdrawal', 'psp_clearing'),
    ('withdrawal_paid_late', 'player_cash',       'psp_clearing'),
    ('withdrawal_paid_late', 'house',             'psp_clearing'),
    ('withdrawal_returned',  'psp_clearing',      'player_cash'),
    ('psp_fee',              'house',             'psp_clearing'),
    ('psp_settlement',       'psp_clearing',      'house'),
    ('psp_settlement',       'house',             'psp_clearing'),
    ('bet',                  'player_cash',       'player_stakes'),
    ('bet',                  'player_bonus',      'player_stakes'),
    ('bet_void',             'player_stakes',     'player_cash'),
    ('bet_settled',          'player_stakes',     'house'),
    ('bet_settled',          'house',             'player_cash'),
    ('bet_settled',          'house',             'player_locked'),
    ('win',                  'house',             'player_cash'),
    ('win_reversal',         'player_cash',       'house'),
    ('bet_return',           'house',             'player_cash'),
    ('jackpot_seed',         'house',             'jackpot'),
    ('jackpot_contribution', 'house',             'jackpot'),
    ('jackpot_win',          'jackpot',           'player_cash'),
    ('jackpot_win',          'house',             'player_cash'),
    ('bonus_grant',          'bonus_cost',        'player_bonus'),
    ('bonus_forfeit',        'player_bonus',      'bonus_cost'),
    ('bonus_forfeit',        'player_locked',     'bonus_cost'),
    ('bonus_release',        'player_bonus',      'player_cash'),
    ('bonus_release',        'player_locked',     'player_cash'),
    ('exchange',             'player_cash',       'fx'),
    ('exchange',             'fx',                'player_cash'),
    ('fee',                  'player_cash',       'fees'),
    ('tax',                  'player_cash',       'tax'),
    ('tax',                  'house',             'tax'),
    ('opening_balance',      'opening',           'player_cash'),
    ('opening_balance',      'opening',           'player_bonus'),
    ('adjustment',           'adjustment',        'player_cash'),
    ('adjustment',           'player_cash',       'adjustment'),
    ('adjustment',           'adjustment',        'house'),
    ('adjustment',           'house',             'adjustment');
INSERT INTO wallet.movement_kinds
    SELECT DISTINCT kind, kind IN ('bet', 'withdrawal_request', 'exchange', 'bonus_grant'), kind = 'bet'
    FROM wallet.movements;
INSERT INTO wallet.movement_kinds VALUES ('round', true, true), ('reversal', false, false);

-- A leg between two accounts, and the same before it is known which.
CREATE TYPE wallet.leg AS (debit bigint, credit bigint, currency text, amount bigint);
CREATE TYPE wallet.movement AS (
    debit text, debit_name text, credit text, credit_name text, currency text, amount bigint);

-- Writes a transaction of legs between accounts that the caller has judged, and moves their balances. Locks them in
-- the order of ADR 31: p_account was locked by the caller, then the other players' by their number, then the casino's,
-- then the chain. Raises check_violation where a player's balance would fall below zero.
CREATE FUNCTION wallet.write(
    p_kind text, p_account bigint, p_transaction uuid, p_currency text, p_legs wallet.leg[], p_details jsonb,
    p_at timestamptz) RETURNS wallet.transactions
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    row_     wallet.accounts;
    leg      wallet.leg;
    place    integer := 0;
    balances jsonb := '{}';  -- account: [balance, version]
    giver    bigint[];  -- balance and version, of the one side and the other
    taker    bigint[];
    house    bigint;
    chain    wallet.accounts;
    written  wallet.transactions;
    told     text := '';
    players  bigint[] := '{}';
    taken    bigint := 0;
    given    bigint := 0;
BEGIN
    FOR row_ IN
        SELECT a.* FROM wallet.accounts a
        WHERE a.account_id IN (SELECT l.debit FROM unnest(p_legs) AS l UNION SELECT l.credit FROM unnest(p_legs) AS l)
        ORDER BY a.player_id IS NULL, a.kind = 'house', a.account_id FOR NO KEY UPDATE
    LOOP
        balances := balances || jsonb_build_object(row_.account_id, jsonb_build_array(row_.balance, row_.version));
        IF row_.player_id IS NOT NULL THEN
            players := players || row_.account_id;
        END IF;
    END LOOP;
    house := wallet.open_casino_account('house', p_currency);
    SELECT a.* INTO STRICT chain FROM wallet.accounts a WHERE a.account_id = house FOR NO KEY UPDATE;
    FOREACH leg IN ARRAY p_legs LOOP
        place := place + 1;
        giver := ARRAY[(balances -> leg.debit::text ->> 0)::bigint, (balances -> leg.debit::text ->> 1)::bigint];
        taker := ARRAY[(balances -> leg.credit::text ->> 0)::bigint, (balances -> leg.credit::text ->> 1)::bigint];
        INSERT INTO wallet.postings VALUES (p_transaction, place, leg.currency, leg.amount,
            leg.debit, giver[2] + 1, giver[1], giver[1] - leg.amount,
            leg.credit, taker[2] + 1, taker[1], taker[1] + leg.amount);
        balances := balances || jsonb_build_object(
            leg.debit, jsonb_build_array(giver[1] - leg.amount, giver[2] + 1),
            leg.credit, jsonb_build_array(taker[1] + leg.amount, taker[2] + 1));
        IF leg.debit = ANY (players) AND leg.credit <> ALL (players) THEN
            taken := taken + leg.amount;
        ELSIF leg.credit = ANY (players) AND leg.debit <> ALL (players) THEN
            given := given + leg.amount;
        END IF;
        told := concat(told, leg.debit, '>', leg.credit, ':', leg.amount, ' ');
        -- At once, and not at the end: a leg may not spend what only a later one brings.
        UPDATE wallet.accounts a SET balance = (balances -> a.account_id::text ->> 0)::bigint,
                version = (balances -> a.account_id::text ->> 1)::bigint
            WHERE a.account_id IN (leg.debit, leg.credit);
    END LOOP;
    SELECT p_transaction, p_kind, a.account_id, a.version, p_currency, taken, given, a.balance, chain.account_id,
            chain.links + 1, p_details, p_at, pg_current_xact_id(), nextval('wallet.positions')
        INTO STRICT written FROM wallet.accounts a WHERE a.account_id = p_account;
    UPDATE wallet.accounts a SET links = chain.links + 1, head = wallet.fold(chain.head, ARRAY[wallet.content(
            p_transaction, p_kind, p_account, written.account_version, p_currency, taken, given, written.balance_after, p_at,
            p_details, told)])
        WHERE a.account_id = chain.account_id;
    INSERT INTO wallet.transactions SELECT written.*;
    RETURN written;
END $$;

-- Locks a player's cash account for the transaction, and answers what is in it.
CREATE FUNCTION wallet.lock_cash(p_account bigint) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT a.balance FROM wallet.accounts a
    WHERE a.account_id = p_account AND a.kind = 'player_cash' FOR NO KEY UPDATE
$$;

-- Posts a movement of the player whose cash account is p_account, once for each key. `outcome`:
--   posted | replayed | key_reused | account_unknown | account_not_open | barred | insufficient_funds
-- A player's accounts in it are that player's, in the leg's currency; the casino's are by kind and name. Raises
-- check_violation for a movement that the table above does not allow.
CREATE FUNCTION wallet.post(
    p_kind text, p_account bigint, p_key text, p_hash bytea, p_transaction uuid, p_movements wallet.movement[],
    p_details jsonb,
    OUT outcome text, OUT transaction_id uuid, OUT balance bigint, OUT created_at timestamptz, OUT details jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    player  wallet.accounts;
    past    wallet.request_keys;
    rule    wallet.movement_kinds;
    asked   wallet.movement;
    legs    wallet.leg[] := '{}';
    written wallet.transactions;
    broken  text;
BEGIN
    SELECT * INTO player FROM wallet.accounts a
        WHERE a.account_id = p_account AND a.kind = 'player_cash' FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        outcome := 'account_unknown'; RETURN;
    END IF;
    balance := player.balance;
    SELECT * INTO past FROM wallet.request_keys k
        WHERE k.account_id = p_account AND k.kind = p_kind AND k.key = p_key;
    IF FOUND THEN
        outcome := CASE WHEN past.request_hash = p_hash THEN 'replayed' ELSE 'key_reused' END;
        IF outcome = 'replayed' THEN
            SELECT t.transaction_id, t.balance_after, t.created_at, t.details
                INTO STRICT transaction_id, balance, created_at, details
                FROM wallet.transactions t WHERE t.transaction_id = past.transaction_id;
        END IF;
        RETURN;
    END IF;
    SELECT * INTO rule FROM wallet.movement_kinds m WHERE m.kind = p_kind;
    IF NOT FOUND OR cardinality(p_movements) = 0 THEN
        RAISE EXCEPTION 'there is no movement of kind %, or it moves nothing', p_kind USING ERRCODE = 'check_violation';
    END IF;
    created_at := clock_timestamp();
    IF rule.needs_open AND player.status <> 'open' THEN
        outcome := 'account_not_open'; RETURN;
    END IF;
    IF rule.is_stake AND player.barred_until > created_at THEN
        outcome := 'barred'; RETURN;
    END IF;
    FOREACH asked IN ARRAY p_movements LOOP
        IF NOT EXISTS (SELECT FROM wallet.movements m
                WHERE m.kind = p_kind AND m.debit = asked.debit AND m.credit = asked.credit) THEN
            RAISE EXCEPTION 'a % does not move money from % to %', p_kind, asked.debit, asked.credit
                USING ERRCODE = 'check_violation';
        END IF;
        legs := legs || ROW(
            wallet.side(player.player_id, asked.debit, asked.debit_name, asked.currency),
            wallet.side(player.player_id, asked.credit, asked.credit_name, asked.currency),
            asked.currency, asked.amount)::wallet.leg;
    END LOOP;
    BEGIN
        written := wallet.write(p_kind, p_account, p_transaction, player.currency, legs, p_details, created_at);
    EXCEPTION WHEN check_violation THEN
        -- The balance's constraint alone is an answer; any other check that fails is a fault of the caller's.
        GET STACKED DIAGNOSTICS broken = CONSTRAINT_NAME;
        IF broken <> 'no_negative_player_balance' THEN
            RAISE;
        END IF;
        outcome := 'insufficient_funds'; created_at := NULL; RETURN;
    END;
    INSERT INTO wallet.request_keys VALUES (p_account, p_kind, p_key, p_hash, p_transaction);
    outcome := 'posted'; transaction_id := p_transaction; balance := written.balance_after; details := p_details;
END $$;

CREATE FUNCTION wallet.side(p_player uuid, p_kind text, p_name text, p_currency text) RETURNS bigint
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN (SELECT of_player FROM wallet.account_kinds k WHERE k.kind = p_kind)
        THEN wallet.open_player_account(p_player, p_currency, p_kind)
        ELSE wallet.open_casino_account(p_kind, p_currency, p_name) END
$$;

-- Undoes a transaction by its mirror image, once. A round is not undone but by the game's own rules.
CREATE FUNCTION wallet.reverse(p_transaction uuid, p_reversal uuid, p_details jsonb,
    OUT outcome text, OUT transaction_id uuid, OUT balance bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    original wallet.transactions;
    player   wallet.accounts;
    legs     wallet.leg[];
    written  wallet.transactions;
    broken   text;
BEGIN
    SELECT * INTO original FROM wallet.transactions t WHERE t.transaction_id = p_transaction;
    IF NOT FOUND OR original.kind = 'reversal' THEN
        outcome := 'not_reversible'; RETURN;
    END IF;
    SELECT * INTO STRICT player FROM wallet.accounts a WHERE a.account_id = original.account_id FOR NO KEY UPDATE;
    balance := player.balance;
    SELECT k.transaction_id INTO transaction_id FROM wallet.request_keys k
        WHERE k.account_id = original.account_id AND k.kind = 'reversal' AND k.key = p_transaction::text;
    IF FOUND THEN
        outcome := 'replayed'; RETURN;
    END IF;
    IF EXISTS (SELECT FROM wallet.holds h WHERE h.opened_by = p_transaction OR h.resolved_by = p_transaction) THEN
        outcome := 'not_reversible'; RETURN;
    END IF;
    SELECT array_agg(ROW(p.credit_account, p.debit_account, p.currency, p.amount)::wallet.leg ORDER BY p.leg DESC)
        INTO legs FROM wallet.postings p WHERE p.transaction_id = p_transaction;
    BEGIN
        written := wallet.write('reversal', original.account_id, p_reversal, original.currency, legs,
            p_details || jsonb_build_object('reverses', p_transaction), clock_timestamp());
    EXCEPTION WHEN check_violation THEN
        GET STACKED DIAGNOSTICS broken = CONSTRAINT_NAME;
        IF broken <> 'no_negative_player_balance' THEN
            RAISE;
        END IF;
        outcome := 'insufficient_funds'; RETURN;
    END;
    INSERT INTO wallet.request_keys
        VALUES (original.account_id, 'reversal', p_transaction::text, sha256(convert_to(p_transaction::text, 'UTF8')), p_reversal);
    outcome := 'posted'; transaction_id := p_reversal; balance := written.balance_after;
END $$;

-- Opens a jackpot: all its shards at once, since rounds do not look whether theirs is there. Nothing where it is open.
CREATE FUNCTION wallet.open_jackpot(p_name text, p_currency text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO wallet.accounts (kind, name, currency, shard)
        SELECT 'jackpot', p_name, p_currency, number FROM generate_series(0, 63) AS number
        WHERE NOT EXISTS (SELECT FROM wallet.accounts a WHERE a.player_id IS NULL AND a.kind = 'jackpot'
            AND a.currency = p_currency AND a.shard = number AND coalesce(a.name, '') = p_name)
        ON CONFLICT DO NOTHING
$$;

-- Posts the whole units that rounds owe a jackpot and that stand in its rows; what is no whole unit stays there. One
-- transaction for all its shards, whose rows the caller may have locked already. Answers the units.
CREATE FUNCTION wallet.post_contributions(p_name text, p_currency text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    house bigint;
    legs  wallet.leg[];
BEGIN
    house := wallet.open_casino_account('house', p_currency);
    -- Read as they are locked: of a row that a round adds to in between, more would be taken than is posted.
    SELECT array_agg(ROW(house, owed.account_id, p_currency, owed.carry / 1000000)::wallet.leg ORDER BY owed.account_id)
        INTO legs FROM (
            SELECT a.account_id, a.carry FROM wallet.accounts a
            WHERE a.player_id IS NULL AND a.kind = 'jackpot' AND a.name = p_name AND a.currency = p_currency
                AND a.carry >= 1000000
            ORDER BY a.account_id FOR NO KEY UPDATE) AS owed;
    IF legs IS NULL THEN
        RETURN 0;
    END IF;
    UPDATE wallet.accounts a SET carry = a.carry % 1000000
        WHERE a.account_id IN (SELECT leg.credit FROM unnest(legs) AS leg);
    PERFORM wallet.write('jackpot_contribution', legs[1].credit, wallet.uuid7(), p_currency, legs,
        jsonb_build_object('jackpot', p_name), clock_timestamp());
    RETURN (SELECT sum(leg.amount) FROM unnest(legs) AS leg);
END $$;

-- Pays a jackpot out: all that stands in it goes to the winner, and p_seed of the house's begins it anew.
CREATE FUNCTION wallet.pay_jackpot(
    p_name text, p_account bigint, p_key text, p_hash bytea, p_transaction uuid, p_seed bigint, p_details jsonb,
    OUT outcome text, OUT transaction_id uuid, OUT amount bigint, OUT balance bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    player  wallet.accounts;
    past    wallet.request_keys;
    legs    wallet.leg[];
    at      timestamptz;
    written wallet.transactions;
BEGIN
    SELECT * INTO player FROM wallet.accounts a
        WHERE a.account_id = p_account AND a.kind = 'player_cash' FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        outcome := 'account_unknown'; RETURN;
    END IF;
    balance := player.balance;
    SELECT * INTO past FROM wallet.request_keys k
        WHERE k.account_id = p_account AND k.kind = 'jackpot_win' AND k.key = p_key;
    IF FOUND THEN
        outcome := CASE WHEN past.request_hash = p_hash THEN 'replayed' ELSE 'key_reused' END;
        IF outcome = 'replayed' THEN
            SELECT t.transaction_id, t.balance_after, (t.details ->> 'jackpot_minor')::bigint
                INTO STRICT transaction_id, balance, amount
                FROM wallet.transactions t WHERE t.transaction_id = past.transaction_id;
        END IF;
        RETURN;
    END IF;
    -- All its shards, in the order in which everybody locks them.
    PERFORM FROM wallet.accounts a
        WHERE a.player_id IS NULL AND a.kind = 'jackpot' AND a.name = p_name AND a.currency = player.currency
        ORDER BY a.account_id FOR NO KEY UPDATE;
    PERFORM wallet.post_contributions(p_name, player.currency);
    SELECT sum(a.balance), array_agg(ROW(a.account_id, p_account, player.currency, a.balance)::wallet.leg)
            FILTER (WHERE a.balance > 0)
        INTO amount, legs FROM wallet.accounts a
        WHERE a.player_id IS NULL AND a.kind = 'jackpot' AND a.name = p_name AND a.currency = player.currency;
    IF legs IS NULL THEN
        amount := 0; outcome := 'jackpot_empty'; RETURN;
    END IF;
    at := clock_timestamp();
    written := wallet.write('jackpot_win', p_account, p_transaction, player.currency, legs,
        p_details || jsonb_build_object('jackpot', p_name, 'jackpot_minor', amount), at);
    INSERT INTO wallet.request_keys VALUES (p_account, 'jackpot_win', p_key, p_hash, p_transaction);
    IF p_seed > 0 THEN
        PERFORM wallet.seed_jackpot(p_name, player.currency, p_seed, p_transaction::text);
    END IF;
    outcome := 'posted'; transaction_id := p_transaction; balance := written.balance_after;
END $$;

-- Puts the house's money into a jackpot, once for each key.
CREATE FUNCTION wallet.seed_jackpot(p_name text, p_currency text, p_amount bigint, p_key text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    jackpot bigint;
    seeded  wallet.transactions;
    anchor  bigint;
BEGIN
    PERFORM wallet.open_jackpot(p_name, p_currency);
    jackpot := wallet.open_casino_account('jackpot', p_currency, p_name);
    -- The key belongs to the jackpot's first account, whichever shard the money goes to.
    SELECT min(a.account_id) INTO anchor FROM wallet.accounts a
        WHERE a.player_id IS NULL AND a.kind = 'jackpot' AND a.name = p_name AND a.currency = p_currency;
    PERFORM FROM wallet.accounts a WHERE a.account_id IN (anchor, jackpot) ORDER BY a.account_id FOR NO KEY UPDATE;
    IF EXISTS (SELECT FROM wallet.request_keys k
            WHERE k.account_id = anchor AND k.kind = 'jackpot_seed' AND k.key = p_key) THEN
        RETURN;
    END IF;
    seeded := wallet.write('jackpot_seed', anchor, wallet.uuid7(), p_currency,
        ARRAY[ROW(wallet.open_casino_account('house', p_currency), jackpot, p_currency, p_amount)::wallet.leg],
        jsonb_build_object('jackpot', p_name), clock_timestamp());
    INSERT INTO wallet.request_keys
        VALUES (anchor, 'jackpot_seed', p_key, sha256(convert_to(p_key, 'UTF8')), seeded.transaction_id);
END $$;
