-- What a platform tells of an account may hold for a while only: then it is lifted by itself.

ALTER TABLE channels ADD COLUMN health_until timestamptz;
CREATE INDEX channels_until ON channels (health_until) WHERE health_until IS NOT NULL;

-- Channels whose platform said until when it takes nothing from them, and that time has come.
CREATE FUNCTION channels_free_again()
    RETURNS TABLE (id uuid, organization_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT c.id, c.organization_id FROM channels AS c
        WHERE c.health_until <= kit_now() AND c.state = 'connected' ORDER BY c.health_until LIMIT 100
    $$;
REVOKE ALL ON FUNCTION channels_free_again() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION channels_free_again() TO :app;
ALTER FUNCTION channels_free_again() OWNER TO :loops;
