-- Tags 标签: the group's catalogue of them.
CREATE TABLE tags (
    id              uuid PRIMARY KEY,
    display_name_zh text NOT NULL CHECK (char_length(display_name_zh) BETWEEN 1 AND 20),
    display_name_en text NOT NULL CHECK (char_length(display_name_en) BETWEEN 1 AND 40),
    create_time     timestamptz NOT NULL,
    archive_time    timestamptz,
    request_id      uuid,
    request_hash    bytea CHECK (octet_length(request_hash) = 32)
);
CREATE UNIQUE INDEX tags_request ON tags (request_id) WHERE request_id IS NOT NULL;
CREATE UNIQUE INDEX tags_name_zh ON tags (lower(display_name_zh)) WHERE archive_time IS NULL;
CREATE UNIQUE INDEX tags_name_en ON tags (lower(display_name_en)) WHERE archive_time IS NULL;

-- Which tags a customer has and had: since when and until when, by whom.
CREATE TABLE customer_tags (
    id           uuid PRIMARY KEY,
    customer_id  uuid NOT NULL REFERENCES customers (id),
    tag_id       uuid NOT NULL REFERENCES tags (id),
    start_time   timestamptz NOT NULL,
    store_id     uuid NOT NULL,
    staff_id     uuid,
    end_time     timestamptz CHECK (end_time >= start_time),
    end_store_id uuid,
    end_staff_id uuid,
    CHECK ((end_time IS NULL) = (end_store_id IS NULL))
);
CREATE UNIQUE INDEX customer_tags_once ON customer_tags (customer_id, tag_id) WHERE end_time IS NULL;
CREATE INDEX customer_tags_newest ON customer_tags (customer_id, id DESC);
ALTER TABLE customer_tags ENABLE ROW LEVEL SECURITY;
CREATE POLICY customer_tags_read ON customer_tags FOR SELECT USING (
    public.foursight_reach(NULL)
    OR (SELECT true FROM customer_stores s WHERE s.customer_id = customer_tags.customer_id LIMIT 1));
CREATE POLICY customer_tags_give ON customer_tags FOR INSERT WITH CHECK (
    public.foursight_reach(store_id)
    AND (public.foursight_reach(NULL)
        OR (SELECT true FROM customer_stores s WHERE s.customer_id = customer_tags.customer_id LIMIT 1)));
CREATE POLICY customer_tags_take ON customer_tags FOR UPDATE USING (
    public.foursight_reach(NULL)
    OR (SELECT true FROM customer_stores s WHERE s.customer_id = customer_tags.customer_id LIMIT 1));

-- In which groups a customer is and was, why and by whom. Of 1 (UIO 保有客户), which follows from the cars, nobody says so.
CREATE TABLE group_memberships (
    id           uuid PRIMARY KEY,
    customer_id  uuid NOT NULL REFERENCES customers (id),
    its_group    smallint NOT NULL CHECK (its_group BETWEEN 1 AND 4),
    start_time   timestamptz NOT NULL,
    reason       text NOT NULL CHECK (char_length(reason) <= 500),
    store_id     uuid CHECK ((store_id IS NULL) = (its_group = 1)),
    staff_id     uuid,
    end_time     timestamptz CHECK (end_time >= start_time),
    end_reason   text NOT NULL DEFAULT '' CHECK (char_length(end_reason) <= 500),
    end_store_id uuid,
    end_staff_id uuid
);
CREATE UNIQUE INDEX group_memberships_once ON group_memberships (customer_id, its_group) WHERE end_time IS NULL;
CREATE INDEX group_memberships_newest ON group_memberships (customer_id, id DESC);
ALTER TABLE group_memberships ENABLE ROW LEVEL SECURITY;
CREATE POLICY group_memberships_read ON group_memberships FOR SELECT USING (
    public.foursight_reach(NULL)
    OR (SELECT true FROM customer_stores s WHERE s.customer_id = group_memberships.customer_id LIMIT 1));
CREATE POLICY group_memberships_begin ON group_memberships FOR INSERT WITH CHECK (
    public.foursight_reach(store_id)
    AND (public.foursight_reach(NULL)
        OR (SELECT true FROM customer_stores s WHERE s.customer_id = group_memberships.customer_id LIMIT 1)));
CREATE POLICY group_memberships_end ON group_memberships FOR UPDATE USING (
    public.foursight_reach(NULL)
    OR (SELECT true FROM customer_stores s WHERE s.customer_id = group_memberships.customer_id LIMIT 1));

