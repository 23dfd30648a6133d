-- Players' accounts whole: personal data sealed under a key for each person, means to log in, the account's life,
-- devices, consents, messages, staff and imports. Class of data: player_identity.

-- Keys that seal data, wrapped by the tenant's key. To destroy one is to erase what it sealed.
CREATE TABLE pam.data_keys (
    subject      uuid        PRIMARY KEY,       -- a player, or one of the staff
    wrapped      text,                          -- null once it is destroyed
    key_version  int         NOT NULL,          -- of the tenant's key that wrapped it
    created_at   timestamptz NOT NULL,
    destroyed_at timestamptz,
    CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL))
);
CREATE INDEX data_keys_version ON pam.data_keys (key_version, subject) WHERE wrapped IS NOT NULL;
-- The tenant's key of blind indices, wrapped as well. One row: all processes have to agree on it.
CREATE TABLE pam.index_key (
    only_one    boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    wrapped     text    NOT NULL,
    key_version int     NOT NULL
);

-- The columns in the clear become empty: what was registered before is sealed by the casino when it starts, in batches
-- (pam.seal_player), since SQL has no key. A later migration drops them.
ALTER TABLE pam.players
    ALTER COLUMN email DROP NOT NULL,
    ALTER COLUMN email_key DROP NOT NULL,
    ALTER COLUMN date_of_birth DROP NOT NULL,
    ALTER COLUMN password_hash DROP NOT NULL,   -- imported players choose a password first
    ADD COLUMN sealed            bytea,         -- every personal field, one document
    ADD COLUMN email_index       bytea UNIQUE CHECK (octet_length(email_index) = 32),
    ADD COLUMN phone_index       bytea CHECK (octet_length(phone_index) = 32),
    ADD COLUMN national_id_index bytea CHECK (octet_length(national_id_index) = 32),
    ADD COLUMN person_index      bytea CHECK (octet_length(person_index) = 32),  -- names and date of birth
    ADD COLUMN status            text NOT NULL DEFAULT 'active' CHECK (status IN (
        'pending_verification', 'active', 'restricted', 'suspended', 'self_excluded', 'dormant', 'closed', 'merged')),
    ADD COLUMN status_since      timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN status_reason     text NOT NULL DEFAULT 'registered',
    ADD COLUMN merged_into       uuid REFERENCES pam.players,
    ADD COLUMN failed_logins     int  NOT NULL DEFAULT 0,
    ADD COLUMN locked_until      timestamptz,   -- 'infinity': until the password is reset
    ADD COLUMN seen_on           date,          -- the last day with a log-in; a day is all that dormancy needs
    ADD COLUMN erased_at         timestamptz,
    ADD CHECK ((status = 'merged') = (merged_into IS NOT NULL));
CREATE INDEX players_phone ON pam.players (phone_index) WHERE phone_index IS NOT NULL;
CREATE INDEX players_national_id ON pam.players (national_id_index) WHERE national_id_index IS NOT NULL;
CREATE INDEX players_person ON pam.players (person_index) WHERE person_index IS NOT NULL;
CREATE INDEX players_seen ON pam.players (seen_on) WHERE status IN ('active', 'dormant');
CREATE INDEX players_unsealed ON pam.players (player_id) WHERE sealed IS NULL AND erased_at IS NULL;

CREATE TABLE pam.status_history (
    player_id  uuid        NOT NULL REFERENCES pam.players,
    changed_at timestamptz NOT NULL,
    origin     text        NOT NULL,
    target     text        NOT NULL,
    actor      text        NOT NULL,
    actor_id   uuid,
    reason     text        NOT NULL CHECK (char_length(reason) <= 200)
);
CREATE INDEX status_history_player ON pam.status_history (player_id, changed_at);

-- Second factors, of players and of staff. Secrets are sealed with the person's data key.
CREATE TABLE pam.totp (
    subject       uuid   PRIMARY KEY,
    secret_sealed bytea  NOT NULL,
    confirmed_at  timestamptz,                  -- null: shown, but no code was given yet
    last_step     bigint NOT NULL DEFAULT -1    -- a step's code counts once
);
CREATE TABLE pam.recovery_codes (
    subject   uuid  NOT NULL,
    code_hash bytea NOT NULL,                   -- SHA-256 of 80 random bits
    PRIMARY KEY (subject, code_hash)
);
CREATE TABLE pam.webauthn_credentials (
    credential_id bytea       PRIMARY KEY CHECK (octet_length(credential_id) <= 1023),
    subject       uuid        NOT NULL,
    public_key    bytea       NOT NULL,
    sign_count    bigint      NOT NULL,
    name          text        NOT NULL CHECK (char_length(name) <= 64),
    created_at    timestamptz NOT NULL,
    used_at       timestamptz,
    cloned_at     timestamptz                   -- its counter went back: somebody has a copy
);
CREATE INDEX webauthn_subject ON pam.webauthn_credentials (subject);

