-- Players' limits and exclusions. What they are is decided in the schema responsible_gaming; the wallet has a copy that
-- binds money, in the rows that a stake or a deposit locks anyway (ADR 33, docs/responsible-gaming.md).

-- A limit of an account and how much of it is used in the window that runs. Bets, wins and deposits count themselves,
-- in the transaction that writes them; `accounts.stake_cap` is the smallest of what is left, which every stake is held
-- against under the account's lock.
CREATE TABLE wallet.player_limits (
    account_id bigint      NOT NULL REFERENCES wallet.accounts,   -- the player's cash account
    kind       text        NOT NULL CHECK (kind IN ('stake_cap', 'stake', 'loss', 'deposit')),
    period     text        NOT NULL CHECK (period IN ('round', 'day', 'week', 'month')),
    amount     bigint      CHECK (amount >= 0),                   -- null: there is none
    timezone   text        NOT NULL DEFAULT 'UTC',
    used       bigint      NOT NULL DEFAULT 0,                    -- of a loss: stakes minus wins, and so perhaps below zero
    starts_at  timestamptz NOT NULL DEFAULT '-infinity',
    ends_at    timestamptz NOT NULL DEFAULT 'infinity',
    PRIMARY KEY (account_id, kind, period),
    CONSTRAINT a_cap_is_of_a_round CHECK ((kind = 'stake_cap') = (period = 'round'))
) WITH (fillfactor = 50);

-- Why an account may not play, one row for each who says so; `accounts.barred_until` is the latest of them. A call with
-- an older revision than what stands changes nothing: it was overtaken.
CREATE TABLE wallet.player_bars (
    account_id bigint      NOT NULL REFERENCES wallet.accounts,
    source     text        NOT NULL,
    until      timestamptz,          -- null: no longer
    deposits   boolean     NOT NULL, -- whether it bars deposits as well
    revision   bigint      NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, source)
);

-- How a player's accounts stand by the status that player account management gives them; kept by player, since an
-- account may be opened after that.
CREATE TABLE wallet.player_standings (
    player_id uuid    PRIMARY KEY,
    status    text    NOT NULL CHECK (status IN ('open', 'frozen', 'closed')),
    barred    boolean NOT NULL,
    revision  bigint  NOT NULL
);

-- Whether stakes and losses of an account are counted.
ALTER TABLE wallet.accounts ADD COLUMN limited boolean NOT NULL DEFAULT false;

-- The window of a period that a moment is in, where the licence is: from midnight, Monday, or the first. A day on which
-- clocks are changed has 23 or 25 hours.
CREATE FUNCTION wallet.limit_window(p_period text, p_at timestamptz, p_timezone text,
    OUT starts_at timestamptz, OUT ends_at timestamptz)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT date_trunc(p_period, p_at AT TIME ZONE p_timezone) AT TIME ZONE p_timezone,
        (date_trunc(p_period, p_at AT TIME ZONE p_timezone) + ('1 ' || p_period)::interval) AT TIME ZONE p_timezone
$$;

-- Brings what is left and what bars into the account's row, which the caller has locked. What is left is never more than
-- the limit, however much was won: it still stands in the row when the next window begins, and is what is left there.
CREATE FUNCTION wallet.apply_limits(p_account bigint, p_at timestamptz) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    UPDATE wallet.accounts a
    SET stake_cap = now_.stake_cap, barred_until = now_.barred_until, limited = now_.limited
    FROM (SELECT
            EXISTS (SELECT FROM wallet.player_limits l
                WHERE l.account_id = p_account AND l.kind IN ('stake', 'loss')) AS limited,
            (SELECT min(CASE WHEN l.kind = 'stake_cap' OR p_at >= l.ends_at THEN l.amount
                    ELSE greatest(0, l.amount - greatest(0, l.used)) END)
                FROM wallet.player_limits l
                WHERE l.account_id = p_account AND l.kind <> 'deposit' AND l.amount IS NOT NULL) AS stake_cap,
            (SELECT max(b.until) FROM wallet.player_bars b WHERE b.account_id = p_account) AS barred_until) AS now_
    WHERE a.account_id = p_account
        AND (a.stake_cap, a.barred_until, a.limited)
            IS DISTINCT FROM (now_.stake_cap, now_.barred_until, now_.limited)
