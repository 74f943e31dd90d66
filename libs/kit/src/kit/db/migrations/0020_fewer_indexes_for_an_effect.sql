-- An effect is written three times on its way: what is looked for by few need not be kept in order for all.

-- Attempts are only ever read by their effect.
ALTER TABLE ledger_attempts DROP CONSTRAINT ledger_attempts_pkey, ADD PRIMARY KEY (entry_id, id);
DROP INDEX ledger_attempts_of_entry;

-- Nearly all effects end as done, and are listed by their id alone.
DROP INDEX ledger_entries_by_status;
CREATE INDEX ledger_entries_troubled ON ledger_entries (status, id)
    WHERE status IN ('unknown', 'refused', 'cancelled', 'unconfirmed');

DROP FUNCTION ledger_list(text[], text, text[], uuid, interval, integer);
CREATE FUNCTION ledger_list(statuses text[], of_kind text, kinds text[], before uuid, older_than interval, most integer)
    RETURNS TABLE (id uuid, kind text, organization_id uuid, lane_key text, subject_id uuid, status text,
                   attempt integer, due_at timestamptz, created_at timestamptz, called_at timestamptz,
                   look_at timestamptz, external_id text, reason text, code text, settled_at timestamptz,
                   settled_by text, held text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    SET plan_cache_mode = force_custom_plan
    AS $$
    #variable_conflict use_column
    BEGIN
        RETURN QUERY
        SELECT e.id, e.kind, e.organization_id, lane.key, e.subject_id, e.status, e.attempt, e.due_at, e.created_at,
               e.called_at, e.look_at, e.external_id, e.reason, e.code, e.settled_at, e.settled_by,
               (SELECT h.reason FROM ledger_holds AS h
                WHERE h.organization_id IS NOT DISTINCT FROM e.organization_id
                  AND (h.lane_key = lane.key OR h.lane_key IS NULL) ORDER BY h.lane_key LIMIT 1)
        FROM (
            SELECT other.* FROM unnest(statuses) AS wanted (status), LATERAL (
                SELECT * FROM ledger_entries AS each
                WHERE each.status = wanted.status AND each.status IN ('unknown', 'refused', 'cancelled', 'unconfirmed')
                  AND (of_kind IS NULL OR each.kind = of_kind)
                  AND (before IS NULL OR each.id < before) AND each.due_at <= kit_now() - older_than
                ORDER BY each.id DESC LIMIT most) AS other
            UNION ALL
            (SELECT * FROM ledger_entries AS each
             WHERE 'done' = ANY (statuses) AND each.status = 'done' AND (of_kind IS NULL OR each.kind = of_kind)
               AND (before IS NULL OR each.id < before) AND each.due_at <= kit_now() - older_than
             ORDER BY each.id DESC LIMIT most)
            UNION ALL
            (SELECT called.* FROM (
                SELECT * FROM ledger_entries AS each
                WHERE 'calling' = ANY (statuses) AND each.status = 'calling' AND (of_kind IS NULL OR each.kind = of_kind)
                  AND (before IS NULL OR each.id < before) AND each.due_at <= kit_now() - older_than
                OFFSET 0) AS called
             ORDER BY called.id DESC LIMIT most)
            UNION ALL
            (SELECT waiting.* FROM (
                SELECT * FROM ledger_entries AS each
                WHERE 'pending' = ANY (statuses) AND each.status = 'pending' AND each.kind = ANY (kinds)
                  AND each.due_at <= kit_now() - older_than AND (before IS NULL OR each.id < before)
                OFFSET 0) AS waiting
             ORDER BY waiting.id DESC LIMIT most)
        ) AS e
        JOIN ledger_lanes AS lane ON lane.id = e.lane_id
        ORDER BY e.id DESC LIMIT most;
    END
    $$;
REVOKE ALL ON FUNCTION ledger_list(text[], text, text[], uuid, interval, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_list(text[], text, text[], uuid, interval, integer) TO :app;
ALTER FUNCTION ledger_list(text[], text, text[], uuid, interval, integer) OWNER TO :loops;
