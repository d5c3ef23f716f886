use serde::de::DeserializeOwned;

use super::request::Call;
use super::{Client, Error};
use crate::Page;
use crate::page::MAX_LIMIT;

impl Client {
    /// Follows the pages of a list until it has `most` items, or all.
    pub(super) fn list<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&'static str, Option<String>)],
        most: Option<usize>,
    ) -> Result<Vec<T>, Error> {
        let most = most.unwrap_or(usize::MAX);
        let mut items = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let missing = most - items.len();
            let limit = u32::try_from(missing).unwrap_or(MAX_LIMIT).min(MAX_LIMIT);
            let mut call =
                Call::get(path).query("limit", Some(limit)).query("cursor", cursor.take());
            for (name, value) in query {
                call = call.query(name, value.as_ref());
            }
            let page: Page<T> = self.fetch(&call)?;
            let was_empty = page.items.is_empty();
            items.extend(page.items.into_iter().take(missing));
            match page.next_cursor {
                Some(next) if items.len() < most && !was_empty => cursor = Some(next),
                _ => return Ok(items),
            }
        }
    }
}
