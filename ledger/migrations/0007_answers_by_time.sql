-- For deletes by age: a BRIN index widens with every page that is used again, until it names all pages.
CREATE INDEX IF NOT EXISTS answers_by_time ON answers (answered_at);
