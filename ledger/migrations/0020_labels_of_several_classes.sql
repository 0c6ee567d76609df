-- The label of an answer of several classes is the name of one of them, in place of a number.
ALTER TABLE actuals ADD COLUMN IF NOT EXISTS class text;
DO $$ BEGIN
    IF EXISTS (
        SELECT FROM pg_attribute
        WHERE attrelid = 'actuals'::regclass AND attname = 'actual' AND attnotnull
    ) THEN
        ALTER TABLE actuals ALTER COLUMN actual DROP NOT NULL;
    END IF;
END $$;

