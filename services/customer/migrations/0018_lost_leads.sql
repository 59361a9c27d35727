-- Who gave the lead to its owner; NULL where nobody has assigned it yet. What a person has decided another one changes only knowing it.
ALTER TABLE leads ADD COLUMN assigner_id uuid;

-- A lead that was lost 战败: why, to whom, who said so and when.
ALTER TABLE leads
    ADD COLUMN loss_reason smallint CHECK (loss_reason BETWEEN 1 AND 11),
    ADD COLUMN loss_note   text CHECK (char_length(loss_note) <= 500),
    ADD COLUMN competitor  text CHECK (char_length(competitor) <= 100),
    ADD COLUMN loser_id    uuid,
    ADD COLUMN lose_time   timestamptz,
    ADD CONSTRAINT leads_loss CHECK (
        (loss_reason IS NULL OR state = 3)
        AND num_nulls(loss_reason, loss_note, competitor, loser_id, lose_time) IN (0, 5));
COMMENT ON COLUMN leads.loser_id IS 'who said that the lead is lost';
