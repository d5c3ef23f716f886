//! Single values, and lists and mappings of them.

use document::{Node, Place, Scalar, Value};

use super::definition::{Template, Variables};
use super::fields::NO_MERGE;
use super::page::Page;
use super::scalars;

impl Page<'_> {
    /// Text, which may hold expressions. Nothing at all is empty text.
    pub(super) fn template(&self, node: &Node) -> Option<Template> {
        let text = match &node.value {
            Value::Null => String::new(),
            Value::Scalar(scalar) => {
                self.warn_changed(node.at, scalar);
                scalars::text(scalar)
            }
            Value::List(_) | Value::Map(_) => {
                self.mistake(node.at, format!("text is wanted here, not {}", node.kind()));
                return None;
            }
        };
        Some(Template { text, at: node.at })
    }

    /// Of a number that GitHub, too, would read as another text than what was written.
    pub(super) fn warn_changed(&self, at: Place, scalar: &Scalar) {
        if scalars::is_changed(scalar) {
            let (written, read) = (&scalar.text, scalars::text(scalar));
            let mend = format!("if the text is meant, write '\"{written}\"'");
            self.warn(at, format!("{written} is the number {read}: {mend}"));
        }
    }

    /// Text that stands by itself: no expression is evaluated there.
    pub(super) fn word<'n>(&self, node: &'n Node) -> Option<&'n str> {
        let Some(text) = node.text().filter(|text| !text.is_empty()) else {
            self.mistake(node.at, format!("text is wanted here, not {}", node.kind()));
            return None;
        };
        if text.contains("${{") {
            self.mistake(node.at, "no expression can stand here: it is read before anything runs");
            return None;
        }
        Some(text)
    }

    /// A word, or a list of them.
    pub(super) fn words(&self, node: &Node) -> Vec<(String, Place)> {
        let one = std::slice::from_ref(node);
        let items = if let Value::List(items) = &node.value { items } else { one };
        let words = items.iter().filter_map(|item| Some((self.word(item)?.to_owned(), item.at)));
        words.collect()
    }

    /// `true` or `false`, written out.
    pub(super) fn truth(&self, node: &Node) -> Option<bool> {
        let value = match &node.value {
            Value::Scalar(scalar) => scalars::typed(scalar).as_bool(),
            _ => None,
        };
        if value.is_none() {
            self.mistake(node.at, format!("'true' or 'false' is wanted here, not {}", node.kind()));
        }
        value
    }

    /// `true`, `false`, or an expression that gives one of them.
    pub(super) fn switch(&self, node: &Node) -> Option<Template> {
        let template = self.template(node)?;
        let is_fine = matches!(template.text.as_str(), "true" | "false");
        if !is_fine && !template.text.contains("${{") {
            let kind = node.kind();
            self.mistake(
                node.at,
                format!("'true', 'false' or an expression is wanted here, not {kind}"),
            );
        }
        Some(template)
    }

    /// A number above zero, or an expression that gives one.
    pub(super) fn amount(&self, node: &Node) -> Option<Template> {
        let template = self.template(node)?;
        let is_fine = template.text.parse::<f64>().is_ok_and(|number| number > 0.0);
        if !is_fine && !template.text.contains("${{") {
            let text = &template.text;
            self.mistake(node.at, format!("a number above 0 is wanted here, not '{text}'"));
        }
        Some(template)
    }

    /// Names with a text each: `env`, `with`, `outputs`, `secrets`.
    pub(super) fn variables(&self, node: &Node) -> Variables {
        let entries = self.entries(node).unwrap_or_default();
        let mut variables = Variables::new();
        for entry in entries {
            if entry.key == "<<" {
                self.mistake(entry.at, NO_MERGE);
            }
            if let Some(template) = self.template(&entry.node) {
                variables.push((entry.key.clone(), template));
            }
        }
        variables
    }
}
