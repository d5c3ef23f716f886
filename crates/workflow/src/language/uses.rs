//! What a step's `uses:` names, and what that leads to.

use document::{Node, Place, suggestion};

use super::actions;
use super::definition::{Action, Template, Variables};
use super::keys::{
    BUILT_IN, BuiltIn, CACHE_PART, DOCKER_ACTION, MERGE_ARTIFACT, MIRRORED_ACTION, Support,
};
use super::origin::Origin;
use super::page::Page;
use super::sources::{Found, Wanted, normal};
use super::verbs::{self, VERBS};

/// Reads `uses` with its `with`.
pub(super) fn read(page: Page<'_>, uses: &Node, with: Option<&Node>) -> Option<Action> {
    let at = uses.at;
    let name = page.word(uses)?;
    if name.starts_with("docker://") {
        page.refuse_thing(at, name, &DOCKER_ACTION);
        return None;
    }
    if let Some(path) = name.strip_prefix("./") {
        return local(page, at, name, &Origin::Run, path, with);
    }
    if let Some(path) = name.strip_prefix("$/") {
        return local(page, at, name, page.origin, path, with);
    }
    if name.starts_with("solum/") {
        return verb(page, at, name, with);
    }
    let Some((path, reference)) = name.split_once('@') else {
        let forms = "'./folder', 'owner/repo@v1' or 'solum/deploy'";
        let mend = if name.matches('/').count() == 1 { "add its version: '@v1'" } else { forms };
        page.mistake(at, format!("'{name}' is no action: {mend}"));
        return None;
    };
    match path {
        "actions/cache/restore" | "actions/cache/save" => {
            page.refuse_thing(at, name, &CACHE_PART);
            return None;
        }
        "actions/upload-artifact/merge" => {
            page.refuse_thing(at, name, &MERGE_ARTIFACT);
            return None;
        }
        _ => {}
    }
    let same_name = |action: &&BuiltIn| action.name().eq_ignore_ascii_case(path);
    if let Some(action) = BUILT_IN.iter().find(same_name) {
        return Some(built_in(page, at, action, with));
    }
    mirrored(page, at, name, path, reference, with)
}

fn verb(page: Page<'_>, at: Place, name: &str, with: Option<&Node>) -> Option<Action> {
    let (path, version) = name.split_once('@').unwrap_or((name, ""));
    let Some(verb) = verbs::verb(path) else {
        let names = VERBS.iter().map(|verb| verb.name);
        let mut hint = suggestion(path, names.clone());
        if hint.is_empty() {
            hint = format!("; there are {}", names.collect::<Vec<_>>().join(", "));
        }
        page.mistake(at, format!("there is no verb '{path}'{hint}"));
        return None;
    };
    if !version.is_empty() {
        page.mistake(at, format!("verbs have no versions: write '{path}'"));
    }
    let with = verbs::with(page, verb, with, at);
    Some(Action::Verb { verb: verb.name.to_owned(), with })
}

fn built_in(page: Page<'_>, at: Place, action: &BuiltIn, with: Option<&Node>) -> Action {
    let mut variables = Variables::new();
    for entry in with.and_then(|node| page.entries(node)).unwrap_or_default() {
        let Some(template) = page.template(&entry.node) else { continue };
        let name = action.inputs.keys.iter().find(|key| key.name.eq_ignore_ascii_case(&entry.key));
        match name.map(|key| key.support) {
            // What says no more than its default asks for nothing.
            Some(Support::Refused(_)) if is_default(&template) => {}
            Some(Support::Refused(instead)) => {
                let (action, key) = (action.name(), &entry.key);
                let message = format!("'{action}' has '{key}' on GitHub, not here: {instead}");
                page.refuse(entry.at, format!("{action}.{key}"), message);
            }
            Some(Support::NoEffect(_)) => {}
            Some(Support::Read | Support::Added(_)) => {
                variables.push((entry.key.clone(), template))
            }
            None => unknown_input(
                page,
                entry.at,
                action.name(),
                &entry.key,
                action.inputs.keys.iter().map(|key| key.name),
            ),
        }
    }
    missing_inputs(page, at, action.name(), action.required.iter().copied(), &variables, true);
    Action::BuiltIn { name: action.name().to_owned(), with: variables }
}

fn is_default(template: &Template) -> bool {
    let own = ["", "false", "${{github.repository}}", "${{solum.repository}}"];
    own.contains(&template.text.replace(' ', "").as_str())
}

fn unknown_input<'a>(
    page: Page<'_>,
    at: Place,
    action: &str,
    key: &str,
    known: impl Iterator<Item = &'a str>,
) {
    let hint = suggestion(key, known);
    page.warn(at, format!("'{action}' has no input '{key}'{hint}"));
}

