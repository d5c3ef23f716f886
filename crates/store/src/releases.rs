use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::json;
use types::{Actor, AppId, CommitId, Digest, EnvironmentName, ReleaseId, RunId};

use crate::apps::get_app;
use crate::events::NewEvent;
use crate::row::{self, to_json};
use crate::{Error, Store};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    pub id: ReleaseId,
    pub app: AppId,
    /// `v1` is 1.
    pub number: u64,
    pub artifact: Digest,
    pub commit: Option<CommitId>,
    pub description: String,
    pub run: Option<RunId>,
    pub created_at: Timestamp,
    pub created_by: Actor,
}

impl Release {
    /// As people say it: `v12`.
    #[must_use]
    pub fn label(&self) -> String {
        format!("v{}", self.number)
    }
}

/// That a release serves in an environment, or did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// `v1` is 1.
    pub release: u64,
    pub environment: EnvironmentName,
    pub is_live: bool,
}

#[derive(Debug, Clone)]
pub struct NewRelease {
    pub app: AppId,
    pub artifact: Digest,
    pub commit: Option<CommitId>,
    pub description: String,
    /// The run that makes it: with the artifact, what it is known by when it is asked for again.
    pub run: RunId,
    pub actor: Actor,
}

impl Store {
    /// Records a release under the app's next number; asked again for the same run and artifact, finds it.
    pub async fn ensure_release(&self, new: NewRelease) -> Result<Release, Error> {
        self.write(move |write| {
            let mut known = write
                .sql
                .prepare_cached("SELECT * FROM releases WHERE run_id = ?1 AND artifact = ?2")?;
            let known = known
                .query_row(params![new.run.to_string(), new.artifact.as_str()], read)
                .optional()?;
            if let Some(release) = known {
                return Ok(release);
            }
            let number: u64 = write.sql.query_row(
                "UPDATE apps SET last_release = last_release + 1 WHERE id = ?1 RETURNING last_release",
                [new.app.to_string()],
                |row| row.get(0),
            )?;
            let release = Release {
                id: ReleaseId::generate(write.clock),
                app: new.app,
                number,
                artifact: new.artifact,
                commit: new.commit,
                description: new.description,
                run: Some(new.run),
                created_at: write.now,
                created_by: new.actor,
            };
            write.sql.execute(
                "INSERT INTO releases (id, app_id, number, artifact, commit_id, description, run_id, created_at, created_by)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                params![
                    release.id.to_string(),
                    release.app.to_string(),
                    release.number,
                    release.artifact.as_str(),
                    release.commit.as_ref().map(CommitId::as_str),
                    release.description,
                    release.run.map(|run| run.to_string()),
                    release.created_at.as_microsecond(),
                    to_json(&release.created_by),
                ],
            )?;
            let app = get_app(&write.sql, new.app)?;
            let event = NewEvent::new("release.created", &release.created_by)
                .app(&app.name)
                .subject(release.label());
            let detail = json!({ "artifact": release.artifact, "commit": release.commit });
            write.event(&event.detail(detail))?;
            Ok(release)
        })
        .await
    }

    pub async fn release(&self, app: AppId, number: u64) -> Result<Release, Error> {
        self.read(move |connection| {
            let mut statement = connection
                .prepare_cached("SELECT * FROM releases WHERE app_id = ?1 AND number = ?2")?;
            statement
                .query_row(params![app.to_string(), number], read)
                .optional()?
                .ok_or_else(|| Error::not_found(format!("release v{number} of this app")))
        })
        .await
    }

    /// Where the app's releases serve or did, those from number `from` to `to`.
    pub async fn services(&self, app: AppId, from: u64, to: u64) -> Result<Vec<Service>, Error> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT releases.number AS number, environments.name AS environment,
                        max(deployments.id = environments.current_deployment) AS is_live
                 FROM releases JOIN deployments ON deployments.release_id = releases.id
                 JOIN environments ON environments.id = deployments.environment_id
                 WHERE releases.app_id = ?1 AND releases.number BETWEEN ?2 AND ?3
                   AND (deployments.state = 'succeeded'
                        OR deployments.id = environments.current_deployment)
                 GROUP BY releases.number, environments.id
                 ORDER BY releases.number, environments.id",
            )?;
            let found = statement
                .query_map(params![app.to_string(), from, to], |row| {
                    Ok(Service {
                        release: row.get("number")?,
                        environment: row::text(row, "environment")?,
                        is_live: row.get::<_, Option<bool>>("is_live")?.unwrap_or(false),
                    })
                })?
                .collect::<Result<_, _>>()?;
            Ok(found)
        })
        .await
    }

    pub async fn release_by_id(&self, id: ReleaseId) -> Result<Release, Error> {
        self.read(move |connection| get(connection, id)).await
    }

    /// The app's releases, newest first, those below `before` only.
    pub async fn releases(
        &self,
        app: AppId,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<Release>, Error> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT * FROM releases WHERE app_id = ?1 AND number < ?2 ORDER BY number DESC LIMIT ?3",
            )?;
            let before = before.and_then(|before| i64::try_from(before).ok()).unwrap_or(i64::MAX);
            let releases = statement
                .query_map(params![app.to_string(), before, limit], read)?
                .collect::<Result<_, _>>()?;
            Ok(releases)
        })
        .await
    }

    /// The artifacts that must not be collected: those of every deployment that serves or is under way, of the
    /// last `window` releases of each app, and of uploads that were not turned into a release yet.
    pub async fn pinned_artifacts(&self, window: u32) -> Result<Vec<Digest>, Error> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT releases.artifact FROM releases JOIN apps ON apps.id = releases.app_id
                 WHERE releases.number > apps.last_release - ?1
                 UNION
                 SELECT releases.artifact FROM deployments
                 JOIN releases ON releases.id = deployments.release_id
                 LEFT JOIN environments ON environments.current_deployment = deployments.id
                 WHERE environments.id IS NOT NULL
                    OR deployments.state NOT IN ('succeeded', 'failed', 'cancelled')
                    OR EXISTS (SELECT 1 FROM instances
                               WHERE instances.deployment_id = deployments.id AND instances.state <> 'stopped')
                 UNION
                 SELECT artifact FROM uploads WHERE artifact IS NOT NULL",
            )?;
            let digests = statement
                .query_map([window], |row| row::text(row, "artifact"))?
                .collect::<Result<_, _>>()?;
            Ok(digests)
        })
        .await
    }
}

pub(crate) fn get(connection: &Connection, id: ReleaseId) -> Result<Release, Error> {
    let mut statement = connection.prepare_cached("SELECT * FROM releases WHERE id = ?1")?;
    statement
        .query_row([id.to_string()], read)
        .optional()?
        .ok_or_else(|| Error::not_found(format!("release {id}")))
}

fn read(row: &Row<'_>) -> row::Result<Release> {
    Ok(Release {
        id: row::text(row, "id")?,
        app: row::text(row, "app_id")?,
        number: row.get("number")?,
        artifact: row::text(row, "artifact")?,
        commit: row::optional_text(row, "commit_id")?,
        description: row.get("description")?,
        run: row::optional_text(row, "run_id")?,
        created_at: row::time(row, "created_at")?,
        created_by: row::json(row, "created_by")?,
    })
}
