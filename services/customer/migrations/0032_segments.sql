-- Segments 客户细分: conditions over the files, saved under a name.
CREATE TABLE segments (
    id           uuid PRIMARY KEY,
    -- NULL for one of the whole group.
    store_id     uuid,
    display_name text NOT NULL CHECK (char_length(display_name) BETWEEN 1 AND 60),
    description  text NOT NULL CHECK (char_length(description) <= 500),
    -- The tree, in protobuf's form.
    condition    bytea NOT NULL CHECK (octet_length(condition) BETWEEN 1 AND 65536),
    -- Whether others see it than who made it.
    shared       boolean NOT NULL,
    -- A member of staff, or a service by its name.
    creator      text NOT NULL CHECK (char_length(creator) BETWEEN 1 AND 60),
    version      bigint NOT NULL CHECK (version > 0),
    create_time  timestamptz NOT NULL,
    update_time  timestamptz NOT NULL,
    archive_time timestamptz,
    request_id   uuid,
    request_hash bytea CHECK (octet_length(request_hash) = 32)
);
CREATE UNIQUE INDEX segments_request ON segments (request_id) WHERE request_id IS NOT NULL;
CREATE INDEX segments_newest ON segments (store_id, id DESC);
ALTER TABLE segments ENABLE ROW LEVEL SECURITY;
-- The group's are everybody's to use, and the group's to write.
-- The group's segments are everybody's to use who reaches anything: what says nothing of how far it reaches sees none of them.
CREATE POLICY segments_read ON segments FOR SELECT USING (
    public.foursight_reach(store_id)
    OR (store_id IS NULL AND (SELECT coalesce(current_setting('foursight.reach', true), '') <> '')));
CREATE POLICY segments_make ON segments FOR INSERT WITH CHECK (public.foursight_reach(store_id));
CREATE POLICY segments_change ON segments FOR UPDATE USING (public.foursight_reach(store_id));

-- What segments ask of a file, in one narrow row: a segment is counted by reading these rows one after the other. A row for each store
-- that serves the customer, with the dealings at that store, and one for the whole group, whose store is the nil UUID. Kept by a
-- consumer (segments/keep.rs) from what stands in the other tables; codes, dates and ids, of which a file has them plain itself.
CREATE TABLE segment_files (
    customer_id      uuid NOT NULL,
    store_id         uuid NOT NULL,
    open_time        timestamptz NOT NULL,
    last_visit_time  timestamptz,
    value_fen        bigint NOT NULL,
    visits           integer NOT NULL,
    -- A bit for each purpose and kind of contact for which consent holds: (purpose - 1) * 4 + kind - 1.
    consents         integer NOT NULL,
    birthday         date,
    birth_month      smallint,
    kind             smallint NOT NULL,
    gender           smallint NOT NULL,
    stage            smallint NOT NULL,
    source           smallint NOT NULL,
    value_tier       smallint NOT NULL,
    -- A bit for each group: 1 << group.
    groups           smallint NOT NULL,
    has_phone        boolean NOT NULL,
    tags             uuid[],
    -- Who has an open lead of the customer's.
    advisors         uuid[],
    -- Of the row of the group.
    stores           uuid[],
    intended_models  text[] COLLATE "C",
    -- Of the cars that the customer owns: models, and days as ranges of one day, which are compared with a range of days at once.
    owned_models     text[] COLLATE "C",
    car_dates        datemultirange,
    warranty_ends    datemultirange,
    insurance_ends   datemultirange,
    inspection_dates datemultirange,
    PRIMARY KEY (customer_id, store_id)
) PARTITION BY LIST (store_id);

-- Apart, so that who counts in the whole group does not read past the rows of stores. With the file, and with the link to a store, go
-- its rows, whoever removes them.
CREATE TABLE segment_group_files PARTITION OF segment_files FOR VALUES IN ('00000000-0000-0000-0000-000000000000')
    WITH (fillfactor = 90, parallel_workers = 2);
ALTER TABLE segment_group_files ADD FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE CASCADE;
CREATE TABLE segment_store_files PARTITION OF segment_files DEFAULT WITH (fillfactor = 90);
ALTER TABLE segment_store_files
    ADD FOREIGN KEY (customer_id, store_id) REFERENCES customer_stores (customer_id, store_id) ON DELETE CASCADE;
CREATE INDEX segment_store_files_newest ON segment_store_files (store_id, customer_id DESC);

-- How far the caller reaches is asked once for a statement, not for each of a million rows. Nobody reaches the nil UUID but the group.
DO $$
DECLARE
    its_table text;
BEGIN
    FOREACH its_table IN ARRAY ARRAY['segment_files', 'segment_group_files', 'segment_store_files'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', its_table);
        EXECUTE format(
            $policy$CREATE POLICY %I ON %I FOR SELECT USING (
                (SELECT public.foursight_reach(NULL))
                OR store_id = ANY ((SELECT string_to_array(
                    nullif(nullif(current_setting('foursight.reach', true), '*'), ''), ',')::uuid[])::uuid[]))$policy$,
            its_table || '_read', its_table);
        EXECUTE format('CREATE POLICY %I ON %I FOR INSERT WITH CHECK (public.foursight_reach(NULL))', its_table || '_keep', its_table);
        EXECUTE format('CREATE POLICY %I ON %I FOR UPDATE USING (public.foursight_reach(NULL))', its_table || '_change', its_table);
        EXECUTE format('CREATE POLICY %I ON %I FOR DELETE USING (public.foursight_reach(NULL))', its_table || '_drop', its_table);
    END LOOP;
END
$$;

-- All of several arrays, for who asks about several stores at once.
CREATE AGGREGATE all_of (uuid[]) (SFUNC = array_cat, STYPE = uuid[]);

-- A file that was absorbed by another one has none.
CREATE FUNCTION segment_files_of_absorbed() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = customer, pg_temp AS $$
BEGIN
    DELETE FROM segment_files f WHERE f.customer_id = NEW.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER customers_absorbed AFTER UPDATE OF merged_into ON customers
    FOR EACH ROW WHEN (NEW.merged_into IS NOT NULL) EXECUTE FUNCTION segment_files_of_absorbed();

-- What an erasure does to what segments are counted by.
CREATE FUNCTION erasure_of_segment_files()
RETURNS TABLE (place integer, its_table text, how text, whose text, holds text, blanked text)
LANGUAGE sql IMMUTABLE SET search_path = customer, pg_temp AS $$
    VALUES (2, 'segment_files', 'remove', 't.customer_id = $1', NULL::text, NULL::text)
$$;