fn missing_inputs<'a>(
    page: Page<'_>,
    at: Place,
    action: &str,
    required: impl Iterator<Item = &'a str>,
    given: &Variables,
    is_mistake: bool,
) {
    for name in required.filter(|name| !given.iter().any(|(key, _)| key.eq_ignore_ascii_case(name)))
    {
        let message = format!("'{action}' needs the input '{name}'");
        if is_mistake { page.mistake(at, message) } else { page.warn(at, message) }
    }
}

fn local(
    page: Page<'_>,
    at: Place,
    name: &str,
    origin: &Origin,
    path: &str,
    with: Option<&Node>,
) -> Option<Action> {
    let Some(directory) = normal(path) else {
        page.mistake(at, format!("'{name}' leads out of the repository"));
        return None;
    };
    for file in ["action.yml", "action.yaml"] {
        let path =
            if directory.is_empty() { file.to_owned() } else { format!("{directory}/{file}") };
        let wanted = match origin {
            Origin::Run => Wanted::Own { path: path.clone() },
            Origin::Mirror { repository, commit, .. } => Wanted::Mirrored {
                repository: repository.clone(),
                reference: commit.clone(),
                path: path.clone(),
            },
        };
        match page.source(at, wanted)? {
            Found::File { text, .. } => {
                let target = Target { name, path: &path, directory: &directory, origin, text };
                return action(page, at, &target, with);
            }
            Found::Missing => {}
            Found::Unavailable(words) => {
                page.mistake(at, format!("'{name}' cannot be read: {words}"));
                return None;
            }
        }
    }
    let pinned = "what a run uses is read when it begins, so a step cannot bring an action along";
    page.mistake(at, format!("'{name}' has neither action.yml nor action.yaml; {pinned}"));
    None
}

fn mirrored(
    page: Page<'_>,
    at: Place,
    name: &str,
    path: &str,
    reference: &str,
    with: Option<&Node>,
) -> Option<Action> {
    let mut parts = path.splitn(3, '/');
    let (owner, repository) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let directory = normal(parts.next().unwrap_or_default());
    let (Some(directory), false) =
        (directory, owner.is_empty() || repository.is_empty() || reference.is_empty())
    else {
        page.mistake(at, format!("'{name}' is no action: write 'owner/repo@v1'"));
        return None;
    };
    let repository = format!("{owner}/{repository}");
    for file in ["action.yml", "action.yaml"] {
        let path =
            if directory.is_empty() { file.to_owned() } else { format!("{directory}/{file}") };
        let wanted = Wanted::Mirrored {
            repository: repository.clone(),
            reference: reference.to_owned(),
            path: path.clone(),
        };
        match page.source(at, wanted)? {
            Found::File { text, commit } => {
                let origin = Origin::Mirror {
                    repository,
                    reference: reference.to_owned(),
                    commit: commit.clone().unwrap_or_else(|| reference.to_owned()),
                };
                let target =
                    Target { name, path: &path, directory: &directory, origin: &origin, text };
                return action(page, at, &target, with);
            }
            Found::Missing => {}
            Found::Unavailable(words) => {
                let instead = MIRRORED_ACTION.instead;
                let message = format!("'{name}' is not here: {words}; {instead}");
                page.refuse(at, MIRRORED_ACTION.what, message);
                return None;
            }
        }
    }
    page.mistake(at, format!("'{name}' has neither action.yml nor action.yaml"));
    None
}

/// An action that was found.
struct Target<'a> {
    name: &'a str,
    path: &'a str,
    directory: &'a str,
    origin: &'a Origin,
    text: &'a str,
}

fn action(page: Page<'_>, at: Place, target: &Target<'_>, with: Option<&Node>) -> Option<Action> {
    let inner = page.below(target.path, target.origin, at)?;
    let with = with.map(|node| page.variables(node)).unwrap_or_default();
    let action = actions::read(inner, target.directory, target.text, with)?;
    let inputs = match &action {
        Action::Composite { action, .. } => &action.inputs,
        Action::JavaScript { action, .. } => &action.inputs,
        Action::Run { .. } | Action::Verb { .. } | Action::BuiltIn { .. } => return Some(action),
    };
    let (Action::Composite { with, .. } | Action::JavaScript { with, .. }) = &action else {
        return Some(action);
    };
    let required = inputs.iter().filter(|input| input.required && input.default.is_none());
    let required = required.map(|input| input.name.as_str());
    missing_inputs(page, at, target.name, required, with, false);
    for (key, template) in with {
        if !inputs.iter().any(|input| input.name.eq_ignore_ascii_case(key)) {
            let known = inputs.iter().map(|input| input.name.as_str());
            unknown_input(page, template.at, target.name, key, known);
        }
    }
    Some(action)
}