CREATE TABLE pam.devices (
    device_id   uuid        PRIMARY KEY,
    player_id   uuid        NOT NULL REFERENCES pam.players,
    token_hash  bytea       NOT NULL,           -- of the device's cookie
    first_seen  timestamptz NOT NULL,
    last_seen   timestamptz NOT NULL,
    UNIQUE (player_id, token_hash)
);
CREATE TABLE pam.password_resets (
    token_hash bytea       PRIMARY KEY,
    player_id  uuid        NOT NULL REFERENCES pam.players,
    expires_at timestamptz NOT NULL
);
CREATE INDEX password_resets_player ON pam.password_resets (player_id);
-- Messages to players, taken by the sender. What they say is sealed, and gone once it is sent.
CREATE TABLE pam.messages (
    message_id uuid        PRIMARY KEY,
    player_id  uuid        NOT NULL REFERENCES pam.players,
    kind       text        NOT NULL,
    sealed     bytea,                           -- null once it is sent or given up
    created_at timestamptz NOT NULL,
    due_at     timestamptz NOT NULL,
    attempts   int         NOT NULL DEFAULT 0,
    sent_at    timestamptz,
    failed_at  timestamptz
);
CREATE INDEX messages_due ON pam.messages (due_at) WHERE sealed IS NOT NULL;

-- What a player agreed to and took back. The newest row of a subject counts; none is ever changed.
CREATE TABLE pam.consents (
    consent_id  uuid        PRIMARY KEY,
    player_id   uuid        NOT NULL REFERENCES pam.players,
    subject     text        NOT NULL CHECK (char_length(subject) <= 100),  -- terms, or marketing:<channel>:<product>
    granted     boolean     NOT NULL,
    version     text        NOT NULL CHECK (char_length(version) <= 64),
    source      text        NOT NULL CHECK (char_length(source) <= 64),
    recorded_at timestamptz NOT NULL
);
CREATE INDEX consents_player ON pam.consents (player_id, subject, recorded_at DESC, consent_id DESC);
CREATE FUNCTION pam.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% only grows', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON pam.consents
    FOR EACH STATEMENT EXECUTE FUNCTION pam.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON pam.status_history
    FOR EACH STATEMENT EXECUTE FUNCTION pam.refuse_change();

-- Who works here. Never a player: other table, other sessions, a second factor always.
CREATE TABLE pam.staff (
    staff_id      uuid        PRIMARY KEY,
    email_index   bytea       NOT NULL UNIQUE,
    sealed        bytea       NOT NULL,
    password_hash text        NOT NULL,
    role          text        NOT NULL CHECK (role IN ('compliance', 'support', 'finance', 'admin')),
    active        boolean     NOT NULL DEFAULT true,
    failed_logins int         NOT NULL DEFAULT 0,
    locked_until  timestamptz,
    created_at    timestamptz NOT NULL
);

-- Players and opening balances that came from another casino.
CREATE TABLE pam.import_batches (
    batch_id    uuid        PRIMARY KEY,
    file_sha256 bytea       NOT NULL,
    state       text        NOT NULL CHECK (state IN ('running', 'done', 'undone')),
    rows_total  bigint      NOT NULL,
    totals      jsonb       NOT NULL,           -- the file's sum by currency, minor units
    started_at  timestamptz NOT NULL,
    ended_at    timestamptz
);
CREATE UNIQUE INDEX import_batches_file ON pam.import_batches (file_sha256) WHERE state <> 'undone';
CREATE TABLE pam.import_rows (
    batch_id     uuid   NOT NULL REFERENCES pam.import_batches,
    line         bigint NOT NULL,
    player_id    uuid   NOT NULL REFERENCES pam.players,
    amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
    currency     text   NOT NULL,
    posted_at    timestamptz,
    PRIMARY KEY (batch_id, line)
);
CREATE INDEX import_rows_player ON pam.import_rows (player_id);

-- What was decided about where a player is. Neither address nor position is kept: the region and the reason are.
CREATE TABLE pam.location_checks (
    check_id   uuid        PRIMARY KEY,
    player_id  uuid        NOT NULL REFERENCES pam.players,
    moment     text        NOT NULL,
    reason     text        NOT NULL,
    region     text,
    decided_at timestamptz NOT NULL
);
CREATE INDEX location_checks_player ON pam.location_checks (player_id, decided_at);

-- Seals a player who was registered in the clear: once, and whoever comes second changes nothing.
CREATE FUNCTION pam.seal_player(p_player uuid, p_wrapped text, p_version int, p_sealed bytea, p_email_index bytea)
RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM pam.players WHERE player_id = p_player AND sealed IS NULL AND erased_at IS NULL FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO pam.data_keys (subject, wrapped, key_version, created_at)
        VALUES (p_player, p_wrapped, p_version, now());
    UPDATE pam.players SET sealed = p_sealed, email_index = p_email_index,
        email = NULL, email_key = NULL, date_of_birth = NULL WHERE player_id = p_player;
    RETURN true;
END $$;

-- What nobody deletes: an erasure destroys a key and leaves the row, and a check of a place stays as it was made.
CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON pam.players
    FOR EACH STATEMENT EXECUTE FUNCTION pam.refuse_change();
CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON pam.data_keys
    FOR EACH STATEMENT EXECUTE FUNCTION pam.refuse_change();
CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON pam.staff
    FOR EACH STATEMENT EXECUTE FUNCTION pam.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON pam.location_checks
    FOR EACH STATEMENT EXECUTE FUNCTION pam.refuse_change();
