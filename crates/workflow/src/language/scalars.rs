//! Plain scalars as YAML 1.2's core schema types them, and the text that GitHub makes of a value where it wants text.

use document::{Node, Scalar, Value};
use serde_json::{Map, Number};

/// A value of a matrix. Keys keep their order only where `serde_json` does.
pub(super) fn json(node: &Node) -> serde_json::Value {
    match &node.value {
        Value::Null => serde_json::Value::Null,
        Value::Scalar(scalar) => typed(scalar),
        Value::List(items) => items.iter().map(json).collect(),
        Value::Map(entries) => {
            let pairs = entries.iter().map(|entry| (entry.key.clone(), json(&entry.node)));
            serde_json::Value::Object(pairs.collect::<Map<_, _>>())
        }
    }
}

pub(super) fn typed(scalar: &Scalar) -> serde_json::Value {
    if scalar.quoted {
        return scalar.text.clone().into();
    }
    match scalar.text.as_str() {
        "true" | "True" | "TRUE" => true.into(),
        "false" | "False" | "FALSE" => false.into(),
        text => number(text).map_or_else(|| text.into(), serde_json::Value::Number),
    }
}

/// The text of a scalar where text is wanted: `3.10` is the number 3.1 there, as on GitHub.
pub(super) fn text(scalar: &Scalar) -> String {
    match typed(scalar) {
        serde_json::Value::Bool(value) => value.to_string(),
        serde_json::Value::Number(number) => number.to_string(),
        _ => scalar.text.clone(),
    }
}

/// Whether writing it without quotes has changed it: `3.10`, `0x1F`, `1e3`.
pub(super) fn is_changed(scalar: &Scalar) -> bool {
    matches!(typed(scalar), serde_json::Value::Number(_)) && text(scalar) != scalar.text
}

fn number(text: &str) -> Option<Number> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let of_base = |prefix, base| {
        let rest = text.strip_prefix(prefix)?;
        i64::from_str_radix(rest, base).ok().filter(|_| !rest.starts_with(['+', '-']))
    };
    if let Some(value) = of_base("0x", 16).or_else(|| of_base("0o", 8)) {
        return Some(value.into());
    }
    let is_decimal = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits.contains(|c: char| c.is_ascii_digit())
        && digits
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
    if !is_decimal {
        return None;
    }
    let value: f64 = text.parse().ok()?;
    // Beyond this a number of JavaScript's, which is what GitHub's are, has gaps.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() <= EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and within range")]
        return Some((value as i64).into());
    }
    Number::from_f64(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> Scalar {
        Scalar { text: text.to_owned(), quoted: false }
    }

    #[test]
    fn plain_scalars_have_the_types_of_yaml_1_2() {
        for (written, expected) in [
            ("18", "18"),
            ("3.10", "3.1"),
            ("0x1F", "31"),
            ("0o14", "12"),
            ("1e3", "1000"),
            ("+12", "12"),
            ("True", "true"),
            (".5", "0.5"),
            ("0123", "123"),
        ] {
            assert_eq!(typed(&plain(written)).to_string(), expected, "{written}");
            assert_eq!(text(&plain(written)), expected, "{written}");
        }
        for word in ["on", "yes", "3.10.1", "v1", "1_000", "-", ".", "e3", "2026-11-22", "1:30"] {
            assert_eq!(typed(&plain(word)), serde_json::Value::from(word));
        }
        assert_eq!(typed(&Scalar { text: "3.10".into(), quoted: true }), "3.10");
    }

    #[test]
    fn only_numbers_that_read_otherwise_are_changed() {
        assert!(is_changed(&plain("3.10")));
        assert!(is_changed(&plain("1.0")));
        assert!(!is_changed(&plain("3.12")) && !is_changed(&plain("18")));
        assert!(!is_changed(&Scalar { text: "3.10".into(), quoted: true }));
    }
}
