use super::*;

const BERLIN: &str = "Europe/Berlin";

fn freeze(cron: &str, hours: u64, timezone: &str) -> Freeze {
    Freeze::new(cron, Duration::from_hours(hours), timezone).unwrap()
}

fn at(freezes: &[Freeze], now: &str) -> Option<String> {
    frozen(freezes, now.parse().unwrap()).map(|end| match end {
        FreezeEnd::At(end) => end.to_string(),
        FreezeEnd::NotInSight => "no end".to_owned(),
    })
}

#[test]
fn a_weekend_is_frozen_from_friday_to_monday() {
    let weekend = [freeze("0 16 * * FRI", 64, BERLIN)];
    // Friday 16:00 in Berlin is 15:00 UTC in winter.
    assert_eq!(at(&weekend, "2026-11-20T14:59:59Z"), None);
    for inside in ["2026-11-20T15:00:00Z", "2026-11-22T12:00:00Z", "2026-11-23T06:59:59Z"] {
        assert_eq!(at(&weekend, inside).as_deref(), Some("2026-11-23T07:00:00Z"), "{inside}");
    }
    assert_eq!(at(&weekend, "2026-11-23T07:00:00Z"), None);
}

/// The clock goes back at 2026-10-25T01:00:00Z, and forward at 2027-03-28T01:00:00Z: 64 hours end an hour earlier and later on the wall.
#[test]
fn a_window_is_as_long_as_ever_over_a_change_of_the_clock() {
    let weekend = [freeze("0 16 * * FRI", 64, BERLIN)];
    for (inside, end) in [
        ("2026-10-24T12:00:00Z", "2026-10-26T06:00:00Z"),
        ("2027-03-27T12:00:00Z", "2027-03-29T07:00:00Z"),
    ] {
        assert_eq!(at(&weekend, inside).as_deref(), Some(end));
    }
}

/// 02:30 on 2027-03-28 does not exist in Berlin: the clock goes from 02:00 to 03:00 at 01:00 UTC.
#[test]
fn a_beginning_that_the_clock_leaps_over_comes_later() {
    let night = [freeze("30 2 * * *", 1, BERLIN)];
    assert_eq!(at(&night, "2027-03-27T01:45:00Z").as_deref(), Some("2027-03-27T02:30:00Z"));
    assert_eq!(at(&night, "2027-03-28T01:29:59Z"), None);
    for inside in ["2027-03-28T01:30:00Z", "2027-03-28T02:29:59Z"] {
        assert_eq!(at(&night, inside).as_deref(), Some("2027-03-28T02:30:00Z"), "{inside}");
    }
    assert_eq!(at(&night, "2027-03-28T02:30:00Z"), None);
    assert_eq!(at(&night, "2027-03-29T00:45:00Z").as_deref(), Some("2027-03-29T01:30:00Z"));
}

/// 02:30 on 2026-10-25 comes twice in Berlin, at 00:30 and at 01:30 UTC.
#[test]
fn a_beginning_that_comes_twice_counts_the_first_time() {
    let night = [freeze("30 2 * * *", 1, BERLIN)];
    assert_eq!(at(&night, "2026-10-25T00:29:59Z"), None);
    assert_eq!(at(&night, "2026-10-25T00:45:00Z").as_deref(), Some("2026-10-25T01:30:00Z"));
    assert_eq!(at(&night, "2026-10-25T01:45:00Z"), None);
}

/// Looked at each minute over both changes, against windows that are laid out one by one.
#[test]
fn over_changes_of_the_clock_no_window_is_lost_or_made_up() {
    let often = [freeze("10,50 1-4 * * *", 1, "Australia/Lord_Howe")];
    let zone = TimeZone::get("Australia/Lord_Howe").unwrap();
    for day in ["2026-04-05", "2026-10-04"] {
        let day: jiff::civil::Date = day.parse().unwrap();
        let begins: Vec<Timestamp> = (1..=4)
            .flat_map(|hour| [10, 50].map(|minute| day.at(hour, minute, 0, 0)))
            .map(|clock| zone.to_timestamp(clock).unwrap())
            .collect();
        let first = begins[0].as_second() - 600;
        for now in (first..first + 7 * 3_600).step_by(60) {
            let now = Timestamp::from_second(now).unwrap();
            let held = begins
                .iter()
                .any(|begin| (0..3_600).contains(&now.duration_since(*begin).as_secs()));
            assert_eq!(frozen(&often, now).is_some(), held, "{now}");
        }
    }
}

#[test]
fn windows_that_overlap_or_meet_end_together() {
    let overlapping = [
        freeze("0 16 * * FRI", 64, "UTC"),
        freeze("0 0 * * MON", 24, "UTC"),
        freeze("0 0 * * TUE", 1, "UTC"),
    ];
    // Monday 08:00 lies within the second, which ends as the third begins.
    assert_eq!(at(&overlapping, "2026-11-21T00:00:00Z").as_deref(), Some("2026-11-24T01:00:00Z"));
    assert_eq!(at(&overlapping, "2026-11-24T00:30:00Z").as_deref(), Some("2026-11-24T01:00:00Z"));
    let hourly = [freeze("0 * * * *", 1, "UTC")];
    assert_eq!(at(&hourly, "2026-11-21T00:30:00Z").as_deref(), Some("no end"));
}

#[test]
fn the_longest_of_a_windows_own_overlaps_counts() {
    // Begins on Friday and again on Saturday, each for 48 hours.
    let twice = [freeze("0 0 * * FRI,SAT", 48, "UTC")];
    assert_eq!(at(&twice, "2026-11-20T00:00:00Z").as_deref(), Some("2026-11-23T00:00:00Z"));
}

#[test]
fn nothing_is_frozen_without_windows() {
    assert_eq!(at(&[], "2026-11-20T00:00:00Z"), None);
}

#[test]
fn what_is_no_window_is_refused_with_what_to_do() {
    let hour = Duration::from_hours(1);
    for (cron, lasts, timezone, words) in [
        ("0 16 * *", hour, "UTC", "has to be five fields"),
        ("0 16 * * FRI Europe/Berlin", hour, "UTC", "has to be five fields"),
        ("61 16 * * FRI", hour, "UTC", "names no time"),
        ("0 0 31 2 *", hour, "UTC", "never comes"),
        (
            "0 16 * * FRI",
            hour,
            "Europe/Atlantis",
            "no time zone 'Europe/Atlantis'; use a name of the IANA",
        ),
        ("0 16 * * FRI", hour, "", "no time zone ''"),
        ("0 16 * * FRI", Duration::ZERO, "UTC", "between a minute and 365 days"),
        ("0 16 * * FRI", Duration::from_hours(9_000), "UTC", "between a minute and 365 days"),
    ] {
        let error = Freeze::new(cron, lasts, timezone).unwrap_err().to_string();
        assert!(error.contains(words), "{cron} {timezone}: {error}");
    }
    let written = r#"{"cron":"0 16 * *","for":{"secs":60,"nanos":0},"timezone":"UTC"}"#;
    assert!(serde_json::from_str::<Freeze>(written).is_err(), "reading checks as well");
}
