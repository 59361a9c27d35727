-- $1 are the files, $2 the kind of a phone, $3 the state of a consent that holds, $4 the state of an open lead.
INSERT INTO customer.segment_files AS f (
    customer_id, store_id, open_time, last_visit_time, value_fen, visits, consents, birthday, birth_month, kind, gender,
    stage, source, value_tier, groups, has_phone, tags, advisors, stores, intended_models, owned_models, car_dates,
    warranty_ends, insurance_ends, inspection_dates)
SELECT c.id, place.store_id, c.create_time, visits.last, coalesce(amount.value_fen, 0), visits.count, consents.bits,
       c.birthday, extract(month FROM c.birthday)::smallint, c.kind, c.gender, c.stage, c.source, c.value_tier,
       coalesce((SELECT sum(1 << g) FROM unnest(c.groups) AS g), 0)::smallint, phone.there, nullif(c.tags, '{}'),
       leads.owners, place.stores, nullif(c.intended_models, '{}') COLLATE "C", cars.models, cars.since, cars.warranties,
       cars.insurances, cars.inspections
FROM customer.customers c
CROSS JOIN LATERAL (
    SELECT array_agg(s.store_id ORDER BY s.store_id) AS stores FROM customer.customer_stores s WHERE s.customer_id = c.id
) served
CROSS JOIN LATERAL (
    SELECT '00000000-0000-0000-0000-000000000000'::uuid AS store_id, served.stores
    UNION ALL
    SELECT one.store_id, NULL FROM unnest(served.stores) AS one (store_id)
) place
CROSS JOIN LATERAL (
    SELECT count(*)::integer AS count, max(v.check_in_time) AS last FROM customer.visits v
    WHERE v.customer_id = c.id AND (v.store_id = place.store_id OR place.stores IS NOT NULL)
) visits
CROSS JOIN LATERAL (
    SELECT array_agg(DISTINCT l.owner_id) AS owners FROM customer.leads l
    WHERE l.customer_id = c.id AND l.state = $4 AND l.release_time IS NULL
      AND (l.store_id = place.store_id OR place.stores IS NOT NULL)
) leads
CROSS JOIN LATERAL (
    SELECT coalesce(sum(1 << ((last.purpose - 1) * 4 + last.contact_kind - 1)) FILTER (WHERE last.state = $3), 0)::integer AS bits
    FROM (
        SELECT DISTINCT ON (s.purpose, s.contact_kind) s.purpose, s.contact_kind, s.state FROM customer.consents s
        WHERE s.customer_id = c.id ORDER BY s.purpose, s.contact_kind, s.version DESC
    ) last
) consents
CROSS JOIN LATERAL (
    SELECT EXISTS (
        SELECT FROM customer.contact_points p WHERE p.customer_id = c.id AND p.kind = $2 AND p.end_time IS NULL
    ) AS there
) phone
CROSS JOIN LATERAL (
    SELECT array_agg(DISTINCT v.model COLLATE "C") AS models,
           range_agg(daterange(car.new_on, car.new_on, '[]')) FILTER (WHERE car.new_on IS NOT NULL) AS since,
           range_agg(daterange(v.warranty_end, v.warranty_end, '[]')) FILTER (WHERE v.warranty_end IS NOT NULL) AS warranties,
           range_agg(car.insured) AS insurances,
           range_agg(daterange(v.inspection_date, v.inspection_date, '[]')) FILTER (WHERE v.inspection_date IS NOT NULL)
               AS inspections
    FROM customer.vehicle_ownerships o JOIN customer.vehicles v ON v.id = o.vehicle_id
    CROSS JOIN LATERAL (
        SELECT coalesce(v.registration_date, (v.deliver_time AT TIME ZONE 'Asia/Shanghai')::date) AS new_on,
               (SELECT range_agg(daterange(e, e, '[]'))
                FROM unnest(ARRAY[v.compulsory_end, v.commercial_end]) AS e WHERE e IS NOT NULL) AS insured
    ) car
    -- Not by IS NULL, for which there is an index of all cars' owners of now: joined with the customer's, it would be read whole.
    WHERE o.customer_id = c.id AND coalesce(o.end_time, 'infinity') = 'infinity'
) cars
LEFT JOIN customer.customer_values amount ON amount.customer_id = c.id
WHERE c.id = ANY ($1) AND c.merged_into IS NULL
ORDER BY c.id, place.store_id
ON CONFLICT (customer_id, store_id) DO UPDATE
SET last_visit_time = excluded.last_visit_time, value_fen = excluded.value_fen, visits = excluded.visits,
    consents = excluded.consents, birthday = excluded.birthday, birth_month = excluded.birth_month, kind = excluded.kind,
    gender = excluded.gender, stage = excluded.stage, source = excluded.source, value_tier = excluded.value_tier,
    groups = excluded.groups, has_phone = excluded.has_phone, tags = excluded.tags, advisors = excluded.advisors,
    stores = excluded.stores, intended_models = excluded.intended_models, owned_models = excluded.owned_models,
    car_dates = excluded.car_dates, warranty_ends = excluded.warranty_ends, insurance_ends = excluded.insurance_ends,
    inspection_dates = excluded.inspection_dates
WHERE f IS DISTINCT FROM excluded