$$;

-- Counts stakes, losses and deposits of accounts whose rows are locked, each account once, and brings what is left into
-- those rows. A window that is over is begun anew; only then is it computed. Who calls it has set the search path: to set
-- it here as well, for each bet, would cost as much as the rest.
CREATE FUNCTION wallet.count_use(p_accounts bigint[], p_stakes bigint[], p_losses bigint[], p_deposits bigint[],
    p_at timestamptz[]) RETURNS void
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    WITH counted AS (
        UPDATE wallet.player_limits l SET
            used = CASE WHEN told.at < l.ends_at THEN l.used ELSE 0 END
                + CASE l.kind WHEN 'stake' THEN told.stake WHEN 'loss' THEN told.loss ELSE told.deposit END,
            starts_at = CASE WHEN told.at < l.ends_at THEN l.starts_at
                ELSE (wallet.limit_window(l.period, told.at, l.timezone)).starts_at END,
            ends_at = CASE WHEN told.at < l.ends_at THEN l.ends_at
                ELSE (wallet.limit_window(l.period, told.at, l.timezone)).ends_at END
        FROM unnest(p_accounts, p_stakes, p_losses, p_deposits, p_at) AS told (account_id, stake, loss, deposit, at)
        WHERE l.account_id = told.account_id AND l.kind <> 'stake_cap'
        RETURNING l.account_id,
            CASE WHEN l.kind <> 'deposit' AND l.amount IS NOT NULL THEN greatest(0, l.amount - greatest(0, l.used)) END AS left_
    ), cap AS (
        SELECT c.account_id, least(min(c.left_), min(fixed.amount)) AS stake_cap
        FROM counted c LEFT JOIN wallet.player_limits fixed
            ON fixed.account_id = c.account_id AND fixed.kind = 'stake_cap' AND fixed.period = 'round'
        GROUP BY c.account_id
    )
    UPDATE wallet.accounts a SET stake_cap = cap.stake_cap
    FROM cap WHERE a.account_id = cap.account_id AND a.stake_cap IS DISTINCT FROM cap.stake_cap;
END $$;

-- A round that is over as it begins moves its player's cash and says when: all that left the account in it was staked.
-- Who has no limit is told by the account's row, so that their rounds do not even call this.
CREATE FUNCTION wallet.count_round() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    staked bigint := OLD.balance - NEW.balance;
BEGIN
    -- One entry, and the balance fell: nothing was won, and that is the stake. Otherwise the journal tells it.
    IF NEW.version > OLD.version + 1 OR staked <= 0 THEN
        SELECT sum(p.amount) INTO staked FROM wallet.postings p
            WHERE p.debit_account = NEW.account_id AND p.debit_version > OLD.version AND p.debit_version <= NEW.version
                AND p.transaction_id >= wallet.uuid7_floor(NEW.last_bet_at - interval '2 days');  -- of which months
        IF staked IS NULL AND NEW.balance < OLD.balance THEN
            RAISE EXCEPTION 'the stake of a round of account % is not in the journal of these days', NEW.account_id
                USING ERRCODE = 'data_exception';
        END IF;
        staked := coalesce(staked, 0);
    END IF;
    PERFORM wallet.count_use(ARRAY[NEW.account_id], ARRAY[staked], ARRAY[OLD.balance - NEW.balance], '{0}',
        ARRAY[NEW.last_bet_at]);
    RETURN NULL;
END $$;
CREATE TRIGGER count_round AFTER UPDATE OF last_bet_at ON wallet.accounts FOR EACH ROW
    WHEN (NEW.limited AND NEW.version > OLD.version) EXECUTE FUNCTION wallet.count_round();

