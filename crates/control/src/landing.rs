//! Moving a branch to the commit of a change: by compare-and-swap, so that doing it again finds it done.

use source::Advance;
use store::{App, Change};

use crate::{Control, Error, text};

pub(crate) enum Landing {
    /// The branch points at the commit.
    Done,
    /// It cannot any more, in words for people: the commit does not follow on what the branch points at.
    Stale(String),
}

/// Moves the branch. Changes of one branch come here one after the other, in their order.
pub(crate) async fn advance(
    control: &Control,
    app: &App,
    change: &Change,
) -> Result<Landing, Error> {
    let repositories = &control.inner.repositories;
    let tip = repositories.tip(&app.name, &change.branch).await?;
    if tip.as_ref() == Some(&change.commit) {
        return Ok(Landing::Done);
    }
    let follows = match &tip {
        Some(tip) => repositories.is_ancestor(&app.name, tip, &change.commit).await?,
        None => true,
    };
    let advanced = if follows {
        repositories.advance(&app.name, &change.branch, &change.commit, tip.as_ref()).await?
    } else {
        Advance::Conflict { actual: tip }
    };
    Ok(match advanced {
        Advance::Moved | Advance::AlreadyThere => Landing::Done,
        Advance::Conflict { actual } => {
            Landing::Stale(text::stale(&change.branch, actual.as_ref()))
        }
    })
}
