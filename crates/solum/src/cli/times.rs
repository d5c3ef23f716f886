//! Times for people. JSON has them in RFC 3339.

use types::Timestamp;

/// How long ago it was, to the unit that matters.
pub(crate) fn ago(then: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second().saturating_sub(then.as_second());
    let (count, unit) = match seconds {
        ..1 => return "just now".to_owned(),
        1..60 => (seconds, "second"),
        60..3_600 => (seconds / 60, "minute"),
        3_600..86_400 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{} ago", if count == 1 { "" } else { "s" })
}

/// How long something took, or takes.
pub(crate) fn lapse(from: Timestamp, to: Timestamp) -> String {
    let milliseconds = to.as_millisecond().saturating_sub(from.as_millisecond()).max(0);
    match milliseconds {
        ..10_000 => format!("{}.{} s", milliseconds / 1_000, milliseconds % 1_000 / 100),
        10_000..120_000 => format!("{} s", milliseconds / 1_000),
        _ => format!("{} min {} s", milliseconds / 60_000, milliseconds % 60_000 / 1_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(milliseconds).unwrap()
    }

    #[test]
    fn the_unit_that_matters_is_chosen() {
        let ago = |seconds: i64| ago(at(0), at(seconds * 1_000));
        assert_eq!(ago(0), "just now");
        assert_eq!(ago(1), "1 second ago");
        assert_eq!(ago(59), "59 seconds ago");
        assert_eq!(ago(60), "1 minute ago");
        assert_eq!(ago(7_300), "2 hours ago");
        assert_eq!(ago(200_000), "2 days ago");
    }

    #[test]
    fn a_clock_that_is_behind_does_not_count_backwards() {
        assert_eq!(ago(at(5_000), at(0)), "just now");
        assert_eq!(lapse(at(5_000), at(0)), "0.0 s");
    }

    #[test]
    fn a_lapse_is_as_exact_as_it_is_short() {
        assert_eq!(lapse(at(0), at(1_250)), "1.2 s");
        assert_eq!(lapse(at(0), at(61_250)), "61 s");
        assert_eq!(lapse(at(0), at(125_000)), "2 min 5 s");
    }
}
