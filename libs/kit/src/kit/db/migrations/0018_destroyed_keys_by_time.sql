-- Every process asks each second whose keys were destroyed. The plan of a function does not know how far back it is
-- asked and takes a third of all keys for an answer; the planner then walked all of them by their owners, with several
-- processes at once. In order of time and with an end, only the index of destroyed keys can serve it.
-- An owner with several versions is told several times.

DROP FUNCTION seal_keys_shredded_within(double precision, integer);
CREATE FUNCTION seal_keys_shredded_within(seconds double precision, at_most integer)
    RETURNS TABLE (organization_id uuid, subject text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT k.organization_id, k.subject FROM seal_keys AS k
        WHERE k.shredded_at > kit_now() - make_interval(secs => seconds) AND NOT k.with_organization
        ORDER BY k.shredded_at DESC LIMIT at_most
    $$;
REVOKE ALL ON FUNCTION seal_keys_shredded_within(double precision, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION seal_keys_shredded_within(double precision, integer) TO :app;
ALTER FUNCTION seal_keys_shredded_within(double precision, integer) OWNER TO :loops;
