-- Who gave the task to its assignee; NULL while that is the product's own choice, which anybody may overrule.
ALTER TABLE call_tasks ADD COLUMN assigner_id uuid;
