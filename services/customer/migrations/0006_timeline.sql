-- Everything that happened with a customer, in any service: a projection of events, rebuilt from them at any time.
-- Ids, codes and figures only.
CREATE TABLE timeline_entries (
    customer_id uuid NOT NULL,
    event_id    uuid NOT NULL,
    kind        text NOT NULL,
    resource    text NOT NULL,
    -- Absent for what is of the customer and not of one store.
    store_id    uuid,
    occur_time  timestamptz NOT NULL,
    -- Orders what happened at the same instant; see customer/src/timeline/entry.rs.
    place       bigint NOT NULL,
    details     jsonb NOT NULL,
    PRIMARY KEY (customer_id, event_id)
);
CREATE INDEX timeline_entries_newest ON timeline_entries (customer_id, occur_time DESC, place DESC, event_id DESC);
ALTER TABLE timeline_entries ENABLE ROW LEVEL SECURITY;
CREATE POLICY timeline_entries_reach ON timeline_entries
    USING (public.foursight_reach(store_id)
        OR (store_id IS NULL
            AND EXISTS (SELECT FROM customer_stores s WHERE s.customer_id = timeline_entries.customer_id)))
    WITH CHECK (public.foursight_reach(store_id)
        OR (store_id IS NULL
            AND EXISTS (SELECT FROM customer_stores s WHERE s.customer_id = timeline_entries.customer_id)));
