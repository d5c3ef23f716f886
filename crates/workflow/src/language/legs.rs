//! The legs of a matrix: every combination of its axes, less `exclude`, plus `include`, by GitHub's rules.
//!
//! It works on values that have been evaluated already, and makes at most [`MAX_LEGS`] legs, however many there would
//! be: a matrix of ten thousand costs no more than one that is just too large.

use serde_json::Value;

/// As on GitHub.
pub const MAX_LEGS: usize = 256;

/// The values of one leg, in the order in which they were written: axes first, then what `include` added.
pub type Leg = Vec<(String, Value)>;

/// Why a matrix cannot be expanded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MatrixError {
    #[error("the matrix has more than {MAX_LEGS} legs")]
    TooMany,
    #[error("an entry of '{list}' is {kind}, not a mapping")]
    NotAMapping { list: &'static str, kind: &'static str },
    #[error("'exclude' names '{key}', which is no axis of the matrix")]
    NoAxis { key: String },
    #[error("an entry of 'exclude' names nothing")]
    EmptyExclude,
}

/// All legs, in GitHub's order: the first axis changes slowest, and legs of their own that `include` makes come last.
/// Without axes and without `include` there is none.
pub fn legs(
    axes: &[(String, Vec<Value>)],
    include: &[Value],
    exclude: &[Value],
) -> Result<Vec<Leg>, MatrixError> {
    for entry in exclude {
        let entry = mapping("exclude", entry)?;
        if entry.is_empty() {
            return Err(MatrixError::EmptyExclude);
        }
        let is_axis = |key: &str| axes.iter().any(|(name, _)| same_name(name, key));
        let unknown = entry.keys().find(|key| !is_axis(key));
        if let Some(key) = unknown {
            return Err(MatrixError::NoAxis { key: key.clone() });
        }
    }
    let mut originals = product(axes, exclude)?;
    let mut added = Vec::new();
    // What a leg has from its axes alone is never overwritten.
    let widths: Vec<usize> = originals.iter().map(Vec::len).collect();
    for entry in include {
        let entry = mapping("include", entry)?;
        let mut fits_any = false;
        for (leg, width) in originals.iter_mut().zip(&widths) {
            let (own, _) = leg.split_at(*width);
            let agrees = own
                .iter()
                .all(|(name, value)| get(entry, name).is_none_or(|wanted| contains(value, wanted)));
            if agrees {
                fits_any = true;
                extend(leg, *width, entry);
            }
        }
        if !fits_any {
            added.push(entry.iter().map(|(key, value)| (key.clone(), value.clone())).collect());
        }
        if originals.len() + added.len() > MAX_LEGS {
            return Err(MatrixError::TooMany);
        }
    }
    originals.extend(added);
    Ok(originals)
}

type Mapping = serde_json::Map<String, Value>;

fn mapping<'a>(list: &'static str, entry: &'a Value) -> Result<&'a Mapping, MatrixError> {
    let kind = match entry {
        Value::Object(mapping) => return Ok(mapping),
        Value::Array(_) => "a list",
        Value::Null => "nothing",
        Value::Bool(_) | Value::Number(_) | Value::String(_) => "a single value",
    };
    Err(MatrixError::NotAMapping { list, kind })
}

/// Every combination that is not excluded. Those that are excluded may be many: at most this many are looked at.
const MAX_COMBINATIONS: usize = 100 * MAX_LEGS;

fn product(axes: &[(String, Vec<Value>)], exclude: &[Value]) -> Result<Vec<Leg>, MatrixError> {
    let combinations = axes.iter().try_fold(1_usize, |count, (_, values)| {
        count.checked_mul(values.len()).filter(|count| *count <= MAX_COMBINATIONS)
    });
    let combinations = combinations.ok_or(MatrixError::TooMany)?;
    let mut legs = Vec::new();
    if axes.is_empty() {
        return Ok(legs);
    }
    for index in 0..combinations {
        let leg = combination(axes, index);
        let is_excluded = |entry: &Value| {
            let mut wanted = entry.as_object().into_iter().flatten();
            wanted.all(|(key, wanted)| {
                leg.iter().any(|(name, value)| same_name(name, key) && contains(value, wanted))
            })
        };
        if !exclude.iter().any(is_excluded) {
            legs.push(leg);
        }
        if legs.len() > MAX_LEGS {
            return Err(MatrixError::TooMany);
        }
    }
    Ok(legs)
}

fn combination(axes: &[(String, Vec<Value>)], mut index: usize) -> Leg {
    let mut leg: Leg = Vec::with_capacity(axes.len());
    for (name, values) in axes.iter().rev() {
        leg.push((name.clone(), values[index % values.len()].clone()));
        index /= values.len();
    }
    leg.reverse();
    leg
}

/// Whether `value` is what a filter asks for: of a mapping and of a list only what the filter names is compared.
fn contains(value: &Value, wanted: &Value) -> bool {
    match (value, wanted) {
        (Value::Object(value), Value::Object(wanted)) => wanted
            .iter()
            .all(|(key, wanted)| get(value, key).is_some_and(|value| contains(value, wanted))),
        (Value::Array(value), Value::Array(wanted)) => {
            value.len() == wanted.len()
                && value.iter().zip(wanted).all(|(value, wanted)| contains(value, wanted))
        }
        _ => same_scalar(value, wanted),
    }
}

