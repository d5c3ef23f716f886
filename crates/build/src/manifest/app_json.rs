//! `app.json` as Heroku describes it ("app.json Schema"), with Dokku's `healthchecks`: what of it has a meaning here.
//!
//! It was written for another platform, so that a key without a meaning here is a warning. A key that has one and
//! is wrong is a mistake.

use std::collections::BTreeMap;
use std::time::Duration;

use types::{ProcessType, VariableName};

use super::APP_JSON;
use document::Mistake;
use document::{Node, Scalar, Value};

#[derive(Debug, Default)]
pub(super) struct AppJson {
    pub(super) env: BTreeMap<VariableName, String>,
    /// With their descriptions.
    pub(super) required: BTreeMap<VariableName, String>,
    pub(super) generated: Vec<VariableName>,
    pub(super) scale: BTreeMap<ProcessType, u32>,
    pub(super) health: BTreeMap<ProcessType, Health>,
    /// Folders or git addresses, in order.
    pub(super) buildpacks: Vec<String>,
    pub(super) test: Option<String>,
    pub(super) after_first_deploy: Option<String>,
    pub(super) warnings: Vec<String>,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Health {
    pub(super) path: Option<String>,
    pub(super) timeout: Option<Duration>,
}

/// Keys that describe the app to people or to a catalogue.
const DESCRIPTIONS: &[&str] =
    &["$schema", "name", "description", "keywords", "website", "repository", "logo", "success_url"];

pub(super) fn read(text: &str) -> Result<AppJson, Vec<Mistake>> {
    let tree = Node::from_json(APP_JSON, text).map_err(|mistake| vec![mistake])?;
    let mut reader = Reader { app: AppJson::default(), mistakes: Vec::new() };
    reader.document(&tree);
    if reader.mistakes.is_empty() {
        Ok(reader.app)
    } else {
        reader.mistakes.truncate(20);
        Err(reader.mistakes)
    }
}

struct Reader {
    app: AppJson,
    mistakes: Vec<Mistake>,
}

impl Reader {
    fn mistake(&mut self, node: &Node, message: impl Into<String>) {
        self.mistakes.push(Mistake::new(APP_JSON, node.at, message));
    }

    fn warn(&mut self, message: String) {
        self.app.warnings.push(format!("{APP_JSON}: {message}"));
    }

    fn document(&mut self, tree: &Node) {
        if !self.is_map(tree, "an app.json") {
            return;
        }
        for entry in tree.entries() {
            let node = &entry.node;
            match entry.key.as_str() {
                "env" => self.env(node),
                "formation" => self.formation(node),
                "scripts" => self.scripts(node),
                "healthchecks" => self.healthchecks(node),
                "buildpacks" => self.buildpacks(node),
                "environments" => self.environments(node),
                key if DESCRIPTIONS.contains(&key) => {}
                key => self.warn(format!("'{key}' has no meaning here")),
            }
        }
    }

    fn is_map(&mut self, node: &Node, what: &str) -> bool {
        let is_map = matches!(node.value, Value::Map(_));
        if !is_map {
            self.mistake(node, format!("{what} has to be a mapping, not {}", node.kind()));
        }
        is_map
    }

