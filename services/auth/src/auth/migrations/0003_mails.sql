-- Mails to be sent: written with the use-case, sent by a loop.

CREATE TABLE mails (
    id              uuid PRIMARY KEY,
    template        text NOT NULL CHECK (template IN ('verify', 'already-registered', 'invitation')),
    identity_id     uuid,
    verification_id uuid,
    organization_id uuid,
    invitation_id   uuid,
    status          text NOT NULL DEFAULT 'pending'
        CHECK (status IN ('pending', 'sending', 'sent', 'refused', 'abandoned', 'void')),
    attempt         integer NOT NULL DEFAULT 0,
    due_at          timestamptz NOT NULL DEFAULT kit_now(),
    answer          text,
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    settled_at      timestamptz,
    CHECK ((invitation_id IS NULL) = (identity_id IS NOT NULL)),
    CHECK ((invitation_id IS NULL) = (organization_id IS NULL)),
    CHECK ((status IN ('pending', 'sending')) = (settled_at IS NULL))
);
COMMENT ON TABLE mails IS 'Mails by reference, without address, text or secret; attempt is the fence of a claim, due_at also the end of its lease.';
CREATE INDEX mails_due ON mails (due_at) WHERE status IN ('pending', 'sending');
CREATE INDEX mails_by_identity ON mails (identity_id, created_at);
CREATE INDEX mails_by_end ON mails (settled_at) WHERE settled_at IS NOT NULL;
GRANT SELECT, INSERT, UPDATE, DELETE ON mails TO :app;
