-- Many texts at once through a provider's batches.

CREATE TABLE batches (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    created_by      uuid,
    provider        text NOT NULL,
    model           text NOT NULL,
    state           text NOT NULL CHECK (state IN ('queued', 'submitted', 'done', 'failed')),
    external_id     text,
    cancel_wanted   boolean NOT NULL DEFAULT false,
    look_at         timestamptz,
    version         bigint NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    ended_at        timestamptz
);
COMMENT ON TABLE batches IS 'Generations that a provider works through within a day; external_id is the provider''s, look_at when it is asked again.';
CREATE INDEX batches_newest ON batches (organization_id, id DESC);
CREATE INDEX batches_look ON batches (look_at) WHERE look_at IS NOT NULL;
CREATE INDEX batches_by ON batches (created_by, id) WHERE created_by IS NOT NULL;
ALTER TABLE batches ENABLE ROW LEVEL SECURITY;
ALTER TABLE batches FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON batches TO :app USING (
    organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[])
);
GRANT SELECT, INSERT, UPDATE ON batches TO :app;

ALTER TABLE generations ADD COLUMN batch_id uuid REFERENCES batches, ADD COLUMN call_id uuid;
CREATE INDEX generations_of_batch ON generations (batch_id) WHERE batch_id IS NOT NULL;

CREATE POLICY looking ON batches TO :loops USING (true);
GRANT SELECT, UPDATE ON batches TO :loops;
CREATE FUNCTION batches_claim(at_most integer) RETURNS TABLE (id uuid, organization_id uuid)
    LANGUAGE sql SECURITY DEFINER SET search_path = :schema, kit, pg_temp
    AS $$
        UPDATE batches SET look_at = kit_now() + interval '1 minute'
        WHERE batches.id IN (
            SELECT due.id FROM batches AS due
            WHERE due.look_at <= kit_now() ORDER BY due.look_at LIMIT at_most FOR UPDATE SKIP LOCKED
        )
        RETURNING batches.id, batches.organization_id
    $$;
REVOKE ALL ON FUNCTION batches_claim(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION batches_claim(integer) TO :app;
ALTER FUNCTION batches_claim(integer) OWNER TO :loops;
