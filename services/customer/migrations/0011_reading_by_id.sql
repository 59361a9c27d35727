-- What belongs to a customer is visible when a store of the caller's serves the customer. Asked as EXISTS, Postgres may answer by
-- gathering all customers of those stores first, for the sake of one row. A scalar subquery is asked for each row, by the
-- index, however many customers there are.
DO $$
DECLARE
    rule record;
    served text;
BEGIN
    FOR rule IN
        SELECT * FROM (VALUES
            ('customers', 'customers_read', 'id', false),
            ('customers', 'customers_change', 'id', false),
            ('customers', 'customers_erase', 'id', false),
            ('customer_keys', 'customer_keys_read', 'customer_id', false),
            ('customer_keys', 'customer_keys_change', 'customer_id', false),
            ('customer_keys', 'customer_keys_destroy', 'customer_id', false),
            ('contact_points', 'contact_points_read', 'customer_id', false),
            ('contact_points', 'contact_points_change', 'customer_id', false),
            ('contact_points', 'contact_points_erase', 'customer_id', false),
            ('vehicle_ownerships', 'vehicle_ownerships_read', 'customer_id', false),
            ('consents', 'consents_reach', 'customer_id', true)
        ) AS rules (its_table, policy, its_column, checks)
    LOOP
        served := format(
            'public.foursight_reach(NULL) OR (SELECT true FROM customer_stores s WHERE s.customer_id = %I.%I LIMIT 1)',
            rule.its_table, rule.its_column
        );
        EXECUTE format('ALTER POLICY %I ON %I USING (%s)', rule.policy, rule.its_table, served);
        IF rule.checks THEN
            EXECUTE format('ALTER POLICY %I ON %I WITH CHECK (%s)', rule.policy, rule.its_table, served);
        END IF;
    END LOOP;
    -- A car, its plates and its readings are visible when one of its owners is.
    FOR rule IN
        SELECT * FROM (VALUES
            ('vehicles', 'vehicles_read', 'id'),
            ('vehicle_plates', 'vehicle_plates_read', 'vehicle_id'),
            ('odometer_readings', 'odometer_readings_read', 'vehicle_id')
        ) AS rules (its_table, policy, its_column)
    LOOP
        EXECUTE format(
            'ALTER POLICY %I ON %I USING (public.foursight_reach(NULL)
                OR (SELECT true FROM vehicle_ownerships o WHERE o.vehicle_id = %I.%I LIMIT 1))',
            rule.policy, rule.its_table, rule.its_table, rule.its_column
        );
    END LOOP;
END
$$;
ALTER POLICY odometer_readings_add ON odometer_readings WITH CHECK (
    public.foursight_reach(store_id)
    AND (public.foursight_reach(NULL)
        OR (SELECT true FROM vehicle_ownerships o WHERE o.vehicle_id = odometer_readings.vehicle_id LIMIT 1)));
ALTER POLICY timeline_entries_reach ON timeline_entries
    USING (public.foursight_reach(store_id)
        OR (store_id IS NULL
            AND (SELECT true FROM customer_stores s WHERE s.customer_id = timeline_entries.customer_id LIMIT 1)))
    WITH CHECK (public.foursight_reach(store_id)
        OR (store_id IS NULL
            AND (SELECT true FROM customer_stores s WHERE s.customer_id = timeline_entries.customer_id LIMIT 1)));

-- The files of these ids as far as the caller may see them, newest first: a row for each contact point, or one without. How far
-- the caller reaches is an argument, so that reading a file needs no transaction around it and one round trip; NULL within a
-- transaction that has said it. It reads as the tables' owner and asks once for each file what the policies of its tables
-- would ask for each row: whether a store of the caller's serves the customer.
CREATE FUNCTION files(its_reach text, ids uuid[]) RETURNS TABLE (
    id uuid, kind smallint, display_name text, gender smallint, birthday date, national_id_sealed bytea, store_id uuid,
    source smallint, stage smallint, version bigint, create_time timestamptz, update_time timestamptz,
    master_version integer, wrapped bytea, stores uuid[],
    point_id uuid, point_kind smallint, point_sealed bytea, point_start timestamptz, point_end timestamptz
)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = customer, pg_temp
AS $$
DECLARE
    reach text := coalesce(its_reach, current_setting('foursight.reach', true), '');
    -- NULL for the whole group; of no store, nothing.
    theirs uuid[] := CASE WHEN reach <> '*' THEN string_to_array(reach, ',')::uuid[] END;
BEGIN
    RETURN QUERY
        SELECT c.id, c.kind, c.display_name, c.gender, c.birthday, c.national_id_sealed, c.store_id, c.source, c.stage,
               c.version, c.create_time, c.update_time, k.master_version, k.wrapped, served.stores,
               p.id, p.kind, p.sealed, p.start_time, p.end_time
        FROM customers c
        CROSS JOIN LATERAL (
            SELECT array_agg(s.store_id ORDER BY s.start_time, s.store_id) AS stores
            FROM customer_stores s
            WHERE s.customer_id = c.id AND (theirs IS NULL OR s.store_id = ANY (theirs))
        ) served
        JOIN customer_keys k ON k.customer_id = c.id
        LEFT JOIN contact_points p ON p.customer_id = c.id
        WHERE c.id = ANY (files.ids) AND served.stores IS NOT NULL
        ORDER BY c.id DESC, p.id;
END
$$;
