-- Digest of the request's record: the same id with another record is a conflict.
ALTER TABLE answers ADD COLUMN IF NOT EXISTS digest bytea;
