//! The words that `solum.yaml` knows below its keys: commands, durations, sizes, names. Each says what it expects, reads a
//! scalar, and describes itself to JSON Schema.

use std::str::FromStr;
use std::time::Duration;

use serde_json::{Value as Json, json};
use types::{EnvironmentName, HostName, ProcessType, VariableName};

use document::{Node, Scalar, Value};

/// One kind of scalar in the table of keys.
#[derive(Debug)]
pub(super) struct Word {
    /// For a message: `a command`.
    pub(super) expects: &'static str,
    /// What is wrong with the value, if anything is.
    pub(super) check: fn(&Scalar) -> Result<(), String>,
    pub(super) schema: fn() -> Json,
}

pub(super) static COMMAND: Word = Word {
    expects: "a command",
    check: |scalar| check_text(scalar, 16 << 10),
    schema: || json!({ "type": "string", "pattern": r"\S" }),
};

pub(super) static TEXT: Word = Word {
    expects: "text",
    check: |scalar| check_text(scalar, 1 << 10),
    schema: || json!({ "type": "string", "pattern": r"\S" }),
};

/// The value of an environment variable; numbers and booleans are taken as they are written.
pub(super) static VALUE: Word = Word {
    expects: "a value",
    check: |scalar| match scalar.text.contains('\0') {
        true => Err("a variable cannot hold the character NUL".to_owned()),
        false => Ok(()),
    },
    schema: || json!({ "type": ["string", "number", "boolean"] }),
};

pub(super) static COUNT: Word = Word {
    expects: "a whole number from 0 to 1000",
    check: |scalar| count(scalar).map(drop),
    schema: || json!({ "type": "integer", "minimum": 0, "maximum": MAX_COUNT }),
};

pub(super) static PEOPLE: Word = Word {
    expects: "a whole number from 1 to 100",
    check: |scalar| people(scalar).map(drop),
    schema: || json!({ "type": "integer", "minimum": 1, "maximum": MAX_PEOPLE }),
};

pub(super) static APPROVER: Word = Word {
    expects: "a name, or 'role:' and one",
    check: |scalar| {
        let name = scalar.text.strip_prefix("role:").unwrap_or(&scalar.text);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._@".contains(&byte);
        match (1..=100).contains(&name.len()) && name.bytes().all(plain) {
            true => Ok(()),
            false => Err(format!("'{}' is no name, and no 'role:' with one", scalar.text)),
        }
    },
    schema: || json!({ "type": "string", "pattern": "^(role:)?[A-Za-z0-9._@-]{1,100}$" }),
};

pub(super) static SWITCH: Word = Word {
    expects: "true or false",
    check: |scalar| switch(scalar).map(drop),
    schema: || json!({ "type": "boolean" }),
};

pub(super) static DURATION: Word = Word {
    expects: "a duration such as 30s, 5m or 1h",
    check: |scalar| duration(&scalar.text).map(drop),
    schema: || json!({ "type": "string", "pattern": "^([0-9]{1,9}(ms|s|m|h|d))+$" }),
};

pub(super) static SIZE: Word = Word {
    expects: "a size such as 256Mi or 1Gi",
    check: |scalar| size(&scalar.text).map(drop),
    schema: || json!({ "type": "string", "pattern": "^[0-9]{1,9}(Ki|Mi|Gi|k|M|G)$" }),
};

pub(super) static CPU: Word = Word {
    expects: "a number of cores such as 0.5 or 500m",
    check: |scalar| cpu_millis(&scalar.text).map(drop),
    schema: || {
        json!({ "anyOf": [
            { "type": "number", "exclusiveMinimum": 0, "maximum": 1000 },
            { "type": "string", "pattern": r"^[0-9]{1,7}m$" },
        ] })
    },
};

pub(super) static HTTP_PATH: Word = Word {
    expects: "a path such as /healthz",
    check: |scalar| {
        let plain = scalar.text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
        match scalar.text.starts_with('/') && plain {
            true => Ok(()),
            false => Err("a path starts with '/' and holds no spaces and no '#'".to_owned()),
        }
    },
    schema: || json!({ "type": "string", "pattern": "^/[!\"$-~]*$" }),
};

pub(super) static DIRECTORY: Word = Word {
    expects: "a directory inside the repository",
    check: |scalar| directory(&scalar.text).map(drop),
    schema: || json!({ "type": "string", "minLength": 1 }),
};

pub(super) static HOST: Word = Word {
    expects: "a host name",
    check: name::<HostName>,
    schema: || json!({ "type": "string" }),
};

pub(super) static ENVIRONMENT: Word = Word {
    expects: "an environment's name",
    check: name::<EnvironmentName>,
    schema: || json!({ "type": "string" }),
};

pub(super) static PROCESS_TYPE: Word = Word {
    expects: "a process type",
    check: name::<ProcessType>,
    schema: || json!({ "pattern": "^[A-Za-z][A-Za-z0-9_-]{0,29}$" }),
};

pub(super) static VARIABLE: Word = Word {
    expects: "a variable's name",
    check: name::<VariableName>,
    schema: || json!({ "pattern": "^[A-Za-z_][A-Za-z0-9_]{0,127}$" }),
};

const MAX_COUNT: u32 = 1000;
const MAX_PEOPLE: u32 = 100;
const MAX_DURATION: Duration = Duration::from_secs(366 * 24 * 3600);

fn name<T: FromStr>(scalar: &Scalar) -> Result<(), String>
where
    T::Err: ToString,
{
    scalar.text.parse::<T>().map(drop).map_err(|error| error.to_string())
}

