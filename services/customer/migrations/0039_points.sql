-- The points ledger 积分: what customers have at which store, entry by entry. An entry is never changed; what was wrong has an opposite one.
CREATE TABLE points_entries (
    id                uuid PRIMARY KEY,
    customer_id       uuid NOT NULL REFERENCES customers (id),
    store_id          uuid NOT NULL,
    -- 1 opening balance, 2 an opening balance taken back.
    kind              smallint NOT NULL CHECK (kind IN (1, 2)),
    points            bigint NOT NULL CHECK (points <> 0 AND points BETWEEN -1000000000 AND 1000000000),
    occur_date        date NOT NULL,
    -- The import that told it.
    import_id         uuid,
    -- The entry to which this one is the opposite.
    opposite_id       uuid REFERENCES points_entries (id) CHECK ((opposite_id IS NOT NULL) = (kind = 2)),
    create_time       timestamptz NOT NULL,
    first_customer_id uuid
);
COMMENT ON TABLE points_entries IS 'append-only: points that were given and taken, entry by entry';
COMMENT ON COLUMN points_entries.first_customer_id IS 'whose it was before the files were merged';
CREATE INDEX points_entries_customer ON points_entries (customer_id, id DESC);
CREATE UNIQUE INDEX points_entries_opposite ON points_entries (opposite_id) WHERE opposite_id IS NOT NULL;
ALTER TABLE points_entries ENABLE ROW LEVEL SECURITY;
-- As the customer's file: who sees it sees all points; a store adds its own.
CREATE POLICY points_entries_read ON points_entries FOR SELECT USING (
    public.foursight_reach(NULL)
    OR (SELECT true FROM customer_stores s WHERE s.customer_id = points_entries.customer_id LIMIT 1));
CREATE POLICY points_entries_add ON points_entries FOR INSERT WITH CHECK (
    public.foursight_reach(store_id)
    AND (public.foursight_reach(NULL)
        OR (SELECT true FROM customer_stores s WHERE s.customer_id = points_entries.customer_id LIMIT 1)));
CREATE TRIGGER points_entries_of_absorbed BEFORE INSERT ON points_entries FOR EACH ROW EXECUTE FUNCTION refuse_absorbed();

-- Points follow a merge, and its undoing.
CREATE OR REPLACE FUNCTION following_tables() RETURNS text[]
LANGUAGE sql IMMUTABLE SET search_path = customer, pg_temp AS $$
    SELECT ARRAY['leads', 'receptions', 'deliveries', 'visits', 'vehicle_ownerships', 'customer_tags', 'group_memberships',
                 'value_decisions', 'stage_corrections', 'timeline_entries', 'points_entries']
$$;

-- What an erasure leaves: how many points at which store, of an id that is nobody's.
CREATE FUNCTION erasure_of_points()
RETURNS TABLE (place integer, its_table text, how text, whose text, holds text, blanked text)
LANGUAGE sql IMMUTABLE SET search_path = customer, pg_temp AS $$
    VALUES (3, 'points_entries', 'keep', 't.customer_id = $1', NULL::text, NULL::text)
$$;