-- What a customer is worth to the group: A, B or C by rank (1 to 3; 0 without any value), from the amounts of visits and deliveries.
CREATE TABLE customer_values (
    customer_id   uuid PRIMARY KEY REFERENCES customers (id),
    -- In fen, of the days that count.
    value_fen     bigint NOT NULL CHECK (value_fen >= 0),
    -- From when on the oldest of what was counted counts no more.
    counted_until timestamptz,
    -- What the amounts say.
    computed_tier smallint NOT NULL DEFAULT 0 CHECK (computed_tier BETWEEN 0 AND 3),
    -- What somebody decided instead.
    decided_tier  smallint CHECK (decided_tier BETWEEN 1 AND 3),
    -- Orders what is told of the tier: the file's own version stays as it is while the tier follows.
    version       bigint NOT NULL DEFAULT 1
);
-- Ranks, and whose tier is not what the value says.
CREATE INDEX customer_values_rank ON customer_values (value_fen);
CREATE INDEX customer_values_tier ON customer_values (computed_tier, value_fen);
CREATE INDEX customer_values_until ON customer_values (counted_until) WHERE counted_until IS NOT NULL;
ALTER TABLE customer_values ENABLE ROW LEVEL SECURITY;
CREATE POLICY customer_values_reach ON customer_values
    USING (public.foursight_reach(NULL)
        OR (SELECT true FROM customer_stores s WHERE s.customer_id = customer_values.customer_id LIMIT 1))
    WITH CHECK (public.foursight_reach(NULL)
        OR (SELECT true FROM customer_stores s WHERE s.customer_id = customer_values.customer_id LIMIT 1));

CREATE TABLE value_decisions (
    id          uuid PRIMARY KEY,
    customer_id uuid NOT NULL REFERENCES customers (id),
    -- NULL: what the amounts say counts again.
    tier        smallint CHECK (tier BETWEEN 1 AND 3),
    reason      text NOT NULL CHECK (char_length(reason) BETWEEN 1 AND 500),
    store_id    uuid NOT NULL,
    staff_id    uuid NOT NULL,
    decide_time timestamptz NOT NULL
);
CREATE INDEX value_decisions_newest ON value_decisions (customer_id, id DESC);
COMMENT ON TABLE value_decisions IS 'append-only: who decided which customer''s value tier, and why';
ALTER TABLE value_decisions ENABLE ROW LEVEL SECURITY;
CREATE POLICY value_decisions_read ON value_decisions FOR SELECT USING (
    public.foursight_reach(NULL)
    OR (SELECT true FROM customer_stores s WHERE s.customer_id = value_decisions.customer_id LIMIT 1));
CREATE POLICY value_decisions_add ON value_decisions FOR INSERT WITH CHECK (
    public.foursight_reach(store_id)
    AND (public.foursight_reach(NULL)
        OR (SELECT true FROM customer_stores s WHERE s.customer_id = value_decisions.customer_id LIMIT 1)));

-- Above which values tiers A and B begin: one row.
CREATE TABLE value_bounds (
    one         boolean PRIMARY KEY DEFAULT true CHECK (one),
    above_a     bigint NOT NULL,
    above_b     bigint NOT NULL,
    -- Of how many customers, and by which rule: another one begins anew.
    customers   bigint NOT NULL,
    rule        text NOT NULL,
    make_time   timestamptz NOT NULL
);

-- Corrections of a file's life-cycle stage.
CREATE TABLE stage_corrections (
    id             uuid PRIMARY KEY,
    customer_id    uuid NOT NULL REFERENCES customers (id),
    previous_stage smallint NOT NULL CHECK (previous_stage BETWEEN 1 AND 6),
    stage          smallint NOT NULL CHECK (stage BETWEEN 1 AND 6),
    reason         text NOT NULL CHECK (char_length(reason) BETWEEN 1 AND 500),
    store_id       uuid NOT NULL,
    staff_id       uuid NOT NULL,
    correct_time   timestamptz NOT NULL
);
CREATE INDEX stage_corrections_customer ON stage_corrections (customer_id, id DESC);
COMMENT ON TABLE stage_corrections IS 'append-only: who corrected which customer''s stage, and why';
ALTER TABLE stage_corrections ENABLE ROW LEVEL SECURITY;
CREATE POLICY stage_corrections_read ON stage_corrections FOR SELECT USING (
    public.foursight_reach(NULL)
    OR (SELECT true FROM customer_stores s WHERE s.customer_id = stage_corrections.customer_id LIMIT 1));
CREATE POLICY stage_corrections_add ON stage_corrections FOR INSERT WITH CHECK (
    public.foursight_reach(store_id)
    AND (public.foursight_reach(NULL)
        OR (SELECT true FROM customer_stores s WHERE s.customer_id = stage_corrections.customer_id LIMIT 1)));

-- What holds now stands in the file itself, so that reading one costs no more. Whoever changes tags or groups locks the file FOR
-- UPDATE first: the labels below rest on it.
ALTER TABLE customers
    ADD COLUMN tags       uuid[] NOT NULL DEFAULT '{}' CHECK (cardinality(tags) <= 50),
    ADD COLUMN groups     smallint[] NOT NULL DEFAULT '{}' CHECK (cardinality(groups) <= 4),
    ADD COLUMN value_tier smallint NOT NULL DEFAULT 0 CHECK (value_tier BETWEEN 0 AND 3);

