-- What is sent to an address so that whoever has it may do something: open an account, reset a password, sign in, change
-- an address. An account comes into being when its address is proven; the accounts of addresses that nobody has proven go,
-- and so do their proofs, at once and not a release later: whoever waits for one signs up again.

DELETE FROM verifications;
DROP TABLE verifications;
DELETE FROM identities WHERE verified_at IS NULL;
DELETE FROM users WHERE verified_at IS NULL;

ALTER TABLE identities DROP CONSTRAINT identities_kind_check;
ALTER TABLE identities ADD CONSTRAINT identities_kind_check CHECK (kind IN ('email', 'phone'));
CREATE UNIQUE INDEX identities_one_phone ON identities (user_id) WHERE kind = 'phone';
COMMENT ON TABLE identities IS 'By what a person may be reached and recognised; blind is a keyed hash of the normalised mail address or number, sealed holds it as it was typed, under the person''s own key.';

CREATE TABLE challenges (
    id                  uuid PRIMARY KEY,
    purpose             text NOT NULL CHECK (purpose IN ('sign-up', 'reset', 'magic-link', 'change', 'undo')),
    kind                text NOT NULL CHECK (kind IN ('email', 'phone')),
    blind               bytea NOT NULL CHECK (length(blind) = 32),
    identity_id         uuid NOT NULL,
    user_id             uuid NOT NULL,
    known               boolean NOT NULL,
    sealed              bytea CHECK (length(sealed) <= 2048),
    password_hash       text NOT NULL DEFAULT '',
    sessions_from_epoch bigint,
    locale              text NOT NULL CHECK (locale ~ '^[a-z]{2}$'),
    tries               integer NOT NULL DEFAULT 0,
    expires_at          timestamptz NOT NULL,
    used_at             timestamptz,
    created_at          timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE challenges IS 'What was asked for, for an address, whether or not somebody has it: a row is the same for both. identity_id and user_id are whose it was, or the ids they would get. A link or code is computed from the id and stands nowhere.';
CREATE INDEX challenges_by_address ON challenges (blind, purpose, id);
CREATE INDEX challenges_by_user ON challenges (user_id);
CREATE INDEX challenges_by_expiry ON challenges (expires_at);
GRANT SELECT, INSERT, UPDATE, DELETE ON challenges TO :app;

CREATE TABLE outgoing_texts (
    id           uuid PRIMARY KEY,
    challenge_id uuid NOT NULL,
    about        uuid NOT NULL,
    blind        bytea NOT NULL CHECK (length(blind) = 32),
    network      bytea NOT NULL CHECK (length(network) = 32),
    status       text NOT NULL DEFAULT 'pending'
        CHECK (status IN ('pending', 'sent', 'refused', 'unknown', 'unconfirmed', 'withdrawn')),
    message_id   text,
    unknowns     integer NOT NULL DEFAULT 0,
    code         text NOT NULL DEFAULT '',
    created_at   timestamptz NOT NULL DEFAULT kit_now(),
    settled_at   timestamptz
);
COMMENT ON TABLE outgoing_texts IS 'Text messages by reference, without number, words or code; blind and network are keyed hashes of the number and of its first digits, by which they are counted.';
CREATE INDEX outgoing_texts_to ON outgoing_texts (blind, created_at);
CREATE INDEX outgoing_texts_by_network ON outgoing_texts (network, created_at);
CREATE INDEX outgoing_texts_by_challenge ON outgoing_texts (challenge_id, created_at);
CREATE INDEX outgoing_texts_by_age ON outgoing_texts (created_at);
CREATE INDEX outgoing_texts_about ON outgoing_texts (about);
GRANT SELECT, INSERT, UPDATE, DELETE ON outgoing_texts TO :app;
