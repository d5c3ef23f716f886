//! Promotion: what one environment serves is brought into the next ones, by its digest, and with the config that they have.
//!
//! Which environment is next, and which a release goes on to by itself, is what the manifest says that landed last.

use std::collections::BTreeSet;

use serde_json::json;
use store::{App, DeclaredEnvironment, Deployment, Environment, Release, Run};
use types::{Actor, AppName, EnvironmentName, Manifest, Promote};

use crate::triggers::{Asked, first, payload};
use crate::{Control, Error, environments, workflows};

/// What to promote. What is left out is inferred from the order of the environments.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PromotionRequest {
    pub from: Option<EnvironmentName>,
    pub to: Vec<EnvironmentName>,
}

/// An environment, and what it serves.
#[derive(Debug, Clone)]
struct Place {
    environment: Environment,
    current: Option<Deployment>,
}

impl Place {
    fn name(&self) -> &EnvironmentName {
        &self.environment.name
    }

    fn after(&self) -> Option<&EnvironmentName> {
        self.environment.declared.as_ref()?.after.as_ref()
    }

    /// Whether it serves the release of another one, with the config that it has now.
    fn has_release_of(&self, other: &Self) -> bool {
        let (Some(here), Some(there)) = (&self.current, &other.current) else { return false };
        here.release == there.release && here.config_revision == self.environment.config_revision
    }
}

impl Control {
    /// Starts what brings a release on: the app's own workflows on `promotion`, or ours. Of several runs the first is answered.
    pub async fn promote(
        &self,
        app: &AppName,
        request: PromotionRequest,
        actor: &Actor,
    ) -> Result<Run, Error> {
        let found = self.ready_app(app).await?;
        let places = self.places(&found).await?;
        let (from, to) = choose(app, &places, &request)?;
        let release = match &from.current {
            Some(current) => self.inner.store.release_by_id(current.release).await?,
            None => {
                let environment = from.name().clone();
                return Err(Error::NothingDeployed { app: app.clone(), environment });
            }
        };
        let to = worth_it(app, from, to, &release)?;
        self.check_artifact(&release.artifact, &release.label()).await?;
        let names = |all: &[&EnvironmentName]| {
            json!(all.iter().map(|name| name.as_str()).collect::<Vec<_>>())
        };
        let following = following(&places, &to);
        let to: Vec<_> = to.iter().map(|place| place.name()).collect();
        let mut event = payload([
            ("from", from.name().to_string()),
            ("release", release.label()),
            ("artifact", release.artifact.to_string()),
        ]);
        event.insert("to".to_owned(), names(&to));
        event.insert("following".to_owned(), names(&following));
        let to: Vec<_> = to.iter().map(|name| name.as_str()).collect();
        let asked = Asked {
            built_in: &workflows::PROMOTE,
            payload: event,
            title: format!("promote {} from {} to {}", release.label(), from.name(), to.join(", ")),
            commit: release.commit.clone(),
            actor: actor.clone(),
        };
        first(self.start_asked(&found, asked).await?)
    }

    async fn places(&self, app: &App) -> Result<Vec<Place>, Error> {
        let mut places = Vec::new();
        for environment in self.inner.store.environments(app.id).await? {
            let current = match environment.current {
                Some(id) => Some(self.inner.store.deployment(id).await?),
                None => None,
            };
            places.push(Place { environment, current });
        }
        Ok(places)
    }

    /// Takes over what a manifest says of the app's environments, once its commit has landed. Gives what is to be told to
    /// whoever pushed it.
    pub(crate) async fn declare_environments(
        &self,
        app: &App,
        manifest: &Manifest,
    ) -> Result<Vec<String>, Error> {
        let mut declared = Vec::new();
        for (position, environment) in (0..).zip(&manifest.environments) {
            let host = environments::own_host(&self.inner.settings, &app.name, &environment.name)?;
            let says = DeclaredEnvironment {
                position,
                after: environment.after.clone(),
                promote: environment.promote,
                approvals: environment.approvals.clone(),
            };
            declared.push((environment.name.clone(), host, says));
        }
        let left_out = self.inner.store.declare_environments(app.id, declared).await?;
        let mut told: Vec<_> = left_out
            .iter()
            .map(|name| {
                format!(
                    "environment {name} is not there: another app has the host name that it would be given"
                )
            })
            .collect();
        let gone = self.inner.store.environments(app.id).await?;
        let gone = gone.iter().filter(|it| it.declared.is_none() && it.current.is_some());
        told.extend(gone.map(|it| {
            format!("{} is not in solum.yaml any more, and goes on serving what it has", it.name)
        }));
        Ok(told)
    }

    /// The manifest's environments as far as policy goes: what has landed wins where the pushed manifest would loosen it.
    pub(crate) async fn under_policy(
        &self,
        app: &App,
        mut pushed: Vec<types::Environment>,
    ) -> Result<Vec<types::Environment>, Error> {
        let landed = self.inner.store.environments(app.id).await?;
        for environment in &mut pushed {
            let landed = landed.iter().find(|it| it.name == environment.name);
            let landed = landed.and_then(|it| it.declared.as_ref());
            if landed.is_some_and(|landed| landed.promote == Promote::Manual) {
                environment.promote = Promote::Manual;
            }
        }
        Ok(pushed)
    }
}

