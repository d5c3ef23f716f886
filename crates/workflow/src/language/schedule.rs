//! The times of `on.schedule`.

use cronexpr::{Crontab, FallbackTimezoneOption, ParseOptions};
use document::Place;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One `cron` of a workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// Minute, hour, day of the month, month, day of the week.
    pub cron: String,
    /// A name of the IANA database; UTC when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    pub at: Place,
}

impl Schedule {
    /// The first time after `time` that it names, unless there is none.
    #[must_use]
    pub fn next_after(&self, time: Timestamp) -> Option<Timestamp> {
        let crontab = parse(&self.cron, self.timezone.as_deref()).ok()?;
        crontab.find_next(time).ok().map(|zoned| zoned.timestamp())
    }
}

const FIELDS: [&str; 5] = ["minute", "hour", "day of the month", "month", "day of the week"];
const NAMES: [&str; 19] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC", "SUN",
    "MON", "TUE", "WED", "THU", "FRI", "SAT",
];
/// Longer ones are refused.
const MAX_BYTES: usize = 256;

/// Says what is wrong with a `cron`, as GitHub has it: the words of the library know more than GitHub's.
pub(super) fn check_cron(cron: &str) -> Result<(), String> {
    let fields: Vec<_> = cron.split_ascii_whitespace().collect();
    if cron.len() > MAX_BYTES || fields.len() != FIELDS.len() {
        let fields = FIELDS.join(", ");
        return Err(format!("'{cron}' has to be five fields: {fields}"));
    }
    for (field, what) in fields.iter().zip(FIELDS) {
        let unknown = field
            .split(|c: char| !c.is_ascii_alphabetic())
            .find(|word| !word.is_empty() && !NAMES.contains(&word.to_ascii_uppercase().as_str()));
        let sign = field.chars().find(|c| !c.is_ascii_alphanumeric() && !"*,-/".contains(*c));
        if unknown.is_some() || sign.is_some() {
            return Err(format!(
                "'{field}' is no {what}: use numbers, names, '*', ',', '-' and '/'"
            ));
        }
    }
    let crontab = parse(cron, None).map_err(|error| {
        // Its last line says what, below the place in the text.
        let error = error.to_string();
        let what = error.lines().last().unwrap_or_default().trim_start_matches([' ', '^']);
        format!("'{cron}' names no time: {what}")
    })?;
    let soon = Timestamp::UNIX_EPOCH;
    crontab.find_next(soon).map(|_| ()).map_err(|_| format!("'{cron}' never comes"))
}

pub(super) fn check_timezone(name: &str) -> Result<(), String> {
    let known = !name.is_empty() && jiff::tz::TimeZone::get(name).is_ok();
    let mend = "use a name of the IANA database, as 'Europe/Berlin'";
    if known { Ok(()) } else { Err(format!("there is no time zone '{name}'; {mend}")) }
}

fn parse(cron: &str, timezone: Option<&str>) -> Result<Crontab, cronexpr::Error> {
    let mut options = ParseOptions::default();
    options.fallback_timezone_option = FallbackTimezoneOption::UTC;
    let text = match timezone {
        Some(timezone) => format!("{cron} {timezone}"),
        None => cron.to_owned(),
    };
    cronexpr::parse_crontab_with(&text, options)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(cron: &str, timezone: Option<&str>, after: &str) -> String {
        check_cron(cron).unwrap();
        let at = Place { line: 1, column: 1 };
        let timezone = timezone.map(str::to_owned);
        let schedule = Schedule { cron: cron.to_owned(), timezone, at };
        schedule.next_after(after.parse().unwrap()).unwrap().to_string()
    }

    #[test]
    fn the_next_time_is_found() {
        for (cron, after, expected) in [
            ("30 5 * * 1,3", "2026-11-22T12:00:00Z", "2026-11-23T05:30:00Z"),
            ("*/15 * * * *", "2026-11-22T12:00:00Z", "2026-11-22T12:15:00Z"),
            ("0 0 1 jan *", "2026-11-22T12:00:00Z", "2027-01-01T00:00:00Z"),
            // A day of the month or a day of the week, when both are given.
            ("0 0 13 * FRI", "2026-11-22T12:00:00Z", "2026-11-27T00:00:00Z"),
            ("0 0 29 2 *", "2026-11-22T12:00:00Z", "2028-02-29T00:00:00Z"),
        ] {
            assert_eq!(next(cron, None, after), expected, "{cron}");
        }
    }

    #[test]
    fn a_time_zone_moves_it() {
        let after = "2026-07-01T00:00:00Z";
        assert_eq!(next("0 9 * * *", Some("Europe/Berlin"), after), "2026-07-01T07:00:00Z");
        assert!(check_timezone("Mars/Olympus").unwrap_err().contains("Europe/Berlin"));
        assert!(check_timezone("").is_err());
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for (cron, words) in [
            ("* * * *", "has to be five fields"),
            ("0 0 * * * UTC", "has to be five fields"),
            ("60 * * * *", "names no time"),
            ("0 0 L * *", "'L' is no day of the month"),
            ("@daily", "has to be five fields"),
            ("0 0 * * FUN", "'FUN' is no day of the week"),
            ("0 0 31 2 *", "never comes"),
        ] {
            let error = check_cron(cron).unwrap_err();
            assert!(error.contains(words), "{cron}: {error}");
        }
    }
}
