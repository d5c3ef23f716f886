//! Tells the router what the store says: hosts, sides and instances.

use deploy::Owner;
use router::table::{Backend, Route, RouteTable, Side};
use store::RoutedEnvironment;
use tokio::sync::Mutex;

use crate::error::chain;
use crate::{Control, Error};

/// What the router was told last. The lock makes two tellers take turns: tables reach the router in the order in which
/// they were read from the store.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    last: Mutex<Option<RouteTable>>,
    router: Mutex<()>,
}

impl Routes {
    /// Held by whoever starts a router.
    pub(super) async fn router_turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.router.lock().await
    }
}

pub(crate) async fn reconcile(control: Control) -> Result<(), Error> {
    match sync(&control).await {
        Ok(()) => Ok(()),
        // The supervisor is about to start one, and it reads the table from the disk.
        Err(router::Error::NotRunning(_)) => Ok(()),
        Err(error) => {
            tracing::warn!(error = %chain(&error), "the router could not be told its routes");
            Ok(())
        }
    }
}

/// Brings every generation of the router to what the store says now, and returns when they have confirmed it.
pub(crate) async fn sync(control: &Control) -> Result<(), router::Error> {
    let mut last = control.inner.routes.last.lock().await;
    let routes = match control.inner.store.routing().await {
        Ok(environments) => {
            environments.into_iter().map(|it| route(control, it)).collect::<Vec<_>>()
        }
        Err(error) => return Err(router::Error::Refused(chain(&error))),
    };
    if last.as_ref().is_some_and(|last| last.routes == routes) {
        return Ok(());
    }
    let revision = last.as_ref().map_or(0, |last| last.revision) + 1;
    let mut table = RouteTable { revision, routes };
    loop {
        match control.inner.router.apply(&table).await {
            Ok(()) => break,
            // A former server counted further than this one has yet.
            Err(router::Error::Stale { current, .. }) if current >= table.revision => {
                table.revision = current + 1;
            }
            Err(error) => return Err(error),
        }
    }
    *last = Some(table);
    Ok(())
}

/// Forgets what was told, for a router that may not know it.
pub(crate) async fn forget(control: &Control) {
    *control.inner.routes.last.lock().await = None;
}

fn route(control: &Control, environment: RoutedEnvironment) -> Route {
    let owner = Owner { app: environment.app_id, uid: environment.uid };
    let uid = control.inner.driver.listens_as(&owner);
    let backends = environment.instances.iter();
    let release = environment.instances.first().map(|instance| instance.release);
    let side = release.map(|release| Side {
        release: format!("v{release}"),
        weight: 100,
        instances: backends
            .map(|instance| Backend { instance: instance.id, address: instance.address, uid })
            .collect(),
    });
    Route {
        hosts: environment.hosts,
        app: environment.app,
        environment: environment.name,
        hold: environment.hold,
        sides: side.into_iter().collect(),
    }
}
