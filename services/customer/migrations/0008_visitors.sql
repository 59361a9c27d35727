-- Whose file a phone is on is not who stands at the counter: the files that a visitor's phones and id card lead to in the
-- whole group, with their names as they are searched, and whether the id card's number is the file's (NULL when one of them
-- is missing). Reads as the tables' owner, because the files may be other stores'; what it says stays in the program, which
-- compares.
CREATE FUNCTION files_at_counter(its_kind smallint, phone_hashes bytea[], its_national_id_hash bytea)
RETURNS TABLE (file_id uuid, search_name text, same_national_id boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = customer, pg_temp AS $$
    SELECT c.id, c.search_name, c.national_id_hash = its_national_id_hash
    FROM customers c
    WHERE c.kind = its_kind AND c.id IN (
        SELECT i.id FROM customers i WHERE i.national_id_hash = its_national_id_hash
        UNION ALL
        SELECT p.customer_id FROM contact_points p
        WHERE p.hash = ANY (phone_hashes) AND p.exclusive AND p.end_time IS NULL
        UNION ALL
        SELECT p.customer_id FROM contact_points p
        WHERE p.hash = ANY (phone_hashes) AND p.hash IS NOT NULL AND NOT (p.exclusive AND p.end_time IS NULL)
          AND p.end_time IS NULL AND p.kind = 1
    )
    ORDER BY c.id
$$;

-- What became of what a visitor told, by the facts' paths; absent without a visitor, and for receptions of before.
ALTER TABLE receptions
    ADD COLUMN file_opened boolean,
    ADD COLUMN added       text[] CHECK (cardinality(added) <= 30),
    ADD COLUMN not_taken   text[] CHECK (cardinality(not_taken) <= 30);
