use std::time::{Duration, Instant};

use anyhow::{Result, bail};

const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(25);

/// Asks `condition` again and again until it gives something, `within` that time at most.
///
/// # Errors
/// Names `what` was waited for when the time is over.
pub fn wait_until<T>(
    what: &str,
    within: Duration,
    mut condition: impl FnMut() -> Option<T>,
) -> Result<T> {
    let started = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        if let Some(found) = condition() {
            return Ok(found);
        }
        if started.elapsed() >= within {
            bail!("waited {within:?} in vain: {what}");
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place where the harness waits between two looks at a condition"
        )]
        std::thread::sleep(pause);
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_condition_gives_comes_back() {
        let mut looks = 0;
        let found = wait_until("the third look", Duration::from_secs(5), || {
            looks += 1;
            (looks == 3).then_some(looks)
        });
        assert_eq!(found.unwrap(), 3);
    }

    #[test]
    fn a_wait_in_vain_names_what_it_was_for() {
        let error = wait_until::<()>("a miracle", Duration::from_millis(5), || None).unwrap_err();
        assert_eq!(error.to_string(), "waited 5ms in vain: a miracle");
    }
}
