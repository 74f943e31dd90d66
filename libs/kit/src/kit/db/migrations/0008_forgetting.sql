-- What a service needs to let go of what the ledger and intake hold about a person.
ALTER TABLE privacy_tasks ADD COLUMN unlinked jsonb NOT NULL DEFAULT '{}';
GRANT DELETE ON ledger_entries, ledger_attempts TO :app;
CREATE INDEX intake_items_of_lane ON intake_items (lane) WHERE verdict IS NOT NULL;
