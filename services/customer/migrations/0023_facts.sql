-- What is known of a customer besides who it is, as it stands now: plain, because customers are chosen by it. 0 and empty are
-- unknown. And where each fact came from, over time.
ALTER TABLE customers
    ADD COLUMN occupation          text NOT NULL DEFAULT '' CHECK (char_length(occupation) <= 100),
    ADD COLUMN intended_models     text[] NOT NULL DEFAULT '{}' CHECK (cardinality(intended_models) <= 10),
    ADD COLUMN car_use             smallint NOT NULL DEFAULT 0 CHECK (car_use BETWEEN 0 AND 5),
    ADD COLUMN budget_min_fen      bigint CHECK (budget_min_fen >= 0),
    ADD COLUMN budget_max_fen      bigint CHECK (budget_max_fen >= budget_min_fen),
    ADD COLUMN spending_preference smallint NOT NULL DEFAULT 0 CHECK (spending_preference BETWEEN 0 AND 6),
    ADD COLUMN contact_channel     smallint NOT NULL DEFAULT 0 CHECK (contact_channel BETWEEN 0 AND 4),
    -- In minutes of the store's day.
    ADD COLUMN contact_from        smallint CHECK (contact_from BETWEEN 0 AND 1440),
    ADD COLUMN contact_to          smallint CHECK (contact_to BETWEEN 0 AND 1440),
    ADD CONSTRAINT customers_budget_whole CHECK ((budget_min_fen IS NULL) = (budget_max_fen IS NULL)),
    ADD CONSTRAINT customers_contact_hours CHECK (
        (contact_from IS NULL) = (contact_to IS NULL) AND (contact_from IS NULL OR contact_from < contact_to));

-- A fact that a file took on: since when, from where, by whom. What a file had from its beginning has a row when something else
-- took its place. The value is sealed under the customer's own key, whatever it is: so the table only grows, and says nothing any
-- more when the key is destroyed.
CREATE TABLE facts (
    id          uuid PRIMARY KEY,
    customer_id uuid NOT NULL REFERENCES customers (id),
    -- Which field of the file: `Field` in customers/facts.
    field       smallint NOT NULL CHECK (field BETWEEN 1 AND 11),
    -- NULL when the field was emptied.
    sealed      bytea,
    source      smallint NOT NULL CHECK (source BETWEEN 1 AND 11),
    -- The store that learnt it.
    store_id    uuid NOT NULL,
    -- NULL for what was told when the file was opened, and for the group's own services.
    staff_id    uuid,
    learn_time  timestamptz NOT NULL
);
CREATE INDEX facts_customer ON facts (customer_id, id DESC);
COMMENT ON TABLE facts IS 'append-only: what each fact of a file was over time, and where it came from';
ALTER TABLE facts ENABLE ROW LEVEL SECURITY;
CREATE POLICY facts_read ON facts FOR SELECT USING (
    public.foursight_reach(NULL)
    OR (SELECT true FROM customer_stores s WHERE s.customer_id = facts.customer_id LIMIT 1));
-- What was told at the opening, perhaps at another store, is written down by who changes it, and is nobody's word of now.
CREATE POLICY facts_add ON facts FOR INSERT WITH CHECK (
    (staff_id IS NULL OR public.foursight_reach(store_id))
    AND (public.foursight_reach(NULL)
        OR (SELECT true FROM customer_stores s WHERE s.customer_id = facts.customer_id LIMIT 1)));

CREATE OR REPLACE VIEW files_in_reach WITH (security_barrier) AS
    SELECT c.id, c.kind, c.display_name, c.gender, c.birthday, c.national_id_sealed, c.store_id, c.source, c.stage,
           c.version, c.create_time, c.update_time, k.master_version, k.wrapped,
           s.store_id AS served_by, s.start_time AS served_since,
           p.id AS point_id, p.kind AS point_kind, p.sealed AS point_sealed, p.start_time AS point_start,
           p.end_time AS point_end,
           c.lunar_year, c.lunar_month, c.lunar_leap, c.lunar_day,
           c.occupation, c.intended_models, c.car_use, c.budget_min_fen, c.budget_max_fen, c.spending_preference,
           c.contact_channel, c.contact_from, c.contact_to
    FROM customers c
    JOIN customer_stores s ON s.customer_id = c.id AND public.foursight_reach(s.store_id)
    JOIN customer_keys k ON k.customer_id = c.id
    LEFT JOIN contact_points p ON p.customer_id = c.id;
