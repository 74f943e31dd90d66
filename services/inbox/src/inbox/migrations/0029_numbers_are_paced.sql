-- What paces a number, as its platform tells it or as somebody sets it.
ALTER TABLE channels
    ADD COLUMN coexists boolean NOT NULL DEFAULT false,
    ADD COLUMN numbers_limit integer CHECK (numbers_limit > 0);
COMMENT ON COLUMN channels.coexists IS 'Whether the number is also used in WhatsApp''s own app, which leaves it 20 messages a second.';
COMMENT ON COLUMN channels.numbers_limit IS 'How many numbers its business may have at the platform; empty when that was never told.';
ALTER TABLE channel_checks ALTER COLUMN rate DROP NOT NULL;
COMMENT ON COLUMN channel_checks.rate IS 'Messages per second that somebody wants at most; empty: as the platform tells.';

-- A business account may have numbers of several organizations: what is told of it is told to each of them.
DROP FUNCTION channel_organizations(text[], text[]);  -- at once and not a release later, since no release has had it
CREATE FUNCTION channel_organizations(numbers text[], accounts text[])
    RETURNS TABLE (kind text, external_id text, organization_id uuid) LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT 'number', known.phone_number_id, known.organization_id FROM channels AS known
        WHERE known.phone_number_id = ANY (numbers) AND known.state = 'connected'
        UNION ALL
        SELECT DISTINCT 'account', known.waba_id, known.organization_id FROM channels AS known
        WHERE known.waba_id = ANY (accounts) AND known.state = 'connected'
    $$;
REVOKE ALL ON FUNCTION channel_organizations(text[], text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION channel_organizations(text[], text[]) TO :app;
ALTER FUNCTION channel_organizations(text[], text[]) OWNER TO :loops;
