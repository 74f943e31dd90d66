-- The numbers of the platform, one row a day, counted by a loop and never by whoever reads them.

CREATE TABLE daily_figures (
    day                 date PRIMARY KEY,
    users               bigint NOT NULL,
    verified_users      bigint NOT NULL,
    suspended_users     bigint NOT NULL,
    with_second_factor  bigint NOT NULL,
    sign_ups            bigint NOT NULL,
    active_users        bigint NOT NULL,
    weekly_active_users bigint NOT NULL,
    sign_ins            bigint NOT NULL,
    refusals            bigint NOT NULL,
    sessions            bigint NOT NULL,
    organizations       bigint NOT NULL,
    new_organizations   bigint NOT NULL,
    impersonations      bigint NOT NULL,
    counted_at          timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE daily_figures IS 'What there was at the end of a day, or is by now, and what happened on it, in UTC; see docs/runbooks/staff.md for what each number is.';
GRANT SELECT, INSERT, UPDATE, DELETE ON daily_figures TO :app;

CREATE INDEX impersonations_by_creation ON impersonations (created_at);
CREATE INDEX organizations_by_creation ON organizations (created_at);

CREATE FUNCTION count_organizations(since timestamptz, before timestamptz)
    RETURNS TABLE (organizations bigint, new_organizations bigint)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = :schema, kit, pg_temp
    AS $$
        SELECT (SELECT count(*) FROM organizations AS o WHERE o.created_at < before),
               (SELECT count(*) FROM organizations AS o WHERE o.created_at >= since AND o.created_at < before)
    $$;
REVOKE ALL ON FUNCTION count_organizations(timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION count_organizations(timestamptz, timestamptz) TO :app;
ALTER FUNCTION count_organizations(timestamptz, timestamptz) OWNER TO :loops;
