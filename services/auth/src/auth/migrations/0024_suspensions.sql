-- What staff look for, and whom they suspend.

ALTER TABLE organizations ADD COLUMN suspended_at timestamptz;

CREATE TABLE suspensions (
    id              uuid PRIMARY KEY,
    user_id         uuid REFERENCES users,
    organization_id uuid,
    reason          text NOT NULL CHECK (reason IN ('abuse', 'fraud', 'payment', 'compromised', 'legal', 'requested', 'other')),
    note_sealed     bytea CHECK (length(note_sealed) <= 8192),
    suspended_by    uuid NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    lifted_by       uuid,
    lifted_at       timestamptz,
    CHECK ((user_id IS NULL) <> (organization_id IS NULL)),
    CHECK ((lifted_by IS NULL) = (lifted_at IS NULL))
);
COMMENT ON TABLE suspensions IS 'Why and by whom somebody, or an organization, was suspended and restored; users.suspended_at and organizations.suspended_at are what counts.';
CREATE UNIQUE INDEX suspensions_open_of_user ON suspensions (user_id) WHERE lifted_at IS NULL AND user_id IS NOT NULL;
CREATE UNIQUE INDEX suspensions_open_of_organization ON suspensions (organization_id) WHERE lifted_at IS NULL AND organization_id IS NOT NULL;
CREATE INDEX suspensions_of_user ON suspensions (user_id, id) WHERE user_id IS NOT NULL;
CREATE INDEX suspensions_of_organization ON suspensions (organization_id, id) WHERE organization_id IS NOT NULL;
GRANT SELECT, INSERT, UPDATE, DELETE ON suspensions TO :app;

CREATE INDEX users_by_creation ON users (created_at, id);
CREATE INDEX users_suspended ON users (created_at, id) WHERE suspended_at IS NOT NULL;
CREATE INDEX organizations_suspended ON organizations (id) WHERE suspended_at IS NOT NULL;
CREATE INDEX organizations_by_name ON organizations (lower(name) text_pattern_ops);

CREATE FUNCTION organizations_for_staff(before uuid, only_suspended boolean, at_most integer)
    RETURNS TABLE (id uuid, name text, version bigint, created_at timestamptz, suspended_at timestamptz)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
    #variable_conflict use_column
    BEGIN
        IF only_suspended THEN
            RETURN QUERY SELECT o.id, o.name, o.version, o.created_at, o.suspended_at FROM organizations AS o
                WHERE o.id < before AND o.suspended_at IS NOT NULL ORDER BY o.id DESC LIMIT at_most;
        ELSE
            RETURN QUERY SELECT o.id, o.name, o.version, o.created_at, o.suspended_at FROM organizations AS o
                WHERE o.id < before ORDER BY o.id DESC LIMIT at_most;
        END IF;
    END
    $$;
REVOKE ALL ON FUNCTION organizations_for_staff(uuid, boolean, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION organizations_for_staff(uuid, boolean, integer) TO :app;
ALTER FUNCTION organizations_for_staff(uuid, boolean, integer) OWNER TO :loops;

CREATE FUNCTION organizations_named(prefix text, at_most integer)
    RETURNS TABLE (id uuid, name text, version bigint, created_at timestamptz, suspended_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT o.id, o.name, o.version, o.created_at, o.suspended_at FROM organizations AS o
        WHERE lower(o.name) ^@ lower(prefix)
          AND lower(o.name) ~>=~ lower(prefix) AND lower(o.name) ~<~ (lower(prefix) || chr(1114111))
        ORDER BY lower(o.name) USING ~<~ LIMIT at_most
    $$;
REVOKE ALL ON FUNCTION organizations_named(text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION organizations_named(text, integer) TO :app;
ALTER FUNCTION organizations_named(text, integer) OWNER TO :loops;
