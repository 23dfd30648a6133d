-- Rounds of several steps pay into jackpots (docs/games.md) as rounds of one step do: with what ends them.

-- One step of a round: p_seen is the step that the game was at when p_state was worked out from it; 0 starts a round.
-- Takes p_stake and writes p_state; where p_closes, stakes go to the house and p_win comes to the player. `outcome`:
--   stepped | replayed | key_reused | round_unknown | round_over | step_passed | round_open (`game` says which is)
--   | too_late | account_unknown | casino_closed | account_not_open | barred | stake_above_limit (`amount` says the limit)
--   | cycle_too_short (`amount` says for how many milliseconds) | insufficient_funds
-- p_before: not after that moment on the database's clock; null sets no end. A step without a stake is taken on an
-- account that may not stake: what was begun is the player's to end.
-- p_jackpot, only where p_closes: what the round pays into a jackpot, `{"name", "micros", ...}`, which stands in the
-- details of the transaction that ends it. A round that is voided has paid nothing in, so that nothing has to come back.
CREATE FUNCTION wallet.step_round(
    p_round uuid, p_account bigint, p_seen integer, p_key text, p_hash bytea, p_action jsonb, p_stake bigint,
    p_closes boolean, p_win bigint, p_state jsonb, p_draws jsonb, p_stake_cap bigint, p_min_cycle_ms integer,
    p_at timestamptz, p_due_at timestamptz, p_before timestamptz, p_reason text, p_jackpot jsonb,
    OUT outcome text, OUT balance bigint, OUT amount bigint, OUT game wallet.game_rounds,
    OUT stepped wallet.game_round_steps)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    player    wallet.accounts;
    reference text := concat('game round ', p_round);
    told      jsonb := jsonb_build_object('game_id', p_state -> 'game_id', 'version', p_state -> 'version',
        'round_id', p_round, 'step', p_seen + 1);
    cap       bigint;
    at        timestamptz;
    moved     record;
    ender     uuid;
    ending    jsonb := p_state || jsonb_build_object('round_id', p_round)
        || CASE WHEN p_jackpot IS NULL THEN '{}' ELSE jsonb_build_object('jackpot', p_jackpot) END;
    micros    bigint := coalesce((p_jackpot ->> 'micros')::bigint, 0);
