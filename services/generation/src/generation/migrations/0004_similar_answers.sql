-- Answers to nearly the same question, for who wants them: found by the nearness of vectors among a few.

ALTER TABLE answers ADD COLUMN scope bytea CHECK (length(scope) = 32), ADD COLUMN vector_sealed bytea;
COMMENT ON COLUMN answers.scope IS 'A keyed hash of all of the question but its subject: only among such is looked for a near one.';
CREATE INDEX answers_near ON answers (organization_id, scope, expires_at DESC) WHERE scope IS NOT NULL;
