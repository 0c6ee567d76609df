-- For deletes by age.
CREATE INDEX IF NOT EXISTS actuals_by_time ON actuals (received_at);