BEGIN
    IF p_stake < 0 OR p_win < 0 OR p_seen < 0 OR (p_seen = 0 AND p_stake = 0) OR (p_win > 0 AND NOT p_closes)
            OR micros < 0 OR (p_jackpot IS NOT NULL AND NOT p_closes) THEN
        RAISE EXCEPTION 'a round starts with a stake, and pays when it is over'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    -- The player's row is the lock: steps of one player follow each other, and a raced key finds the first one's row.
    SELECT * INTO player FROM wallet.accounts a
        WHERE a.account_id = p_account AND a.kind = 'player_cash' FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        outcome := 'account_unknown'; RETURN;
    END IF;
    at := clock_timestamp();
    balance := player.balance;
    cap := least(p_stake_cap, player.stake_cap);
    SELECT * INTO stepped FROM wallet.game_round_steps s WHERE s.account_id = p_account AND s.key = p_key;
    IF FOUND THEN
        SELECT * INTO STRICT game FROM wallet.game_rounds r WHERE r.round_id = stepped.round_id;
        outcome := CASE WHEN stepped.request_hash = p_hash THEN 'replayed' ELSE 'key_reused' END;
        RETURN;
    END IF;
    IF p_seen = 0 THEN
        SELECT * INTO game FROM wallet.game_rounds r
            WHERE r.account_id = p_account AND r.game_id = p_state ->> 'game_id' AND r.status = 'open';
        IF FOUND THEN
            outcome := 'round_open'; RETURN;
        END IF;
    ELSE
        SELECT * INTO game FROM wallet.game_rounds r WHERE r.round_id = p_round AND r.account_id = p_account;
        outcome := CASE WHEN NOT FOUND THEN 'round_unknown' WHEN game.status <> 'open' THEN 'round_over'
            WHEN game.step <> p_seen THEN 'step_passed' END;
        IF outcome IS NOT NULL THEN
            RETURN;
        END IF;
    END IF;
    IF p_stake > 0 THEN
        outcome := CASE WHEN NOT wallet.allows('stake', at) THEN 'casino_closed'
            WHEN player.status <> 'open' THEN 'account_not_open' WHEN player.barred_until > at THEN 'barred'
            WHEN p_stake > cap THEN 'stake_above_limit' END;
    END IF;
    IF outcome IS NULL AND at < player.last_bet_at + p_min_cycle_ms * interval '1 millisecond' THEN
        outcome := 'cycle_too_short';
        amount := ceil(extract(epoch FROM player.last_bet_at - at) * 1000 + p_min_cycle_ms);
    END IF;
    outcome := coalesce(outcome, CASE WHEN p_stake > player.balance THEN 'insufficient_funds'
        WHEN at > p_before OR EXISTS (SELECT FROM wallet.game_rounds r WHERE p_seen = 0 AND r.round_id = p_round)
            THEN 'too_late' END);
    IF outcome IS NOT NULL THEN
        amount := CASE outcome WHEN 'stake_above_limit' THEN cap ELSE amount END;
        RETURN;
    END IF;

    IF p_seen = 0 AND p_closes THEN
        SELECT r.* INTO STRICT moved FROM wallet.place_rounds(ARRAY[p_account], ARRAY[reference], ARRAY[p_hash],
            ARRAY[p_round], ARRAY[p_stake], ARRAY[p_win], ARRAY[p_stake_cap], ARRAY[NULL::integer],
            ARRAY[ending], ARRAY[p_jackpot ->> 'name'], ARRAY[micros]) AS r;
        IF moved.outcome = 'casino_closed' THEN  -- since it was judged above, and nothing is written yet
            outcome := moved.outcome; RETURN;
        ELSIF moved.outcome <> 'placed' THEN
            RAISE EXCEPTION 'round % is %', p_round, moved.outcome USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        ender := p_round; balance := moved.balance;
    ELSE
        IF p_stake > 0 THEN
            SELECT * INTO STRICT moved FROM wallet.open_hold('open_bet', gen_random_uuid(), p_account,
                concat(reference, ' ', p_seen + 1), p_hash, reference, wallet.uuid7(at), p_stake, 'infinity',
                p_stake_cap, told);
            IF moved.outcome = 'casino_closed' THEN
                outcome := moved.outcome; RETURN;
            ELSIF moved.outcome <> 'opened' THEN
                RAISE EXCEPTION 'step % of round % is %', p_seen + 1, p_round, moved.outcome
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            balance := moved.balance;
        END IF;
        IF p_closes THEN
            -- After the player's rows and before the house's, as a batch of rounds has it (0002).
            IF micros > 0 THEN
                UPDATE wallet.accounts a SET carry = a.carry + micros
                    WHERE a.kind = 'jackpot' AND a.player_id IS NULL AND a.currency = player.currency
                        AND a.shard = (pg_backend_pid() & 63)::smallint AND coalesce(a.name, '') = p_jackpot ->> 'name';
                IF NOT FOUND THEN
                    PERFORM wallet.refuse_jackpot();
                END IF;
            END IF;
            SELECT * INTO STRICT moved FROM wallet.resolve_holds('open_bet', p_account, reference, NULL, reference,
                p_hash, wallet.uuid7(), 'captured', NULL, p_win, ending);
            IF moved.outcome <> 'resolved' OR moved.amount <> game.staked + p_stake THEN
                RAISE EXCEPTION 'round % has % staked, and % is held', p_round, game.staked + p_stake, moved.amount
                    USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            ender := moved.transaction_id; balance := moved.balance;
        END IF;
    END IF;
    IF p_min_cycle_ms IS NOT NULL AND p_stake = 0 THEN
        UPDATE wallet.accounts a SET last_bet_at = at WHERE a.account_id = p_account;
    END IF;

    IF p_seen = 0 THEN
        INSERT INTO wallet.game_rounds VALUES (p_round, p_account, p_state ->> 'game_id', p_state ->> 'version',
            CASE WHEN p_closes THEN 'closed' ELSE 'open' END, 1, p_stake, p_win, player.balance, balance, p_state,
            p_draws, p_at, p_at, p_due_at, CASE WHEN p_closes THEN p_at END, ender, p_reason)
            RETURNING * INTO game;
    ELSE
        UPDATE wallet.game_rounds r SET status = CASE WHEN p_closes THEN 'closed' ELSE 'open' END, step = p_seen + 1,
                staked = r.staked + p_stake, won = p_win, balance_after = step_round.balance, state = p_state,
                draws = p_draws, stepped_at = p_at, due_at = p_due_at,
                ended_at = CASE WHEN p_closes THEN p_at END, ended_by = ender, end_reason = p_reason
            WHERE r.round_id = p_round RETURNING r.* INTO game;
    END IF;
    INSERT INTO wallet.game_round_steps VALUES (p_round, p_seen + 1, p_account, p_key, p_hash, p_action, p_stake, p_win,
        p_closes, balance, p_state - 'steps', p_at) RETURNING * INTO stepped;
    outcome := 'stepped';
END $$;

-- As programs of before this migration call it.
CREATE OR REPLACE FUNCTION wallet.step_round(
    p_round uuid, p_account bigint, p_seen integer, p_key text, p_hash bytea, p_action jsonb, p_stake bigint,
    p_closes boolean, p_win bigint, p_state jsonb, p_draws jsonb, p_stake_cap bigint, p_min_cycle_ms integer,
    p_at timestamptz, p_due_at timestamptz, p_before timestamptz, p_reason text,
    OUT outcome text, OUT balance bigint, OUT amount bigint, OUT game wallet.game_rounds,
    OUT stepped wallet.game_round_steps)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT s.outcome, s.balance, s.amount, s.game, s.stepped FROM wallet.step_round(p_round, p_account, p_seen, p_key,
        p_hash, p_action, p_stake, p_closes, p_win, p_state, p_draws, p_stake_cap, p_min_cycle_ms, p_at, p_due_at,
        p_before, p_reason, NULL) AS s
$$;

-- What a stretch of the journal did with jackpots, as before (0019), with the rounds of several steps among those that
-- owe. A studio's bets owe nothing.
CREATE OR REPLACE FUNCTION wallet.jackpots_of(p_from uuid, p_to uuid)
RETURNS TABLE (name text, currency text, rounds bigint, micros numeric, contributions numeric, seeds numeric,
    wins numeric, others numeric)
LANGUAGE sql STABLE AS $$
    WITH owed AS (
        SELECT t.details -> 'jackpot' ->> 'name' AS name, t.currency, count(*) AS rounds,
            sum((t.details -> 'jackpot' ->> 'micros')::numeric) AS micros
        FROM wallet.transactions t
        WHERE t.kind IN ('round', 'bet_settled') AND jsonb_typeof(t.details -> 'jackpot') = 'object'
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
