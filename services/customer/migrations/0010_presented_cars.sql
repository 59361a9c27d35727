-- The car that stands at the counter, whichever store knows it: its VIN together with the plate that hangs on it, or with a
-- phone of its owner. Locks as `vehicle_at_hand` does, and reads as the tables' owner.
CREATE FUNCTION vehicle_presented(its_vin text, its_plate text, its_phone_hash bytea)
RETURNS TABLE (vehicle_id uuid, owner_id uuid, owned_since timestamptz, odometer_km integer)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = customer, pg_temp AS $$
    SELECT h.vehicle_id, h.owner_id, h.owned_since, h.odometer_km FROM vehicle_at_hand(NULL, its_vin) h
    WHERE EXISTS (
            SELECT FROM vehicle_plates p
            WHERE p.vehicle_id = h.vehicle_id AND p.plate = its_plate AND p.end_time IS NULL)
       OR EXISTS (
            SELECT FROM contact_points c
            WHERE c.customer_id = h.owner_id AND c.hash = its_phone_hash AND c.kind = 1 AND c.end_time IS NULL)
$$;
