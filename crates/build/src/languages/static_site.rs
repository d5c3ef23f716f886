//! Files that are served as they are, by our own program.

use types::Bundle;

use crate::manifest::{APP_JSON, Detected, PROCFILE, SOLUM_YAML};
use crate::plan::{Draft, Language};
use crate::source::Source;

/// Where the bundle's program layer has `solum`.
pub(crate) const SERVER: &str = "/opt/solum/solum";

pub(super) fn draft(source: &Source) -> Draft {
    let mut draft = Draft::new(Language::StaticSite);
    let root = match source.is_file("public/index.html") && !source.is_file("index.html") {
        true => format!("{}/public", Bundle::APP_DIR),
        false => {
            let ours = [SOLUM_YAML, PROCFILE, APP_JSON];
            draft.recipe.unshipped.extend(ours.map(ToOwned::to_owned));
            Bundle::APP_DIR.to_owned()
        }
    };
    draft.notes.push(format!("Serving the files of {}", root.replacen("/app", "./", 1)));
    draft.detected = Detected::web(format!("exec {SERVER} static --root {root} --port $PORT"));
    draft.recipe.static_server = true;
    draft
}
