-- What the measures are counted from: one row for each thing that happened, keyed by its aggregate.
-- Every event writes its own columns and the version it came with, so that repetition, disorder and late data end in the same rows.

-- The stores' time zones: they decide which month an instant belongs to.
CREATE TABLE stores (
    store_id  uuid PRIMARY KEY,
    time_zone text NOT NULL CHECK (length(time_zone) BETWEEN 1 AND 64),
    version   bigint NOT NULL
);
ALTER TABLE stores ENABLE ROW LEVEL SECURITY;
CREATE POLICY stores_reach ON stores
    USING (public.foursight_reach(store_id)) WITH CHECK (public.foursight_reach(store_id));

CREATE TABLE deliveries (
    delivery_id  uuid PRIMARY KEY,
    store_id     uuid NOT NULL,
    vehicle_id   uuid NOT NULL,
    deliver_time timestamptz NOT NULL,
    version      bigint NOT NULL
);
CREATE INDEX deliveries_by_store_and_time ON deliveries (store_id, deliver_time);
ALTER TABLE deliveries ENABLE ROW LEVEL SECURITY;
CREATE POLICY deliveries_reach ON deliveries
    USING (public.foursight_reach(store_id)) WITH CHECK (public.foursight_reach(store_id));

CREATE TABLE visits (
    visit_id          uuid PRIMARY KEY,
    store_id          uuid NOT NULL,
    vehicle_id        uuid NOT NULL,
    check_in_time     timestamptz,
    -- The version of the event that told the check-in; absent until it came.
    started_version   bigint,
    hand_over_time    timestamptz,
    completed_version bigint,
    CHECK ((check_in_time IS NULL) = (started_version IS NULL)),
    CHECK ((hand_over_time IS NULL) = (completed_version IS NULL))
);
CREATE INDEX visits_by_store_and_check_in ON visits (store_id, check_in_time);
CREATE INDEX visits_by_store_and_hand_over ON visits (store_id, hand_over_time);
ALTER TABLE visits ENABLE ROW LEVEL SECURITY;
CREATE POLICY visits_reach ON visits
    USING (public.foursight_reach(store_id)) WITH CHECK (public.foursight_reach(store_id));

CREATE TABLE cases (
    case_id   uuid PRIMARY KEY,
    store_id  uuid NOT NULL,
    -- foursight.complaint.v1.CaseKind
    kind      smallint NOT NULL CHECK (kind > 0),
    open_time timestamptz NOT NULL,
    version   bigint NOT NULL
);
CREATE INDEX cases_by_store_and_time ON cases (store_id, open_time);
ALTER TABLE cases ENABLE ROW LEVEL SECURITY;
CREATE POLICY cases_reach ON cases
    USING (public.foursight_reach(store_id)) WITH CHECK (public.foursight_reach(store_id));

CREATE TABLE call_tasks (
    call_task_id      uuid PRIMARY KEY,
    store_id          uuid NOT NULL,
    due_time          timestamptz NOT NULL,
    planned_version   bigint,
    -- foursight.notification.v1.CallTaskState at the end; absent while the task is open.
    state             smallint CHECK (state > 0),
    complete_time     timestamptz,
    -- 1 to 10, or 0 when nobody was reached.
    advisor_score     smallint CHECK (advisor_score BETWEEN 0 AND 10),
    completed_version bigint,
    CHECK ((completed_version IS NULL) = (complete_time IS NULL)),
    CHECK ((completed_version IS NULL) = (state IS NULL)),
    CHECK ((completed_version IS NULL) = (advisor_score IS NULL))
);
CREATE INDEX call_tasks_by_store_and_due ON call_tasks (store_id, due_time);
CREATE INDEX call_tasks_by_store_and_end ON call_tasks (store_id, complete_time);
ALTER TABLE call_tasks ENABLE ROW LEVEL SECURITY;
CREATE POLICY call_tasks_reach ON call_tasks
    USING (public.foursight_reach(store_id)) WITH CHECK (public.foursight_reach(store_id));

-- A zone as this database knows it; otherwise China's. The database does the arithmetic, so a name from a newer edition of the
-- zone tables must not make every measure of the group unreadable. (pg_timezone_names would tell, by reading hundreds of files.)
CREATE FUNCTION known_zone(zone text) RETURNS text
    LANGUAGE plpgsql STABLE
AS $$
BEGIN
    PERFORM now() AT TIME ZONE zone;
    RETURN zone;
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN 'Asia/Shanghai';
END
$$;

-- The first day of the month that an instant belongs to, in the store's zone. A store whose zone is not known yet is in China.
CREATE FUNCTION month_in_zone(instant timestamptz, zone text) RETURNS date
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN date_trunc('month', instant AT TIME ZONE coalesce(zone, 'Asia/Shanghai'))::date;

-- The facts with their months. The measures read these, so that "the month" is said once. The zone is joined when a measure
-- is read, not stored with the fact: a store's zone that becomes known late is right for everything before it.
-- The reader's own reach holds (security_invoker).
CREATE VIEW delivered WITH (security_invoker = true) AS
    SELECT d.store_id, d.vehicle_id, d.deliver_time AS occur_time, month_in_zone(d.deliver_time, s.time_zone) AS month
    FROM deliveries d LEFT JOIN stores s USING (store_id);

CREATE VIEW checked_in WITH (security_invoker = true) AS
    SELECT v.store_id, v.vehicle_id, v.check_in_time AS occur_time, month_in_zone(v.check_in_time, s.time_zone) AS month
    FROM visits v LEFT JOIN stores s USING (store_id)
    WHERE v.check_in_time IS NOT NULL;

CREATE VIEW handed_over WITH (security_invoker = true) AS
    SELECT v.store_id, v.vehicle_id, v.hand_over_time AS occur_time, month_in_zone(v.hand_over_time, s.time_zone) AS month
    FROM visits v LEFT JOIN stores s USING (store_id)
    WHERE v.hand_over_time IS NOT NULL;

CREATE VIEW opened_cases WITH (security_invoker = true) AS
    SELECT c.store_id, c.kind, c.open_time AS occur_time, month_in_zone(c.open_time, s.time_zone) AS month
    FROM cases c LEFT JOIN stores s USING (store_id);

CREATE VIEW due_calls WITH (security_invoker = true) AS
    SELECT t.store_id, t.state, t.complete_time, t.due_time AS occur_time, month_in_zone(t.due_time, s.time_zone) AS month
    FROM call_tasks t LEFT JOIN stores s USING (store_id);

CREATE VIEW completed_calls WITH (security_invoker = true) AS
    SELECT t.store_id, t.state, t.advisor_score, t.complete_time AS occur_time,
           month_in_zone(t.complete_time, s.time_zone) AS month
    FROM call_tasks t LEFT JOIN stores s USING (store_id)
    WHERE t.complete_time IS NOT NULL;