/// From where to where.
fn choose<'a>(
    app: &AppName,
    places: &'a [Place],
    request: &PromotionRequest,
) -> Result<(&'a Place, Vec<&'a Place>), Error> {
    let find = |name: &EnvironmentName| {
        let environment = name.clone();
        let missing = || Error::NoEnvironment { app: app.clone(), environment };
        places.iter().find(|place| place.name() == name).ok_or_else(missing)
    };
    let mut to = Vec::new();
    for name in &request.to {
        let place = find(name)?;
        if to.iter().all(|known: &&Place| known.name() != name) {
            to.push(place);
        }
    }
    match (&request.from, to.is_empty()) {
        (Some(from), false) => Ok((find(from)?, to)),
        (Some(from), true) => {
            let from = find(from)?;
            let next: Vec<_> =
                places.iter().filter(|place| place.after() == Some(from.name())).collect();
            if next.is_empty() {
                let message = format!("no environment of {app} is after {}", from.name());
                return Err(unclear(message, "name one with `--to`".to_owned()));
            }
            Ok((from, next))
        }
        (None, false) => {
            let before: BTreeSet<_> = to.iter().map(|place| place.after()).collect();
            match before.into_iter().collect::<Vec<_>>()[..] {
                [Some(from)] => Ok((find(from)?, to)),
                _ => {
                    let names: Vec<_> = to.iter().map(|place| place.name().as_str()).collect();
                    let message =
                        format!("{} of {app} is after no one environment", names.join(" with "));
                    Err(unclear(message, "name where it comes from with `--from`".to_owned()))
                }
            }
        }
        (None, true) => infer(app, places),
    }
}

/// The one step that is open: where an environment serves what the one after it does not.
fn infer<'a>(app: &AppName, places: &'a [Place]) -> Result<(&'a Place, Vec<&'a Place>), Error> {
    let steps: Vec<(&Place, &Place)> = places
        .iter()
        .filter_map(|to| {
            let from = places.iter().find(|from| Some(from.name()) == to.after())?;
            (from.current.is_some() && !to.has_release_of(from)).then_some((from, to))
        })
        .collect();
    match steps[..] {
        [(from, to)] => Ok((from, vec![to])),
        [] => {
            let message = match places.iter().any(|place| place.after().is_some()) {
                true => format!("every environment of {app} serves what the one before it does"),
                false => format!("no environment of {app} is after another one"),
            };
            let hint = "`environments` of solum.yaml says with `after` which is after which";
            Err(unclear(message, hint.to_owned()))
        }
        _ => {
            let commands: Vec<_> = steps
                .iter()
                .map(|(_, to)| format!("`solum promote {app} --to {}`", to.name()))
                .collect();
            let message = format!("{} promotions of {app} are open", steps.len());
            Err(unclear(message, format!("say which: {}", commands.join(", or "))))
        }
    }
}

/// Those that do not serve it already.
fn worth_it<'a>(
    app: &AppName,
    from: &Place,
    mut to: Vec<&'a Place>,
    release: &Release,
) -> Result<Vec<&'a Place>, Error> {
    if let Some(itself) = to.iter().find(|place| place.name() == from.name()) {
        let message = format!("{} cannot be promoted to itself", itself.name());
        return Err(unclear(message, "name two environments".to_owned()));
    }
    let names: Vec<_> = to.iter().map(|place| place.name().as_str()).collect();
    let message = format!("{} of {app} serves {} already", names.join(", "), release.label());
    to.retain(|place| !place.has_release_of(from));
    if to.is_empty() {
        let hint = format!("`solum env list {app}` shows what each of them serves");
        return Err(Error::Invalid { code: "already_promoted", message, hint: Some(hint) });
    }
    Ok(to)
}

/// Where the release goes on to by itself from there, in order.
fn following<'a>(places: &'a [Place], to: &[&Place]) -> Vec<&'a EnvironmentName> {
    let declared: Vec<types::Environment> = places
        .iter()
        .filter_map(|place| {
            let DeclaredEnvironment { after, promote, .. } = place.environment.declared.clone()?;
            let name = place.name().clone();
            Some(types::Environment { after, promote, ..types::Environment::new(name) })
        })
        .collect();
    let starts = declared.iter().filter(|it| to.iter().any(|place| *place.name() == it.name));
    let reached: BTreeSet<_> = starts
        .flat_map(|start| start.automatic(&declared))
        .map(|environment| environment.name.clone())
        .collect();
    let named = |place: &&Place| to.iter().any(|named| named.name() == place.name());
    let following = places.iter().filter(|place| reached.contains(place.name()) && !named(place));
    following.map(Place::name).collect()
}

fn unclear(message: String, hint: String) -> Error {
    Error::Invalid { code: "promotion_unclear", message, hint: Some(hint) }
}

#[cfg(test)]
mod tests;
