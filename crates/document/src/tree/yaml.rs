//! YAML into a [`Node`].

use std::collections::BTreeMap;

use granit_parser::{Event, Marker, Parser, ScalarStyle, Span};

use super::{Entry, MAX_DEPTH, MAX_NODES, Node, Scalar, Value};
use crate::mistake::{Mistake, Place};

pub(super) fn read(file: &str, text: &str) -> Result<Node, Mistake> {
    let mut builder = Builder::new(file);
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| {
            Mistake::new(file, place(*error.marker()), format!("not valid YAML: {}", error.info()))
        })?;
        builder.take(event, span)?;
    }
    let nothing = Node { at: Place { line: 1, column: 1 }, value: Value::Null };
    Ok(builder.document.unwrap_or(nothing))
}

fn place(marker: Marker) -> Place {
    Place { line: marker.line().max(1), column: marker.col() + 1 }
}

/// Collections that are still open, innermost last.
struct Builder<'a> {
    file: &'a str,
    open: Vec<Open>,
    anchors: BTreeMap<usize, (Node, usize)>,
    /// Values so far, those that aliases repeat included.
    nodes: usize,
    document: Option<Node>,
}

struct Open {
    node: Node,
    anchor: usize,
    /// Of a mapping: the key that waits for its value.
    key: Option<(String, Place)>,
    /// How many values there were before it.
    before: usize,
}

impl<'a> Builder<'a> {
    fn new(file: &'a str) -> Self {
        Self { file, open: Vec::new(), anchors: BTreeMap::new(), nodes: 0, document: None }
    }

    fn mistake(&self, at: Place, message: impl Into<String>) -> Mistake {
        Mistake::new(self.file, at, message)
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Mistake> {
        let at = place(span.start);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_tag(at, tag.is_some())?;
                let quoted = style != ScalarStyle::Plain;
                let value = match (quoted, &*text) {
                    (false, "" | "~" | "null" | "Null" | "NULL") => Value::Null,
                    _ => Value::Scalar(Scalar { text: text.into_owned(), quoted }),
                };
                self.count(at, 1)?;
                self.close(Node { at, value }, anchor, 1)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.refuse_tag(at, tag.is_some())?;
                self.begin(Node { at, value: Value::List(Vec::new()) }, anchor)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.refuse_tag(at, tag.is_some())?;
                self.begin(Node { at, value: Value::Map(Vec::new()) }, anchor)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.open.pop() else { return Ok(()) };
                let size = self.nodes - open.before;
                self.close(open.node, open.anchor, size)
            }
            Event::Alias(anchor) => {
                let Some((node, size)) = self.anchors.get(&anchor).cloned() else {
                    return Err(self.mistake(at, "this alias stands inside the value it repeats"));
                };
                self.count(at, size)?;
                self.close(Node { at, value: node.value }, 0, size)
            }
            Event::DocumentStart(..) if self.document.is_some() => {
                Err(self.mistake(at, "a second document begins here; keep one"))
            }
            _ => Ok(()),
        }
    }

    fn refuse_tag(&self, at: Place, tagged: bool) -> Result<(), Mistake> {
        if tagged { Err(self.mistake(at, "tags (`!…`) have no meaning here")) } else { Ok(()) }
    }

    fn count(&mut self, at: Place, more: usize) -> Result<(), Mistake> {
        self.nodes += more;
        if self.nodes > MAX_NODES {
            return Err(self.mistake(at, format!("the file holds more than {MAX_NODES} values")));
        }
        Ok(())
    }

    fn begin(&mut self, node: Node, anchor: usize) -> Result<(), Mistake> {
        if self.open.len() == MAX_DEPTH {
            let message = format!("values are nested deeper than {MAX_DEPTH}");
            return Err(self.mistake(node.at, message));
        }
        let before = self.nodes;
        self.count(node.at, 1)?;
        self.open.push(Open { node, anchor, key: None, before });
        Ok(())
    }

    /// A value is complete: it goes where it belongs.
    fn close(&mut self, node: Node, anchor: usize, size: usize) -> Result<(), Mistake> {
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), size));
        }
        let file = self.file;
        let Some(open) = self.open.last_mut() else {
            self.document = Some(node);
            return Ok(());
        };
        match (&mut open.node.value, open.key.take()) {
            (Value::List(items), _) => items.push(node),
            (Value::Map(entries), Some((key, at))) => entries.push(Entry { key, at, node }),
            (Value::Map(entries), None) => {
                let Node { at, value: Value::Scalar(scalar) } = node else {
                    return Err(Mistake::new(file, node.at, "a key has to be text"));
                };
                if entries.iter().any(|entry| entry.key == scalar.text) {
                    let message = format!("'{}' stands here a second time", scalar.text);
                    return Err(Mistake::new(file, at, message));
                }
                open.key = Some((scalar.text, at));
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistake(text: &str) -> String {
        read("f.yaml", text).unwrap_err().to_string()
    }

    #[test]
    fn every_value_knows_its_place() {
        let tree = read("f.yaml", "web:\n  run: ./server\nlist: [a, 'b']\n").unwrap();
        let run = tree.get("web").unwrap().get("run").unwrap();
        assert_eq!((run.at.line, run.at.column), (2, 8));
        assert_eq!(run.text(), Some("./server"));
        let quoted = &tree.get("list").unwrap().items()[1];
        assert_eq!((quoted.at.line, quoted.at.column), (3, 11));
        assert_eq!(tree.entries()[1].at, Place { line: 3, column: 1 });
    }

    #[test]
    fn an_alias_repeats_its_anchor() {
        let tree = read("f.yaml", "a: &x { b: c }\nd: *x\n").unwrap();
        assert_eq!(tree.get("d").unwrap().get("b").unwrap().text(), Some("c"));
    }

    /// YAML wants it further in; GitHub and libyaml do not, and people write it so.
    #[test]
    fn a_bracket_may_close_below_the_key_that_it_belongs_to() {
        let tree =
            read("f.yaml", "a:\n  b: [\n    x,\n  ]\n  c: {\n    d: e\n  }\nf: g\n").unwrap();
        assert_eq!(tree.get("a").unwrap().get("b").unwrap().items().len(), 1);
        assert_eq!(tree.get("a").unwrap().get("c").unwrap().get("d").unwrap().text(), Some("e"));
        assert_eq!(tree.entries()[1].at, Place { line: 8, column: 1 });
    }

    #[test]
    fn a_billion_laughs_are_refused_before_they_are_written_out() {
        let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
        for level in 1..12 {
            let below = format!("*a{},", level - 1).repeat(10);
            bomb += &format!("a{level}: &a{level} [{}]\n", below.trim_end_matches(','));
        }
        assert_eq!(mistake(&bomb), "f.yaml:5:10: the file holds more than 20000 values");
    }

    #[test]
    fn deep_nesting_is_refused() {
        let text = format!("a: {}{}", "[".repeat(40), "]".repeat(40));
        assert_eq!(mistake(&text), "f.yaml:1:35: values are nested deeper than 32");
    }

    #[test]
    fn what_is_not_one_plain_document_is_refused() {
        assert_eq!(mistake("a: 1\na: 2\n"), "f.yaml:2:1: 'a' stands here a second time");
        assert_eq!(
            mistake("a: 1\n---\nb: 2\n"),
            "f.yaml:2:1: a second document begins here; keep one"
        );
        assert!(mistake("a: !!python/object x").contains("tags"));
        assert!(mistake("a: [1\n").starts_with("f.yaml:"), "{}", mistake("a: [1\n"));
        assert!(mistake("? [a]\n: b\n").contains("a key has to be text"));
    }
}
