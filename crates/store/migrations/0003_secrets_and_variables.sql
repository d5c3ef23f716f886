-- What workflows see as `secrets` and `vars`. A row without an app belongs to the project, one with an app and no
-- environment to all environments of that app.

CREATE TABLE secrets (
    id INTEGER PRIMARY KEY,
    app_id TEXT REFERENCES apps (id) ON DELETE CASCADE,
    environment_id TEXT REFERENCES environments (id) ON DELETE CASCADE,
    -- In capitals.
    name TEXT NOT NULL,
    -- Which key `sealed` was sealed with.
    key_id TEXT NOT NULL,
    sealed BLOB NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL,
    CHECK (environment_id IS NULL OR app_id IS NOT NULL)
) STRICT;
CREATE UNIQUE INDEX secrets_by_name
    ON secrets (ifnull(app_id, ''), ifnull(environment_id, ''), name);

CREATE TABLE variables (
    id INTEGER PRIMARY KEY,
    app_id TEXT REFERENCES apps (id) ON DELETE CASCADE,
    environment_id TEXT REFERENCES environments (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL,
    CHECK (environment_id IS NULL OR app_id IS NOT NULL)
) STRICT;
CREATE UNIQUE INDEX variables_by_name
    ON variables (ifnull(app_id, ''), ifnull(environment_id, ''), name);
