//! Values from JSON and to it.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value as Json;

use super::limits::MAX_RESULT_BYTES;
use super::object::Object;
use super::value::Value;

/// Values inside values, in what is printed. What is read may be as deep as `serde_json` reads: 128.
const MAX_DEPTH: usize = 200;

/// Larger than a result may be, or deeper than [`MAX_DEPTH`].
#[derive(Debug)]
pub(super) struct TooLarge;

/// As `toJSON` gives it: in lines, two spaces to a level.
pub(super) fn pretty(value: &Value) -> Result<String, TooLarge> {
    let mut text = String::new();
    write(value, 0, &mut text)?;
    Ok(text)
}

fn write(value: &Value, depth: usize, to: &mut String) -> Result<(), TooLarge> {
    if depth > MAX_DEPTH || to.len() > MAX_RESULT_BYTES {
        return Err(TooLarge);
    }
    match value {
        Value::Null => to.push_str("null"),
        Value::Bool(_) | Value::Number(_) => to.push_str(&value.to_text()),
        Value::String(text) => quote(text, to),
        Value::Array(items) if items.is_empty() => to.push_str("[]"),
        Value::Object(object) if object.is_empty() => to.push_str("{}"),
        Value::Array(items) => {
            to.push('[');
            for (position, item) in items.iter().enumerate() {
                begin_line(position > 0, depth + 1, to);
                write(item, depth + 1, to)?;
            }
            begin_line(false, depth, to);
            to.push(']');
        }
        Value::Object(object) => {
            to.push('{');
            for (position, (key, item)) in object.iter().enumerate() {
                begin_line(position > 0, depth + 1, to);
                quote(key, to);
                to.push_str(": ");
                write(item, depth + 1, to)?;
            }
            begin_line(false, depth, to);
            to.push('}');
        }
    }
    if to.len() > MAX_RESULT_BYTES { Err(TooLarge) } else { Ok(()) }
}

fn begin_line(after_another: bool, depth: usize, to: &mut String) {
    to.push_str(if after_another { ",\n" } else { "\n" });
    to.extend(std::iter::repeat_n("  ", depth));
}

fn quote(text: &str, to: &mut String) {
    to.push_str(&Json::from(text).to_string());
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

/// Keeps the order of an object's names, which `serde_json`'s own value does not.
struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, bool: bool) -> Result<Value, E> {
        Ok(Value::Bool(bool))
    }

    #[expect(clippy::cast_precision_loss, reason = "every number of the language is a double")]
    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Number(number as f64))
    }

    #[expect(clippy::cast_precision_loss, reason = "every number of the language is a double")]
    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number as f64))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Number(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let mut items: Vec<Value> = Vec::new();
        while let Some(item) = sequence.next_element()? {
            items.push(item);
        }
        Ok(items.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut object = Object::new();
        while let Some((key, value)) = map.next_entry::<String, Value>()? {
            object.insert(key, value);
        }
        Ok(object.into())
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(bool) => serializer.serialize_bool(*bool),
            Self::Number(number) => match whole(*number) {
                Some(whole) => serializer.serialize_i64(whole),
                None => serializer.serialize_f64(*number),
            },
            Self::String(text) => serializer.serialize_str(text),
            Self::Array(items) => serializer.collect_seq(items.iter()),
            Self::Object(object) => {
                let mut map = serializer.serialize_map(Some(object.len()))?;
                for (key, value) in object.iter() {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

impl From<&Json> for Value {
    fn from(json: &Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(bool) => Self::Bool(*bool),
            Json::Number(number) => Self::Number(number.as_f64().unwrap_or(f64::NAN)),
            Json::String(text) => text.as_str().into(),
            Json::Array(items) => items.iter().map(Self::from).collect(),
            Json::Object(object) => {
                object.iter().map(|(key, value)| (key.as_str(), value)).collect()
            }
        }
    }
}

impl From<Json> for Value {
    fn from(json: Json) -> Self {
        Self::from(&json)
    }
}

impl From<&Value> for Json {
    /// What JSON has no number for (NaN, Infinity) becomes null.
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(bool) => Self::Bool(*bool),
            Value::Number(number) => match whole(*number) {
                Some(whole) => whole.into(),
                None => (*number).into(),
            },
            Value::String(text) => (&**text).into(),
            Value::Array(items) => items.iter().map(Self::from).collect(),
            Value::Object(object) => {
                let entries = object.iter().map(|(key, value)| (key.to_owned(), value.into()));
                Self::Object(entries.collect())
            }
        }
    }
}

impl From<Value> for Json {
    fn from(value: Value) -> Self {
        Self::from(&value)
    }
}

/// A number without a fraction, as far as a double counts without gaps.
fn whole(number: f64) -> Option<i64> {
    const LARGEST: f64 = 9_007_199_254_740_991.0;
    #[expect(clippy::cast_possible_truncation, reason = "it has no fraction and is small enough")]
    (number.fract() == 0.0 && number.abs() <= LARGEST).then_some(number as i64)
}
