-- Every process asks each second whose keys were destroyed: an organization answers for all its subjects, and the
-- answer has an end. Keys of organizations and people stand in compliance's schema; elsewhere only the platform's.

ALTER TABLE seal_keys ADD COLUMN with_organization boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN seal_keys.with_organization IS 'Destroyed together with its organization, whose own row tells it.';
GRANT UPDATE (with_organization) ON seal_keys TO :app;

DROP INDEX seal_keys_shredded;
CREATE INDEX seal_keys_shredded ON seal_keys (shredded_at) WHERE shredded_at IS NOT NULL AND NOT with_organization;

DROP FUNCTION seal_keys_shredded_within(double precision);
CREATE FUNCTION seal_keys_shredded_within(seconds double precision, at_most integer)
    RETURNS TABLE (organization_id uuid, subject text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT DISTINCT k.organization_id, k.subject FROM seal_keys AS k
        WHERE k.shredded_at > kit_now() - make_interval(secs => seconds) AND NOT k.with_organization
        LIMIT at_most
    $$;
REVOKE ALL ON FUNCTION seal_keys_shredded_within(double precision, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION seal_keys_shredded_within(double precision, integer) TO :app;
ALTER FUNCTION seal_keys_shredded_within(double precision, integer) OWNER TO :loops;
