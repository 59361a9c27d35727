-- By what a file is found besides phone, plate, VIN and id number: its name, parts of it, its pinyin, initials. Made by the program
-- (customers/name_keys), never read for anything but a search. Personal data, as the name is.
--
-- A row for each key and each store that serves the customer: so each search is a range of one index, however many customers other
-- stores have, and ends after a page. Who searches the whole group does it by the other index.
CREATE TABLE name_keys (
    store_id    uuid NOT NULL,
    -- "C", so that a beginning is a range of the index, and its operators are leakproof.
    key         text COLLATE "C" NOT NULL CHECK (char_length(key) BETWEEN 2 AND 41),
    customer_id uuid NOT NULL,
    PRIMARY KEY (store_id, key, customer_id)
);
CREATE INDEX name_keys_group ON name_keys (key, customer_id);

-- All keys of a file, in their order: a store that comes to serve it copies them, and what is removed is looked up by them.
CREATE TABLE named_files (
    customer_id uuid PRIMARY KEY,
    keys        text[] COLLATE "C" NOT NULL
);

-- Read within reach. Written by the functions below only.
ALTER TABLE name_keys ENABLE ROW LEVEL SECURITY;
CREATE POLICY name_keys_read ON name_keys FOR SELECT USING (public.foursight_reach(store_id));
ALTER TABLE named_files ENABLE ROW LEVEL SECURITY;
CREATE POLICY named_files_read ON named_files FOR SELECT USING (
    public.foursight_reach(NULL)
    OR (SELECT true FROM customer_stores s WHERE s.customer_id = named_files.customer_id LIMIT 1));

-- Who writes a file's keys and who links a store to it take turns, so that the second one sees what the first one wrote. Not by the
-- file's row: to lock it is to write it.
CREATE FUNCTION lock_name_keys(its_id uuid) RETURNS void
LANGUAGE sql VOLATILE SET search_path = customer, pg_temp AS $$
    SELECT pg_advisory_xact_lock(hashtext('name keys'), hashtext(its_id::text))
$$;

-- Takes the keys of a file away, at one store or at all that serve it.
CREATE FUNCTION remove_name_keys(its_id uuid, its_store uuid) RETURNS void
LANGUAGE sql VOLATILE SET search_path = customer, pg_temp AS $$
    DELETE FROM name_keys k
    USING named_files n, unnest(n.keys) AS was (key), customer_stores s
    WHERE n.customer_id = its_id AND s.customer_id = its_id AND (its_store IS NULL OR s.store_id = its_store)
      AND k.store_id = s.store_id AND k.key = was.key COLLATE "C" AND k.customer_id = its_id
$$;

-- Gives files within reach these keys, each as one text with a line for each key, in place of those that they have.
CREATE FUNCTION write_name_keys(ids uuid[], their_keys text[]) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = customer, pg_temp AS $$
DECLARE
    within uuid[];
BEGIN
    -- In one order, so that two writers never wait for each other in a ring.
    PERFORM lock_name_keys(asked.id) FROM (SELECT unnest(ids) AS id ORDER BY 1) asked;
    SELECT array_agg(c.id) INTO within
    FROM unnest(ids, their_keys) AS file (id, keys) JOIN customers c ON c.id = file.id
    LEFT JOIN named_files n ON n.customer_id = file.id
    WHERE (public.foursight_reach(NULL)
            OR (SELECT true FROM customer_stores s
                WHERE s.customer_id = c.id AND public.foursight_reach(s.store_id) LIMIT 1))
      AND n.keys IS DISTINCT FROM string_to_array(file.keys, E'\n');
    PERFORM remove_name_keys(n.customer_id, NULL) FROM named_files n WHERE n.customer_id = ANY (within);
    INSERT INTO named_files AS n (customer_id, keys)
    SELECT file.id, string_to_array(file.keys, E'\n') FROM unnest(ids, their_keys) AS file (id, keys)
    WHERE file.id = ANY (within)
    ON CONFLICT (customer_id) DO UPDATE SET keys = excluded.keys;
    INSERT INTO name_keys (store_id, key, customer_id)
    SELECT s.store_id, line.key, file.id
    FROM unnest(ids, their_keys) AS file (id, keys)
    JOIN customer_stores s ON s.customer_id = file.id
    CROSS JOIN LATERAL string_to_table(nullif(file.keys, ''), E'\n') AS line (key)
    WHERE file.id = ANY (within);
END
$$;

-- Who links a store to a file, of this release or the one before, makes it found there. The store that opens a file does it with the
-- file, which has no keys yet, and need not look.
ALTER TABLE customer_stores ADD COLUMN opened boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN customer_stores.opened IS 'written together with the file, by the store that opened it';
CREATE FUNCTION name_keys_of_link() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = customer, pg_temp AS $$
BEGIN
    PERFORM lock_name_keys(NEW.customer_id);
    INSERT INTO name_keys (store_id, key, customer_id)
    SELECT NEW.store_id, was.key, n.customer_id FROM named_files n, unnest(n.keys) AS was (key)
    WHERE n.customer_id = NEW.customer_id
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
CREATE TRIGGER customer_stores_linked AFTER INSERT ON customer_stores
    FOR EACH ROW WHEN (NOT NEW.opened) EXECUTE FUNCTION name_keys_of_link();

-- Before, because what is removed is looked up by the link.
CREATE FUNCTION name_keys_of_unlinked() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = customer, pg_temp AS $$
BEGIN
    PERFORM lock_name_keys(OLD.customer_id);
    PERFORM remove_name_keys(OLD.customer_id, OLD.store_id);
    RETURN OLD;
END
$$;
CREATE TRIGGER customer_stores_unlinked BEFORE DELETE ON customer_stores
    FOR EACH ROW EXECUTE FUNCTION name_keys_of_unlinked();

-- With the file goes what is left of its names, whoever removes it; its links are gone before.
CREATE FUNCTION name_keys_of_erased() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = customer, pg_temp AS $$
BEGIN
    DELETE FROM named_files n WHERE n.customer_id = OLD.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER customers_erased AFTER DELETE ON customers
    FOR EACH ROW EXECUTE FUNCTION name_keys_of_erased();
