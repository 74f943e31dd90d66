-- Offers of an organization from one of its owners to another member.

CREATE TABLE ownership_transfers (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations,
    from_member_id  uuid NOT NULL REFERENCES members ON DELETE CASCADE,
    to_member_id    uuid NOT NULL REFERENCES members ON DELETE CASCADE,
    state           text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'accepted', 'withdrawn')),
    version         bigint NOT NULL DEFAULT 1,
    expires_at      timestamptz NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    CHECK (from_member_id <> to_member_id)
);
COMMENT ON TABLE ownership_transfers IS 'An owner offers an organization to another member; a pending one past expires_at has expired. It goes with either membership.';
CREATE UNIQUE INDEX ownership_transfers_one_at_a_time ON ownership_transfers (organization_id) WHERE state = 'pending';
CREATE INDEX ownership_transfers_in_order ON ownership_transfers (organization_id, id);
CREATE INDEX ownership_transfers_by_giver ON ownership_transfers (from_member_id);
CREATE INDEX ownership_transfers_by_taker ON ownership_transfers (to_member_id);
ALTER TABLE ownership_transfers ENABLE ROW LEVEL SECURITY;
ALTER TABLE ownership_transfers FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON ownership_transfers TO :app USING (
    organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[])
);
GRANT SELECT, INSERT, UPDATE, DELETE ON ownership_transfers TO :app;
