//! The key that keeps a user on one side of a split: a random, host-only cookie, set when a route is split and
//! never otherwise.

use http::header::{self, HeaderMap, HeaderValue};

const NAME: &str = "solum_side";
const LENGTH: usize = 32;

/// What a request says about its user, and what has to be said back.
#[derive(Debug, Default)]
pub(super) struct Sticky {
    new: Option<String>,
}

impl Sticky {
    /// Hands the user's key to `place`: the one that came along, or a new one.
    pub(super) fn place(&mut self, headers: &HeaderMap, place: impl FnOnce(&[u8]) -> u64) -> u64 {
        match key_in(headers) {
            Some(key) => place(key.as_bytes()),
            None => {
                let new =
                    self.new.get_or_insert_with(|| format!("{:032x}", rand::random::<u128>()));
                place(new.as_bytes())
            }
        }
    }

    /// The cookie to set, if the key is new.
    pub(super) fn cookie(&self) -> Option<HeaderValue> {
        let cookie = format!("{NAME}={}; Path=/; HttpOnly; SameSite=Lax", self.new.as_ref()?);
        HeaderValue::from_str(&cookie).ok()
    }
}

fn key_in(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter();
    let mut pairs = cookies.filter_map(|cookies| cookies.to_str().ok()).flat_map(|c| c.split(';'));
    pairs.find_map(|pair| {
        let key = pair.trim().strip_prefix(NAME)?.strip_prefix('=')?;
        let is_ours = key.len() == LENGTH && key.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_ours.then_some(key)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookie: &str) -> HeaderMap {
        [(header::COOKIE, HeaderValue::from_str(cookie).unwrap())].into_iter().collect()
    }

    #[test]
    fn a_key_that_came_along_is_used_and_not_set_again() {
        let key = "0123456789abcdef0123456789abcdef";
        let mut sticky = Sticky::default();
        let headers = headers(&format!("a=b; solum_side={key}; c=d"));
        assert_eq!(sticky.place(&headers, |given| u64::from(given == key.as_bytes())), 1);
        assert_eq!(sticky.cookie(), None);
    }

    #[test]
    fn without_a_sane_key_one_is_made_and_set() {
        for cookie in ["a=b", "solum_side=x", "xsolum_side=0123456789abcdef0123456789abcdef"] {
            let mut sticky = Sticky::default();
            let mut seen = Vec::new();
            for _ in 0..2 {
                sticky.place(&headers(cookie), |key| {
                    seen.push(key.to_vec());
                    0
                });
            }
            assert_eq!(seen[0], seen[1], "a retry keeps the side");
            let set = sticky.cookie().unwrap();
            let expected = format!(
                "solum_side={}; Path=/; HttpOnly; SameSite=Lax",
                String::from_utf8(seen.remove(0)).unwrap()
            );
            assert_eq!(set, expected);
        }
    }
}
