-- Permissions that people took back at a platform, which names them and no organization.

CREATE TABLE withdrawals (
    id            uuid PRIMARY KEY,
    platform      text NOT NULL,
    wish          text NOT NULL CHECK (wish IN ('deauthorize', 'data-deletion')),
    code_hash     bytea NOT NULL UNIQUE,
    grantor_blind bytea CHECK (length(grantor_blind) = 32),
    issued_at     timestamptz NOT NULL,
    asked_at      timestamptz NOT NULL DEFAULT kit_now(),
    done_at       timestamptz,
    accounts      integer NOT NULL DEFAULT 0,
    CHECK (done_at IS NOT NULL OR grantor_blind IS NOT NULL)
);
COMMENT ON TABLE withdrawals IS 'Somebody took a permission back at a platform, or wants their data deleted; whose accounts they let us use is found by the keyed hash, which goes when it was carried out. The hash of the confirmation code shows them how far it is.';
CREATE INDEX withdrawals_due ON withdrawals (asked_at) WHERE done_at IS NULL;
GRANT SELECT, INSERT, UPDATE ON withdrawals TO :app;

CREATE FUNCTION accounts_of_grantor(account_platform text, grantor bytea) RETURNS TABLE (id uuid, organization_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT one.id, one.organization_id FROM connected_accounts AS one
        WHERE one.platform = account_platform AND one.grantor_blind = grantor ORDER BY one.id
    $$;
REVOKE ALL ON FUNCTION accounts_of_grantor(text, bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION accounts_of_grantor(text, bytea) TO :app;
ALTER FUNCTION accounts_of_grantor(text, bytea) OWNER TO :loops;
