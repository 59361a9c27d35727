-- What was taken out: that it began, before the first row leaves, and how it ended.
CREATE TABLE exports (
    id         uuid PRIMARY KEY,
    -- NULL when the list was of several stores.
    store_id   uuid,
    format     smallint NOT NULL CHECK (format IN (1, 2)),
    unmasked   boolean NOT NULL,
    purpose    text NOT NULL CHECK (char_length(purpose) BETWEEN 4 AND 200),
    reason     text NOT NULL CHECK (char_length(reason) <= 200 AND (reason <> '') = unmasked),
    segment_id uuid,
    -- The list's filters: codes, ids and times; of a text only that there was one.
    filter     jsonb NOT NULL,
    subject    text NOT NULL CHECK (char_length(subject) BETWEEN 1 AND 60),
    start_time timestamptz NOT NULL
);
CREATE INDEX exports_newest ON exports (store_id, id DESC);
COMMENT ON TABLE exports IS 'append-only: who took which customers out, and what for';
ALTER TABLE exports ENABLE ROW LEVEL SECURITY;
CREATE POLICY exports_read ON exports FOR SELECT USING (public.foursight_reach(store_id));
CREATE POLICY exports_add ON exports FOR INSERT WITH CHECK (store_id IS NULL OR public.foursight_reach(store_id));

CREATE TABLE export_ends (
    export_id  uuid PRIMARY KEY REFERENCES exports (id),
    store_id   uuid,
    -- How many customers left, and whether all of them did.
    rows       bigint NOT NULL CHECK (rows >= 0),
    complete   boolean NOT NULL,
    end_time   timestamptz NOT NULL
);
COMMENT ON TABLE export_ends IS 'append-only: how what was taken out came to its end';
ALTER TABLE export_ends ENABLE ROW LEVEL SECURITY;
CREATE POLICY export_ends_read ON export_ends FOR SELECT USING (public.foursight_reach(store_id));
CREATE POLICY export_ends_add ON export_ends FOR INSERT WITH CHECK (store_id IS NULL OR public.foursight_reach(store_id));
