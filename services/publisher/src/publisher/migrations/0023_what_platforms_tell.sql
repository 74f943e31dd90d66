-- What platforms tell at run time is shared by all workers: of accounts in account_budgets, of our whole application here.

CREATE TABLE project_limits (
    platform   text PRIMARY KEY,
    full_until timestamptz NOT NULL,
    told_at    timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE project_limits IS 'Until when a platform takes nothing more from our application, whoever wants to publish, as it last said.';
GRANT SELECT, INSERT, UPDATE ON project_limits TO :app;

-- YouTube's uploads of a day are counted over all organizations, since Google counts those of the project: how many,
-- and nobody learns whose.
CREATE INDEX deliveries_uploaded ON deliveries (published_at) WHERE platform = 'youtube' AND status = 'published';
CREATE INDEX deliveries_to_upload ON deliveries (post_id)
    WHERE platform = 'youtube' AND status IN ('scheduled', 'processing', 'checking', 'unconfirmed');
GRANT SELECT (publish_at) ON posts TO :loops;
CREATE FUNCTION youtube_uploads(since timestamptz, until timestamptz, zone text, but_for uuid)
    RETURNS TABLE (day date, uploads bigint) LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT (found.at AT TIME ZONE zone)::date, count(*) FROM (
            SELECT one.published_at AS at FROM deliveries AS one
            WHERE one.platform = 'youtube' AND one.status = 'published'
              AND one.published_at >= since AND one.published_at < until
            UNION ALL
            SELECT greatest(post.publish_at, kit_now()) FROM deliveries AS one JOIN posts AS post ON post.id = one.post_id
            WHERE one.platform = 'youtube' AND one.status IN ('scheduled', 'processing', 'checking', 'unconfirmed')
              AND one.post_id IS DISTINCT FROM but_for AND post.publish_at < until
        ) AS found
        WHERE found.at >= since GROUP BY 1
    $$;
REVOKE ALL ON FUNCTION youtube_uploads(timestamptz, timestamptz, text, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION youtube_uploads(timestamptz, timestamptz, text, uuid) TO :app;
ALTER FUNCTION youtube_uploads(timestamptz, timestamptz, text, uuid) OWNER TO :loops;

-- Whoever forgets steps locks them first, so that two at once do not wait for each other.
GRANT UPDATE (changed_at) ON delivery_steps TO :loops;
