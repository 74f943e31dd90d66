-- How many accounts the plan had no room for, so that the browser can be told.
ALTER TABLE connections ADD COLUMN refused integer NOT NULL DEFAULT 0 CHECK (refused >= 0);
COMMENT ON COLUMN connections.refused IS 'How many accounts the consent opened that the plan had no room for.';
