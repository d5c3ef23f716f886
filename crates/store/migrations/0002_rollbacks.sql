-- Whether the deployment went back to a pair that was deployed before, rather than on to another.
ALTER TABLE deployments ADD COLUMN rolls_back INTEGER NOT NULL DEFAULT 0;
UPDATE deployments SET rolls_back = 1
WHERE run_id IN (SELECT id FROM runs WHERE workflow = 'rollback');
