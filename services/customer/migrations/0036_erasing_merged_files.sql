-- What an erasure does to merges and to what was made for finding duplicates and counting segments. A merge stays as two ids; it can be
-- undone no more.
CREATE FUNCTION erasure_of_merges()
RETURNS TABLE (place integer, its_table text, how text, whose text, holds text, blanked text)
LANGUAGE sql IMMUTABLE SET search_path = customer, pg_temp AS $$
    VALUES
        (1, 'merge_rows', 'remove',
            't.merge_id IN (SELECT m.id FROM merges m WHERE m.survivor_id = $1 OR m.absorbed_id = $1)', NULL::text, NULL::text),
        (2, 'merges', 'blank', 't.survivor_id = $1 OR t.absorbed_id = $1',
            't.reason <> '''' OR t.undo_reason <> '''' OR t.remove_time IS NULL',
            'reason = '''', undo_reason = '''', remove_time = coalesce(t.remove_time, $2)'),
        (2, 'duplicates', 'remove', 't.low_id = $1 OR t.high_id = $1', NULL, NULL),
        (2, 'duplicate_work', 'remove', 't.low_id = $1 OR t.high_id = $1', NULL, NULL),
        (2, 'segment_files', 'remove', 't.customer_id = $1', NULL, NULL),
        -- The files that were merged into it are ids that say so.
        (8, 'customers', 'keep', 't.merged_into = $1', NULL, NULL)
$$;
