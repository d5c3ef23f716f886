//! When a workflow runs: `on:`, read, and the question whether an event is one that it waits for.

use document::Place;
use serde::{Deserialize, Serialize};

use super::definition::Input;
use super::events::event_kind;
use super::pattern::Pattern;
use super::schedule::Schedule;

/// Everything that starts a workflow.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Triggers {
    pub events: Vec<Trigger>,
}

/// One event under `on:`, with its filters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trigger {
    /// `push`
    pub event: String,
    pub at: Place,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub types: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branches: Option<Filter>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Filter>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paths: Option<Filter>,
    /// Of `schedule`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub schedules: Vec<Schedule>,
    /// Of `workflow_dispatch`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<Input>,
}

/// Patterns that have been checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// It stood under `…-ignore`.
    pub ignore: bool,
    pub patterns: Vec<String>,
}

/// What happened, as far as it decides which workflows run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    /// `push`, `pull_request`, …
    pub name: String,
    /// `opened`; of `repository_dispatch` the sender's own word.
    pub activity: Option<String>,
    /// What was pushed: `refs/heads/main`, `refs/tags/v1`.
    pub reference: Option<String>,
    /// Of a change: the branch whose next state it asks to become, without `refs/heads/`.
    pub base: Option<String>,
    /// Every path that differs from before. `None`: it is not known, and then path filters let the event pass.
    pub changed: Option<Vec<String>>,
    /// Of `schedule`: which one has come.
    pub cron: Option<String>,
}

/// Whether a workflow runs, and why or why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    pub runs: bool,
    pub why: String,
}

fn yes(why: impl Into<String>) -> Match {
    Match { runs: true, why: why.into() }
}

fn no(why: impl Into<String>) -> Match {
    Match { runs: false, why: why.into() }
}

/// Whether `event` starts a workflow with these `triggers`.
#[must_use]
pub fn matches(triggers: &Triggers, event: &Event) -> Match {
    let Some(trigger) = triggers.get(&event.name) else {
        let names: Vec<_> = triggers.events.iter().map(|trigger| trigger.event.as_str()).collect();
        return no(format!("it runs on {}, not on {}", names.join(", "), event.name));
    };
    trigger.matches(event)
}

impl Triggers {
    #[must_use]
    pub fn get(&self, event: &str) -> Option<&Trigger> {
        self.events.iter().find(|trigger| trigger.event == event)
    }
}

impl Trigger {
    fn matches(&self, event: &Event) -> Match {
        let mut reasons = Vec::new();
        for check in [self.type_fits(event), self.time_fits(event), self.name_fits(event)] {
            match check {
                Some(Match { runs: false, why }) => return no(why),
                Some(Match { why, .. }) => reasons.push(why),
                None => {}
            }
        }
        let is_tag = event.reference.as_deref().is_some_and(|name| name.starts_with(TAGS));
        if let Some(paths) = self.paths.as_ref().filter(|_| !is_tag) {
            let found = paths.fits_paths(event.changed.as_deref());
            if !found.runs {
                return found;
            }
            reasons.push(found.why);
        }
        if reasons.is_empty() {
            return yes(format!("it runs on every {}", self.event));
        }
        yes(reasons.join(", and "))
    }

    fn type_fits(&self, event: &Event) -> Option<Match> {
        let defaults = event_kind(&self.event).map_or(&[][..], |kind| kind.default_types);
        let activity = event.activity.as_deref()?;
        let (fits, words) = match &self.types {
            Some(types) => (types.iter().any(|name| name == activity), types.join(", ")),
            None if defaults.is_empty() => return None,
            None => (defaults.contains(&activity), defaults.join(", ")),
        };
        Some(if fits {
            yes(format!("'{activity}' is among the types {words}"))
        } else {
            no(format!("'{activity}' is not among the types {words}"))
        })
    }

    fn time_fits(&self, event: &Event) -> Option<Match> {
        let cron = event.cron.as_deref().filter(|_| self.event == "schedule")?;
        let fits = self.schedules.iter().any(|schedule| schedule.cron == cron);
        let words = if fits { "is one of its times" } else { "is none of its times" };
        Some(Match { runs: fits, why: format!("'{cron}' {words}") })
    }