/// As `==` of an expression: text whatever its case, and values of two types as numbers.
fn same_scalar(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::String(one), Value::String(other)) => one.to_lowercase() == other.to_lowercase(),
        (Value::Null, Value::Null) => true,
        _ => number(one).is_some_and(|one| number(other) == Some(one)),
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Null => Some(0.0),
        Value::Bool(value) => Some(f64::from(u8::from(*value))),
        Value::Number(value) => value.as_f64(),
        Value::String(text) if text.trim().is_empty() => Some(0.0),
        Value::String(text) => text.trim().parse().ok(),
        Value::Array(_) | Value::Object(_) => None,
    }
}

fn get<'a>(mapping: &'a Mapping, name: &str) -> Option<&'a Value> {
    mapping.iter().find(|(key, _)| same_name(key, name)).map(|(_, value)| value)
}

fn same_name(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

fn extend(leg: &mut Leg, width: usize, entry: &Mapping) {
    for (key, value) in entry {
        match leg.iter_mut().position(|(name, _)| same_name(name, key)) {
            Some(place) if place < width => {}
            Some(place) => leg[place].1 = value.clone(),
            None => leg.push((key.clone(), value.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn expand(matrix: Value) -> Result<Vec<Value>, MatrixError> {
        let list = |key: &str| matrix[key].as_array().cloned().unwrap_or_default();
        let axes: Vec<_> = list("axes")
            .iter()
            .map(|axis| (axis[0].as_str().unwrap().to_owned(), axis[1].as_array().unwrap().clone()))
            .collect();
        let legs = legs(&axes, &list("include"), &list("exclude"))?;
        Ok(legs.into_iter().map(|leg| leg.into_iter().collect::<Mapping>().into()).collect())
    }

    #[test]
    fn the_first_axis_changes_slowest() {
        let legs = expand(json!({ "axes": [["v", [10, 12]], ["os", ["a", "b"]]] })).unwrap();
        let expected = json!([
            { "v": 10, "os": "a" }, { "v": 10, "os": "b" },
            { "v": 12, "os": "a" }, { "v": 12, "os": "b" },
        ]);
        assert_eq!(json!(legs), expected);
    }

    #[test]
    fn include_extends_what_it_agrees_with_and_adds_the_rest() {
        let legs = expand(json!({
            "axes": [["fruit", ["apple", "pear"]], ["animal", ["cat", "dog"]]],
            "include": [
                { "color": "green" },
                { "color": "pink", "animal": "cat" },
                { "fruit": "apple", "shape": "circle" },
                { "fruit": "banana" },
                { "fruit": "banana", "animal": "cat" },
            ],
        }));
        let expected = json!([
            { "fruit": "apple", "animal": "cat", "color": "pink", "shape": "circle" },
            { "fruit": "apple", "animal": "dog", "color": "green", "shape": "circle" },
            { "fruit": "pear", "animal": "cat", "color": "pink" },
            { "fruit": "pear", "animal": "dog", "color": "green" },
            { "fruit": "banana" },
            { "fruit": "banana", "animal": "cat" },
        ]);
        assert_eq!(json!(legs.unwrap()), expected);
    }

    #[test]
    fn include_alone_makes_legs_of_its_own() {
        let include = json!([{ "site": "a", "dc": "1" }, { "site": "b" }]);
        assert_eq!(json!(expand(json!({ "include": include })).unwrap()), include);
        assert_eq!(expand(json!({})).unwrap(), Vec::<Value>::new());
    }

    #[test]
    fn exclude_takes_away_what_it_names_in_part() {
        let legs = expand(json!({
            "axes": [["os", ["mac", "win"]], ["v", [12, 14]], ["env", ["staging", "production"]]],
            "exclude": [{ "os": "mac", "v": 12, "env": "production" }, { "os": "win", "v": 14 }],
        }));
        assert_eq!(legs.unwrap().len(), 5);
    }

    #[test]
    fn values_are_compared_as_expressions_compare_them() {
        let legs = expand(json!({
            "axes": [["v", ["3.10", 3.12]], ["os", ["Linux"]]],
            "exclude": [{ "v": 3.1, "os": "linux" }, { "v": "3.12" }],
        }));
        assert_eq!(legs.unwrap(), Vec::<Value>::new());
    }

    #[test]
    fn exclude_looks_into_mappings() {
        let legs = expand(json!({
            "axes": [["target", [{ "os": "linux", "arch": "arm" }, { "os": "linux", "arch": "x" }]]],
            "exclude": [{ "target": { "arch": "arm" } }],
        }));
        assert_eq!(json!(legs.unwrap()), json!([{ "target": { "os": "linux", "arch": "x" } }]));
    }

    #[test]
    fn too_many_legs_are_refused_before_they_are_made() {
        let many: Vec<_> = (0..1_000).collect();
        let axes = json!([["a", many], ["b", many], ["c", many], ["d", many]]);
        assert_eq!(expand(json!({ "axes": axes })), Err(MatrixError::TooMany));
        let axes = json!([["a", (0..257).collect::<Vec<_>>()]]);
        assert_eq!(expand(json!({ "axes": axes })), Err(MatrixError::TooMany));
        let include: Vec<_> = (0..257).map(|n| json!({ "n": n })).collect();
        assert_eq!(expand(json!({ "include": include })), Err(MatrixError::TooMany));
        let axes = json!([["a", (0..256).collect::<Vec<_>>()]]);
        assert_eq!(expand(json!({ "axes": axes })).map(|legs| legs.len()), Ok(256));
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        let axes = json!([["a", [1]]]);
        let error = expand(json!({ "axes": axes, "exclude": [{ "b": 1 }] })).unwrap_err();
        assert_eq!(error.to_string(), "'exclude' names 'b', which is no axis of the matrix");
        let error = expand(json!({ "axes": axes, "include": [[1]] })).unwrap_err();
        assert_eq!(error.to_string(), "an entry of 'include' is a list, not a mapping");
    }
}
