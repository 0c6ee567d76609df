-- The request's fields, so that SQL can compare prices with what they were asked for; and the answers as JSON. Neither
-- rewrites the table.
ALTER TABLE answers ADD COLUMN IF NOT EXISTS request jsonb;
CREATE OR REPLACE VIEW answers_readable AS
    SELECT request_id, prediction, low, high, model, segment, answered_at, request,
        convert_from(payload, 'UTF8')::jsonb AS answer
    FROM answers;