    /// A push of a branch asks `branches`, one of a tag `tags`; where only the other is given, it does not run.
    fn name_fits(&self, event: &Event) -> Option<Match> {
        if self.event == "pull_request" {
            let filter = self.branches.as_ref()?;
            return Some(filter.fits_name("branch", event.base.as_deref()?));
        }
        let reference = event.reference.as_deref().filter(|_| self.event == "push")?;
        let (what, name, filter, other) = match reference.strip_prefix(TAGS) {
            Some(tag) => ("tag", tag, &self.tags, &self.branches),
            None => {
                let branch = reference.strip_prefix(BRANCHES).unwrap_or(reference);
                ("branch", branch, &self.branches, &self.tags)
            }
        };
        match (filter, other) {
            (Some(filter), _) => Some(filter.fits_name(what, name)),
            (None, Some(_)) => {
                Some(no(format!("'{name}' is a {what}, and only the other kind is filtered for")))
            }
            (None, None) => None,
        }
    }
}

const BRANCHES: &str = "refs/heads/";
const TAGS: &str = "refs/tags/";

impl Filter {
    /// The last pattern that fits decides, `!` against and the others for; and the pattern itself.
    fn last<'a>(&'a self, parsed: &[Pattern], name: &str) -> Option<(bool, &'a str)> {
        let fits = parsed.iter().zip(&self.patterns).rfind(|(pattern, _)| pattern.fits(name));
        fits.map(|(pattern, text)| (!pattern.negated, text.as_str()))
    }

    fn parsed(&self) -> Vec<Pattern> {
        self.patterns.iter().filter_map(|text| Pattern::parse(text).ok()).collect()
    }

    fn fits_name(&self, what: &str, name: &str) -> Match {
        match (self.last(&self.parsed(), name), self.ignore) {
            (Some((true, pattern)), false) => yes(format!("{what} '{name}' fits '{pattern}'")),
            (Some((true, pattern)), true) => {
                no(format!("{what} '{name}' fits '{pattern}', which is ignored"))
            }
            (Some((false, pattern)), false) => {
                no(format!("{what} '{name}' is excluded by '{pattern}'"))
            }
            (None, false) => {
                no(format!("{what} '{name}' fits none of {}", self.patterns.join(", ")))
            }
            (_, true) => yes(format!(
                "{what} '{name}' fits none of the ignored {}",
                self.patterns.join(", ")
            )),
        }
    }

    fn fits_paths(&self, changed: Option<&[String]>) -> Match {
        let Some(changed) = changed else {
            return yes("which paths changed is not known");
        };
        let parsed = self.parsed();
        let found = changed.iter().find(|path| {
            let fits = self.last(&parsed, path).is_some_and(|(fits, _)| fits);
            fits != self.ignore
        });
        let patterns = self.patterns.join(", ");
        match (found, self.ignore) {
            (Some(path), false) => yes(format!("'{path}' changed, which fits {patterns}")),
            (Some(path), true) => yes(format!("'{path}' changed, which is not among {patterns}")),
            (None, false) => no(format!("no path that changed fits {patterns}")),
            (None, true) => no(format!("every path that changed is among the ignored {patterns}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(patterns: &[&str]) -> Option<Filter> {
        let patterns = patterns.iter().map(|&text| text.to_owned()).collect();
        Some(Filter { ignore: false, patterns })
    }

    fn ignore(patterns: &[&str]) -> Option<Filter> {
        filter(patterns).map(|filter| Filter { ignore: true, ..filter })
    }

    fn on(event: &str) -> Trigger {
        Trigger {
            event: event.to_owned(),
            at: Place { line: 1, column: 1 },
            types: None,
            branches: None,
            tags: None,
            paths: None,
            schedules: Vec::new(),
            inputs: Vec::new(),
        }
    }

    fn push(reference: &str) -> Event {
        let reference = Some(reference.to_owned());
        Event { name: "push".to_owned(), reference, ..Event::default() }
    }

    fn changing(paths: &[&str]) -> Event {
        let changed = Some(paths.iter().map(|&path| path.to_owned()).collect());
        Event { changed, ..push("refs/heads/main") }
    }

    #[track_caller]
    fn assert_match(trigger: Trigger, event: &Event, runs: bool, why: &str) {
        let found = matches(&Triggers { events: vec![trigger] }, event);
        assert_eq!(found, Match { runs, why: why.to_owned() });
    }

    #[test]
    fn an_event_that_is_not_named_does_not_run() {
        assert_match(
            on("release"),
            &push("refs/heads/main"),
            false,
            "it runs on release, not on push",
        );
        assert_match(on("push"), &push("refs/tags/v1"), true, "it runs on every push");
    }

    #[test]
    fn the_last_pattern_that_fits_decides() {
        let branches = || filter(&["releases/**", "!releases/**-alpha", "releases/9-alpha"]);
        let trigger = || Trigger { branches: branches(), ..on("push") };
        for (name, runs, why) in [
            ("releases/10", true, "branch 'releases/10' fits 'releases/**'"),
            (
                "releases/8-alpha",
                false,
                "branch 'releases/8-alpha' is excluded by '!releases/**-alpha'",
            ),
            ("releases/9-alpha", true, "branch 'releases/9-alpha' fits 'releases/9-alpha'"),
            (
                "main",
                false,
                "branch 'main' fits none of releases/**, !releases/**-alpha, releases/9-alpha",
            ),
        ] {
            assert_match(trigger(), &push(&format!("refs/heads/{name}")), runs, why);
        }
    }

    #[test]
    fn ignored_branches_do_not_run() {
        let trigger = || Trigger { branches: ignore(&["mona/*"]), ..on("push") };
        assert_match(
            trigger(),
            &push("refs/heads/mona/x"),
            false,
            "branch 'mona/x' fits 'mona/*', which is ignored",
        );
        assert_match(
            trigger(),
            &push("refs/heads/main"),
            true,
            "branch 'main' fits none of the ignored mona/*",
        );
    }

    #[test]
    fn a_filter_of_branches_keeps_tags_out_and_the_other_way_round() {
        let branches = Trigger { branches: filter(&["**"]), ..on("push") };
        let why = "'v1' is a tag, and only the other kind is filtered for";
        assert_match(branches, &push("refs/tags/v1"), false, why);
        let tags = Trigger { tags: filter(&["v*"]), ..on("push") };
        assert_match(tags.clone(), &push("refs/tags/v1"), true, "tag 'v1' fits 'v*'");
        let why = "'main' is a branch, and only the other kind is filtered for";
        assert_match(tags, &push("refs/heads/main"), false, why);
    }

    #[test]
    fn one_path_that_fits_is_enough() {
        let trigger = || Trigger { paths: filter(&["sub/**", "!sub/docs/**"]), ..on("push") };
        let none = "no path that changed fits sub/**, !sub/docs/**";
        assert_match(trigger(), &changing(&["sub/docs/a", "b"]), false, none);
        let some = "'sub/x' changed, which fits sub/**, !sub/docs/**";
        assert_match(trigger(), &changing(&["sub/docs/a", "sub/x"]), true, some);
        assert_match(trigger(), &push("refs/heads/x"), true, "which paths changed is not known");
        assert_match(trigger(), &push("refs/tags/v1"), true, "it runs on every push");
    }

    #[test]
    fn ignored_paths_stop_it_only_when_nothing_else_changed() {
        let trigger = || Trigger { paths: ignore(&["docs/**"]), ..on("push") };
        let every = "every path that changed is among the ignored docs/**";
        assert_match(trigger(), &changing(&["docs/a"]), false, every);
        let one = "'src/a' changed, which is not among docs/**";
        assert_match(trigger(), &changing(&["docs/a", "src/a"]), true, one);
    }

    #[test]
    fn a_change_is_filtered_by_type_and_by_where_it_wants_to_go() {
        let event = |activity: &str, base: &str| Event {
            name: "pull_request".to_owned(),
            activity: Some(activity.to_owned()),
            base: Some(base.to_owned()),
            ..Event::default()
        };
        let trigger = || Trigger { branches: filter(&["main"]), ..on("pull_request") };
        assert_match(
            trigger(),
            &event("opened", "main"),
            true,
            "'opened' is among the types opened, synchronize, reopened, and branch 'main' fits 'main'",
        );
        assert_match(
            trigger(),
            &event("closed", "main"),
            false,
            "'closed' is not among the types opened, synchronize, reopened",
        );
        assert_match(trigger(), &event("opened", "dev"), false, "branch 'dev' fits none of main");
    }

    #[test]
    fn a_dispatch_from_outside_is_filtered_by_its_own_word() {
        let types = Some(vec!["nightly".to_owned()]);
        let trigger = Trigger { types, ..on("repository_dispatch") };
        let activity = Some("weekly".to_owned());
        let event = Event { name: "repository_dispatch".to_owned(), activity, ..Event::default() };
        assert_match(trigger, &event, false, "'weekly' is not among the types nightly");
        let why = "it runs on every repository_dispatch";
        assert_match(on("repository_dispatch"), &event, true, why);
    }
}
