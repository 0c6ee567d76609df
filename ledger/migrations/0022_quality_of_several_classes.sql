-- Live quality of several classes: the share of answers whose class was the predicted one.
ALTER TABLE quality ADD COLUMN IF NOT EXISTS accuracy double precision;