-- What comes beside rounds: wins of bets that were held, what goes back after a round, deposits. A bet of a round that
-- is not over counts as it is held (below), since it is at risk from then on.
CREATE FUNCTION wallet.count_written() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM wallet.player_limits l WHERE l.account_id = NEW.account_id) THEN
        PERFORM wallet.count_use(ARRAY[NEW.account_id],
            ARRAY[CASE NEW.kind WHEN 'bet_return' THEN -NEW.given ELSE 0 END],
            ARRAY[CASE NEW.kind WHEN 'deposit' THEN 0 WHEN 'win_reversal' THEN NEW.taken ELSE -NEW.given END],
            ARRAY[CASE NEW.kind WHEN 'deposit' THEN NEW.given ELSE 0 END], ARRAY[NEW.created_at]);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER count_written AFTER INSERT ON wallet.transactions FOR EACH ROW
    WHEN (NEW.kind IN ('bet_settled', 'win', 'jackpot_win', 'bet_return', 'deposit') AND NEW.given > 0
        OR NEW.kind = 'win_reversal')
    EXECUTE FUNCTION wallet.count_written();

CREATE FUNCTION wallet.count_held() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    given bigint := CASE TG_OP WHEN 'INSERT' THEN NEW.amount ELSE -NEW.amount END;
BEGIN
    -- What comes back of a bet of a window that is over was counted there, and is not given to this one.
    IF EXISTS (SELECT FROM wallet.player_limits l WHERE l.account_id = NEW.account_id
            AND (TG_OP = 'INSERT' OR NEW.opened_at >= l.starts_at)) THEN
        IF TG_OP = 'INSERT' THEN
            PERFORM wallet.count_use(ARRAY[NEW.account_id], ARRAY[given], ARRAY[given], '{0}', ARRAY[NEW.opened_at]);
        ELSE
            UPDATE wallet.player_limits l SET used = l.used + given
                WHERE l.account_id = NEW.account_id AND l.kind IN ('stake', 'loss') AND NEW.opened_at >= l.starts_at;
            PERFORM wallet.apply_limits(NEW.account_id, NEW.resolved_at);
        END IF;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER count_held AFTER INSERT ON wallet.holds FOR EACH ROW WHEN (NEW.kind = 'open_bet')
    EXECUTE FUNCTION wallet.count_held();
CREATE TRIGGER count_given_back AFTER UPDATE OF status ON wallet.holds FOR EACH ROW
    WHEN (NEW.kind = 'open_bet' AND OLD.status = 'open' AND NEW.status IN ('released', 'expired'))
    EXECUTE FUNCTION wallet.count_held();

-- A deposit is judged as it is noted, before a provider hears of it: what was captured in the window and what is under
-- way may not be more than the limit. A violated `deposit_limit` or `player_barred` is an answer, not a fault.
CREATE FUNCTION wallet.judge_deposit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    player    wallet.accounts;
    at        timestamptz;
    under_way bigint;
BEGIN
    SELECT * INTO player FROM wallet.accounts a WHERE a.account_id = NEW.account_id FOR NO KEY UPDATE;
    at := clock_timestamp();
    IF player.status <> 'open' OR EXISTS (SELECT FROM wallet.player_bars b
            WHERE b.account_id = NEW.account_id AND b.deposits AND b.until > at) THEN
        RAISE EXCEPTION 'account % may not deposit', NEW.account_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'player_barred';
    END IF;
    IF EXISTS (SELECT FROM wallet.player_limits l
            WHERE l.account_id = NEW.account_id AND l.kind = 'deposit' AND l.amount IS NOT NULL) THEN
        -- NEW is among them.
        SELECT coalesce(sum(p.amount), 0) INTO under_way FROM wallet.payments p
            WHERE p.account_id = NEW.account_id AND p.kind = 'deposit' AND p.captured = 0
                AND p.state IN ('initiated', 'processing', 'authorized', 'pending_review');
        IF EXISTS (SELECT FROM wallet.player_limits l WHERE l.account_id = NEW.account_id AND l.kind = 'deposit'
                AND CASE WHEN at >= l.ends_at THEN 0 ELSE l.used END + under_way > l.amount) THEN
            RAISE EXCEPTION 'a deposit of account % is above a limit', NEW.account_id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'deposit_limit';
        END IF;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER judged AFTER INSERT ON wallet.payments FOR EACH ROW WHEN (NEW.kind = 'deposit')
    EXECUTE FUNCTION wallet.judge_deposit();

