-- Whose car a plate hangs on now, in the whole group, if it is another car than that of this VIN. Asked before a plate is taken from
-- there. It reads as the tables' owner, and tells an id to who knows the plate.
CREATE FUNCTION plate_holder(its_plate text, its_vin text) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = customer, pg_temp AS $$
    SELECT o.customer_id
    FROM vehicle_plates p
    JOIN vehicles v ON v.id = p.vehicle_id AND v.vin <> its_vin
    JOIN vehicle_ownerships o ON o.vehicle_id = v.id AND o.end_time IS NULL
    WHERE p.plate = its_plate AND p.end_time IS NULL
    LIMIT 1
$$;
