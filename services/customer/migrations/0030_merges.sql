-- Two files of one customer become one (src/merges): the absorbed file's rows follow to the survivor.

-- A file that another one has absorbed keeps its id and its key, and nothing else: no store serves it, so nobody sees it.
ALTER TABLE customers ADD COLUMN merged_into uuid REFERENCES customers (id) CHECK (merged_into <> id);
CREATE INDEX customers_absorbed ON customers (merged_into) WHERE merged_into IS NOT NULL;

-- Whose rows were before they followed; NULL for what is of the customer's own.
ALTER TABLE leads ADD COLUMN first_customer_id uuid;
ALTER TABLE receptions ADD COLUMN first_customer_id uuid;
ALTER TABLE deliveries ADD COLUMN first_customer_id uuid;
ALTER TABLE visits ADD COLUMN first_customer_id uuid;
ALTER TABLE vehicle_ownerships ADD COLUMN first_customer_id uuid;
ALTER TABLE customer_tags ADD COLUMN first_customer_id uuid;
ALTER TABLE group_memberships ADD COLUMN first_customer_id uuid;
ALTER TABLE value_decisions ADD COLUMN first_customer_id uuid;
ALTER TABLE stage_corrections ADD COLUMN first_customer_id uuid;
ALTER TABLE timeline_entries ADD COLUMN first_customer_id uuid;

CREATE TABLE merges (
    id            uuid PRIMARY KEY,
    survivor_id   uuid NOT NULL REFERENCES customers (id),
    absorbed_id   uuid NOT NULL REFERENCES customers (id) CHECK (absorbed_id <> survivor_id),
    -- Who said that they are one, and where.
    store_id      uuid NOT NULL,
    staff_id      uuid NOT NULL,
    reason        text NOT NULL CHECK (char_length(reason) <= 500),
    -- The facts that the survivor took from the absorbed file, `Field` in customers/facts.
    taken         smallint[] NOT NULL,
    merge_time    timestamptz NOT NULL,
    undo_until    timestamptz NOT NULL,
    undo_time     timestamptz CHECK (undo_time >= merge_time),
    undo_store_id uuid CHECK ((undo_store_id IS NULL) = (undo_time IS NULL)),
    undo_staff_id uuid,
    undo_reason   text NOT NULL DEFAULT '' CHECK (char_length(undo_reason) <= 500),
    -- When what it takes to undo it was removed.
    remove_time   timestamptz
);
CREATE UNIQUE INDEX merges_absorbed ON merges (absorbed_id) WHERE undo_time IS NULL;
CREATE INDEX merges_survivor ON merges (survivor_id, id DESC);
CREATE INDEX merges_until ON merges (undo_until) WHERE remove_time IS NULL;
-- Rows as they were, until a merge can be undone no more: 'before' it, the survivor's 'after' it; 'aside' are those that the survivor has
-- already and that exist here only, 'beside' leads that were open next to the survivor's.
CREATE TABLE merge_rows (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    merge_id  uuid NOT NULL REFERENCES merges (id),
    part      text NOT NULL CHECK (part IN ('before', 'after', 'aside', 'beside')),
    its_table text NOT NULL,
    row       jsonb NOT NULL
);
CREATE INDEX merge_rows_merge ON merge_rows (merge_id, its_table, part);
-- Read and written by the functions below only, and removed when they are needed no more.
ALTER TABLE merge_rows ENABLE ROW LEVEL SECURITY;
CREATE POLICY merge_rows_reach ON merge_rows
    USING (public.foursight_reach(NULL)) WITH CHECK (public.foursight_reach(NULL));

-- What projections write of customers follows merges: they hold this lock together, a merge alone. To be taken before any row.
CREATE FUNCTION lock_merges(alone boolean) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = customer, pg_temp AS $$
BEGIN
    IF alone THEN
        PERFORM pg_advisory_xact_lock(hashtext('customer merges'));
    ELSE
        PERFORM pg_advisory_xact_lock_shared(hashtext('customer merges'));
    END IF;
END
$$;

