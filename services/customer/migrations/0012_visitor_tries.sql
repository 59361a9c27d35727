-- Whose phone is this? Somebody at a counter who told a phone that is on file somewhere in the group, and was not who the file is
-- of: a few wrong names are mistakes, many are a guess. Kept for a day.
CREATE TABLE visitor_tries (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- Who tried: `staff/{id}` or `service/{name}`.
    subject    text NOT NULL CHECK (char_length(subject) <= 100),
    -- The keyed hash of the phone that was told, if one was.
    phone_hash bytea CHECK (octet_length(phone_hash) = 32),
    try_time   timestamptz NOT NULL
);
CREATE INDEX visitor_tries_subject ON visitor_tries (subject, try_time);
CREATE INDEX visitor_tries_phone ON visitor_tries (phone_hash, try_time) WHERE phone_hash IS NOT NULL;
CREATE INDEX visitor_tries_time ON visitor_tries (try_time);
-- Of no store: a phone's tries count wherever they were made.
ALTER TABLE visitor_tries ENABLE ROW LEVEL SECURITY;
CREATE POLICY visitor_tries_all ON visitor_tries
    USING (coalesce(current_setting('foursight.reach', true), '') <> '');
