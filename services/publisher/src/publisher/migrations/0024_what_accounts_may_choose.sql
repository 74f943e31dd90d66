-- TikTok tells of each creator who may see their posts and how long their films may be: known when posts are planned.

ALTER TABLE account_budgets ADD COLUMN bounds jsonb;
COMMENT ON COLUMN account_budgets.bounds IS 'What the platform last said that the account may choose: privacy (names of ours), seconds (of a film, at most).';
