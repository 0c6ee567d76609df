-- What the width of an answer's interval was multiplied by, as labels of earlier answers adapted it; NULL is 1.
ALTER TABLE answers ADD COLUMN IF NOT EXISTS interval_factor double precision;
