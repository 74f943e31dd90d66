-- Pictures, videos and documents: what was uploaded, in which pieces, and what was made of it for the platforms.

CREATE TABLE media (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    state           text NOT NULL CHECK (state IN ('uploading', 'examining', 'ready', 'refused')),
    name            text NOT NULL,
    alt             text NOT NULL,
    declared_type   text NOT NULL,
    declared_bytes  bigint NOT NULL CHECK (declared_bytes > 0),
    received        bigint NOT NULL DEFAULT 0 CHECK (received BETWEEN 0 AND declared_bytes),
    facts           jsonb,
    object          text NOT NULL DEFAULT '',
    code            text NOT NULL DEFAULT '',
    reason          text NOT NULL DEFAULT '',
    created_by      uuid,
    version         bigint NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    changed_at      timestamptz NOT NULL DEFAULT kit_now(),
    expires_at      timestamptz NOT NULL,
    CHECK ((state = 'ready') = (facts IS NOT NULL AND object <> ''))
);
COMMENT ON TABLE media IS 'What an organization has uploaded to publish. facts are what was seen in it (kind, type, size, duration, codecs); object is the key of its bytes in the store, cleaned of metadata; expires_at is when an upload that is not finished lapses.';
CREATE INDEX media_newest ON media (organization_id, id DESC);
CREATE INDEX media_uploading ON media (organization_id) WHERE state = 'uploading';
CREATE INDEX media_of_user ON media (created_by) WHERE created_by IS NOT NULL;
ALTER TABLE media ENABLE ROW LEVEL SECURITY;
ALTER TABLE media FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON media TO :app USING (
    organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[])
);
GRANT SELECT, INSERT, UPDATE, DELETE ON media TO :app;

CREATE TABLE media_pieces (
    media_id        uuid NOT NULL REFERENCES media ON DELETE CASCADE,
    start           bigint NOT NULL,
    organization_id uuid NOT NULL,
    size            bigint NOT NULL CHECK (size > 0),
    object          text NOT NULL,
    PRIMARY KEY (media_id, start)
);
COMMENT ON TABLE media_pieces IS 'The pieces of an upload, each an object in the store that was there before its row.';
ALTER TABLE media_pieces ENABLE ROW LEVEL SECURITY;
ALTER TABLE media_pieces FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON media_pieces TO :app USING (
    organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[])
);
GRANT SELECT, INSERT, UPDATE, DELETE ON media_pieces TO :app;

CREATE TABLE renditions (
    id              uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    media_id        uuid NOT NULL REFERENCES media ON DELETE CASCADE,
    shape           text NOT NULL,
    fit             jsonb NOT NULL,
    state           text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'ready', 'failed')),
    facts           jsonb,
    object          text NOT NULL DEFAULT '',
    code            text NOT NULL DEFAULT '',
    reason          text NOT NULL DEFAULT '',
    created_at      timestamptz NOT NULL DEFAULT kit_now(),
    changed_at      timestamptz NOT NULL DEFAULT kit_now(),
    UNIQUE (media_id, shape),
    CHECK ((state = 'ready') = (facts IS NOT NULL AND object <> ''))
);
COMMENT ON TABLE renditions IS 'A medium as some platform takes it, made ahead: fit says what it is to become, shape is its fingerprint, so that platforms that want the same share one.';
ALTER TABLE renditions ENABLE ROW LEVEL SECURITY;
ALTER TABLE renditions FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON renditions TO :app USING (
    organization_id = ANY ((SELECT current_setting('app.orgs')::uuid[])::uuid[])
);
GRANT SELECT, INSERT, UPDATE, DELETE ON renditions TO :app;

-- Which posts use a medium, also on one account only: asked before it is deleted. The operator of jsonb uses no index
-- under row-level security, so the loops' role asks, for the organization it is given.
CREATE INDEX posts_use ON posts USING gin (content jsonb_path_ops) WHERE content <> '{}';
CREATE INDEX deliveries_use ON deliveries USING gin (content jsonb_path_ops) WHERE content IS NOT NULL;
GRANT SELECT (id, content, status) ON posts TO :loops;
CREATE FUNCTION posts_that_use(asked uuid, medium uuid, at_most integer)
    RETURNS TABLE (post_id uuid) LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        WITH uses AS (
            SELECT unnest(ARRAY[
                jsonb_build_object('media', jsonb_build_array(jsonb_build_object('media_id', medium))),
                jsonb_build_object('parts', jsonb_build_array(
                    jsonb_build_object('media', jsonb_build_array(jsonb_build_object('media_id', medium)))
                ))
            ]) AS use
        ), found AS (
            SELECT post.id FROM uses JOIN posts AS post ON post.content @> uses.use AND post.content <> '{}'
            WHERE post.organization_id = asked
            UNION
            SELECT way.post_id FROM uses JOIN deliveries AS way ON way.content @> uses.use AND way.content IS NOT NULL
            WHERE way.organization_id = asked
        )
        SELECT post.id FROM posts AS post
        WHERE post.id IN (SELECT id FROM found) AND post.organization_id = asked
          AND post.status IN ('draft', 'scheduled', 'processing', 'checking')
        ORDER BY post.id LIMIT at_most
    $$;
REVOKE ALL ON FUNCTION posts_that_use(uuid, uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION posts_that_use(uuid, uuid, integer) TO :app;
ALTER FUNCTION posts_that_use(uuid, uuid, integer) OWNER TO :loops;
