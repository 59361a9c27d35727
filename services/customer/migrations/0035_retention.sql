-- How long which kind of data is kept; nothing goes of a kind without a rule.
CREATE TABLE retention_rules (
    kind        smallint PRIMARY KEY CHECK (kind BETWEEN 1 AND 3),
    -- 0: for good.
    keep_months integer NOT NULL CHECK (keep_months BETWEEN 0 AND 240),
    update_time timestamptz NOT NULL,
    staff_id    uuid NOT NULL,
    -- When it was last looked what is too old.
    apply_time  timestamptz
);
ALTER TABLE retention_rules ENABLE ROW LEVEL SECURITY;
CREATE POLICY retention_rules_reach ON retention_rules
    USING (public.foursight_reach(NULL)) WITH CHECK (public.foursight_reach(NULL));
