-- While the facts are made again from the first event: since when, and how many events that had had their effects have them not yet.
-- One row at most. Ids and figures; nobody's.
CREATE TABLE rebuild (
    single     boolean PRIMARY KEY DEFAULT true CHECK (single),
    begin_time timestamptz NOT NULL,
    remaining  bigint NOT NULL CHECK (remaining >= 0)
);

-- Those events.
CREATE TABLE rebuild_events (
    event_id uuid PRIMARY KEY
);
