-- Made in every service's schema: what the service tells (outbox) and what it has heard (inbox).

-- A change and its event commit together. A row stays for some days after it was published, so that a stream that lost
-- its end can be filled again.
CREATE TABLE outbox (
    seq          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id           uuid        NOT NULL,
    event_type   text        NOT NULL,
    aggregate    uuid        NOT NULL,
    version      bigint      NOT NULL,
    store_id     uuid,
    at           timestamptz NOT NULL,
    traceparent  text,
    payload      bytea       NOT NULL,
    -- Where the row stands in the stream; null until JetStream has acknowledged it.
    stream_seq   bigint,
    published_at timestamptz
);
-- What the relay looks for: small, whatever the table's size.
CREATE INDEX outbox_unpublished ON outbox (seq) WHERE published_at IS NULL;
-- What a stream that lost its end is compared by.
CREATE INDEX outbox_by_stream_seq ON outbox (stream_seq) WHERE stream_seq IS NOT NULL;

-- An event's effects and its id commit together, so that an event that comes again has no second effect.
CREATE TABLE inbox (
    consumer   text        NOT NULL,
    event_id   uuid        NOT NULL,
    handled_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, event_id)
);
