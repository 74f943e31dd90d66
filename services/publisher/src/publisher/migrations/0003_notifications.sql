-- Whether a platform notifies us of what happens on an account.

ALTER TABLE connected_accounts
    ADD COLUMN notifications        text NOT NULL DEFAULT 'off'
        CHECK (notifications IN ('off', 'waiting', 'on', 'refused', 'ending')),
    ADD COLUMN notifications_reason text NOT NULL DEFAULT '',
    ADD COLUMN notifications_id     uuid;
COMMENT ON COLUMN connected_accounts.notifications_id IS 'Names the last wish to be notified, or to be notified no more: the subject of its effect.';
CREATE UNIQUE INDEX connected_accounts_notifications ON connected_accounts (notifications_id)
    WHERE notifications_id IS NOT NULL;

-- At the platform a subscription belongs to our application, the member and the page, not to an organization of ours:
-- one that another organization here needs is not ended.
CREATE FUNCTION connected_elsewhere(account_platform text, account text, organization uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT EXISTS (
            SELECT FROM connected_accounts AS one
            WHERE one.platform = account_platform AND one.external_id = account
              AND one.organization_id <> organization AND one.state <> 'disconnected'
        )
    $$;
REVOKE ALL ON FUNCTION connected_elsewhere(text, text, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION connected_elsewhere(text, text, uuid) TO :app;
ALTER FUNCTION connected_elsewhere(text, text, uuid) OWNER TO :loops;
