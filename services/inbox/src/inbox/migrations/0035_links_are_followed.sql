-- Where the link of a recipient leads, for whoever has it; a click is counted in total, and once for the recipient.
CREATE POLICY following ON broadcast_recipients TO :loops USING (true);
GRANT SELECT (id, organization_id, broadcast_id, variant, clicked_at), UPDATE (clicked_at) ON broadcast_recipients TO :loops;
GRANT SELECT (variants) ON broadcasts TO :loops;
CREATE FUNCTION broadcast_link(recipient uuid, counted boolean) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
    DECLARE
        found record;
    BEGIN
        SELECT r.organization_id, r.broadcast_id, r.variant, b.variants -> r.variant::integer ->> 'link' AS link
        INTO found
        FROM broadcast_recipients AS r JOIN broadcasts AS b ON b.id = r.broadcast_id WHERE r.id = recipient;
        IF coalesce(found.link, '') = '' THEN
            RETURN NULL;
        END IF;
        IF counted THEN
            UPDATE broadcast_recipients SET clicked_at = kit_now() WHERE id = recipient AND clicked_at IS NULL;
            INSERT INTO broadcast_counts (organization_id, broadcast_id, variant, what, n)
            VALUES (found.organization_id, found.broadcast_id, found.variant, 'clicks', 1);
        END IF;
        RETURN found.link;
    END
    $$;
REVOKE ALL ON FUNCTION broadcast_link(uuid, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION broadcast_link(uuid, boolean) TO :app;
ALTER FUNCTION broadcast_link(uuid, boolean) OWNER TO :loops;
