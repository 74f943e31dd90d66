-- What leaving out of prompts what says nothing has saved.

ALTER TABLE calls ADD COLUMN compacted bigint NOT NULL DEFAULT 0 CHECK (compacted >= 0);
COMMENT ON COLUMN calls.compacted IS 'How much of plain was saved by compaction of the prompt, in millionths of a US dollar.';
