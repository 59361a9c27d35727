-- Erasing a customer: on request, in every service, with proof.
--
-- The file's row stays, with its id and nothing that says who it was, because deliveries, visits and what others keep speak of the
-- id. It is behind this policy for the service itself, too: no list, count, search or step finds it, and nothing that comes late
-- is written for it.
ALTER TABLE customers
    ADD COLUMN erase_time timestamptz,
    DROP CONSTRAINT customers_display_name_check,
    ADD CONSTRAINT customers_display_name_check CHECK (
        char_length(display_name) <= 100 AND (display_name = '') = (erase_time IS NOT NULL));
COMMENT ON COLUMN customers.erase_time IS 'since when the row is only an id';
ALTER POLICY customers_read ON customers USING (
    erase_time IS NULL AND (
        public.foursight_reach(NULL)
        OR (SELECT true FROM customer_stores s WHERE s.customer_id = customers.id LIMIT 1)));
ALTER POLICY customers_change ON customers USING (
    erase_time IS NULL AND (
        public.foursight_reach(NULL)
        OR (SELECT true FROM customer_stores s WHERE s.customer_id = customers.id LIMIT 1)));
ALTER POLICY customers_erase ON customers USING (
    erase_time IS NULL AND (
        public.foursight_reach(NULL)
        OR (SELECT true FROM customer_stores s WHERE s.customer_id = customers.id LIMIT 1)));

-- An erasure: asked for once, over when every service has answered.
CREATE TABLE erasures (
    id            uuid PRIMARY KEY,
    customer_id   uuid NOT NULL CONSTRAINT erasures_once UNIQUE,
    state         smallint NOT NULL CHECK (state IN (1, 2)),
    ground        smallint NOT NULL CHECK (ground BETWEEN 1 AND 5),
    -- The number of the request in the group's own records.
    reference     text NOT NULL CHECK (char_length(reference) <= 50),
    requester     text NOT NULL CHECK (char_length(requester) <= 100),
    -- Who has to answer.
    services      text[] NOT NULL,
    request_time  timestamptz NOT NULL,
    complete_time timestamptz,
    -- What was erased where and when, as text whose bytes the seal is over.
    certificate   text,
    seal          bytea CHECK (octet_length(seal) = 32),
    request_id    uuid,
    request_hash  bytea CHECK (octet_length(request_hash) = 32),
    CHECK ((state = 2) = (complete_time IS NOT NULL)),
    CHECK ((certificate IS NULL) = (complete_time IS NULL) AND (seal IS NULL) = (complete_time IS NULL))
);
CREATE UNIQUE INDEX erasures_request ON erasures (request_id) WHERE request_id IS NOT NULL;
ALTER TABLE erasures ENABLE ROW LEVEL SECURITY;
CREATE POLICY erasures_reach ON erasures USING (public.foursight_reach(NULL)) WITH CHECK (public.foursight_reach(NULL));

-- What each service has erased.
CREATE TABLE erasure_answers (
    erasure_id uuid NOT NULL REFERENCES erasures (id),
    service    text NOT NULL CHECK (char_length(service) BETWEEN 1 AND 50),
    erase_time timestamptz NOT NULL,
    -- Of each table: its name, and how many rows were removed, blanked and kept.
    tables     jsonb NOT NULL,
    PRIMARY KEY (erasure_id, service)
);
ALTER TABLE erasure_answers ENABLE ROW LEVEL SECURITY;
CREATE POLICY erasure_answers_reach ON erasure_answers
    USING (public.foursight_reach(NULL)) WITH CHECK (public.foursight_reach(NULL));

-- As before, but that nobody writes keys of who is erased, or of a file that was absorbed: who read the name before wrote them after.
CREATE OR REPLACE FUNCTION write_name_keys(ids uuid[], their_keys text[]) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = customer, pg_temp AS $$
DECLARE
    within uuid[];