-- Who a customer is now. Tells an id to who has one.
CREATE FUNCTION survivor_of(its_id uuid) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = customer, pg_temp AS $$
    WITH RECURSIVE way (id, merged_into) AS (
        SELECT c.id, c.merged_into FROM customers c WHERE c.id = its_id
        UNION ALL
        SELECT c.id, c.merged_into FROM way w JOIN customers c ON c.id = w.merged_into
    )
    SELECT w.id FROM way w WHERE w.merged_into IS NULL
$$;

-- For who sees whose file it is now.
ALTER TABLE merges ENABLE ROW LEVEL SECURITY;
CREATE POLICY merges_reach ON merges
    USING (public.foursight_reach(NULL)
        OR (SELECT true FROM customer_stores s WHERE s.customer_id = survivor_of(merges.survivor_id) LIMIT 1))
    WITH CHECK (public.foursight_reach(NULL)
        OR (SELECT true FROM customer_stores s WHERE s.customer_id = survivor_of(merges.survivor_id) LIMIT 1));

-- What begins with a customer while the file is being absorbed waits for that, and is tried again with who the customer is then.
CREATE FUNCTION refuse_absorbed() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = customer, pg_temp AS $$
DECLARE
    survivor uuid;
BEGIN
    SELECT c.merged_into INTO survivor FROM customers c WHERE c.id = NEW.customer_id FOR KEY SHARE;
    IF survivor IS NOT NULL THEN
        RAISE EXCEPTION 'the file was absorbed by another one' USING ERRCODE = 'serialization_failure';
    END IF;
    RETURN NEW;
END
$$;
DO $$
DECLARE
    its_table text;
