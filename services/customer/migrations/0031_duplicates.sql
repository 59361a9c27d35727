-- Pairs of files that may be of one customer (src/duplicates), the older file first.
CREATE TABLE duplicates (
    id          uuid PRIMARY KEY,
    low_id      uuid NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
    high_id     uuid NOT NULL REFERENCES customers (id) ON DELETE CASCADE CHECK (low_id < high_id),
    probability double precision NOT NULL CHECK (probability BETWEEN 0 AND 1),
    -- What agrees and differs, by the proto's numbers.
    signs       smallint[] NOT NULL,
    state       smallint NOT NULL CHECK (state BETWEEN 1 AND 3),
    find_time   timestamptz NOT NULL,
    store_id    uuid,
    staff_id    uuid,
    decide_time timestamptz CHECK ((decide_time IS NULL) = (state = 1)),
    reason      text NOT NULL DEFAULT '' CHECK (char_length(reason) <= 500)
);
CREATE UNIQUE INDEX duplicates_pair ON duplicates (low_id, high_id);
CREATE INDEX duplicates_high ON duplicates (high_id);
CREATE INDEX duplicates_likeliest ON duplicates (state, probability DESC, id DESC);
-- For who sees both files; when they were merged, for who sees what they became.
ALTER TABLE duplicates ENABLE ROW LEVEL SECURITY;
CREATE POLICY duplicates_reach ON duplicates
    USING (public.foursight_reach(NULL)
        OR ((SELECT true FROM customer_stores s WHERE s.customer_id = duplicates.low_id LIMIT 1)
            AND (SELECT true FROM customer_stores s WHERE s.customer_id = duplicates.high_id LIMIT 1))
        OR (state = 3
            AND (SELECT true FROM customer_stores s WHERE s.customer_id = survivor_of(duplicates.low_id) LIMIT 1)))
    WITH CHECK (public.foursight_reach(NULL)
        OR ((SELECT true FROM customer_stores s WHERE s.customer_id = duplicates.low_id LIMIT 1)
            AND (SELECT true FROM customer_stores s WHERE s.customer_id = duplicates.high_id LIMIT 1)));

-- How far the looking is: one row. A look through all files has steps, each gathers pairs that have something in common; then these are
-- compared. It goes on where it was stopped.
CREATE TABLE duplicate_pass (
    one         boolean PRIMARY KEY DEFAULT true CHECK (one),
    -- New files up to this one have been looked at.
    last_id     uuid NOT NULL,
    start_time  timestamptz,
    finish_time timestamptz,
    steps       smallint NOT NULL DEFAULT 0,
    compared    bigint NOT NULL DEFAULT 0,
    likely      bigint NOT NULL DEFAULT 0
);
INSERT INTO duplicate_pass (last_id) VALUES ('00000000-0000-0000-0000-000000000000');

-- Pairs that a look through all files has gathered and not compared yet.
CREATE TABLE duplicate_work (
    low_id  uuid NOT NULL,
    high_id uuid NOT NULL,
    PRIMARY KEY (low_id, high_id)
);

-- Says of two files that they are two customers, because their merge was undone: also where the caller sees one of them only from now on.
CREATE FUNCTION part_pair(its_merge uuid, new_id uuid, decided timestamptz) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = customer, pg_temp AS $$
    INSERT INTO duplicates AS d (id, low_id, high_id, probability, signs, state, find_time, store_id, staff_id, decide_time, reason)
    SELECT new_id, least(m.survivor_id, m.absorbed_id), greatest(m.survivor_id, m.absorbed_id), 0, '{}', 2, decided,
           m.undo_store_id, m.undo_staff_id, decided, m.undo_reason
    FROM merges m
    WHERE m.id = its_merge AND m.undo_time IS NOT NULL
      AND (public.foursight_reach(NULL)
           OR (SELECT true FROM customer_stores s
               WHERE s.customer_id = m.survivor_id AND public.foursight_reach(s.store_id) LIMIT 1))
    ON CONFLICT (low_id, high_id) DO UPDATE
    SET state = 2, store_id = excluded.store_id, staff_id = excluded.staff_id, decide_time = excluded.decide_time,
        reason = excluded.reason
$$;

-- The pairs among files that share something, the older one first.
CREATE FUNCTION pairs_of(ids uuid[]) RETURNS TABLE (low_id uuid, high_id uuid)
LANGUAGE sql IMMUTABLE AS $$
    SELECT DISTINCT a.id, b.id FROM unnest(ids) AS a (id) JOIN unnest(ids) AS b (id) ON a.id < b.id
$$;

-- What an erasure does to pairs.
CREATE FUNCTION erasure_of_duplicates()
RETURNS TABLE (place integer, its_table text, how text, whose text, holds text, blanked text)
LANGUAGE sql IMMUTABLE SET search_path = customer, pg_temp AS $$
    VALUES
        (2, 'duplicates', 'remove', 't.low_id = $1 OR t.high_id = $1', NULL::text, NULL::text),
        (2, 'duplicate_work', 'remove', 't.low_id = $1 OR t.high_id = $1', NULL, NULL)
$$;
