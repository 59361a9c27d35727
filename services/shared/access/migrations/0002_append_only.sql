-- The log is only ever added to. Whoever changes something may add, at whichever store; only who reaches the whole group
-- reads: the worker that seals, and the walk along the chain.
COMMENT ON TABLE audit IS 'append-only: what was seen and changed stays on record';
COMMENT ON TABLE audit_seals IS 'append-only: a link of the chain never changes';

ALTER TABLE audit ENABLE ROW LEVEL SECURITY;
CREATE POLICY audit_add ON audit FOR INSERT WITH CHECK (true);
CREATE POLICY audit_read ON audit FOR SELECT USING (public.foursight_reach(NULL));
