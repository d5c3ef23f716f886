-- Why an instance that is meant to serve gets no requests for now; NULL while it does.
ALTER TABLE instances ADD COLUMN down TEXT;

-- Places of a deployment's processes (`web.2`) whose instance did not come up, or was lost soon, and when the next
-- one may be started.
CREATE TABLE setbacks (
    deployment_id TEXT NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
    process TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    -- In a row.
    failures INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    -- The last one.
    instance_id TEXT NOT NULL,
    PRIMARY KEY (deployment_id, process, ordinal)
) STRICT, WITHOUT ROWID;
