-- What people were told about the safety of their accounts, and in which language they are told.

ALTER TABLE users ADD COLUMN locale text NOT NULL DEFAULT 'en' CHECK (locale ~ '^[a-z]{2}$');

CREATE TABLE security_notices (
    id          uuid PRIMARY KEY,
    user_id     uuid NOT NULL REFERENCES users,
    notice      text NOT NULL CHECK (notice ~ '^[a-z_]{1,40}$'),
    cause       uuid NOT NULL,
    happened_at timestamptz NOT NULL DEFAULT kit_now(),
    UNIQUE (user_id, notice, cause)
);
COMMENT ON TABLE security_notices IS 'What a person was told by mail about the safety of the account, once for each cause.';
CREATE INDEX security_notices_lately ON security_notices (user_id, notice, happened_at);
CREATE INDEX security_notices_by_age ON security_notices (happened_at);
GRANT SELECT, INSERT, DELETE ON security_notices TO :app;
