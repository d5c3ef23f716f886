//! Times in which nothing new begins.
//!
//! A window begins at the times of a cron line on the clock of its zone, and lasts so many hours of real time: over a change of
//! the clock it is as long as ever. A beginning that the clock leaps over comes later by the length of the leap, so that no window is lost; one
//! that comes twice counts once, the first time. The invariant of [`frozen`]: at the end that it names nothing is frozen, also where
//! windows overlap or follow each other without a gap.

use std::time::Duration;

use cronexpr::{Crontab, FallbackTimezoneOption, ParseOptions};
use jiff::SignedDuration;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use types::Timestamp;

/// So many beginnings are looked at; a freeze whose end is not found by then is said to have none in sight. Windows that meet
/// each hour are followed for months.
const MAX_LOOKS: u32 = 10_000;
/// Clocks change by less than this.
const LEAP: SignedDuration = SignedDuration::from_hours(3);
/// Longer windows are refused: nothing could ever be deployed where one begins each year.
const LONGEST: Duration = Duration::from_hours(365 * 24);
const SHORTEST: Duration = Duration::from_mins(1);
/// Longer cron lines are refused.
const MAX_CRON_BYTES: usize = 256;
const FIELDS: usize = 5;

/// One `freeze` of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Freeze {
    written: Written,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    cron: String,
    #[serde(rename = "for")]
    lasts: Duration,
    timezone: String,
}

/// What is wrong with a window, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFreeze {
    #[error(
        "`cron: {0}` has to be five fields: minute, hour, day of the month, month, day of the week"
    )]
    Fields(String),
    #[error("`cron: {cron}` names no time: {why}")]
    Cron { cron: String, why: String },
    #[error("there is no time zone '{0}'; use a name of the IANA database, as 'Europe/Berlin'")]
    Timezone(String),
    #[error("`for` has to be between a minute and 365 days")]
    Lasts,
}

/// When a freeze ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FreezeEnd {
    At(Timestamp),
    /// Windows follow each other without a gap for as far as was looked.
    NotInSight,
}

impl Freeze {
    pub fn new(cron: &str, lasts: Duration, timezone: &str) -> Result<Self, InvalidFreeze> {
        let fields = cron.split_ascii_whitespace().count();
        if cron.len() > MAX_CRON_BYTES || fields != FIELDS {
            return Err(InvalidFreeze::Fields(cron.chars().take(MAX_CRON_BYTES).collect()));
        }
        if timezone.is_empty() || TimeZone::get(timezone).is_err() {
            return Err(InvalidFreeze::Timezone(timezone.chars().take(80).collect()));
        }
        if !(SHORTEST..=LONGEST).contains(&lasts) {
            return Err(InvalidFreeze::Lasts);
        }
        let wrong = |why: &str| InvalidFreeze::Cron { cron: cron.to_owned(), why: why.to_owned() };
        let crontab = parse(cron).map_err(|error| {
            // Its last line says what, below the place in the text.
            let error = error.to_string();
            wrong(error.lines().last().unwrap_or_default().trim_start_matches([' ', '^']))
        })?;
        if crontab.find_next(Timestamp::UNIX_EPOCH).is_err() {
            return Err(wrong("it never comes"));
        }
        let written = Written { cron: cron.to_owned(), lasts, timezone: timezone.to_owned() };
        Ok(Self { written })
    }

    #[must_use]
    pub fn cron(&self) -> &str {
        &self.written.cron
    }

    #[must_use]
    pub fn lasts(&self) -> Duration {
        self.written.lasts
    }

    #[must_use]
    pub fn timezone(&self) -> &str {
        &self.written.timezone
    }

    /// Whether the other stops all that this one stops, as far as can be seen from how they are written.
    pub(super) fn is_within(&self, other: &Self) -> bool {
        self.cron() == other.cron()
            && self.timezone() == other.timezone()
            && self.lasts() <= other.lasts()
    }
}

/// A freeze in the form in which its windows can be looked up.
struct Windows<'a> {
    freeze: &'a Freeze,
    /// Of clocks, not of instants: read as if its zone were UTC.
    crontab: Crontab,
    zone: TimeZone,
}

impl<'a> Windows<'a> {
    fn of(freeze: &'a Freeze) -> Option<Self> {
        let crontab = parse(freeze.cron()).ok()?;
        Some(Self { freeze, crontab, zone: TimeZone::get(freeze.timezone()).ok()? })
    }

    /// The end of the first of its windows that hold at this time.
    fn end_at(&self, time: Timestamp, looks: &mut u32) -> Option<Timestamp> {
        let earliest = time.checked_sub(self.freeze.lasts()).unwrap_or(Timestamp::MIN);
        let last = self.clock(time).checked_add(LEAP).unwrap_or(DateTime::MAX);
        let mut clock = self.clock(earliest).checked_sub(LEAP).unwrap_or(DateTime::MIN);
        while *looks > 0 {
            *looks -= 1;
            clock = self.next(clock).filter(|clock| *clock <= last)?;
            let begins = self.zone.to_timestamp(clock).ok()?;
            if begins > earliest && begins <= time {
                return Some(begins.checked_add(self.freeze.lasts()).unwrap_or(Timestamp::MAX));
            }
        }
        None
    }

    fn clock(&self, time: Timestamp) -> DateTime {
        self.zone.to_datetime(time)
    }

    fn next(&self, clock: DateTime) -> Option<DateTime> {
        let clock = TimeZone::UTC.to_timestamp(clock).ok()?;
        Some(self.crontab.find_next(clock).ok()?.datetime())
    }
}

/// Whether any of the windows holds at this time, and until when none does. Where a zone is gone that was there when the
/// window was read, the environment stays frozen.
#[must_use]
pub fn frozen(freezes: &[Freeze], now: Timestamp) -> Option<FreezeEnd> {
    let Some(windows) = freezes.iter().map(Windows::of).collect::<Option<Vec<_>>>() else {
        return Some(FreezeEnd::NotInSight);
    };
    let mut looks = MAX_LOOKS;
    let mut end = now;
    loop {
        let ends = windows.iter().filter_map(|windows| windows.end_at(end, &mut looks));
        match ends.max() {
            _ if looks == 0 => return Some(FreezeEnd::NotInSight),
            Some(later) => end = later,
            None if end == now => return None,
            None => return Some(FreezeEnd::At(end)),
        }
    }
}

fn parse(cron: &str) -> Result<Crontab, cronexpr::Error> {
    let mut options = ParseOptions::default();
    options.fallback_timezone_option = FallbackTimezoneOption::UTC;
    cronexpr::parse_crontab_with(cron, options)
}

impl TryFrom<Written> for Freeze {
    type Error = InvalidFreeze;

    fn try_from(written: Written) -> Result<Self, InvalidFreeze> {
        Self::new(&written.cron, written.lasts, &written.timezone)
    }
}

impl From<Freeze> for Written {
    fn from(freeze: Freeze) -> Self {
        freeze.written
    }
}

#[cfg(test)]
mod tests;
