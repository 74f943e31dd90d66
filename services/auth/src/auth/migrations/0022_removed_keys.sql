-- Keys that were taken away in an emergency, for gateways that start or were cut off.

CREATE TABLE removed_keys (
    kid        text PRIMARY KEY,
    removed_at timestamptz NOT NULL DEFAULT kit_now()
);
COMMENT ON TABLE removed_keys IS 'Signing keys whose tokens are refused at once; kept longer than any token lives and any key set is kept.';
GRANT SELECT, INSERT, DELETE ON removed_keys TO :app;
GRANT UPDATE ON signing_keys TO :app;