BEGIN
    -- In one order, so that two writers never wait for each other in a ring.
    PERFORM lock_name_keys(asked.id) FROM (SELECT unnest(ids) AS id ORDER BY 1) asked;
    SELECT array_agg(c.id) INTO within
    FROM unnest(ids, their_keys) AS file (id, keys) JOIN customers c ON c.id = file.id AND c.erase_time IS NULL AND c.merged_into IS NULL
    LEFT JOIN named_files n ON n.customer_id = file.id
    WHERE (public.foursight_reach(NULL)
            OR (SELECT true FROM customer_stores s
                WHERE s.customer_id = c.id AND public.foursight_reach(s.store_id) LIMIT 1))
      AND n.keys IS DISTINCT FROM string_to_array(file.keys, E'\n');
    PERFORM remove_name_keys(n.customer_id, NULL) FROM named_files n WHERE n.customer_id = ANY (within);
    INSERT INTO named_files AS n (customer_id, keys)
    SELECT file.id, string_to_array(file.keys, E'\n') FROM unnest(ids, their_keys) AS file (id, keys)
    WHERE file.id = ANY (within)
    ON CONFLICT (customer_id) DO UPDATE SET keys = excluded.keys;
    INSERT INTO name_keys (store_id, key, customer_id)
    SELECT s.store_id, line.key, file.id
    FROM unnest(ids, their_keys) AS file (id, keys)
    JOIN customer_stores s ON s.customer_id = file.id
    CROSS JOIN LATERAL string_to_table(nullif(file.keys, ''), E'\n') AS line (key)
    WHERE file.id = ANY (within);
END
$$;

