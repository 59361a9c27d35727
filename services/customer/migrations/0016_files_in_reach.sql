-- The files that are within reach: a row for each of its stores within reach and each of its contact points, or one without.
-- A view reads as its owner, whom the tables' policies do not bind, and asks once for each store of a file what they would
-- ask for each row of each table. Beside a function that does the same, it is planned once, with the statement around it.
-- (Such a function, files(), is what the release before reads by.)
CREATE VIEW files_in_reach WITH (security_barrier) AS
    SELECT c.id, c.kind, c.display_name, c.gender, c.birthday, c.national_id_sealed, c.store_id, c.source, c.stage,
           c.version, c.create_time, c.update_time, k.master_version, k.wrapped,
           s.store_id AS served_by, s.start_time AS served_since,
           p.id AS point_id, p.kind AS point_kind, p.sealed AS point_sealed, p.start_time AS point_start,
           p.end_time AS point_end
    FROM customers c
    JOIN customer_stores s ON s.customer_id = c.id AND public.foursight_reach(s.store_id)
    JOIN customer_keys k ON k.customer_id = c.id
    LEFT JOIN contact_points p ON p.customer_id = c.id;
COMMENT ON FUNCTION files(text, uuid[]) IS 'read by the release before files_in_reach; nothing else does';