CREATE OR REPLACE VIEW files_in_reach WITH (security_barrier) AS
    SELECT c.id, c.kind, c.display_name, c.gender, c.birthday, c.national_id_sealed, c.store_id, c.source, c.stage,
           c.version, c.create_time, c.update_time, k.master_version, k.wrapped,
           s.store_id AS served_by, s.start_time AS served_since,
           p.id AS point_id, p.kind AS point_kind, p.sealed AS point_sealed, p.start_time AS point_start,
           p.end_time AS point_end,
           c.lunar_year, c.lunar_month, c.lunar_leap, c.lunar_day,
           c.occupation, c.intended_models, c.car_use, c.budget_min_fen, c.budget_max_fen, c.spending_preference,
           c.contact_channel, c.contact_from, c.contact_to,
           c.tags, c.groups, c.value_tier
    FROM customers c
    JOIN customer_stores s ON s.customer_id = c.id AND public.foursight_reach(s.store_id)
    JOIN customer_keys k ON k.customer_id = c.id
    LEFT JOIN contact_points p ON p.customer_id = c.id;

-- By which tags and groups a file is found: a row for each store that serves the customer, and one for the whole group, whose
-- store is the nil UUID. A page of a rare tag is a range of one index, however many files there are.
CREATE TABLE file_labels (
    store_id    uuid NOT NULL,
    -- A tag's id; a group's number as a UUID.
    label       uuid NOT NULL,
    customer_id uuid NOT NULL,
    -- In this order, and not as the search below has it: a plan that was made while there were few rows would take a store's beginning of
    -- that one, and look through all of the group's labels for the sake of one file.
    PRIMARY KEY (customer_id, store_id, label)
);
CREATE INDEX file_labels_search ON file_labels (store_id, label, customer_id);
-- Read within reach; the nil UUID is in nobody's but the group's. Written by the triggers below only.
ALTER TABLE file_labels ENABLE ROW LEVEL SECURITY;
CREATE POLICY file_labels_read ON file_labels FOR SELECT USING (public.foursight_reach(store_id));

CREATE FUNCTION labels_of(its_tags uuid[], its_groups smallint[]) RETURNS uuid[]
LANGUAGE sql IMMUTABLE SET search_path = customer, pg_temp AS $$
    SELECT its_tags || array(
        SELECT ('00000000-0000-0000-0000-' || lpad(to_hex(g::integer), 12, '0'))::uuid FROM unnest(its_groups) AS g)
$$;

CREATE FUNCTION file_labels_of_changed() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = customer, pg_temp AS $$
BEGIN
    DELETE FROM file_labels l
    WHERE l.customer_id = NEW.id AND NOT (l.label = ANY (labels_of(NEW.tags, NEW.groups)));
    INSERT INTO file_labels (store_id, label, customer_id)
    SELECT scope.store_id, label.id, NEW.id
    FROM unnest(labels_of(NEW.tags, NEW.groups)) AS label (id)
    CROSS JOIN (
        SELECT '00000000-0000-0000-0000-000000000000'::uuid AS store_id
        UNION ALL
        SELECT s.store_id FROM customer_stores s WHERE s.customer_id = NEW.id
    ) scope
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
CREATE TRIGGER customers_labelled AFTER UPDATE OF tags, groups ON customers
    FOR EACH ROW WHEN (NEW.tags IS DISTINCT FROM OLD.tags OR NEW.groups IS DISTINCT FROM OLD.groups)
    EXECUTE FUNCTION file_labels_of_changed();

-- Who links a store to a file makes it found there. The store that opens a file does it with the file, which has no labels yet.
CREATE FUNCTION file_labels_of_link() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = customer, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO file_labels (store_id, label, customer_id)
        SELECT NEW.store_id, l.label, l.customer_id FROM file_labels l
        WHERE l.customer_id = NEW.customer_id AND l.store_id = '00000000-0000-0000-0000-000000000000'
        ON CONFLICT DO NOTHING;
    ELSE
        DELETE FROM file_labels l WHERE l.customer_id = OLD.customer_id AND l.store_id = OLD.store_id;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER file_labels_linked AFTER INSERT ON customer_stores
    FOR EACH ROW WHEN (NOT NEW.opened) EXECUTE FUNCTION file_labels_of_link();
CREATE TRIGGER file_labels_unlinked AFTER DELETE ON customer_stores
    FOR EACH ROW EXECUTE FUNCTION file_labels_of_link();

-- With the file go its labels, whoever removes it.
CREATE FUNCTION file_labels_of_erased() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = customer, pg_temp AS $$
BEGIN
    DELETE FROM file_labels l WHERE l.customer_id = OLD.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER file_labels_erased AFTER DELETE ON customers
    FOR EACH ROW EXECUTE FUNCTION file_labels_of_erased();
