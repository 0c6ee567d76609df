-- Labels are compared with the interval that the model had without the factor.
ALTER TABLE labelled_answers ADD COLUMN IF NOT EXISTS interval_factor double precision;
