//! Reads what the `with` of a verb gives. What is known when a file is read was checked then; what an expression gave
//! is checked here. A value is never repeated in what is said of it: it may be secret.

use std::str::FromStr;
use std::time::Duration;

use http::Uri;

use super::{Problem, Step};

/// Statuses that are expected: `200`, `2xx`, or several with commas between.
pub(super) struct Expected {
    text: String,
    ranges: Vec<(u16, u16)>,
}

impl Expected {
    pub(super) fn fits(&self, status: u16) -> bool {
        self.ranges.iter().any(|(low, high)| (*low..=*high).contains(&status))
    }

    /// As it was written.
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

impl FromStr for Expected {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let words = text.split([',', ' ']).filter(|word| !word.is_empty());
        let ranges: Vec<_> = words.map(range).collect::<Option<_>>().ok_or(())?;
        let text = text.trim().to_owned();
        if ranges.is_empty() { Err(()) } else { Ok(Self { text, ranges }) }
    }
}

fn range(word: &str) -> Option<(u16, u16)> {
    let bounds = match word.strip_suffix("xx") {
        Some(class) => {
            let class: u16 = class.parse().ok()?;
            (class.checked_mul(100)?, class.checked_mul(100)?.checked_add(99)?)
        }
        None => (word.parse().ok()?, word.parse().ok()?),
    };
    (100..=599).contains(&bounds.0).then_some(bounds)
}

impl Step {
    /// What was given, unless it is empty.
    pub(super) fn input(&self, name: &str) -> Option<&str> {
        self.with.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    pub(super) fn count(&self, name: &str, otherwise: u32, most: u32) -> Result<u32, Problem> {
        let Some(text) = self.input(name) else { return Ok(otherwise) };
        let count = text.parse().ok().filter(|count| (1..=most).contains(count));
        count.ok_or_else(|| invalid(name, &format!("a whole number from 1 to {most}")))
    }

    pub(super) fn duration(
        &self,
        name: &str,
        otherwise: Duration,
        most: Duration,
    ) -> Result<Duration, Problem> {
        let Some(text) = self.input(name) else { return Ok(otherwise) };
        let time = workflow::language::parse_duration(text).ok();
        let time = time.filter(|time| !time.is_zero() && *time <= most);
        let wanted = format!("a time like 10s, and at most {} s", most.as_secs());
        time.ok_or_else(|| invalid(name, &wanted))
    }

    pub(super) fn truth(&self, name: &str) -> Result<bool, Problem> {
        match self.input(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(invalid(name, "`true` or `false`")),
        }
    }

    pub(super) fn expected(&self) -> Result<Expected, Problem> {
        let expected = self.input("status").unwrap_or("2xx").parse();
        expected.map_err(|()| invalid("status", "a status like 200 or 2xx, or several with commas"))
    }

    pub(super) fn url(&self) -> Result<Option<Uri>, Problem> {
        self.input("url").map(url).transpose()
    }
}

pub(super) fn url(text: &str) -> Result<Uri, Problem> {
    let uri = text.parse::<Uri>().ok().filter(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.host().is_some_and(|host| !host.is_empty())
    });
    uri.ok_or_else(|| invalid("url", "an address that begins with http:// or https://"))
}

pub(super) fn invalid(name: &str, wanted: &str) -> Problem {
    Problem::failed("input_invalid", format!("the input `{name}` has to be {wanted}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_numbers_and_classes() {
        let fits = |text: &str, status| text.parse::<Expected>().unwrap().fits(status);
        assert!(fits("2xx", 204) && !fits("2xx", 301) && !fits("200", 201));
        assert!(fits("200, 404", 404) && fits("3xx,401", 302));
        for bad in ["", "2", "9xx", "ok", "200-299", "99", "-200", "xx"] {
            assert!(bad.parse::<Expected>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_address_is_one_of_the_web() {
        for good in ["http://a", "https://a.example:81/b?c"] {
            assert!(url(good).is_ok(), "{good}");
        }
        for bad in ["a", "/a", "ftp://a", "http://", "file:///etc/passwd", "http://a b"] {
            assert!(url(bad).is_err(), "{bad}");
        }
    }
}
