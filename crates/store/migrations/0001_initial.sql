-- Times are microseconds since the Unix epoch, UTC. Ids are the text that users see.

CREATE TABLE apps (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    default_branch TEXT NOT NULL,
    -- The branch whose pushes deploy, as the last landed manifest has it.
    deploy_branch TEXT NOT NULL,
    state TEXT NOT NULL,
    -- The unprivileged user that the app's builds and processes run as.
    uid INTEGER NOT NULL UNIQUE,
    last_release INTEGER NOT NULL DEFAULT 0,
    last_change INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL
) STRICT;

CREATE TABLE environments (
    id TEXT PRIMARY KEY,
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    -- What `solum scale` asked for, by process type; it wins over the manifest.
    scale TEXT NOT NULL DEFAULT '{}',
    -- The deployment that serves.
    current_deployment TEXT REFERENCES deployments (id),
    config_revision TEXT REFERENCES config_revisions (id),
    last_config_revision INTEGER NOT NULL DEFAULT 0,
    -- While set, the router holds requests instead of sending them on.
    hold INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    UNIQUE (app_id, name)
) STRICT;

CREATE TABLE hosts (
    host TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL REFERENCES environments (id) ON DELETE CASCADE
) STRICT;
CREATE INDEX hosts_by_environment ON hosts (environment_id);

CREATE TABLE config_revisions (
    id TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    variables TEXT NOT NULL,
    -- The names that differ from the revision before.
    changed TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    UNIQUE (environment_id, number)
) STRICT;

CREATE TABLE releases (
    id TEXT PRIMARY KEY,
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    artifact TEXT NOT NULL,
    commit_id TEXT,
    description TEXT NOT NULL,
    run_id TEXT,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    UNIQUE (app_id, number),
    UNIQUE (run_id, artifact)
) STRICT;

CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    workflow TEXT NOT NULL,
    definition TEXT NOT NULL,
    definition_digest TEXT NOT NULL,
    status TEXT NOT NULL,
    -- Runs with the same queue are started one after the other, oldest first.
    queue TEXT,
    commit_id TEXT,
    title TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    started_at INTEGER,
    finished_at INTEGER
) STRICT;
CREATE INDEX runs_by_app ON runs (app_id, id);
CREATE INDEX runs_unfinished ON runs (queue, id)
    WHERE status IN ('queued', 'running', 'waiting');

CREATE TABLE changes (
    id TEXT PRIMARY KEY,
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    branch TEXT NOT NULL,
    -- What the branch pointed at when the push came in.
    base_commit TEXT,
    commit_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    run_id TEXT NOT NULL UNIQUE REFERENCES runs (id) ON DELETE CASCADE,
    state TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (app_id, number)
) STRICT;

CREATE TABLE journal (
    run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (run_id, seq)
) STRICT, WITHOUT ROWID;

-- Effects whose result is not in the journal yet.
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    job TEXT NOT NULL,
    step TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    effect TEXT NOT NULL,
    -- Set for a timer.
    due_at INTEGER,
    UNIQUE (run_id, job, step)
) STRICT;

CREATE TABLE deployments (
    id TEXT PRIMARY KEY,
    environment_id TEXT NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
    release_id TEXT NOT NULL REFERENCES releases (id),
    config_revision TEXT REFERENCES config_revisions (id),
    run_id TEXT NOT NULL,
    -- job/step: with the run, the key under which the deployment is asked for.
    step TEXT NOT NULL,
    reason TEXT NOT NULL,
    state TEXT NOT NULL,
    -- What served before, for the way back.
    previous_deployment TEXT,
    failed_phase TEXT,
    error TEXT,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    finished_at INTEGER,
    UNIQUE (run_id, step)
) STRICT;
CREATE INDEX deployments_by_environment ON deployments (environment_id, id);
CREATE INDEX deployments_unfinished ON deployments (environment_id, id)
    WHERE state NOT IN ('succeeded', 'failed', 'cancelled');

CREATE TABLE deployment_phases (
    deployment_id TEXT NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
    state TEXT NOT NULL,
    entered_at INTEGER NOT NULL,
    PRIMARY KEY (deployment_id, state)
) STRICT, WITHOUT ROWID;

CREATE TABLE instances (
    id TEXT PRIMARY KEY,
    deployment_id TEXT NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
    process TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    state TEXT NOT NULL,
    address TEXT,
    -- When a draining instance is stopped even if requests are still in flight.
    drain_until INTEGER,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX instances_by_deployment ON instances (deployment_id, process, ordinal);
CREATE INDEX instances_there ON instances (state) WHERE state <> 'stopped';

CREATE TABLE uploads (
    id TEXT PRIMARY KEY,
    app_id TEXT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    state TEXT NOT NULL,
    artifact TEXT,
    error TEXT,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL
) STRICT;

CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    -- SHA-256 of a token of 256 random bits; there is nothing to guess, so no salt and no stretching.
    hash BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    revoked_at INTEGER
) STRICT;
CREATE UNIQUE INDEX tokens_by_name ON tokens (name) WHERE revoked_at IS NULL;

CREATE TABLE events (
    id TEXT PRIMARY KEY,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    kind TEXT NOT NULL,
    app TEXT,
    environment TEXT,
    subject TEXT,
    detail TEXT NOT NULL DEFAULT '{}'
) STRICT;
CREATE INDEX events_by_app ON events (app, id);

-- Answers to POSTs that carried an Idempotency-Key, for as long as the key is remembered.
CREATE TABLE idempotency (
    token_id TEXT NOT NULL,
    key TEXT NOT NULL,
    -- Of method, path and body: the same key for something else is a mistake.
    fingerprint TEXT NOT NULL,
    -- NULL while the first request is still being carried out.
    status INTEGER,
    headers TEXT,
    body TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (token_id, key)
) STRICT, WITHOUT ROWID;
