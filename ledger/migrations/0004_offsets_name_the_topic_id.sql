-- Kafka's id of the topic: a topic that is deleted and made again under its name has another.
ALTER TABLE offsets ADD COLUMN IF NOT EXISTS topic_id text;
