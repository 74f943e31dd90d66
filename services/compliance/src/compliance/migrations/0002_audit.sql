-- The audit trail: what waits for its place, the entries in the log, the hashes of the Merkle tree over them, and what
-- was signed. Nothing of it is ever changed: the service may add, and has no right to more.

CREATE TABLE audit_pending (
    arrival         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    organization_id uuid NOT NULL,
    id              uuid NOT NULL,
    at              timestamptz NOT NULL,
    action          text NOT NULL,
    actor_kind      text NOT NULL,
    actor_id        uuid,
    target_kind     text NOT NULL,
    target_id       text NOT NULL,
    details         jsonb NOT NULL,
    request_id      text,
    UNIQUE (organization_id, id)
);
COMMENT ON TABLE audit_pending IS 'Heard of and not in the log yet, in the order of arrival; the nil organization is the platform itself.';
GRANT SELECT, INSERT, DELETE ON audit_pending TO :app;

CREATE TABLE audit_entries (
    position        bigint PRIMARY KEY CHECK (position >= 0),
    organization_id uuid NOT NULL,
    sequence        bigint NOT NULL CHECK (sequence >= 1),
    id              uuid NOT NULL,
    at              timestamptz NOT NULL,
    action          text NOT NULL,
    actor_id        uuid,
    target_id       text NOT NULL,
    leaf            bytea NOT NULL,
    UNIQUE (organization_id, sequence),
    UNIQUE (organization_id, id)
);
COMMENT ON TABLE audit_entries IS 'The log. The entry is the bytes of leaf, which were hashed; the other columns only find it.';
CREATE INDEX audit_entries_by_time ON audit_entries (organization_id, at, sequence);
CREATE INDEX audit_entries_by_action ON audit_entries (organization_id, action, at, sequence);
CREATE INDEX audit_entries_by_actor ON audit_entries (organization_id, actor_id, at, sequence) WHERE actor_id IS NOT NULL;
CREATE INDEX audit_entries_by_target ON audit_entries (organization_id, target_id, at, sequence);
ALTER TABLE audit_entries ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_entries FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON audit_entries TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT ON audit_entries TO :app;

CREATE TABLE audit_sequences (
    organization_id uuid PRIMARY KEY,
    last            bigint NOT NULL CHECK (last >= 1)
);
COMMENT ON TABLE audit_sequences IS 'How many entries each organization has in the log.';
ALTER TABLE audit_sequences ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_sequences FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON audit_sequences TO :app
    USING (organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[]));
GRANT SELECT, INSERT, UPDATE (last) ON audit_sequences TO :app;

CREATE TABLE audit_tiles (
    level  smallint NOT NULL CHECK (level >= 0),
    number bigint NOT NULL CHECK (number >= 0),
    hashes bytea NOT NULL CHECK (length(hashes) BETWEEN 32 AND 8192 AND length(hashes) % 32 = 0),
    PRIMARY KEY (level, number)
);
COMMENT ON TABLE audit_tiles IS 'Rows of up to 256 hashes: of entries at level 0, of complete subtrees above (C2SP tlog-tiles).';
ALTER TABLE audit_tiles ALTER COLUMN hashes SET STORAGE EXTERNAL;  -- hashes cannot be compressed
GRANT SELECT, INSERT, UPDATE (hashes) ON audit_tiles TO :app;

CREATE TABLE audit_checkpoints (
    size bigint PRIMARY KEY CHECK (size >= 0),
    root bytea NOT NULL CHECK (length(root) = 32),
    note text NOT NULL,
    at   timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE audit_checkpoints IS 'Everything that was ever signed about the whole log; the largest is the present one.';
GRANT SELECT, INSERT ON audit_checkpoints TO :app;

CREATE TABLE audit_keys (
    id             text PRIMARY KEY,
    origin         text NOT NULL,
    public_key     bytea NOT NULL,
    sealed_private bytea NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE audit_keys IS 'Ed25519 keys that sign the log under the name origin; the newest signs.';
GRANT SELECT, INSERT ON audit_keys TO :app;

-- Rights hold the service back; this holds back whoever has more of them, and by mistake.
CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit trail is not changed';
END $$;
CREATE FUNCTION audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF substr(NEW.hashes, 1, length(OLD.hashes)) IS DISTINCT FROM OLD.hashes THEN
        RAISE EXCEPTION 'the audit trail is not changed';
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION audit_only_counts_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.last <= OLD.last OR NEW.organization_id <> OLD.organization_id THEN
        RAISE EXCEPTION 'the audit trail is not changed';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER unchanged BEFORE UPDATE ON audit_entries FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER unchanged BEFORE UPDATE ON audit_checkpoints FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER only_grows BEFORE UPDATE ON audit_tiles FOR EACH ROW EXECUTE FUNCTION audit_only_grows();
CREATE TRIGGER only_counts_up BEFORE UPDATE ON audit_sequences FOR EACH ROW EXECUTE FUNCTION audit_only_counts_up();
