-- The B-tree of the step before serves its queries.
DROP INDEX IF EXISTS answers_answered_at;
