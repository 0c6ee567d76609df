-- The id of the first topic met under a name: records without a key get one from the place of their message,
-- and a topic that is deleted and made again has the same places.
CREATE TABLE IF NOT EXISTS topic_ids (
    cluster text NOT NULL,
    topic text NOT NULL,
    first_id text NOT NULL,
    PRIMARY KEY (cluster, topic)
);
INSERT INTO topic_ids (cluster, topic, first_id)
    SELECT DISTINCT ON (cluster, topic) cluster, topic, topic_id FROM offsets WHERE topic_id IS NOT NULL
    ORDER BY cluster, topic
    ON CONFLICT DO NOTHING;
