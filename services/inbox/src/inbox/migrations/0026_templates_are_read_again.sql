-- The list of templates of a business account is read when it is connected, and again from time to time.

ALTER TABLE channels ADD COLUMN connected_at timestamptz NOT NULL DEFAULT kit_now();
COMMENT ON COLUMN channels.connected_at IS 'When it was last connected, also anew.';
CREATE INDEX message_template_syncs_newest ON message_template_syncs (organization_id, waba_id, started_at);
GRANT DELETE ON message_template_syncs TO :app;
CREATE POLICY looking ON message_template_syncs FOR SELECT TO :loops USING (true);
GRANT SELECT (id, organization_id, waba_id, state, started_at) ON message_template_syncs TO :loops;

-- Accounts whose list was not read since they were connected, or not for as long as is told. By chance it is up to a
-- fifth sooner or later, so that what was connected together is not read together for ever.
CREATE FUNCTION template_lists_due(every interval, after_failure interval, at_most integer)
    RETURNS TABLE (organization_id uuid, waba_id text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT c.organization_id, c.waba_id
        FROM (
            SELECT organization_id, waba_id, max(connected_at) AS connected_at FROM channels
            WHERE kind = 'whatsapp' AND state = 'connected' AND health <> 'token_dead' AND waba_id <> ''
            GROUP BY organization_id, waba_id
        ) AS c
        LEFT JOIN LATERAL (
            SELECT s.started_at, s.state, 0.8 + 0.4 * (abs(hashtext(s.id::text)) % 1000) / 1000 AS share
            FROM message_template_syncs AS s
            WHERE s.organization_id = c.organization_id AND s.waba_id = c.waba_id
            ORDER BY s.started_at DESC LIMIT 1
        ) AS last ON true
        WHERE last.state IS NULL
           OR (last.state <> 'running' AND (
               last.started_at < c.connected_at
               OR last.started_at + last.share * CASE last.state WHEN 'failed' THEN after_failure ELSE every END
                  <= kit_now()))
        ORDER BY last.started_at NULLS FIRST
        LIMIT at_most
    $$;
REVOKE ALL ON FUNCTION template_lists_due(interval, interval, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION template_lists_due(interval, interval, integer) TO :app;
ALTER FUNCTION template_lists_due(interval, interval, integer) OWNER TO :loops;
