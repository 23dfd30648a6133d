-- Payments: deposits and withdrawals, every attempt at a provider, the inbox of webhooks, settlement.
-- What moves money is the ledger's; these tables say what was asked for and what became of it.
CREATE TABLE wallet.payments (
    payment_id      uuid        PRIMARY KEY,
    kind            text        NOT NULL CHECK (kind IN ('deposit', 'withdrawal')),
    player_id       uuid        NOT NULL,
    account_id      bigint      NOT NULL,
    method          text        NOT NULL CHECK (method IN ('card', 'bank', 'wallet', 'pix', 'crypto')),
    currency        text        NOT NULL CHECK (currency ~ '^[A-Z][A-Z0-9]{2,7}$'),
    amount          bigint      NOT NULL CHECK (amount > 0),
    state           text        NOT NULL,
    provider        text,
    instrument_id   uuid        REFERENCES wallet.instruments,
    received        bigint      NOT NULL DEFAULT 0 CHECK (received >= 0),
    captured        bigint      NOT NULL DEFAULT 0 CHECK (captured >= 0),
    refunding       bigint      NOT NULL DEFAULT 0 CHECK (refunding >= 0),
    refunded        bigint      NOT NULL DEFAULT 0 CHECK (refunded >= 0),
    disputed        bigint      NOT NULL DEFAULT 0 CHECK (disputed >= 0),
    held            bigint      NOT NULL DEFAULT 0 CHECK (held IN (0, amount)),
    paid            bigint      NOT NULL DEFAULT 0 CHECK (paid IN (0, amount)),
    returned        bigint      NOT NULL DEFAULT 0 CHECK (returned IN (0, amount)),
    refunds         integer     NOT NULL DEFAULT 0,
    disputes        integer     NOT NULL DEFAULT 0,
    approvals       text[]      NOT NULL DEFAULT '{}',
    approvals_needed smallint   NOT NULL DEFAULT 0,
    decline_code    text,
    bin_country     text,
    return_url      text,
    idempotency_key text        NOT NULL CHECK (char_length(idempotency_key) BETWEEN 1 AND 128),
    part            smallint    NOT NULL DEFAULT 0,   -- a withdrawal may be split over instruments
    request_hash    bytea       NOT NULL CHECK (octet_length(request_hash) = 32),
    version         integer     NOT NULL DEFAULT 0,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    UNIQUE (account_id, kind, idempotency_key, part),
    CONSTRAINT no_more_leaves_than_came CHECK (refunding + refunded + disputed <= captured),
    CONSTRAINT a_deposit_holds_nothing CHECK (kind = 'withdrawal' OR held + paid + returned = 0),
    CONSTRAINT a_withdrawal_captures_nothing CHECK (kind = 'deposit' OR received + captured = 0),
    CONSTRAINT held_while_it_waits CHECK (kind = 'deposit'
        OR (held > 0) = (state IN ('requested', 'pending_review', 'approved', 'processing')))
);
CREATE INDEX payments_of_account ON wallet.payments (account_id, created_at DESC);
CREATE INDEX payments_under_way ON wallet.payments (updated_at)
    WHERE state IN ('initiated', 'processing', 'authorized', 'refunding', 'sending_back', 'requested', 'approved');
CREATE INDEX payments_to_review ON wallet.payments (kind, payment_id) WHERE state = 'pending_review';
CREATE INDEX payments_of_instrument ON wallet.payments (instrument_id) WHERE instrument_id IS NOT NULL;

-- Every transition that a payment has made, with the ledger's steps; never rewritten.
CREATE TABLE wallet.payment_transitions (
    payment_id uuid        NOT NULL REFERENCES wallet.payments,
    version    integer     NOT NULL,
    transition text        NOT NULL,
    from_state text        NOT NULL,
    to_state   text        NOT NULL,
    actor      text,
    money      jsonb       NOT NULL DEFAULT '[]',
    details    jsonb       NOT NULL DEFAULT '{}',
    at         timestamptz NOT NULL,
    PRIMARY KEY (payment_id, version)
);
CREATE FUNCTION wallet.refuse_change_of_payment_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the history of payments is not rewritten' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON wallet.payment_transitions
    FOR EACH STATEMENT EXECUTE FUNCTION wallet.refuse_change_of_payment_history();