-- What was used of a limit in its window before there was the limit.
CREATE FUNCTION wallet.used_before(p_account bigint, p_kind text, p_since timestamptz) RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE p_kind WHEN 'deposit' THEN came.deposits WHEN 'stake' THEN went.rounds + held.bets - came.returned
        ELSE went.rounds + went.reversed + held.bets - came.returned - came.won END
    FROM (SELECT coalesce(sum(p.amount) FILTER (WHERE t.kind = 'round'), 0)::bigint AS rounds,
                coalesce(sum(p.amount) FILTER (WHERE t.kind = 'win_reversal'), 0)::bigint AS reversed
            FROM wallet.postings p JOIN wallet.transactions t USING (transaction_id)
            WHERE p.debit_account = p_account AND p.transaction_id >= wallet.uuid7_floor(p_since)
                AND t.created_at >= p_since) AS went,
        (SELECT coalesce(sum(p.amount) FILTER (WHERE t.kind = 'deposit'), 0)::bigint AS deposits,
                coalesce(sum(p.amount) FILTER (WHERE t.kind = 'bet_return'), 0)::bigint AS returned,
                coalesce(sum(p.amount) FILTER (WHERE t.kind IN ('round', 'bet_settled', 'win', 'jackpot_win')), 0)::bigint
                    AS won
            FROM wallet.postings p JOIN wallet.transactions t USING (transaction_id)
            WHERE p.credit_account = p_account AND p.transaction_id >= wallet.uuid7_floor(p_since)
                AND t.created_at >= p_since) AS came,
        (SELECT coalesce(sum(h.amount), 0)::bigint AS bets FROM wallet.holds h
            WHERE h.account_id = p_account AND h.kind = 'open_bet' AND h.status IN ('open', 'captured')
                AND h.opened_at >= p_since) AS held
$$;

