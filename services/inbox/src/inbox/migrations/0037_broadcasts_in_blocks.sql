-- A recipient is written twice on the way out, so little may hang on it.

-- What stood there before is taken away, what stands there now is added: the same sums without a join.
DROP TRIGGER counted_in ON broadcast_recipients;
DROP TRIGGER counted_on ON broadcast_recipients;
DROP TRIGGER counted_out ON broadcast_recipients;
DROP FUNCTION broadcasts_count();
CREATE FUNCTION broadcasts_count() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
    BEGIN
        IF TG_OP = 'INSERT' THEN
            INSERT INTO broadcast_counts (organization_id, broadcast_id, variant, what, n)
            SELECT organization_id, broadcast_id, variant, state, count(*) FROM after GROUP BY 1, 2, 3, 4;
        ELSIF TG_OP = 'DELETE' THEN  -- what has ended stays counted, also of who was forgotten
            INSERT INTO broadcast_counts (organization_id, broadcast_id, variant, what, n)
            SELECT organization_id, broadcast_id, variant, state, -count(*)
            FROM before WHERE state IN ('waiting', 'handed', 'unknown') GROUP BY 1, 2, 3, 4;
        ELSE
            INSERT INTO broadcast_counts (organization_id, broadcast_id, variant, what, n)
            SELECT organization_id, broadcast_id, variant, what, sum(way) FROM (
                SELECT organization_id, broadcast_id, variant, state AS what, 1 AS way FROM after
                UNION ALL SELECT organization_id, broadcast_id, variant, state, -1 FROM before
                UNION ALL SELECT organization_id, broadcast_id, variant, 'replied', 1 FROM after
                          WHERE replied_at IS NOT NULL
                UNION ALL SELECT organization_id, broadcast_id, variant, 'replied', -1 FROM before
                          WHERE replied_at IS NOT NULL
                UNION ALL SELECT organization_id, broadcast_id, variant, 'clicked', 1 FROM after
                          WHERE clicked_at IS NOT NULL
                UNION ALL SELECT organization_id, broadcast_id, variant, 'clicked', -1 FROM before
                          WHERE clicked_at IS NOT NULL
                UNION ALL SELECT organization_id, broadcast_id, variant, 'opted_out', 1 FROM after
                          WHERE opted_out_at IS NOT NULL
                UNION ALL SELECT organization_id, broadcast_id, variant, 'opted_out', -1 FROM before
                          WHERE opted_out_at IS NOT NULL
            ) AS moved
            GROUP BY 1, 2, 3, 4 HAVING sum(way) <> 0;
        END IF;
        RETURN NULL;
    END
    $$;
REVOKE ALL ON FUNCTION broadcasts_count() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION broadcasts_count() TO :app;
CREATE TRIGGER counted_in AFTER INSERT ON broadcast_recipients REFERENCING NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION broadcasts_count();
CREATE TRIGGER counted_on AFTER UPDATE ON broadcast_recipients REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION broadcasts_count();
CREATE TRIGGER counted_out AFTER DELETE ON broadcast_recipients REFERENCING OLD TABLE AS before
    FOR EACH STATEMENT EXECUTE FUNCTION broadcasts_count();
ALTER FUNCTION broadcasts_count() OWNER TO :loops;

-- Whoever is counted is a recipient, too, whose row holds the contact; and none of these outlives a day.
ALTER TABLE portfolio_openings DROP CONSTRAINT portfolio_openings_contact_id_fkey;
