-- Deliveries and visits of the past are brought in, and nobody may be known who handed the car over then.
ALTER TABLE deliveries ALTER COLUMN advisor_id DROP NOT NULL;
ALTER TABLE visits ALTER COLUMN advisor_id DROP NOT NULL;

-- Removes deliveries that a run has brought in, while it is being undone: the only ones that are taken from what only grows. Writes as the
-- table's owner.
CREATE FUNCTION remove_imported_deliveries(its_import uuid, its_rows bigint[]) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = customer, pg_temp AS $$
BEGIN
    IF NOT public.foursight_reach(NULL) THEN
        RAISE EXCEPTION 'only who reaches the whole group takes an import back' USING ERRCODE = 'insufficient_privilege';
    END IF;
    DELETE FROM deliveries d
    USING import_rows r JOIN imports i ON i.id = r.import_id AND i.state = 8 AND i.kind = 4
    WHERE r.import_id = its_import AND r.row_number = ANY (its_rows) AND r.outcome = 1 AND d.id = r.subject_id;
END
$$;