-- What is erased of a customer here; the order matters where rows are found by others that go later.
CREATE FUNCTION erasure_of_files()
RETURNS TABLE (place integer, its_table text, how text, whose text, holds text, blanked text)
LANGUAGE sql IMMUTABLE SET search_path = customer, pg_temp AS $$
    WITH period AS (
        -- While the customer owned the car.
        SELECT 't.vehicle_id IN (SELECT o.vehicle_id FROM vehicle_ownerships o WHERE o.customer_id = $1)
                AND EXISTS (SELECT FROM vehicle_ownerships o
                            WHERE o.customer_id = $1 AND o.vehicle_id = t.vehicle_id AND t.%1$I >= o.start_time
                              AND (o.end_time IS NULL OR t.%1$I < o.end_time))' AS it
    )
    VALUES
        -- By the file's hashes, which go later.
        (1, 'visitor_tries', 'remove',
            't.phone_hash IN (SELECT p.hash FROM contact_points p WHERE p.customer_id = $1 AND p.hash IS NOT NULL
                              UNION ALL
                              SELECT c.national_id_hash FROM customers c WHERE c.id = $1 AND c.national_id_hash IS NOT NULL)',
            NULL::text, NULL::text),
        -- The own timeline; and on the timelines of who has a part at this customer''s cars, or whose cars these are, what names the customer.
        (1, 'timeline_entries', 'remove',
            't.customer_id = $1 OR (
                 t.customer_id IN (SELECT p.owner_id FROM vehicle_people p WHERE p.customer_id = $1
                                   UNION ALL
                                   SELECT p.customer_id FROM vehicle_people p WHERE p.owner_id = $1)
                 AND t.details ->> ''customer'' = ''customers/'' || $1)',
            NULL, NULL),
        (1, 'name_keys', 'remove',
            't.customer_id = $1 AND t.key IN (SELECT unnest(n.keys) FROM named_files n WHERE n.customer_id = $1)', NULL, NULL),
        -- The bytes of files in which the customer came.
        (1, 'import_chunks', 'remove',
            't.import_id IN (SELECT r.import_id FROM import_rows r WHERE r.customer_id = $1)', NULL, NULL),
        (1, 'import_keys', 'remove',
            't.import_id IN (SELECT r.import_id FROM import_rows r WHERE r.customer_id = $1)', NULL, NULL),
        (1, 'import_twins', 'remove',
            't.import_id IN (SELECT r.import_id FROM import_rows r WHERE r.customer_id = $1)', NULL, NULL),
        (1, 'imports', 'blank',
            't.id IN (SELECT r.import_id FROM import_rows r WHERE r.customer_id = $1)',
            't.remove_time IS NULL', 'remove_time = $2, error_bytes = 0, version = t.version + 1'),
        (1, 'import_rows', 'blank', 't.customer_id = $1', 't.before IS NOT NULL', 'before = NULL'),
        -- A plate is its owner''s. VIN, model and readings are the car''s, and go on with it.
        (1, 'vehicle_plates', 'remove', (SELECT format(it, 'start_time') FROM period), NULL, NULL),
        (1, 'plate_corrections', 'remove', (SELECT format(it, 'correct_time') FROM period), NULL, NULL),
        (1, 'vehicle_facts', 'remove', (SELECT format(it, 'learn_time') FROM period), NULL, NULL),
        (1, 'odometer_corrections', 'blank', (SELECT format(it, 'correct_time') FROM period),
            't.note <> ''-''', 'note = ''-'''),
        (1, 'vehicles', 'blank',
            't.id IN (SELECT o.vehicle_id FROM vehicle_ownerships o WHERE o.customer_id = $1 AND o.end_time IS NULL)',
            't.compulsory_insurer <> '''' OR t.commercial_insurer <> ''''
                OR t.compulsory_end IS NOT NULL OR t.commercial_end IS NOT NULL',
            'compulsory_insurer = '''', compulsory_end = NULL, commercial_insurer = '''', commercial_end = NULL,
             version = version + 1, update_time = $2'),
        (2, 'vehicle_people', 'remove', 't.owner_id = $1 OR t.customer_id = $1', NULL, NULL),
        (3, 'vehicle_ownerships', 'blank', 't.customer_id = $1', 't.end_time IS NULL',
            'end_time = greatest(t.start_time, $2)'),
        (3, 'contact_points', 'remove', 't.customer_id = $1', NULL, NULL),
        (3, 'facts', 'remove', 't.customer_id = $1', NULL, NULL),
        (3, 'customer_tags', 'remove', 't.customer_id = $1', NULL, NULL),
        (3, 'group_memberships', 'remove', 't.customer_id = $1', NULL, NULL),
        (3, 'customer_values', 'remove', 't.customer_id = $1', NULL, NULL),
        (3, 'value_decisions', 'remove', 't.customer_id = $1', NULL, NULL),
        (3, 'stage_corrections', 'remove', 't.customer_id = $1', NULL, NULL),
        -- Dealings: what was sold and done, at which store, for how much. Nothing says to whom.
        (3, 'consents', 'blank', 't.customer_id = $1', 't.method <> ''-'' OR t.request_hash IS NOT NULL',
            'method = ''-'', request_hash = NULL'),
        (3, 'receptions', 'blank', 't.customer_id = $1', 't.intended_model <> '''' OR t.request_hash IS NOT NULL',
            'intended_model = '''', request_hash = NULL'),
        (3, 'leads', 'blank', 't.customer_id = $1',
            't.intended_model <> '''' OR t.loss_note <> '''' OR t.competitor <> '''' OR t.request_hash IS NOT NULL OR t.state = 1',
            'intended_model = '''', loss_note = left(t.loss_note, 0), competitor = left(t.competitor, 0), request_hash = NULL,
             state = CASE WHEN t.state = 1 THEN 3 ELSE t.state END, next_follow_up_time = NULL, version = t.version + 1,
             update_time = $2'),
        (3, 'deliveries', 'blank', 't.customer_id = $1', 't.plate IS NOT NULL OR t.request_hash IS NOT NULL',
            'plate = NULL, request_hash = NULL'),
        (3, 'visits', 'blank', 't.customer_id = $1', 't.request_hash IS NOT NULL', 'request_hash = NULL'),
        (4, 'file_labels', 'remove', 't.customer_id = $1', NULL, NULL),
        (4, 'named_files', 'remove', 't.customer_id = $1', NULL, NULL),
        (5, 'customer_stores', 'remove', 't.customer_id = $1', NULL, NULL),
        -- The key: with it go copies of what it has sealed, in backups, too.
        (6, 'customer_keys', 'remove', 't.customer_id = $1', NULL, NULL),
        (7, 'customers', 'blank', 't.id = $1',
            't.erase_time IS NULL OR t.request_hash IS NOT NULL OR t.search_name <> '''' OR t.gender <> 0
             OR num_nonnulls(t.birthday, t.national_id_sealed, t.national_id_hash, t.lunar_year, t.lunar_month, t.lunar_leap,
                             t.lunar_day, t.budget_min_fen, t.budget_max_fen, t.contact_from, t.contact_to) > 0
             OR t.occupation <> '''' OR t.intended_models <> ''{}'' OR t.car_use <> 0 OR t.spending_preference <> 0
             OR t.contact_channel <> 0 OR t.tags <> ''{}'' OR t.groups <> ''{}'' OR t.value_tier <> 0',
            'erase_time = coalesce(t.erase_time, $2), display_name = '''', search_name = '''', gender = 0, birthday = NULL,
             national_id_sealed = NULL, national_id_hash = NULL, lunar_year = NULL, lunar_month = NULL, lunar_leap = NULL,
             lunar_day = NULL, occupation = '''', intended_models = ''{}'', car_use = 0, budget_min_fen = NULL,
             budget_max_fen = NULL, spending_preference = 0, contact_channel = 0, contact_from = NULL, contact_to = NULL,
             tags = ''{}'', groups = ''{}'', value_tier = 0, request_hash = NULL, version = t.version + 1, update_time = $2'),
        (8, 'erasures', 'keep', 't.customer_id = $1', NULL, NULL),
        (8, 'erased_customers', 'keep', 't.customer_id = $1', NULL, NULL)
$$;
