-- A change has any number of runs now, where it had one.
CREATE TABLE former_changes AS SELECT id, run_id FROM changes;
CREATE TABLE changes_with_runs (
    id TEXT PRIMARY KEY,
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    branch TEXT NOT NULL,
    -- What the branch pointed at when the push came in.
    base_commit TEXT,
    commit_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    state TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (app_id, number)
) STRICT;
INSERT INTO changes_with_runs
    SELECT id, app_id, number, branch, base_commit, commit_id, subject, state, created_at FROM changes;
DROP TABLE changes;
ALTER TABLE changes_with_runs RENAME TO changes;
CREATE INDEX changes_open ON changes (app_id, branch, number)
    WHERE state IN ('queued', 'active');
ALTER TABLE runs ADD COLUMN change_id TEXT REFERENCES changes (id) ON DELETE SET NULL;
UPDATE runs SET change_id = (SELECT id FROM former_changes WHERE run_id = runs.id);
DROP TABLE former_changes;
CREATE INDEX runs_by_change ON runs (change_id) WHERE change_id IS NOT NULL;

-- How many runs each workflow file of an app has had.
CREATE TABLE run_numbers (
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    file TEXT NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (app_id, file)
) STRICT, WITHOUT ROWID;

-- The times of `on.schedule` of each app's deploy branch, and up to when each of them has been looked after.
CREATE TABLE schedules (
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    file TEXT NOT NULL,
    cron TEXT NOT NULL,
    -- Empty for UTC.
    timezone TEXT NOT NULL,
    seen_until INTEGER NOT NULL,
    PRIMARY KEY (app_id, file, cron, timezone)
) STRICT, WITHOUT ROWID;
