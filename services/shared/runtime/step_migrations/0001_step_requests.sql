-- Made in every service's schema: the requests that took a step at something that was there already. What a request created
-- keeps the request's id in its own row.
CREATE TABLE step_requests (
    request_id   uuid PRIMARY KEY,
    request_hash bytea NOT NULL CHECK (octet_length(request_hash) = 32),
    -- Of what the step was taken at.
    store_id     uuid NOT NULL,
    step_time    timestamptz NOT NULL
);
COMMENT ON TABLE step_requests IS 'append-only: a step is taken once, however late its request comes again';
ALTER TABLE step_requests ENABLE ROW LEVEL SECURITY;
CREATE POLICY step_requests_reach ON step_requests
    USING (public.foursight_reach(store_id)) WITH CHECK (public.foursight_reach(store_id));