CREATE TABLE wallet.payment_attempts (
    payment_id   uuid        NOT NULL REFERENCES wallet.payments,
    number       integer     NOT NULL,
    operation    text        NOT NULL CHECK (operation IN ('charge', 'payout', 'refund', 'return')),
    provider     text        NOT NULL,
    method       text        NOT NULL,
    reference    text        NOT NULL UNIQUE,    -- our name for it at the provider, and its idempotency key
    amount       bigint      NOT NULL CHECK (amount > 0),
    currency     text        NOT NULL,
    outcome      text        CHECK (outcome IN ('authorized', 'captured', 'pending', 'declined', 'unknown', 'not_found')),
    decline_code text,
    provider_id  text,
    of_reference text,
    stray        boolean     NOT NULL DEFAULT false,
    moved        bigint,     -- what the provider says that it took or paid
    action       jsonb,
    request      jsonb       NOT NULL DEFAULT '{}',   -- what was asked, without tokens and names
    started_at   timestamptz NOT NULL,
    heard_at     timestamptz,
    PRIMARY KEY (payment_id, number)
);
-- The rule against paying twice, for whoever writes: while one provider may act, no other is asked.
CREATE UNIQUE INDEX one_open_attempt ON wallet.payment_attempts (payment_id)
    WHERE operation IN ('charge', 'payout')
        AND (outcome IS NULL OR outcome IN ('unknown', 'pending', 'authorized'));
CREATE INDEX attempts_open ON wallet.payment_attempts (started_at)
    WHERE outcome IS NULL OR outcome IN ('unknown', 'pending', 'authorized');
CREATE INDEX attempts_stray ON wallet.payment_attempts (started_at) WHERE stray;

-- Webhooks, verified and parsed; the body is not kept. `waiting`: came before what it follows.
CREATE TABLE wallet.psp_events (
    provider     text        NOT NULL,
    event_id     text        NOT NULL CHECK (char_length(event_id) <= 512),
    kind         text        NOT NULL,
    reference    text        NOT NULL,
    amount       bigint,
    currency     text,
    decline_code text,
    provider_id  text,
    owner_match  boolean,
    payer_token  text,
    occurred_at  timestamptz NOT NULL,
    received_at  timestamptz NOT NULL,
    status       text        NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'done', 'parked')),
    reason       text,
    handled_at   timestamptz,
    PRIMARY KEY (provider, event_id)
);
CREATE INDEX psp_events_waiting ON wallet.psp_events (provider, reference) WHERE status = 'waiting';

CREATE TABLE wallet.settlement_files (
    file_id     uuid        PRIMARY KEY,
    provider    text        NOT NULL,
    method      text        NOT NULL,
    day         date        NOT NULL,
    sha256      bytea       NOT NULL CHECK (octet_length(sha256) = 32),
    lines       integer     NOT NULL,
    received_at timestamptz NOT NULL,
    UNIQUE (provider, method, day, sha256)
);
CREATE TABLE wallet.settlement_lines (
    file_id     uuid   NOT NULL REFERENCES wallet.settlement_files,
    number      integer NOT NULL,
    type        text   NOT NULL,
    reference   text   NOT NULL,
    provider_id text   NOT NULL,
    amount      bigint NOT NULL,
    fee         bigint NOT NULL,
    currency    text   NOT NULL,
    PRIMARY KEY (file_id, number)
);
CREATE TABLE wallet.settlement_breaks (
    file_id   uuid        NOT NULL REFERENCES wallet.settlement_files,
    number    integer     NOT NULL,
    kind      text        NOT NULL CHECK (kind IN ('missing_here', 'missing_there', 'amount_differs',
                                                   'currency_differs', 'fee_differs', 'duplicate')),
    type      text        NOT NULL,
    reference text        NOT NULL,
    ours      bigint,
    theirs    bigint,
    currency  text        NOT NULL,
    noted_at  timestamptz NOT NULL,
    closed_at timestamptz,
    closed_by text,
    note      text        CHECK (char_length(note) BETWEEN 1 AND 500),
    PRIMARY KEY (file_id, number)
);
