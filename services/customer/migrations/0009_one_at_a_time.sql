-- One open lead for each customer and store, and one workshop for each car, however many write at once. What was written
-- before that rule may break it: of several, the oldest counts, and those beside it stay as they are until they are over.
ALTER TABLE leads ADD COLUMN beside boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN leads.beside IS 'stood open beside an older one before there could be one only';
UPDATE leads l SET beside = true
WHERE l.state = 1 AND EXISTS (
    SELECT FROM leads o
    WHERE o.customer_id = l.customer_id AND o.store_id = l.store_id AND o.state = 1 AND o.id < l.id);
CREATE UNIQUE INDEX leads_open ON leads (customer_id, store_id) WHERE state = 1 AND NOT beside;

ALTER TABLE visits ADD COLUMN beside boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN visits.beside IS 'stood open beside an older one before there could be one only';
UPDATE visits v SET beside = true
WHERE v.state = 1 AND EXISTS (
    SELECT FROM visits o WHERE o.vehicle_id = v.vehicle_id AND o.state = 1 AND o.id < v.id);
CREATE UNIQUE INDEX visits_open ON visits (vehicle_id) WHERE state = 1 AND NOT beside;