BEGIN
    FOREACH its_table IN ARRAY ARRAY['leads', 'receptions', 'deliveries', 'visits', 'vehicle_ownerships', 'vehicle_people'] LOOP
        EXECUTE format(
            'CREATE TRIGGER %I BEFORE INSERT ON %I FOR EACH ROW WHEN (NEW.customer_id IS NOT NULL)
             EXECUTE FUNCTION refuse_absorbed()', its_table || '_of_absorbed', its_table);
    END LOOP;
END
$$;
CREATE TRIGGER customer_stores_of_absorbed BEFORE INSERT ON customer_stores
    FOR EACH ROW WHEN (NOT NEW.opened) EXECUTE FUNCTION refuse_absorbed();

-- The files that are part of one, itself among them, as far as who asks reaches.
CREATE FUNCTION absorbed_by(its_id uuid) RETURNS uuid[]
LANGUAGE sql STABLE SET search_path = customer, pg_temp AS $$
    WITH RECURSIVE part (id) AS (
        SELECT its_id
        UNION
        SELECT m.absorbed_id FROM part p JOIN merges m ON m.survivor_id = p.id AND m.undo_time IS NULL
    )
    SELECT array_agg(p.id) FROM part p
$$;

-- Refuses who does not see a file.
CREATE FUNCTION require_file_in_reach(its_id uuid) RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = customer, pg_temp AS $$
BEGIN
    IF NOT public.foursight_reach(NULL) AND NOT EXISTS (
        SELECT FROM customer_stores s WHERE s.customer_id = its_id AND public.foursight_reach(s.store_id)
    ) THEN
        RAISE EXCEPTION 'the file is not in the caller''s reach' USING ERRCODE = 'insufficient_privilege';
    END IF;
END
$$;

-- The rows that follow as they are: whatever a file has of a kind, in the whole group.
CREATE FUNCTION following_tables() RETURNS text[]
LANGUAGE sql IMMUTABLE SET search_path = customer, pg_temp AS $$
    SELECT ARRAY['leads', 'receptions', 'deliveries', 'visits', 'vehicle_ownerships', 'customer_tags', 'group_memberships',
                 'value_decisions', 'stage_corrections', 'timeline_entries']
$$;

-- How many rows of each kind a file has, for who sees it. With `since`, its own ones alone, and of those the ones that came since;
-- with `part`, those that came with that absorbed file.
CREATE FUNCTION file_contents(its_id uuid, since timestamptz, part uuid)
RETURNS TABLE (its_table text, rows bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = customer, pg_temp AS $$
DECLARE
    its_time text;
    parts uuid[] := CASE WHEN part IS NOT NULL THEN absorbed_by(part) END;
BEGIN
    PERFORM require_file_in_reach(its_id);
    FOREACH its_table IN ARRAY following_tables() || ARRAY['contact_points', 'consents', 'facts'] LOOP
        its_time := CASE its_table
            WHEN 'visits' THEN 'check_in_time' WHEN 'vehicle_ownerships' THEN 'start_time' WHEN 'customer_tags' THEN 'start_time'
            WHEN 'group_memberships' THEN 'start_time' WHEN 'value_decisions' THEN 'decide_time'
            WHEN 'stage_corrections' THEN 'correct_time' WHEN 'timeline_entries' THEN 'occur_time'
            WHEN 'contact_points' THEN 'start_time' WHEN 'facts' THEN 'learn_time' ELSE 'create_time' END;
        IF its_table = ANY (following_tables()) THEN
            EXECUTE format(
                'SELECT count(*) FROM %I WHERE customer_id = $1
                   AND ($2 IS NULL OR (%I > $2 AND first_customer_id IS NULL))
                   AND ($3 IS NULL OR first_customer_id = ANY ($3))', its_table, its_time)
            INTO rows USING its_id, since, parts;
        ELSIF parts IS NULL THEN
            EXECUTE format('SELECT count(*) FROM %I WHERE customer_id = $1 AND ($2 IS NULL OR %I > $2)', its_table, its_time)
            INTO rows USING its_id, since;
        ELSE
            CONTINUE;
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;

-- Moves what the absorbed file has to the survivor, both of which the caller sees and has locked, and keeps what undoing it takes. What was
-- sealed under the absorbed file's key comes sealed anew: contact points (those that are not named stay behind, because the survivor
-- has them), facts, people around its cars. What the survivor says of itself the program writes afterwards.
CREATE FUNCTION absorb_file(
    its_merge uuid, survivor uuid, absorbed uuid, merged timestamptz,
    point_ids uuid[], point_sealed bytea[], fact_ids uuid[], fact_sealed bytea[], person_ids uuid[], person_sealed bytea[]
) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = customer, pg_temp AS $$
DECLARE
    its_table text;
    lowest bigint;
BEGIN
    PERFORM require_file_in_reach(survivor);
    PERFORM require_file_in_reach(absorbed);
    -- Whoever writes names' keys comes before this, or sees what became of the files.
    PERFORM lock_name_keys(file.id) FROM (SELECT unnest(ARRAY[survivor, absorbed]) AS id ORDER BY 1) file;

    FOREACH its_table IN ARRAY ARRAY['customer_stores', 'customer_values', 'consents', 'facts'] LOOP
        EXECUTE format(
            'INSERT INTO merge_rows (merge_id, part, its_table, row)
             SELECT $1, ''before'', %L, to_jsonb(t) FROM %I t WHERE t.customer_id IN ($2, $3)', its_table, its_table)
        USING its_merge, survivor, absorbed;
    END LOOP;
    INSERT INTO merge_rows (merge_id, part, its_table, row)
    SELECT its_merge, 'before', 'customers', to_jsonb(c) FROM customers c WHERE c.id IN (survivor, absorbed)
    UNION ALL
    SELECT its_merge, 'before', 'contact_points', to_jsonb(p) FROM contact_points p WHERE p.customer_id = absorbed
    UNION ALL
    SELECT its_merge, 'before', 'vehicle_people', to_jsonb(p) FROM vehicle_people p
    WHERE p.owner_id = absorbed OR p.customer_id = absorbed;

    -- The stores that serve it; labels and names follow by triggers.
    INSERT INTO customer_stores AS s (customer_id, store_id, start_time)
    SELECT survivor, l.store_id, l.start_time FROM customer_stores l WHERE l.customer_id = absorbed
    ON CONFLICT (customer_id, store_id) DO UPDATE SET start_time = least(s.start_time, excluded.start_time);
    DELETE FROM customer_stores WHERE customer_id = absorbed;
    DELETE FROM named_files WHERE customer_id = absorbed;

    DELETE FROM contact_points p WHERE p.customer_id = absorbed AND p.id <> ALL (point_ids);
    UPDATE contact_points p SET customer_id = survivor, sealed = anew.sealed
    FROM unnest(point_ids, point_sealed) AS anew (id, sealed)
    WHERE p.customer_id = absorbed AND p.id = anew.id;
    UPDATE facts f SET customer_id = survivor, sealed = anew.sealed
    FROM unnest(fact_ids, fact_sealed) AS anew (id, sealed)
    WHERE f.customer_id = absorbed AND f.id = anew.id;

    -- What was allowed comes before all that the survivor says: the highest version of a purpose counts.
    SELECT least(min(k.version), 0) INTO lowest FROM consents k WHERE k.customer_id = survivor;
    UPDATE consents k SET customer_id = survivor, version = coalesce(lowest, 0) - moved.place
    FROM (SELECT m.id, row_number() OVER (ORDER BY m.version DESC) AS place FROM consents m WHERE m.customer_id = absorbed) moved
    WHERE k.id = moved.id;

    -- Nobody drives the own car as somebody else, or twice.
    DELETE FROM vehicle_people p
    WHERE (p.owner_id = absorbed AND p.customer_id = survivor) OR (p.owner_id = survivor AND p.customer_id = absorbed)
       OR (p.customer_id = absorbed AND p.end_time IS NULL AND EXISTS (
           SELECT FROM vehicle_people s
           WHERE s.vehicle_id = p.vehicle_id AND s.role = p.role AND s.customer_id = survivor AND s.end_time IS NULL));
    UPDATE vehicle_people p SET owner_id = survivor WHERE p.owner_id = absorbed;
    UPDATE vehicle_people p SET sealed = anew.sealed
    FROM unnest(person_ids, person_sealed) AS anew (id, sealed) WHERE p.id = anew.id;
    UPDATE vehicle_people p SET customer_id = survivor WHERE p.customer_id = absorbed;

    -- What the survivor has already stands aside.
    WITH aside AS (
        DELETE FROM vehicle_ownerships o USING vehicle_ownerships s
        WHERE o.customer_id = absorbed AND s.customer_id = survivor AND s.vehicle_id = o.vehicle_id AND s.start_time = o.start_time
        RETURNING to_jsonb(o) AS row
    ) INSERT INTO merge_rows (merge_id, part, its_table, row) SELECT its_merge, 'aside', 'vehicle_ownerships', a.row FROM aside a;
    WITH aside AS (
        DELETE FROM customer_tags t USING customer_tags s
        WHERE t.customer_id = absorbed AND t.end_time IS NULL
          AND s.customer_id = survivor AND s.tag_id = t.tag_id AND s.end_time IS NULL
        RETURNING to_jsonb(t) AS row
    ) INSERT INTO merge_rows (merge_id, part, its_table, row) SELECT its_merge, 'aside', 'customer_tags', a.row FROM aside a;
    WITH aside AS (
        DELETE FROM group_memberships g USING group_memberships s
        WHERE g.customer_id = absorbed AND g.end_time IS NULL
          AND s.customer_id = survivor AND s.its_group = g.its_group AND s.end_time IS NULL
        RETURNING to_jsonb(g) AS row
    ) INSERT INTO merge_rows (merge_id, part, its_table, row) SELECT its_merge, 'aside', 'group_memberships', a.row FROM aside a;
    WITH aside AS (
        DELETE FROM timeline_entries t USING timeline_entries s
        WHERE t.customer_id = absorbed AND s.customer_id = survivor AND s.event_id = t.event_id
        RETURNING to_jsonb(t) AS row
    ) INSERT INTO merge_rows (merge_id, part, its_table, row) SELECT its_merge, 'aside', 'timeline_entries', a.row FROM aside a;
    WITH beside AS (
        UPDATE leads l SET beside = true
        WHERE l.customer_id = absorbed AND l.state = 1 AND NOT l.beside AND EXISTS (
            SELECT FROM leads s
            WHERE s.customer_id = survivor AND s.store_id = l.store_id AND s.state = 1 AND NOT s.beside)
        RETURNING l.id
    ) INSERT INTO merge_rows (merge_id, part, its_table, row)
    SELECT its_merge, 'beside', 'leads', jsonb_build_object('id', b.id) FROM beside b;

    FOREACH its_table IN ARRAY following_tables() LOOP
        EXECUTE format(
            'UPDATE %I SET customer_id = $1, first_customer_id = coalesce(first_customer_id, $2) WHERE customer_id = $2', its_table)
        USING survivor, absorbed;
    END LOOP;

    -- The amounts are counted anew; what somebody has decided holds where nobody has decided otherwise.
    INSERT INTO customer_values AS v (customer_id, value_fen, decided_tier)
    SELECT survivor, 0, a.decided_tier FROM customer_values a WHERE a.customer_id = absorbed
    ON CONFLICT (customer_id) DO UPDATE
    SET decided_tier = coalesce(v.decided_tier, excluded.decided_tier), version = v.version + 1;
    DELETE FROM customer_values WHERE customer_id = absorbed;

    UPDATE customers c
    SET display_name = '-', search_name = '', gender = 0, birthday = NULL, lunar_year = NULL, lunar_month = NULL,
        lunar_leap = NULL, lunar_day = NULL, national_id_sealed = NULL, national_id_hash = NULL, occupation = '',
        intended_models = '{}', car_use = 0, budget_min_fen = NULL, budget_max_fen = NULL, spending_preference = 0,
        contact_channel = 0, contact_from = NULL, contact_to = NULL, tags = '{}', groups = '{}', value_tier = 0,
        merged_into = survivor, version = c.version + 1, update_time = merged
    WHERE c.id = absorbed;
END
$$;

-- What the survivor looks like when all is written: what is so still when the merge is undone becomes what it was.
CREATE FUNCTION keep_merged(its_merge uuid, survivor uuid) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = customer, pg_temp AS $$
BEGIN
    PERFORM require_file_in_reach(survivor);
    INSERT INTO merge_rows (merge_id, part, its_table, row)
    SELECT its_merge, 'after', 'customers', to_jsonb(c) FROM customers c WHERE c.id = survivor
    UNION ALL
    SELECT its_merge, 'after', 'customer_values', to_jsonb(v) FROM customer_values v WHERE v.customer_id = survivor
    UNION ALL
    SELECT its_merge, 'after', 'facts', jsonb_build_object('id', f.id) FROM facts f
    WHERE f.customer_id = survivor AND NOT EXISTS (
        SELECT FROM merge_rows b
        WHERE b.merge_id = its_merge AND b.its_table = 'facts' AND b.part = 'before' AND (b.row ->> 'id')::uuid = f.id)
    UNION ALL
    SELECT its_merge, 'after', 'consents', jsonb_build_object('id', k.id) FROM consents k
    WHERE k.customer_id = survivor AND NOT EXISTS (
        SELECT FROM merge_rows b
        WHERE b.merge_id = its_merge AND b.its_table = 'consents' AND b.part = 'before' AND (b.row ->> 'id')::uuid = k.id);
END
$$;

-- What an erasure does to merges: they stay as two ids, and can be undone no more.
CREATE FUNCTION erasure_of_merges()
RETURNS TABLE (place integer, its_table text, how text, whose text, holds text, blanked text)
LANGUAGE sql IMMUTABLE SET search_path = customer, pg_temp AS $$
    VALUES
        (1, 'merge_rows', 'remove',
            't.merge_id IN (SELECT m.id FROM merges m WHERE m.survivor_id = $1 OR m.absorbed_id = $1)', NULL::text, NULL::text),
        (2, 'merges', 'blank', 't.survivor_id = $1 OR t.absorbed_id = $1',
            't.reason <> '''' OR t.undo_reason <> '''' OR t.remove_time IS NULL',
            'reason = '''', undo_reason = '''', remove_time = coalesce(t.remove_time, $2)'),
        -- What other files'' timelines tell of merges with it that were undone, whoever these files are now.
        (1, 'timeline_entries', 'remove',
            't.kind IN (''CUSTOMERS_MERGED'', ''CUSTOMERS_UNMERGED'')
             AND ''customers/'' || $1 IN (t.details ->> ''customer'', t.details ->> ''other'')
             AND t.customer_id IN (
                 SELECT survivor_of(side.id) FROM merges m CROSS JOIN unnest(ARRAY[m.survivor_id, m.absorbed_id]) AS side (id)
                 WHERE $1 IN (m.survivor_id, m.absorbed_id))', NULL, NULL),
        -- The files that were merged into it are ids that say so.
        (8, 'customers', 'keep', 't.merged_into = $1', NULL, NULL)
$$;
