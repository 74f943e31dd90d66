-- What waits for a parked lane can be told why, whichever effect of the lane was answered so.

ALTER TABLE ledger_lanes
    ADD COLUMN parked_reason text NOT NULL DEFAULT '',
    ADD COLUMN parked_code text NOT NULL DEFAULT '';
COMMENT ON COLUMN ledger_lanes.parked_reason IS 'Why it is parked until parked_until; says nothing after that.';
ALTER TABLE ledger_wakes
    ADD COLUMN parked_reason text,
    ADD COLUMN parked_code text;

DROP FUNCTION ledger_drain_wakes(integer);
CREATE FUNCTION ledger_drain_wakes(most integer) RETURNS bigint LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
    DECLARE
        wakes bigint[];
        lanes bigint[];
        free bigint[];
        drained bigint;
    BEGIN
        SELECT array_agg(w.id), array_agg(DISTINCT w.lane_id) INTO wakes, lanes
        FROM (SELECT id, lane_id FROM ledger_wakes ORDER BY id LIMIT most FOR UPDATE SKIP LOCKED) AS w;
        IF wakes IS NULL THEN
            RETURN 0;
        END IF;
        SELECT array_agg(l.id) INTO free
        FROM (SELECT id FROM ledger_lanes WHERE id = ANY (lanes) FOR UPDATE SKIP LOCKED) AS l;
        WITH gone AS (
            DELETE FROM ledger_wakes WHERE id = ANY (wakes) AND lane_id = ANY (free)
            RETURNING lane_id, due_at, parked_until, parked_reason, parked_code
        ), news AS (
            SELECT lane_id, min(due_at) AS due_at, max(parked_until) AS parked_until, count(*) AS wakes FROM gone
            GROUP BY lane_id
        ), longest AS (
            SELECT DISTINCT ON (lane_id) lane_id, parked_until, parked_reason, parked_code FROM gone
            WHERE parked_until IS NOT NULL ORDER BY lane_id, parked_until DESC
        ), told AS (
            UPDATE ledger_lanes AS lane
            SET parked_until = greatest(lane.parked_until, news.parked_until),
                parked_reason = CASE WHEN longest.parked_until >= coalesce(lane.parked_until, '-infinity')
                                     THEN coalesce(longest.parked_reason, '') ELSE lane.parked_reason END,
                parked_code = CASE WHEN longest.parked_until >= coalesce(lane.parked_until, '-infinity')
                                   THEN coalesce(longest.parked_code, '') ELSE lane.parked_code END,
                ready_at = greatest(least(lane.ready_at, greatest(news.due_at, kit_now())), lane.parked_until,
                                    news.parked_until)
            FROM news LEFT JOIN longest ON longest.lane_id = news.lane_id WHERE lane.id = news.lane_id
        )
        SELECT coalesce(sum(news.wakes), 0) INTO drained FROM news;
        RETURN cardinality(wakes) - drained;
    END
    $$;
REVOKE ALL ON FUNCTION ledger_drain_wakes(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_drain_wakes(integer) TO :app;
ALTER FUNCTION ledger_drain_wakes(integer) OWNER TO :loops;
