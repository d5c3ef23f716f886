//! Objects: the case of a key does not matter, its place does.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use indexmap::{Equivalent, IndexMap};

use super::compare::fold;
use super::value::Value;

/// Names and values, in the order in which they came. `a` and `A` are one name, in the spelling that came first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Object {
    entries: IndexMap<Key, Value>,
}

impl Object {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.entries.get(&Folded(key))
    }

    /// The value takes the place of an earlier one under that name.
    pub fn insert(&mut self, key: impl Into<Arc<str>>, value: impl Into<Value>) {
        self.entries.insert(Key(key.into()), value.into());
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.entries.iter().map(|(key, value)| (&*key.0, value))
    }

    pub fn values(&self) -> impl Iterator<Item = &Value> {
        self.entries.values()
    }
}

impl<K: Into<Arc<str>>, V: Into<Value>> FromIterator<(K, V)> for Object {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut object = Self::new();
        for (key, value) in entries {
            object.insert(key, value);
        }
        object
    }
}

#[derive(Debug, Clone)]
struct Key(Arc<str>);

/// A key to look for.
struct Folded<'a>(&'a str);

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        fold(&self.0).eq(fold(&other.0))
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Folded(&self.0).hash(state);
    }
}

impl Hash for Folded<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for char in fold(self.0) {
            state.write_u32(char.into());
        }
    }
}

impl Equivalent<Key> for Folded<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        fold(self.0).eq(fold(&key.0))
    }
}
