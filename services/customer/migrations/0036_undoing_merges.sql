-- For 30 days a merge can be undone (src/merges): each file gets back what was its own. Then what that takes goes.

-- Gives a customer's row these values.
CREATE FUNCTION put_customer(its_row jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = customer, pg_temp AS $$
DECLARE
    columns text;
BEGIN
    SELECT string_agg(quote_ident(a.attname), ', ') INTO columns
    FROM pg_attribute a
    WHERE a.attrelid = 'customer.customers'::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
      AND a.attname <> 'id';
    EXECUTE format(
        -- What the row has more than was kept stays.
        'UPDATE customers c SET (%s) = (SELECT %s FROM jsonb_populate_record(c, $1)) WHERE c.id = ($1 ->> ''id'')::uuid',
        columns, columns)
    USING its_row;
END
$$;

-- The survivor's row with all that the merge made of it, and that nobody has changed since, as it was before. Facts of several columns
-- go together; an id number is the same by its hash, since it is sealed anew with every change of the file.
CREATE FUNCTION unmerged(now_is jsonb, was jsonb, made jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE SET search_path = customer, pg_temp AS $$
DECLARE
    its_column text;
    fact jsonb;
    back jsonb := now_is;
BEGIN
    FOR its_column IN SELECT jsonb_object_keys(was) LOOP
        CONTINUE WHEN its_column IN ('id', 'version', 'merged_into', 'tags', 'groups');
        SELECT f INTO fact FROM jsonb_array_elements(
            '[["display_name", "search_name"], ["lunar_year", "lunar_month", "lunar_leap", "lunar_day"],
              ["national_id_sealed", "national_id_hash"], ["budget_min_fen", "budget_max_fen"],
              ["contact_channel", "contact_from", "contact_to"]]') AS f WHERE f ? its_column;
        IF NOT EXISTS (
            SELECT FROM jsonb_array_elements_text(coalesce(fact, jsonb_build_array(its_column))) AS c (name)
            WHERE c.name <> 'national_id_sealed' AND now_is -> c.name IS DISTINCT FROM made -> c.name
        ) THEN
            back := jsonb_set(back, ARRAY[its_column], was -> its_column);
        END IF;
    END LOOP;
    RETURN back;
END
$$;

-- Whether what was one's own phone is somebody else's now.
CREATE FUNCTION is_elsewhere(point contact_points) RETURNS boolean
LANGUAGE sql STABLE SET search_path = customer, pg_temp AS $$
    SELECT point.exclusive AND point.end_time IS NULL AND EXISTS (
        SELECT FROM contact_points h WHERE h.hash = point.hash AND h.exclusive AND h.end_time IS NULL)
$$;

-- Gives each file what was its own, whoever of them has it now, and both their new versions. What came since stays with the
-- survivor; so does what somebody else has now: it says how many phones did not come back open, and whether the id number did not.
CREATE FUNCTION part_files(its_merge uuid, parted timestamptz)
RETURNS TABLE (survivor_version bigint, phones_elsewhere integer, id_elsewhere boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = customer, pg_temp AS $$
DECLARE
    m merges;
    its_table text;
    parts uuid[];
    its_row jsonb;
    was jsonb;
    back jsonb;
    ended jsonb;
BEGIN
    SELECT * INTO STRICT m FROM merges x WHERE x.id = its_merge AND x.undo_time IS NULL;
    PERFORM require_file_in_reach(m.survivor_id);
    PERFORM lock_name_keys(file.id) FROM (SELECT unnest(ARRAY[m.survivor_id, m.absorbed_id]) AS id ORDER BY 1) file;
    -- They are written anew when this is told.
    DELETE FROM named_files n WHERE n.customer_id = m.absorbed_id;
    parts := absorbed_by(m.absorbed_id);
    UPDATE customers c SET merged_into = NULL WHERE c.id = m.absorbed_id;

    FOREACH its_table IN ARRAY following_tables() LOOP
        EXECUTE format(
            'UPDATE %I SET customer_id = $2, first_customer_id = nullif(first_customer_id, $2)
             WHERE customer_id = $1 AND first_customer_id = ANY ($3)', its_table)
        USING m.survivor_id, m.absorbed_id, parts;
        EXECUTE format(
            'INSERT INTO %I SELECT (jsonb_populate_record(NULL::%I, r.row)).* FROM merge_rows r
             WHERE r.merge_id = $1 AND r.part = ''aside'' AND r.its_table = %L ON CONFLICT DO NOTHING', its_table, its_table, its_table)
        USING its_merge;
    END LOOP;
    UPDATE leads l SET beside = false FROM merge_rows r
    WHERE r.merge_id = its_merge AND r.part = 'beside' AND l.id = (r.row ->> 'id')::uuid AND l.customer_id = m.absorbed_id
      AND NOT EXISTS (
          SELECT FROM leads o
          WHERE o.customer_id = m.absorbed_id AND o.store_id = l.store_id AND o.state = 1 AND NOT o.beside AND o.id <> l.id);

    -- Facts and consents that the merge itself wrote were never said.
    DELETE FROM facts f USING merge_rows r
    WHERE r.merge_id = its_merge AND r.part = 'after' AND r.its_table = 'facts' AND f.id = (r.row ->> 'id')::uuid;
    DELETE FROM consents k USING merge_rows r
    WHERE r.merge_id = its_merge AND r.part = 'after' AND r.its_table = 'consents' AND k.id = (r.row ->> 'id')::uuid;
    UPDATE facts f SET customer_id = m.absorbed_id, sealed = old.sealed
    FROM merge_rows r, jsonb_populate_record(NULL::facts, r.row) AS old
    WHERE r.merge_id = its_merge AND r.part = 'before' AND r.its_table = 'facts' AND old.customer_id = m.absorbed_id
      AND f.id = old.id;
    UPDATE consents k SET customer_id = m.absorbed_id, version = old.version
    FROM merge_rows r, jsonb_populate_record(NULL::consents, r.row) AS old
    WHERE r.merge_id = its_merge AND r.part = 'before' AND r.its_table = 'consents' AND old.customer_id = m.absorbed_id
      AND k.id = old.id;

    UPDATE vehicle_people p SET owner_id = old.owner_id, customer_id = old.customer_id, sealed = old.sealed
    FROM merge_rows r, jsonb_populate_record(NULL::vehicle_people, r.row) AS old
    WHERE r.merge_id = its_merge AND r.part = 'before' AND r.its_table = 'vehicle_people' AND p.id = old.id;

    -- The stores of each. One that the merge brought stays with the survivor when the two have had dealings since.
    INSERT INTO customer_stores
    SELECT old.* FROM merge_rows r, jsonb_populate_record(NULL::customer_stores, r.row) AS old
    WHERE r.merge_id = its_merge AND r.part = 'before' AND r.its_table = 'customer_stores'
      AND old.customer_id = m.absorbed_id;
    UPDATE customer_stores s SET start_time = old.start_time
    FROM merge_rows r, jsonb_populate_record(NULL::customer_stores, r.row) AS old
    WHERE r.merge_id = its_merge AND r.part = 'before' AND r.its_table = 'customer_stores'
      AND old.customer_id = m.survivor_id AND s.customer_id = old.customer_id AND s.store_id = old.store_id;
    DELETE FROM customer_stores s
    WHERE s.customer_id = m.survivor_id
      AND s.store_id IN (
          SELECT old.store_id FROM merge_rows r, jsonb_populate_record(NULL::customer_stores, r.row) AS old
          WHERE r.merge_id = its_merge AND r.part = 'before' AND r.its_table = 'customer_stores'
            AND old.customer_id = m.absorbed_id)
      AND s.store_id NOT IN (
          SELECT old.store_id FROM merge_rows r, jsonb_populate_record(NULL::customer_stores, r.row) AS old
          WHERE r.merge_id = its_merge AND r.part = 'before' AND r.its_table = 'customer_stores'
            AND old.customer_id = m.survivor_id)
      AND NOT EXISTS (SELECT FROM leads d WHERE d.customer_id = s.customer_id AND d.store_id = s.store_id)
      AND NOT EXISTS (SELECT FROM receptions d WHERE d.customer_id = s.customer_id AND d.store_id = s.store_id)
      AND NOT EXISTS (SELECT FROM deliveries d WHERE d.customer_id = s.customer_id AND d.store_id = s.store_id)
      AND NOT EXISTS (SELECT FROM visits d WHERE d.customer_id = s.customer_id AND d.store_id = s.store_id);

    -- The files themselves: first the survivor gives back, then the absorbed file takes.
    SELECT r.row INTO was FROM merge_rows r
    WHERE r.merge_id = its_merge AND r.part = 'before' AND r.its_table = 'customers' AND (r.row ->> 'id')::uuid = m.survivor_id;
    SELECT r.row INTO its_row FROM merge_rows r
    WHERE r.merge_id = its_merge AND r.part = 'after' AND r.its_table = 'customers';
    SELECT unmerged(to_jsonb(c), was, its_row) || jsonb_build_object(
               'version', c.version + 1,
               'tags', to_jsonb(ARRAY(
                   SELECT t.tag FROM unnest(c.tags) WITH ORDINALITY AS t (tag, place)
                   WHERE t.tag IN (SELECT o.tag_id FROM customer_tags o WHERE o.customer_id = c.id AND o.end_time IS NULL)
                   ORDER BY t.place)),
               'groups', to_jsonb(ARRAY(
                   SELECT g.its_group FROM unnest(c.groups) AS g (its_group)
                   WHERE g.its_group IN (
                       SELECT o.its_group FROM group_memberships o WHERE o.customer_id = c.id AND o.end_time IS NULL)
                   ORDER BY g.its_group)))
    INTO back FROM customers c WHERE c.id = m.survivor_id;
    survivor_version := (back ->> 'version')::bigint;
    PERFORM put_customer(back);

    SELECT r.row INTO was FROM merge_rows r
    WHERE r.merge_id = its_merge AND r.part = 'before' AND r.its_table = 'customers' AND (r.row ->> 'id')::uuid = m.absorbed_id;
    id_elsewhere := EXISTS (
        SELECT FROM customers c WHERE c.national_id_hash = (was ->> 'national_id_hash')::bytea AND c.id <> m.absorbed_id);
    IF id_elsewhere THEN
        was := was || '{"national_id_sealed": null, "national_id_hash": null}';
    END IF;
    PERFORM put_customer(was || jsonb_build_object(
        'version', (SELECT c.version + 1 FROM customers c WHERE c.id = m.absorbed_id)));

    -- What ended since comes back as ended; so do phones that somebody else has taken over.
    SELECT coalesce(jsonb_object_agg(p.id, p.end_time), '{}') INTO ended
    FROM contact_points p WHERE p.customer_id = m.survivor_id AND p.end_time IS NOT NULL;
    DELETE FROM contact_points p USING merge_rows r
    WHERE r.merge_id = its_merge AND r.part = 'before' AND r.its_table = 'contact_points'
      AND p.customer_id = m.survivor_id AND p.id = (r.row ->> 'id')::uuid;
    SELECT count(*) INTO phones_elsewhere
    FROM merge_rows r, jsonb_populate_record(NULL::contact_points, r.row) AS old
    WHERE r.merge_id = its_merge AND r.part = 'before' AND r.its_table = 'contact_points' AND is_elsewhere(old);
    INSERT INTO contact_points
    SELECT back.*
    FROM merge_rows r
    CROSS JOIN LATERAL jsonb_populate_record(NULL::contact_points, r.row) AS old
    CROSS JOIN LATERAL jsonb_populate_record(old, jsonb_build_object('end_time', coalesce(
        (ended ->> old.id::text)::timestamptz,
        CASE WHEN is_elsewhere(old) THEN greatest(old.start_time, parted) ELSE old.end_time END))) AS back
    WHERE r.merge_id = its_merge AND r.part = 'before' AND r.its_table = 'contact_points';

    -- People whom the other file stood for.
    INSERT INTO vehicle_people SELECT old.* FROM merge_rows r, jsonb_populate_record(NULL::vehicle_people, r.row) AS old
    WHERE r.merge_id = its_merge AND r.part = 'before' AND r.its_table = 'vehicle_people' ON CONFLICT DO NOTHING;

    -- Amounts are counted anew when both are told; a decision that the merge brought goes, and with it a row that it made.
    SELECT r.row INTO was FROM merge_rows r
    WHERE r.merge_id = its_merge AND r.part = 'before' AND r.its_table = 'customer_values'
      AND (r.row ->> 'customer_id')::uuid = m.survivor_id;
    UPDATE customer_values v SET decided_tier = (was ->> 'decided_tier')::smallint, version = v.version + 1
    FROM merge_rows a
    WHERE a.merge_id = its_merge AND a.part = 'after' AND a.its_table = 'customer_values' AND v.customer_id = m.survivor_id
      AND v.decided_tier IS NOT DISTINCT FROM (a.row ->> 'decided_tier')::smallint;
    DELETE FROM customer_values v WHERE v.customer_id = m.survivor_id AND was IS NULL AND v.decided_tier IS NULL;
    INSERT INTO customer_values SELECT old.* FROM merge_rows r, jsonb_populate_record(NULL::customer_values, r.row) AS old
    WHERE r.merge_id = its_merge AND r.part = 'before' AND r.its_table = 'customer_values' AND old.customer_id = m.absorbed_id
    ON CONFLICT (customer_id) DO UPDATE
    SET value_fen = excluded.value_fen, counted_until = excluded.counted_until, computed_tier = excluded.computed_tier,
        decided_tier = excluded.decided_tier;
    DELETE FROM merge_rows r WHERE r.merge_id = its_merge;
    UPDATE merges x SET remove_time = parted WHERE x.id = its_merge;
    RETURN NEXT;
END
$$;

-- Merges that can be undone no more: what they kept goes, and the absorbed files' keys with it. Answers how many it has removed.
CREATE FUNCTION forget_merges(until timestamptz, most integer) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = customer, pg_temp AS $$
DECLARE
    gone uuid[];
BEGIN
    IF NOT public.foursight_reach(NULL) THEN
        RETURN 0;
    END IF;
    SELECT array_agg(m.id) INTO gone FROM (
        SELECT x.id FROM merges x WHERE x.undo_until < until AND x.remove_time IS NULL ORDER BY x.undo_until LIMIT most
        FOR UPDATE) m;
    DELETE FROM merge_rows r WHERE r.merge_id = ANY (gone);
    DELETE FROM customer_keys k USING merges m
    WHERE m.id = ANY (gone) AND m.undo_time IS NULL AND k.customer_id = m.absorbed_id;
    UPDATE merges m SET remove_time = until WHERE m.id = ANY (gone);
    RETURN coalesce(cardinality(gone), 0);
END
$$;