    fn text<'n>(&mut self, node: &'n Node) -> Option<&'n str> {
        let text = match &node.value {
            Value::Scalar(Scalar { text, quoted: true }) => Some(text.as_str()),
            _ => None,
        };
        if text.is_none() {
            self.mistake(node, format!("this has to be text, not {}", node.kind()));
        }
        text
    }

    fn env(&mut self, node: &Node) {
        if !self.is_map(node, "'env'") {
            return;
        }
        for entry in node.entries() {
            let name: VariableName = match entry.key.parse() {
                Ok(name) => name,
                Err(error) => {
                    self.mistake(&entry.node, format!("{error}"));
                    continue;
                }
            };
            match &entry.node.value {
                Value::Scalar(scalar) => {
                    self.app.env.insert(name, scalar.text.clone());
                }
                Value::Map(_) => self.variable(name, &entry.node),
                _ => self.mistake(&entry.node, format!("'{name}' has to be text or a mapping")),
            }
        }
    }

    /// A variable has to be set unless it has a value, is generated, or says `required: false`: that is Heroku's default.
    fn variable(&mut self, name: VariableName, node: &Node) {
        if let Some(value) = node.get("value") {
            match &value.value {
                Value::Scalar(scalar) => {
                    self.app.env.insert(name, scalar.text.clone());
                }
                _ => self.mistake(value, format!("this has to be text, not {}", value.kind())),
            }
            return;
        }
        if let Some(generator) = node.get("generator") {
            match generator.text() {
                Some("secret") => self.app.generated.push(name),
                _ => self.mistake(generator, "the only generator is \"secret\""),
            }
            return;
        }
        match node.get("required").map(|required| (required, required.text())) {
            None | Some((_, Some("true"))) => {
                let description = node.get("description").and_then(Node::text).unwrap_or_default();
                self.app.required.insert(name, description.to_owned());
            }
            Some((_, Some("false"))) => {}
            Some((required, _)) => self.mistake(required, "this has to be true or false"),
        }
    }

    fn formation(&mut self, node: &Node) {
        if !self.is_map(node, "'formation'") {
            return;
        }
        for entry in node.entries() {
            let Some(process) = self.process(&entry.key, &entry.node) else { continue };
            for setting in entry.node.entries() {
                match setting.key.as_str() {
                    "quantity" => match setting.node.text().and_then(|text| text.parse().ok()) {
                        Some(quantity @ 0..=1000) => {
                            self.app.scale.insert(process.clone(), quantity);
                        }
                        _ => {
                            self.mistake(&setting.node, "this has to be a whole number up to 1000")
                        }
                    },
                    key => self.warn(format!("'formation.{process}.{key}' has no meaning here")),
                }
            }
        }
    }

    fn process(&mut self, name: &str, node: &Node) -> Option<ProcessType> {
        match name.parse() {
            Ok(process) => Some(process),
            Err(error) => {
                self.mistake(node, format!("{error}"));
                None
            }
        }
    }

    fn scripts(&mut self, node: &Node) {
        for entry in node.entries() {
            match entry.key.as_str() {
                "postdeploy" => {
                    self.app.after_first_deploy = self.text(&entry.node).map(ToOwned::to_owned);
                }
                key => self.warn(format!(
                    "'scripts.{key}' is not run. What runs before each deployment is the 'release' line of the Procfile, \
                     what runs after the first one is 'scripts.postdeploy', and what tests the app is \
                     'environments.test.scripts.test'"
                )),
            }
        }
    }

    fn environments(&mut self, node: &Node) {
        for environment in node.entries() {
            for entry in environment.node.entries() {
                let place = format!("environments.{}.{}", environment.key, entry.key);
                if place != "environments.test.scripts" {
                    self.warn(format!("'{place}' has no meaning here"));
                    continue;
                }
                for script in entry.node.entries() {
                    match script.key.as_str() {
                        "test" => self.app.test = self.text(&script.node).map(ToOwned::to_owned),
                        key => self.warn(format!("'{place}.{key}' has no meaning here")),
                    }
                }
            }
        }
    }

    fn buildpacks(&mut self, node: &Node) {
        for item in node.items() {
            let address = item.get("url").unwrap_or(item);
            if let Some(text) = self.text(address) {
                // Heroku's short names: heroku/python is github.com/heroku/heroku-buildpack-python.
                let address = match text.strip_prefix("heroku/") {
                    Some(name) => format!("https://github.com/heroku/heroku-buildpack-{name}"),
                    None => text.to_owned(),
                };
                self.app.buildpacks.push(address);
            }
        }
    }

    /// Dokku's: `{ "web": [{ "type": "startup", "path": "/healthz", "timeout": 5, "attempts": 3, … }] }`.
    fn healthchecks(&mut self, node: &Node) {
        for entry in node.entries() {
            let Some(process) = self.process(&entry.key, &entry.node) else { continue };
            for check in entry.node.items() {
                match check.get("type").and_then(Node::text) {
                    Some("startup") => self.startup(&process, check),
                    kind => {
                        let kind = kind.unwrap_or("no type").to_owned();
                        self.warn(format!(
                            "'healthchecks.{process}': checks of {kind} are not made"
                        ));
                    }
                }
            }
        }
    }

    fn startup(&mut self, process: &ProcessType, check: &Node) {
        let mut health = Health::default();
        let mut seconds = |key: &str, default: u64| match check.get(key) {
            Some(node) => match node.text().and_then(|text| text.parse::<u64>().ok()) {
                Some(number) if number <= 86_400 => number,
                _ => {
                    self.mistakes.push(Mistake::new(APP_JSON, node.at, "this has to be a number"));
                    default
                }
            },
            None => default,
        };
        // Dokku makes `attempts` attempts of `timeout` seconds with `wait` between them; here they are one time limit.
        let (attempts, timeout, wait) =
            (seconds("attempts", 3), seconds("timeout", 5), seconds("wait", 5));
        let initial = seconds("initialDelay", 0);
        let total = initial.saturating_add(attempts.saturating_mul(timeout + wait));
        if ["attempts", "timeout", "wait", "initialDelay"]
            .iter()
            .any(|key| check.get(key).is_some())
        {
            health.timeout = Some(Duration::from_secs(total.clamp(1, 86_400)));
        }
        if let Some(path) = check.get("path") {
            match path.text() {
                Some(text) if text.starts_with('/') => health.path = Some(text.to_owned()),
                _ => self.mistake(path, "a path starts with '/'"),
            }
        }
        for key in ["command", "content", "httpHeaders", "port", "scheme"] {
            if check.get(key).is_some() {
                self.warn(format!("'healthchecks.{process}.{key}' has no meaning here"));
            }
        }
        self.app.health.insert(process.clone(), health);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_heroku_and_dokku_say_is_read() {
        let app = read(
            r#"{
              "name": "shop", "addons": ["heroku-postgresql"],
              "env": {
                "PLAIN": "x",
                "VALUED": { "value": "5" },
                "KEY": { "generator": "secret" },
                "NEEDED": { "description": "where the data is" },
                "OPTIONAL": { "required": false }
              },
              "formation": { "web": { "quantity": 2, "size": "standard-1x" } },
              "scripts": { "postdeploy": "./seed" },
              "buildpacks": [{ "url": "heroku/python" }, { "url": "./pack" }],
              "environments": { "test": { "scripts": { "test": "make check" } } },
              "healthchecks": { "web": [{ "type": "startup", "path": "/up", "timeout": 2, "wait": 1 }] }
            }"#,
        )
        .unwrap();
        let name = |text: &str| text.parse::<VariableName>().unwrap();
        assert_eq!(app.env[&name("PLAIN")], "x");
        assert_eq!(app.env[&name("VALUED")], "5");
        assert_eq!(app.generated, [name("KEY")]);
        assert_eq!(app.required, [(name("NEEDED"), "where the data is".to_owned())].into());
        assert_eq!(app.scale[&ProcessType::web()], 2);
        assert_eq!(app.after_first_deploy.as_deref(), Some("./seed"));
        assert_eq!(app.buildpacks, ["https://github.com/heroku/heroku-buildpack-python", "./pack"]);
        assert_eq!(app.test.as_deref(), Some("make check"));
        let health = Health { path: Some("/up".into()), timeout: Some(Duration::from_secs(9)) };
        assert_eq!(app.health[&ProcessType::web()], health);
        assert_eq!(
            app.warnings,
            [
                "app.json: 'addons' has no meaning here",
                "app.json: 'formation.web.size' has no meaning here",
            ]
        );
    }

    #[test]
    fn mistakes_have_their_places() {
        let mistakes =
            read("{ \"env\": {\n  \"KEY\": { \"generator\": \"uuid\" },\n  \"1A\": \"x\" } }");
        let shown: Vec<_> = mistakes.unwrap_err().iter().map(ToString::to_string).collect();
        assert_eq!(shown[0], "app.json:2:25: the only generator is \"secret\"");
        assert!(shown[1].starts_with("app.json:3:9: `1A` is not a valid variable name"));
    }
}
