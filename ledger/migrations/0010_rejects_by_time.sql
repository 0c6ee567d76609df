-- For deletes by age.
CREATE INDEX IF NOT EXISTS rejects_by_time ON rejects (rejected_at);
