-- A try at an id number counts like one at a phone.
COMMENT ON COLUMN visitor_tries.phone_hash IS 'the keyed hash of the phone or id number that was told, if one was';

-- The files that somebody's phones and id card lead to, and which phones lead to each: who is taken for whom rests on it, and how
-- many others' phones were told. It reads as the tables' owner, because the files may be any store's. `files_at_counter` is the
-- release's before.
CREATE FUNCTION files_told_of(its_kind smallint, phone_hashes bytea[], its_national_id_hash bytea)
RETURNS TABLE (file_id uuid, search_name text, same_national_id boolean, phones bytea[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = customer, pg_temp AS $$
    SELECT c.id, c.search_name, c.national_id_hash = its_national_id_hash,
           coalesce(array_agg(DISTINCT told.hash) FILTER (WHERE told.hash IS NOT NULL), '{}')
    FROM (
        SELECT i.id, NULL::bytea FROM customers i WHERE i.national_id_hash = its_national_id_hash
        UNION ALL
        SELECT p.customer_id, p.hash FROM contact_points p
        WHERE p.hash = ANY (phone_hashes) AND p.exclusive AND p.end_time IS NULL
        UNION ALL
        SELECT p.customer_id, p.hash FROM contact_points p
        WHERE p.hash = ANY (phone_hashes) AND p.hash IS NOT NULL AND NOT (p.exclusive AND p.end_time IS NULL)
          AND p.end_time IS NULL AND p.kind = 1
    ) told (id, hash)
    JOIN customers c ON c.id = told.id
    WHERE c.kind = its_kind
    GROUP BY c.id
    ORDER BY c.id
$$;

-- The car in the whole group that has the VIN and the plate or its owner's phone, and which of them fits. Its row is locked.
-- `vehicle_presented` is the release's before.
CREATE FUNCTION vehicle_recognised(its_vin text, its_plate text, its_phone_hash bytea)
RETURNS TABLE (
    vehicle_id uuid, owner_id uuid, owned_since timestamptz, odometer_km integer, odometer_time timestamptz,
    by_plate boolean, by_phone boolean
)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = customer, pg_temp AS $$
    SELECT r.* FROM (
        SELECT h.vehicle_id, h.owner_id, h.owned_since, h.odometer_km, h.odometer_time,
               EXISTS (
                   SELECT FROM vehicle_plates p
                   WHERE p.vehicle_id = h.vehicle_id AND p.plate = its_plate AND p.end_time IS NULL) AS by_plate,
               EXISTS (
                   SELECT FROM contact_points c
                   WHERE c.customer_id = h.owner_id AND c.hash = its_phone_hash AND c.kind = 1
                     AND c.end_time IS NULL) AS by_phone
        FROM vehicle_at_hand(NULL, its_vin) h
    ) r
    WHERE r.by_plate OR r.by_phone
$$;
