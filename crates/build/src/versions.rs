//! Version requirements as Python and Node write them, against the versions that machines have.

use semver::{Version, VersionReq};

/// `3.11.2` → `3.11`.
pub(crate) fn minor(version: &str) -> String {
    version.split('.').take(2).collect::<Vec<_>>().join(".")
}

/// The numbers of a version; what follows them (`rc1`, `+build`) is left out.
fn numbers(version: &str) -> Vec<u64> {
    let mut numbers = Vec::new();
    for part in version.trim().trim_start_matches('v').split('.') {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let Ok(number) = part[..digits].parse() else { break };
        numbers.push(number);
        if digits < part.len() {
            break;
        }
    }
    numbers
}

/// Padded to three numbers, for `semver`.
pub(crate) fn semantic(version: &str) -> Option<Version> {
    let numbers = numbers(version);
    let at = |index: usize| numbers.get(index).copied().unwrap_or(0);
    (!numbers.is_empty()).then(|| Version::new(at(0), at(1), at(2)))
}

/// Whether `version` fits an npm range (`>=18 <21`, `^20`, `18.x || 20.x`). `None` when the range is not understood.
pub(crate) fn fits_npm(range: &str, version: &str) -> Option<bool> {
    let version = semantic(version)?;
    let mut fits = false;
    for alternative in range.split("||") {
        fits |= npm_alternative(alternative)?.matches(&version);
    }
    Some(fits)
}

fn npm_alternative(range: &str) -> Option<VersionReq> {
    let range = range.trim();
    if matches!(range, "" | "*" | "x" | "latest" | "current" | "node") {
        return Some(VersionReq::STAR);
    }
    if let Some((low, high)) = range.split_once(" - ") {
        return VersionReq::parse(&format!(">={}, <={}", low.trim(), high.trim())).ok();
    }
    // An operator may stand apart from its version: `>= 18`.
    let mut comparators: Vec<String> = Vec::new();
    let mut operator = String::new();
    for word in range.split_whitespace() {
        if word.bytes().all(|byte| matches!(byte, b'<' | b'>' | b'=' | b'^' | b'~')) {
            operator = word.to_owned();
            continue;
        }
        comparators.push(npm_comparator(&format!("{operator}{word}")));
        operator.clear();
    }
    VersionReq::parse(&comparators.join(", ")).ok()
}

/// Cargo reads a bare `1.2.3` as `^1.2.3`, npm reads it as exactly that.
fn npm_comparator(text: &str) -> String {
    let text = text.replace('X', "x").replace(".x", ".*");
    let bare = text.trim_start_matches('v');
    let is_bare = bare.starts_with(|first: char| first.is_ascii_digit());
    match is_bare {
        true if bare.contains('*') => bare.to_owned(),
        true => format!("={bare}"),
        false => text.replace("=v", "="),
    }
}

/// Whether `version` fits a Python version specifier (PEP 440: `>=3.10,<3.13`, `~=3.11`, `==3.11.*`). `None` when it is not
/// understood.
pub(crate) fn fits_python(specifiers: &str, version: &str) -> Option<bool> {
    let found = numbers(version);
    let mut fits = true;
    for specifier in specifiers.split(',').map(str::trim).filter(|text| !text.is_empty()) {
        let length = specifier.bytes().take_while(|byte| b"<>=!~".contains(byte)).count();
        let (operator, wanted) = specifier.split_at(length);
        let (wanted, wildcard) = match wanted.trim().strip_suffix(".*") {
            Some(prefix) => (prefix, true),
            None => (wanted.trim(), false),
        };
        let wanted = numbers(wanted);
        if wanted.is_empty() {
            return None;
        }
        fits &= compare(operator, &found, &wanted, wildcard)?;
    }
    Some(fits)
}

fn compare(operator: &str, found: &[u64], wanted: &[u64], wildcard: bool) -> Option<bool> {
    let length = found.len().max(wanted.len());
    let pad = |numbers: &[u64]| {
        let mut numbers = numbers.to_vec();
        numbers.resize(length, 0);
        numbers
    };
    let (padded, limit) = (pad(found), pad(wanted));
    let has_prefix = |prefix: &[u64]| padded.starts_with(prefix);
    Some(match operator {
        "==" if wildcard => has_prefix(wanted),
        "!=" if wildcard => !has_prefix(wanted),
        "==" | "===" => padded == limit,
        "!=" => padded != limit,
        ">=" => padded >= limit,
        "<=" => padded <= limit,
        ">" => padded > limit,
        "<" => padded < limit,
        "~=" if wanted.len() > 1 => padded >= limit && has_prefix(&wanted[..wanted.len() - 1]),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn npm_ranges_mean_what_npm_means() {
        for (range, version, fits) in [
            (">=18", "20.19.2", true),
            (">= 18 < 20", "20.1.0", false),
            ("^20", "20.19.2", true),
            ("18.x", "20.19.2", false),
            ("18.x || 20.x", "20.19.2", true),
            ("20", "20.19.2", true),
            ("20.1.0", "20.19.2", false),
            ("18 - 20", "20.19.2", true),
            ("*", "20.19.2", true),
            ("~20.19.0", "v20.19.2", true),
        ] {
            assert_eq!(fits_npm(range, version), Some(fits), "{range} {version}");
        }
        assert_eq!(fits_npm("lts/iron", "20.19.2"), None);
    }

    #[test]
    fn python_specifiers_mean_what_pep_440_says() {
        for (specifiers, version, fits) in [
            (">=3.10", "3.11.2", true),
            (">=3.10,<3.11", "3.11.2", false),
            ("~=3.11", "3.11.2", true),
            ("~=3.11.0", "3.12.0", false),
            ("==3.11.*", "3.11.2", true),
            ("!=3.11.*", "3.11.2", false),
            ("==3.11", "3.11.2", false),
            ("<4", "3.11.2", true),
            (">3.11.2", "3.11.2", false),
        ] {
            assert_eq!(fits_python(specifiers, version), Some(fits), "{specifiers} {version}");
        }
        assert_eq!(fits_python("newest", "3.11.2"), None);
    }
}
