-- Of a labelled answer of several classes: the class that it was, the probability that the answer gave to it, and the sum of
-- squares of probability less class. `actual` is 1 where it was the predicted one.
ALTER TABLE labelled_answers
    ADD COLUMN IF NOT EXISTS class text,
    ADD COLUMN IF NOT EXISTS class_probability double precision,
    ADD COLUMN IF NOT EXISTS brier double precision;

