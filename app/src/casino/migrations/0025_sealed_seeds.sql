-- Server seeds are sealed until they are revealed (docs/games.md): who reads the database alone does not know what comes.
-- Seeds from before stay as they are, and go on being played.
ALTER TABLE game_control.seed_pairs ADD COLUMN sealed_seed bytea,
    ALTER COLUMN server_seed DROP NOT NULL,
    ADD CONSTRAINT kept CHECK (coalesce(server_seed, sealed_seed) IS NOT NULL) NOT VALID;

CREATE OR REPLACE FUNCTION game_control.keep_seed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.seed_id, NEW.player_id, NEW.sealed_seed) IS DISTINCT FROM (OLD.seed_id, OLD.player_id, OLD.sealed_seed)
            -- A sealed one is written in the clear when it is revealed, and only then.
            OR (NEW.server_seed IS DISTINCT FROM OLD.server_seed
                AND (OLD.server_seed IS NOT NULL OR NEW.state <> 'revealed'))
            OR NEW.nonce NOT IN (OLD.nonce, OLD.nonce + 1)
            OR (OLD.client_seed IS NOT NULL AND NEW.client_seed <> OLD.client_seed)
            OR (OLD.state, NEW.state) NOT IN (('next', 'current'), ('current', 'current'), ('current', 'retired'),
                ('retired', 'revealed')) THEN
        RAISE EXCEPTION 'seed % was committed to, and stays as it is', OLD.seed_id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
