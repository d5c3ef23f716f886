-- Runs of workflows that users write. What the first engine journalled cannot be read by this one: of its runs there
-- remains who ran what, when, and how it ended. Those that were under way have failed; releases and deployments stay.
UPDATE changes SET state = 'refused' WHERE state IN ('queued', 'active');
UPDATE runs SET status = 'failed', finished_at = coalesce(started_at, created_at)
    WHERE status IN ('queued', 'running', 'waiting');
DELETE FROM journal;

-- What runs do, once for all that do the same.
CREATE TABLE definitions (
    digest TEXT PRIMARY KEY,
    definition TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO definitions (digest, definition)
    VALUES ('before', '{"file":"","name":"before an upgrade","jobs":[]}');
UPDATE runs SET definition_digest = 'before';

ALTER TABLE runs DROP COLUMN definition;
-- What it knows of the world that it was started in.
ALTER TABLE runs ADD COLUMN context TEXT NOT NULL DEFAULT '{}';
ALTER TABLE runs ADD COLUMN attempt INTEGER NOT NULL DEFAULT 1;
-- The run that it tries again.
ALTER TABLE runs ADD COLUMN retry_of TEXT;

-- A state, so that only what came after it has to be read.
CREATE TABLE snapshots (
    run_id TEXT PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
    -- The last record in it.
    seq INTEGER NOT NULL,
    state TEXT NOT NULL
) STRICT;

DROP TABLE outbox;
-- Effects whose result is not in the journal yet.
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    job TEXT NOT NULL,
    -- Empty for a job's own.
    step TEXT NOT NULL,
    -- perform, stop, or a timer's: backoff, deadline.
    kind TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    effect TEXT NOT NULL,
    -- Set for a timer.
    due_at INTEGER,
    -- How often a server that was just started has taken it up, and when it last did.
    starts INTEGER NOT NULL DEFAULT 0,
    started_at INTEGER,
    UNIQUE (run_id, job, step, kind)
) STRICT;
CREATE INDEX outbox_by_kind ON outbox (kind, id);
CREATE INDEX outbox_timers ON outbox (due_at) WHERE due_at IS NOT NULL;

-- Places in concurrency groups, held or waited for, in the order in which they were asked for.
CREATE TABLE group_places (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    -- In lower case.
    name TEXT NOT NULL,
    run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    -- Empty for the run itself.
    job TEXT NOT NULL,
    held INTEGER NOT NULL,
    UNIQUE (run_id, job)
) STRICT;
CREATE INDEX group_places_by_name ON group_places (app_id, name, id);
