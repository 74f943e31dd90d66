-- Who does not want which mails. Mails themselves are kit's matter now (outgoing_mails): the old table goes at once and
-- not a release later, since no release has had it; what waited in it is asked for anew by whoever waits for it.

CREATE TABLE mail_preferences (
    user_id    uuid PRIMARY KEY REFERENCES users,
    unwanted   text[] NOT NULL DEFAULT '{}',
    version    bigint NOT NULL DEFAULT 0,
    changed_at timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE mail_preferences IS 'The categories of mails that a person does not want; who has no row wants all.';
GRANT SELECT, INSERT, UPDATE ON mail_preferences TO :app;

DROP TABLE mails;
