-- Who keeps the birthday by the lunar calendar. The year may be unknown; the solar date of birth stays beside it.
ALTER TABLE customers
    ADD COLUMN lunar_year  smallint CHECK (lunar_year BETWEEN 1900 AND 2100),
    ADD COLUMN lunar_month smallint CHECK (lunar_month BETWEEN 1 AND 12),
    ADD COLUMN lunar_leap  boolean,
    ADD COLUMN lunar_day   smallint CHECK (lunar_day BETWEEN 1 AND 30),
    ADD CONSTRAINT customers_lunar_whole CHECK (
        (lunar_month IS NULL) = (lunar_day IS NULL)
        AND (lunar_month IS NULL) = (lunar_leap IS NULL)
        AND (lunar_year IS NULL OR lunar_month IS NOT NULL));

-- What is read now comes after what the release before reads.
CREATE OR REPLACE VIEW files_in_reach WITH (security_barrier) AS
    SELECT c.id, c.kind, c.display_name, c.gender, c.birthday, c.national_id_sealed, c.store_id, c.source, c.stage,
           c.version, c.create_time, c.update_time, k.master_version, k.wrapped,
           s.store_id AS served_by, s.start_time AS served_since,
           p.id AS point_id, p.kind AS point_kind, p.sealed AS point_sealed, p.start_time AS point_start,
           p.end_time AS point_end,
           c.lunar_year, c.lunar_month, c.lunar_leap, c.lunar_day
    FROM customers c
    JOIN customer_stores s ON s.customer_id = c.id AND public.foursight_reach(s.store_id)
    JOIN customer_keys k ON k.customer_id = c.id
    LEFT JOIN contact_points p ON p.customer_id = c.id;
