-- Which organizations have a partner queue, and which queues are still to be made or deleted on the broker.

CREATE TABLE partner_queues (
    organization_id uuid PRIMARY KEY,
    state           text NOT NULL DEFAULT 'closed' CHECK (state IN ('opening', 'open', 'closing', 'closed')),
    version         bigint NOT NULL DEFAULT 0,
    attempt         bigint NOT NULL DEFAULT 0,
    failures        integer NOT NULL DEFAULT 0,
    due_at          timestamptz NOT NULL DEFAULT kit_now(),
    claimed_until   timestamptz,
    changed_at      timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE partner_queues IS 'What each organization wants of its partner queue, and whether the broker has it; attempt is the fence of a claim.';
CREATE INDEX partner_queues_due ON partner_queues (due_at) WHERE state IN ('opening', 'closing');
ALTER TABLE partner_queues ENABLE ROW LEVEL SECURITY;
ALTER TABLE partner_queues FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON partner_queues TO :app USING (organization_id = ANY (current_setting('app.orgs')::uuid[]));
GRANT SELECT, INSERT, UPDATE ON partner_queues TO :app;

-- Rights on a function are settled before it is given away: the owner may not grant on what the loops role owns.
-- The loop looks across tenants for work; the bridge asks which of a batch's organizations have an open queue.
CREATE POLICY looking ON partner_queues FOR SELECT TO :loops USING (true);
CREATE POLICY claiming ON partner_queues FOR UPDATE TO :loops USING (true);
GRANT SELECT, UPDATE (attempt, claimed_until) ON partner_queues TO :loops;

CREATE FUNCTION claim_partner_queue(lease interval)
    RETURNS TABLE (organization_id uuid, state text, attempt bigint) LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        UPDATE partner_queues AS queue
        SET attempt = queue.attempt + 1, claimed_until = kit_now() + lease
        WHERE queue.organization_id = (
            SELECT due.organization_id FROM partner_queues AS due
            WHERE due.state IN ('opening', 'closing') AND due.due_at <= kit_now()
              AND (due.claimed_until IS NULL OR due.claimed_until <= kit_now())
            ORDER BY due.due_at LIMIT 1 FOR UPDATE SKIP LOCKED
        )
        RETURNING queue.organization_id, queue.state, queue.attempt
    $$;
REVOKE ALL ON FUNCTION claim_partner_queue(interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION claim_partner_queue(interval) TO :app;
ALTER FUNCTION claim_partner_queue(interval) OWNER TO :loops;

CREATE FUNCTION open_partner_queues(organization_ids uuid[]) RETURNS SETOF uuid LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT queue.organization_id FROM partner_queues AS queue
        WHERE queue.organization_id = ANY (organization_ids) AND queue.state = 'open'
    $$;
REVOKE ALL ON FUNCTION open_partner_queues(uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION open_partner_queues(uuid[]) TO :app;
ALTER FUNCTION open_partner_queues(uuid[]) OWNER TO :loops;
