-- Relations between two files: the family, and who stands for an organization. One row, seen from both sides.
CREATE TABLE customer_relations (
    id                uuid PRIMARY KEY,
    customer_id       uuid NOT NULL REFERENCES customers (id),
    other_id          uuid NOT NULL REFERENCES customers (id),
    -- What the other one is to the customer. Of a kind and its inverse only the first is written, so that none stands here twice.
    kind              smallint NOT NULL CHECK (kind IN (1, 2, 4, 5, 6, 8, 10, 12)),
    source            smallint NOT NULL CHECK (source BETWEEN 1 AND 11),
    start_time        timestamptz NOT NULL,
    store_id          uuid NOT NULL,
    staff_id          uuid,
    end_time          timestamptz CHECK (end_time >= start_time),
    end_store_id      uuid,
    end_staff_id      uuid,
    request_id        uuid,
    request_hash      bytea CHECK (octet_length(request_hash) = 32),
    -- Whose it was before merges.
    first_customer_id uuid,
    first_other_id    uuid,
    -- Between two files that are one now, or the same as another row since they are.
    rests             boolean NOT NULL DEFAULT false,
    CHECK (customer_id <> other_id OR rests),
    CHECK ((end_time IS NULL) = (end_store_id IS NULL))
);
CREATE UNIQUE INDEX customer_relations_request ON customer_relations (request_id) WHERE request_id IS NOT NULL;
-- Whichever side told it, and whichever of the two is the parent.
CREATE UNIQUE INDEX customer_relations_once ON customer_relations (least(customer_id, other_id), greatest(customer_id, other_id), kind)
    WHERE end_time IS NULL AND NOT rests;
CREATE INDEX customer_relations_customer ON customer_relations (customer_id, id DESC);
CREATE INDEX customer_relations_other ON customer_relations (other_id, id DESC);
-- Seen, and ended, by who sees one of the files; told by who sees both.
ALTER TABLE customer_relations ENABLE ROW LEVEL SECURITY;
CREATE POLICY customer_relations_read ON customer_relations FOR SELECT USING (
    public.foursight_reach(NULL)
    OR (SELECT true FROM customer_stores s WHERE s.customer_id = customer_relations.customer_id LIMIT 1)
    OR (SELECT true FROM customer_stores s WHERE s.customer_id = customer_relations.other_id LIMIT 1));
CREATE POLICY customer_relations_add ON customer_relations FOR INSERT WITH CHECK (
    public.foursight_reach(store_id)
    AND (public.foursight_reach(NULL)
        OR ((SELECT true FROM customer_stores s WHERE s.customer_id = customer_relations.customer_id LIMIT 1)
            AND (SELECT true FROM customer_stores s WHERE s.customer_id = customer_relations.other_id LIMIT 1))));
CREATE POLICY customer_relations_end ON customer_relations FOR UPDATE USING (
    public.foursight_reach(NULL)
    OR (SELECT true FROM customer_stores s WHERE s.customer_id = customer_relations.customer_id LIMIT 1)
    OR (SELECT true FROM customer_stores s WHERE s.customer_id = customer_relations.other_id LIMIT 1));

-- Relations follow a merge by themselves: whatever says that a file was absorbed, or stands by itself again, takes them along. They keep
-- whose they were, and which of them rest follows from the rows alone, so that undoing gives back what was.
CREATE FUNCTION relations_follow() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = customer, pg_temp AS $$
DECLARE
    survivor uuid := coalesce(NEW.merged_into, OLD.merged_into);
    parts uuid[];
BEGIN
    UPDATE customer_relations r SET rests = true
    WHERE r.customer_id IN (NEW.id, survivor) OR r.other_id IN (NEW.id, survivor);
    IF NEW.merged_into IS NOT NULL THEN
        UPDATE customer_relations r SET customer_id = survivor, first_customer_id = coalesce(r.first_customer_id, NEW.id)
        WHERE r.customer_id = NEW.id;
        UPDATE customer_relations r SET other_id = survivor, first_other_id = coalesce(r.first_other_id, NEW.id)
        WHERE r.other_id = NEW.id;
    ELSE
        parts := absorbed_by(NEW.id);
        UPDATE customer_relations r SET customer_id = NEW.id, first_customer_id = nullif(r.first_customer_id, NEW.id)
        WHERE r.customer_id = survivor AND r.first_customer_id = ANY (parts);
        UPDATE customer_relations r SET other_id = NEW.id, first_other_id = nullif(r.first_other_id, NEW.id)
        WHERE r.other_id = survivor AND r.first_other_id = ANY (parts);
    END IF;
    -- Of those that say the same the oldest stands.
    UPDATE customer_relations r SET rests = false
    FROM (
        SELECT o.id, o.end_time,
               row_number() OVER (
                   PARTITION BY least(o.customer_id, o.other_id), greatest(o.customer_id, o.other_id), o.kind, o.end_time IS NULL
                   ORDER BY o.id) AS place
        FROM customer_relations o
        WHERE (o.customer_id IN (NEW.id, survivor) OR o.other_id IN (NEW.id, survivor)) AND o.customer_id <> o.other_id
    ) same
    WHERE r.id = same.id AND (same.place = 1 OR same.end_time IS NOT NULL);
    RETURN NULL;
END
$$;
CREATE TRIGGER customers_relations_follow AFTER UPDATE OF merged_into ON customers
    FOR EACH ROW WHEN (OLD.merged_into IS DISTINCT FROM NEW.merged_into)
    EXECUTE FUNCTION relations_follow();

-- By whom a relation names the customer on the other one's timeline.
CREATE INDEX timeline_entries_relations ON timeline_entries ((details ->> 'customer'))
    WHERE kind IN ('RELATION_ADDED', 'RELATION_ENDED');

-- What an erasure does to relations: they go for both, and from the other one's timeline.
CREATE FUNCTION erasure_of_relations()
RETURNS TABLE (place integer, its_table text, how text, whose text, holds text, blanked text)
LANGUAGE sql IMMUTABLE SET search_path = customer, pg_temp AS $$
    VALUES
        (1, 'timeline_entries', 'remove',
            't.kind IN (''RELATION_ADDED'', ''RELATION_ENDED'') AND t.details ->> ''customer'' IN (
                 SELECT ''customers/'' || part.id FROM unnest(absorbed_by($1)) AS part (id))', NULL::text, NULL::text),
        (2, 'customer_relations', 'remove', 't.customer_id = $1 OR t.other_id = $1', NULL, NULL)
$$;