fn check_text(scalar: &Scalar, limit: usize) -> Result<(), String> {
    if scalar.text.trim().is_empty() {
        return Err("this is empty".to_owned());
    }
    if scalar.text.len() > limit {
        return Err(format!("this is longer than {limit} bytes; put it into a script"));
    }
    if !scalar.quoted && (is_number(&scalar.text) || is_boolean(&scalar.text)) {
        return Err(format!("put '{0}' in quotes: \"{0}\"", scalar.text));
    }
    if scalar.text.contains('\0') {
        return Err("this holds the character NUL".to_owned());
    }
    Ok(())
}

pub(super) fn people(scalar: &Scalar) -> Result<u32, String> {
    let people = count(scalar).ok().filter(|count| (1..=MAX_PEOPLE).contains(count));
    people.ok_or_else(|| format!("'{}' is no whole number from 1 to {MAX_PEOPLE}", scalar.text))
}

pub(super) fn switch(scalar: &Scalar) -> Result<bool, String> {
    match (scalar.quoted, scalar.text.to_ascii_lowercase().as_str()) {
        (false, "true") => Ok(true),
        (false, "false") => Ok(false),
        _ => Err(format!("'{}' is neither true nor false", scalar.text)),
    }
}

pub(super) fn count(scalar: &Scalar) -> Result<u32, String> {
    match scalar.text.parse() {
        Ok(count) if count <= MAX_COUNT && !scalar.quoted => Ok(count),
        _ => Err(format!("'{}' is no whole number from 0 to {MAX_COUNT}", scalar.text)),
    }
}

/// `30s`, `1h30m`; a unit is never left out.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("'{text}' is no duration; write 500ms, 30s, 5m, 1h or 2d");
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() || total == Duration::ZERO && text.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = rest[..digits].parse().map_err(|_| wrong())?;
        let unit = rest[digits..].bytes().take_while(u8::is_ascii_alphabetic).count();
        let unit_ms = match &rest[digits..digits + unit] {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(wrong()),
        };
        let part = number.checked_mul(unit_ms).map(Duration::from_millis).ok_or_else(wrong)?;
        total = total.checked_add(part).ok_or_else(wrong)?;
        rest = &rest[digits + unit..];
    }
    if digits_too_long(text) || total > MAX_DURATION {
        return Err(format!("'{text}' is longer than a year"));
    }
    Ok(total)
}

fn digits_too_long(text: &str) -> bool {
    text.split(|character: char| !character.is_ascii_digit()).any(|digits| digits.len() > 9)
}

/// Bytes, with Kubernetes' suffixes.
pub(super) fn size(text: &str) -> Result<u64, String> {
    let wrong = || format!("'{text}' is no size; write 512Ki, 256Mi or 1Gi");
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let unit: u64 = match &text[digits..] {
        "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        "k" => 1_000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        _ => return Err(wrong()),
    };
    if digits > 9 {
        return Err(wrong());
    }
    let number: u64 = text[..digits].parse().map_err(|_| wrong())?;
    Ok(number * unit)
}

/// Thousandths of a core.
pub(super) fn cpu_millis(text: &str) -> Result<u32, String> {
    let wrong = || format!("'{text}' is no number of cores; write 0.5, 2 or 500m");
    let millis = match text.strip_suffix('m') {
        Some(millis) => millis.parse::<f64>().map_err(|_| wrong())?,
        None => text.parse::<f64>().map_err(|_| wrong())? * 1000.0,
    };
    if !(1.0..=1_000_000.0).contains(&millis) {
        return Err(wrong());
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range was checked above"
    )]
    Ok(millis.round() as u32)
}

/// A path that stays inside the repository, without `./` and without a slash at its end.
pub(super) fn directory(text: &str) -> Result<String, String> {
    let parts: Vec<_> = text.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    if text.starts_with('/') || text.contains('\0') || parts.contains(&"..") || parts.is_empty() {
        return Err(format!("'{text}' is no directory inside the repository"));
    }
    Ok(parts.join("/"))
}

pub(super) fn is_boolean(text: &str) -> bool {
    matches!(text, "true" | "True" | "TRUE" | "false" | "False" | "FALSE")
}

/// Whether YAML's core schema takes the plain scalar for a number (YAML 1.2.2, section 10.3.2).
pub(super) fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let starts_well = unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.');
    starts_well && unsigned.bytes().any(|byte| byte.is_ascii_digit()) && text.parse::<f64>().is_ok()
}

/// For lists whose items are scalars.
pub(super) fn texts(node: &Node) -> Vec<String> {
    match &node.value {
        Value::Scalar(scalar) => vec![scalar.text.clone()],
        Value::List(items) => items.iter().filter_map(Node::text).map(ToOwned::to_owned).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_carry_their_units() {
        assert_eq!(duration("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(duration("1h30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        for bad in ["", "30", "s", "1w", "-1s", "1.5h", "99999999999s", "400d"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes_carry_their_units() {
        assert_eq!(size("256Mi"), Ok(256 << 20));
        assert_eq!(size("1G"), Ok(1_000_000_000));
        for bad in ["", "256", "256MB", "Mi", "-1Mi", "1.5Gi", "99999999999Mi"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn cores_are_counted_in_thousandths() {
        assert_eq!(cpu_millis("0.5"), Ok(500));
        assert_eq!(cpu_millis("250m"), Ok(250));
        for bad in ["", "0", "-1", "lots", "nan", "inf", "99999"] {
            assert!(cpu_millis(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_directory_stays_inside() {
        assert_eq!(directory("./target/").as_deref(), Ok("target"));
        for bad in ["", ".", "/etc", "../x", "a/../../b"] {
            assert!(directory(bad).is_err(), "{bad}");
        }
    }
}
