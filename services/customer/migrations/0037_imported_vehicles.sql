-- Tables of more than customers are brought in: a run has a language, and a row says what it is besides whose it is.
ALTER TABLE imports
    DROP CONSTRAINT imports_kind_check,
    ADD CONSTRAINT imports_kind_check CHECK (kind BETWEEN 1 AND 5),
    -- What the reasons are told in: `Language` in imports/reason.rs.
    ADD COLUMN language smallint NOT NULL DEFAULT 1 CHECK (language IN (1, 2));
ALTER TABLE import_mappings
    DROP CONSTRAINT import_mappings_kind_check,
    ADD CONSTRAINT import_mappings_kind_check CHECK (kind BETWEEN 1 AND 5);
ALTER TABLE import_rows
    -- The car, the delivery, the visit or the entry that the row is, by the run's kind; customer_id is whose.
    ADD COLUMN subject_id uuid,
    -- The subject of the odometer's reading that the row added.
    ADD COLUMN reading_id uuid;

-- Who reaches the whole group writes what was known elsewhere (0003), and takes it back.
CREATE POLICY vehicles_unload ON vehicles FOR DELETE USING (public.foursight_reach(NULL));
CREATE POLICY vehicle_ownerships_unload ON vehicle_ownerships FOR DELETE USING (public.foursight_reach(NULL));
CREATE POLICY vehicle_plates_unload ON vehicle_plates FOR DELETE USING (public.foursight_reach(NULL));
CREATE POLICY vehicle_plates_reload ON vehicle_plates FOR UPDATE USING (public.foursight_reach(NULL));

-- Removes readings that a run has added, while it is being undone: the only ones that are taken from what only grows. Those that somebody
-- has corrected since stay. Writes as the table's owner.
CREATE FUNCTION remove_imported_readings(its_import uuid, its_rows bigint[]) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = customer, pg_temp AS $$
BEGIN
    IF NOT public.foursight_reach(NULL) THEN
        RAISE EXCEPTION 'only who reaches the whole group takes an import back' USING ERRCODE = 'insufficient_privilege';
    END IF;
    DELETE FROM odometer_readings o
    USING import_rows r JOIN imports i ON i.id = r.import_id AND i.state = 8
    WHERE r.import_id = its_import AND r.row_number = ANY (its_rows) AND o.subject_id = r.reading_id
      AND NOT EXISTS (
          SELECT FROM odometer_corrections c
          WHERE c.vehicle_id = o.vehicle_id AND (c.corrected_id = o.subject_id OR c.id = o.subject_id));
END
$$;
