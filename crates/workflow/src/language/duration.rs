//! Durations as Solum's own keys have them: `10s`, `5m`, `1h30m`, `3d`.

use std::time::Duration;

const UNITS: [(&str, u64); 5] =
    [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
const MAX: Duration = Duration::from_secs(366 * 86_400);

/// Reads a duration of at most a year.
///
/// # Errors
/// What is wrong with it, in words.
pub fn parse(text: &str) -> Result<Duration, String> {
    let mut total_ms: u64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (count, tail) = rest.split_at(digits);
        let letters = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let unit = UNITS.iter().find(|(name, _)| *name == unit);
        let part = count.parse::<u64>().ok().zip(unit).and_then(|(n, (_, ms))| n.checked_mul(*ms));
        let sum = part.and_then(|part| total_ms.checked_add(part));
        total_ms =
            sum.ok_or_else(|| format!("'{text}' is no duration: write '10s', '5m', '72h'"))?;
        rest = tail;
    }
    let total = Duration::from_millis(total_ms);
    if text.is_empty() || total > MAX {
        return Err(format!("'{text}' is no duration of up to a year: write '10s', '5m', '72h'"));
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read() {
        for (text, seconds) in [("10s", 10), ("1h30m", 5_400), ("3d", 259_200), ("0s", 0)] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(parse("250ms"), Ok(Duration::from_millis(250)));
        for text in ["", "10", "s", "1x", "-1s", "1.5h", "367d", "99999999999999999999d", "1 h"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