-- Locks a player's cash account, and takes over what was written into its row before there were these tables.
CREATE FUNCTION wallet.lock_limits(p_account bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    player wallet.accounts;
BEGIN
    SELECT * INTO player FROM wallet.accounts a
        WHERE a.account_id = p_account AND a.kind = 'player_cash' FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'account % is no player''s cash account', p_account USING ERRCODE = 'no_data_found';
    END IF;
    IF player.barred_until IS NOT NULL
            AND NOT EXISTS (SELECT FROM wallet.player_bars b WHERE b.account_id = p_account) THEN
        INSERT INTO wallet.player_bars VALUES (p_account, 'general', player.barred_until, false);
    END IF;
    IF player.stake_cap IS NOT NULL
            AND NOT EXISTS (SELECT FROM wallet.player_limits l WHERE l.account_id = p_account) THEN
        INSERT INTO wallet.player_limits (account_id, kind, period, amount)
            VALUES (p_account, 'stake_cap', 'round', player.stake_cap);
    END IF;
END $$;

-- As before (0001), beside what others say: the one only tightens, the other replaces.
CREATE OR REPLACE FUNCTION wallet.restrict(p_account bigint, p_barred_until timestamptz, p_stake_cap bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM wallet.lock_limits(p_account);
    INSERT INTO wallet.player_bars AS b VALUES (p_account, 'general', p_barred_until, false)
        ON CONFLICT (account_id, source) DO UPDATE SET until = greatest(b.until, excluded.until);
    INSERT INTO wallet.player_limits AS l (account_id, kind, period, amount)
        VALUES (p_account, 'stake_cap', 'round', p_stake_cap)
        ON CONFLICT (account_id, kind, period) DO UPDATE SET amount = least(l.amount, excluded.amount);
    PERFORM wallet.apply_limits(p_account, clock_timestamp());
END $$;
CREATE OR REPLACE FUNCTION wallet.loosen(p_account bigint, p_barred_until timestamptz, p_stake_cap bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM wallet.lock_limits(p_account);
    INSERT INTO wallet.player_bars AS b VALUES (p_account, 'general', p_barred_until, false)
        ON CONFLICT (account_id, source) DO UPDATE SET until = excluded.until;
    INSERT INTO wallet.player_limits AS l (account_id, kind, period, amount)
        VALUES (p_account, 'stake_cap', 'round', p_stake_cap)
        ON CONFLICT (account_id, kind, period) DO UPDATE SET amount = excluded.amount;
    PERFORM wallet.apply_limits(p_account, clock_timestamp());
END $$;

-- One source's bar of an account, in place of what that source said before; false where a later revision stands.
CREATE FUNCTION wallet.bar(p_account bigint, p_source text, p_until timestamptz, p_deposits boolean,
    p_revision bigint DEFAULT 0) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM wallet.lock_limits(p_account);
    INSERT INTO wallet.player_bars AS b VALUES (p_account, p_source, p_until, p_deposits, p_revision)
        ON CONFLICT (account_id, source) DO UPDATE
            SET until = excluded.until, deposits = excluded.deposits, revision = excluded.revision
            WHERE b.revision <= excluded.revision;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM wallet.apply_limits(p_account, clock_timestamp());
    RETURN true;
END $$;

-- All that responsible gaming says of an account, in place of what it said before: the exclusion, and a limit for each
-- place of the arrays. False where a later revision stands. A limit that is new counts what its window has seen already.
CREATE FUNCTION wallet.protect(p_account bigint, p_revision bigint, p_barred_until timestamptz, p_timezone text,
    p_kinds text[], p_periods text[], p_amounts bigint[]) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    at  timestamptz;
    one record;
BEGIN
    IF NOT wallet.bar(p_account, 'responsible_gaming', p_barred_until, true, p_revision) THEN
        RETURN false;
    END IF;
    at := clock_timestamp();
    UPDATE wallet.player_limits l SET amount = NULL
        WHERE l.account_id = p_account AND l.kind <> 'stake_cap' AND NOT EXISTS (
            SELECT FROM unnest(p_kinds, p_periods) AS asked (kind, period)
            WHERE asked.kind = l.kind AND asked.period = l.period);
    FOR one IN SELECT * FROM unnest(p_kinds, p_periods, p_amounts) AS asked (kind, period, amount) LOOP
        UPDATE wallet.player_limits l SET amount = one.amount
            WHERE l.account_id = p_account AND l.kind = one.kind AND l.period = one.period;
        IF NOT FOUND THEN
            INSERT INTO wallet.player_limits
                SELECT p_account, one.kind, one.period, one.amount, p_timezone,
                    wallet.used_before(p_account, one.kind, w.starts_at), w.starts_at, w.ends_at
                FROM wallet.limit_window(one.period, at, p_timezone) AS w;
        END IF;
    END LOOP;
    PERFORM wallet.apply_limits(p_account, at);
    RETURN true;
END $$;

-- Begins the windows that have come since, and answers the cap of stakes then. Harmless whoever calls it: what is left
-- follows from the limits and the database's clock.
CREATE FUNCTION wallet.renew_limits(p_account bigint, OUT stake_cap bigint, OUT window_ends_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM wallet.lock_limits(p_account);
    PERFORM wallet.count_use(ARRAY[p_account], '{0}', '{0}', '{0}', ARRAY[clock_timestamp()]);
    SELECT a.stake_cap INTO stake_cap FROM wallet.accounts a WHERE a.account_id = p_account;
    -- The limit that leaves the least; null where the cap is no window's.
    SELECT l.ends_at INTO window_ends_at FROM wallet.player_limits l
        WHERE l.account_id = p_account AND l.kind IN ('stake', 'loss') AND l.amount IS NOT NULL
            AND greatest(0, l.amount - greatest(0, l.used)) = renew_limits.stake_cap
        ORDER BY l.ends_at DESC LIMIT 1;
END $$;

-- How all accounts of a player stand by their status. False where a later revision stands.
CREATE FUNCTION wallet.set_standing(p_player uuid, p_status text, p_barred boolean, p_revision bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    account bigint;
BEGIN
    -- Who opens an account of the player at this moment waits, or is waited for: their first standing is no row yet that
    -- the other could lock.
    PERFORM pg_advisory_xact_lock(hashtextextended('standing ' || p_player, 0));
    INSERT INTO wallet.player_standings AS s VALUES (p_player, p_status, p_barred, p_revision)
        ON CONFLICT (player_id) DO UPDATE
            SET status = excluded.status, barred = excluded.barred, revision = excluded.revision
            WHERE s.revision <= excluded.revision;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    FOR account IN SELECT a.account_id FROM wallet.accounts a
            WHERE a.player_id = p_player AND a.kind = 'player_cash' ORDER BY a.account_id LOOP
        PERFORM wallet.bar(account, 'status', CASE WHEN p_barred THEN 'infinity'::timestamptz END, true, p_revision);
        UPDATE wallet.accounts a SET status = p_status WHERE a.account_id = account AND a.status <> p_status;
    END LOOP;
    RETURN true;
END $$;
-- An account that is opened after its player's status was told stands by it from its first moment.
CREATE FUNCTION wallet.stand_as_told() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    told wallet.player_standings;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('standing ' || NEW.player_id, 0));
    SELECT * INTO told FROM wallet.player_standings s WHERE s.player_id = NEW.player_id;
    IF FOUND THEN
        PERFORM wallet.bar(NEW.account_id, 'status', CASE WHEN told.barred THEN 'infinity'::timestamptz END, true,
            told.revision);
        UPDATE wallet.accounts a SET status = told.status WHERE a.account_id = NEW.account_id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER stand_as_told AFTER INSERT ON wallet.accounts FOR EACH ROW WHEN (NEW.kind = 'player_cash')
    EXECUTE FUNCTION wallet.stand_as_told();

-- Two accounts of one person become one: what the second has goes to the first.
INSERT INTO wallet.movements VALUES
    ('account_merge', 'player_cash',   'player_cash'),
    ('account_merge', 'player_bonus',  'player_bonus'),
    ('account_merge', 'player_locked', 'player_locked');
INSERT INTO wallet.movement_kinds VALUES ('account_merge', false, false);

-- What keeps a player's accounts from being merged away, or null: bets_open | withdrawals_open | payments_under_way.
CREATE FUNCTION wallet.merge_obstacle(p_player uuid) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH mine AS (SELECT a.account_id FROM wallet.accounts a WHERE a.player_id = p_player AND a.kind = 'player_cash')
    SELECT CASE
        WHEN EXISTS (SELECT FROM wallet.holds h JOIN mine USING (account_id)
            WHERE h.status = 'open' AND h.kind = 'open_bet') THEN 'bets_open'
        WHEN EXISTS (SELECT FROM wallet.holds h JOIN mine USING (account_id)
            WHERE h.status = 'open' AND h.kind = 'withdrawal') THEN 'withdrawals_open'
        WHEN EXISTS (SELECT FROM wallet.payments p JOIN mine USING (account_id) WHERE p.state IN
            ('created', 'initiated', 'processing', 'authorized', 'pending_review', 'refunding', 'sending_back',
             'requested', 'approved')) THEN 'payments_under_way'
    END
$$;

-- Who became whom: what comes to an ended account later, as a provider's late payment does, is moved after it.
CREATE TABLE wallet.player_merges (
    player_id   uuid PRIMARY KEY,
    survivor_id uuid NOT NULL CHECK (survivor_id <> player_id),
    reference   text NOT NULL
);

-- Moves what a merged player has to the survivor, once. `outcome`: merged | nothing_to_move | an obstacle as above.
CREATE FUNCTION wallet.merge_players(p_survivor uuid, p_merged uuid, p_reference text,
    OUT outcome text, OUT moved bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    currency_ text;
    survivor  bigint;
    legs      wallet.leg[];
    written   wallet.transactions;
    at        timestamptz;
BEGIN
    moved := 0;
    FOR currency_ IN SELECT DISTINCT a.currency FROM wallet.accounts a WHERE a.player_id = p_merged LOOP
        PERFORM wallet.open_player_account(p_survivor, currency_);
    END LOOP;
    -- The cash accounts of both by number, as everywhere. From here on nothing can be opened that stands in the way.
    PERFORM FROM wallet.accounts a WHERE a.player_id IN (p_survivor, p_merged) AND a.kind = 'player_cash'
        ORDER BY a.account_id FOR NO KEY UPDATE;
    outcome := wallet.merge_obstacle(p_merged);
    IF outcome IS NOT NULL THEN
        RETURN;
    END IF;
    INSERT INTO wallet.player_merges VALUES (p_merged, p_survivor, p_reference) ON CONFLICT DO NOTHING;
    at := clock_timestamp();
    FOR currency_ IN
        SELECT DISTINCT a.currency FROM wallet.accounts a WHERE a.player_id = p_merged AND a.balance > 0 ORDER BY 1
    LOOP
        survivor := wallet.open_player_account(p_survivor, currency_);
        SELECT array_agg(ROW(a.account_id, wallet.open_player_account(p_survivor, currency_, a.kind), currency_,
                a.balance)::wallet.leg ORDER BY a.account_id)
            INTO legs FROM wallet.accounts a
            WHERE a.player_id = p_merged AND a.currency = currency_ AND a.balance > 0
                AND a.kind IN ('player_cash', 'player_bonus', 'player_locked');
        CONTINUE WHEN legs IS NULL;
        written := wallet.write('account_merge', survivor, wallet.uuid7(at), currency_, legs,
            jsonb_build_object('merged_player_id', p_merged, 'reference', p_reference), at);
        -- What arrives at the merged account later is moved by a repeat, which is a transaction of its own.
        INSERT INTO wallet.request_keys VALUES (survivor, 'account_merge', p_reference || ':' || written.transaction_id,
            sha256(convert_to(p_reference, 'UTF8')), written.transaction_id);
        SELECT moved + coalesce(sum(l.amount), 0) INTO moved FROM unnest(legs) AS l;
    END LOOP;
    UPDATE wallet.accounts a SET status = 'closed'
        WHERE a.player_id = p_merged AND a.kind = 'player_cash' AND a.status <> 'closed';
    outcome := CASE WHEN moved > 0 THEN 'merged' ELSE 'nothing_to_move' END;
END $$;

-- ---------------------------------------------------------------------------------------------------------------------
-- What is decided. Class of data: player_protection. Amounts are minor units; a limit of `session` is in minutes.

-- One row for each player, locked by whoever changes anything of theirs: changes follow each other and are numbered.
CREATE TABLE responsible_gaming.players (
    player_id  uuid   PRIMARY KEY,
    account_id bigint,
    revision   bigint NOT NULL DEFAULT 0,
    applied    bigint NOT NULL DEFAULT -1,   -- the revision that the wallet and the sessions have been brought to
    rules      text   NOT NULL DEFAULT ''    -- the digest of the rules that it was computed by
);
CREATE INDEX players_behind ON responsible_gaming.players (player_id) WHERE applied < revision;

CREATE TABLE responsible_gaming.limits (
    player_id    uuid        NOT NULL REFERENCES responsible_gaming.players,
    kind         text        NOT NULL CHECK (kind IN ('deposit', 'loss', 'stake', 'session')),
    period       text        NOT NULL CHECK (period IN ('day', 'week', 'month')),
    origin       text        NOT NULL CHECK (origin IN ('player', 'staff')),
    value        bigint      CHECK (value >= 0),       -- in force; null: none
    loosening    boolean     NOT NULL DEFAULT false,   -- whether a looser one waits
    waiting      bigint      CHECK (waiting >= 0),     -- what waits; null: none
    effective_at timestamptz,
    PRIMARY KEY (player_id, kind, period, origin),
    CONSTRAINT what_waits_has_its_time CHECK (loosening = (effective_at IS NOT NULL))
);
CREATE INDEX limits_waiting ON responsible_gaming.limits (effective_at) WHERE loosening;

-- Every request and every step of a limit, as it was; never rewritten.
CREATE TABLE responsible_gaming.limit_history (
    entry_id     uuid        PRIMARY KEY,
    player_id    uuid        NOT NULL,
    kind         text        NOT NULL,
    period       text        NOT NULL,
    origin       text        NOT NULL,
    change       text        NOT NULL CHECK (change IN ('tightened', 'loosening_asked', 'loosening_withdrawn', 'loosened')),
    value        bigint,
    effective_at timestamptz NOT NULL,
    actor_id     uuid,
    reason       text        NOT NULL CHECK (char_length(reason) <= 500),
    recorded_at  timestamptz NOT NULL
);
CREATE INDEX limit_history_player ON responsible_gaming.limit_history (player_id, recorded_at);

CREATE TABLE responsible_gaming.exclusions (
    exclusion_id uuid        PRIMARY KEY,
    player_id    uuid        NOT NULL REFERENCES responsible_gaming.players,
    kind         text        NOT NULL CHECK (kind IN ('self_exclusion', 'time_out', 'mandatory', 'register')),
    began_at     timestamptz NOT NULL,
    until        timestamptz,            -- null: indefinite
    asked_at     timestamptz,            -- when the player asked to come back
    return_at    timestamptz,            -- from when on that may be
    ended_at     timestamptz,
    reason       text        NOT NULL CHECK (char_length(reason) <= 500),
    actor_id     uuid
);
CREATE INDEX exclusions_open ON responsible_gaming.exclusions (player_id) WHERE ended_at IS NULL;
CREATE FUNCTION responsible_gaming.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% only grows', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON responsible_gaming.exclusions
    FOR EACH STATEMENT EXECUTE FUNCTION responsible_gaming.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON responsible_gaming.limit_history
    FOR EACH STATEMENT EXECUTE FUNCTION responsible_gaming.refuse_change();

-- What a national register answered, and when; the person is named by their player's id alone, and before there is one
-- by nothing.
CREATE TABLE responsible_gaming.register_checks (
    check_id   uuid        PRIMARY KEY,
    player_id  uuid,
    moment     text        NOT NULL,
    answer     text        NOT NULL CHECK (answer IN ('listed', 'not_listed', 'no_answer')),
    checked_at timestamptz NOT NULL
);
CREATE INDEX register_checks_player ON responsible_gaming.register_checks (player_id, checked_at);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON responsible_gaming.register_checks
    FOR EACH STATEMENT EXECUTE FUNCTION responsible_gaming.refuse_change();

-- Who has a session, since when, and what they were told. Sums are those of `activity` at that time.
CREATE TABLE responsible_gaming.presence (
    player_id   uuid        PRIMARY KEY,
    account_id  bigint      NOT NULL,
    began_at    timestamptz NOT NULL,
    looked_at   timestamptz NOT NULL,
    told_at     timestamptz NOT NULL,          -- the last reality check, or when the session began
    staked      bigint      NOT NULL DEFAULT 0,
    won         bigint      NOT NULL DEFAULT 0,
    asked       uuid,                          -- the check that waits to be acknowledged
    closing     boolean     NOT NULL DEFAULT false   -- its session time is over
);
CREATE TABLE responsible_gaming.reality_checks (
    check_id        uuid        PRIMARY KEY,
    player_id       uuid        NOT NULL,
    since           timestamptz NOT NULL,
    told_at         timestamptz NOT NULL,
    staked          bigint      NOT NULL,
    won             bigint      NOT NULL,
    acknowledged_at timestamptz
);
CREATE INDEX reality_checks_player ON responsible_gaming.reality_checks (player_id, told_at);
CREATE TABLE responsible_gaming.session_time (
    player_id uuid   NOT NULL,
    day       date   NOT NULL,   -- where the licence is
    seconds   bigint NOT NULL,
    PRIMARY KEY (player_id, day)
);

-- What a player did on a day where the licence is, built from the wallet's events.
CREATE TABLE responsible_gaming.activity (
    player_id uuid   NOT NULL,
    day       date   NOT NULL,
    currency  text   NOT NULL,
    rounds    bigint NOT NULL,
    staked    bigint NOT NULL,
    won       bigint NOT NULL,
    deposited bigint NOT NULL,
    withdrawn bigint NOT NULL,
    PRIMARY KEY (player_id, day, currency)
);
