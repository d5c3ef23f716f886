//! Lists in parts. A cursor is the key of the last item of the part before; what it says is nobody's business but ours.

use std::fmt::Display;
use std::str::FromStr;

use api::page::{DEFAULT_LIMIT, MAX_LIMIT};
use api::{ErrorCode, Page};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::refusal::{Answer, Refusal};

/// Which part of a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Paging {
    /// How many items; 50 if not said.
    #[param(minimum = 1, maximum = 200)]
    pub(crate) limit: Option<u32>,
    /// The `next_cursor` of the part before.
    pub(crate) cursor: Option<String>,
}

impl Paging {
    /// How many items are wanted.
    pub(crate) fn limit(&self) -> Answer<u32> {
        let limit = self.limit.unwrap_or(DEFAULT_LIMIT);
        if (1..=MAX_LIMIT).contains(&limit) {
            return Ok(limit);
        }
        Err(Refusal::new(ErrorCode::InvalidRequest, "the query cannot be read")
            .field("?limit", format!("it is {limit}; 1 to {MAX_LIMIT} are possible")))
    }

    /// The key behind which the part begins.
    pub(crate) fn after<K: FromStr>(&self) -> Answer<Option<K>> {
        let key = self.cursor.as_ref().map(|cursor| cursor.parse()).transpose();
        key.map_err(|_| {
            Refusal::new(ErrorCode::InvalidCursor, "the cursor is not one of this list")
                .hint("give back a `next_cursor` as it came, or leave it out to begin anew")
        })
    }

    /// The part of a list of which one item more than wanted was asked for.
    pub(crate) fn part<T, K: Display>(
        &self,
        mut items: Vec<T>,
        key: impl Fn(&T) -> K,
    ) -> Answer<Page<T>> {
        let limit = self.limit()? as usize;
        let has_more = items.len() > limit;
        items.truncate(limit);
        let next_cursor = items.last().filter(|_| has_more).map(|item| key(item).to_string());
        Ok(Page { items, next_cursor })
    }

    /// The part of a whole list that is in the order of its keys.
    pub(crate) fn part_of_all<T, K: Display + FromStr + Ord>(
        &self,
        mut items: Vec<T>,
        key: impl Fn(&T) -> K,
    ) -> Answer<Page<T>> {
        if let Some(after) = self.after::<K>()? {
            items.retain(|item| key(item) > after);
        }
        self.part(items, key)
    }
}

impl<T> From<Page<T>> for crate::extract::Json<Page<T>> {
    fn from(page: Page<T>) -> Self {
        Self(page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paging(limit: Option<u32>, cursor: Option<&str>) -> Paging {
        Paging { limit, cursor: cursor.map(str::to_owned) }
    }

    #[test]
    fn the_parts_make_up_the_whole() {
        let all: Vec<u64> = (1..=5).collect();
        let mut seen = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let page = paging(Some(2), cursor.as_deref())
                .part_of_all(all.clone(), |number| *number)
                .unwrap();
            seen.push(page.items);
            match page.next_cursor {
                Some(next) => cursor = Some(next),
                None => break,
            }
        }
        assert_eq!(seen, [vec![1, 2], vec![3, 4], vec![5]]);
    }

    #[test]
    fn a_list_that_fits_has_no_next_part() {
        let page = paging(Some(2), None).part(vec![1, 2], |number| *number).unwrap();
        assert_eq!((page.items, page.next_cursor), (vec![1, 2], None));
    }

    #[test]
    fn what_is_no_cursor_and_no_limit_is_refused() {
        let code = |refusal: Refusal| refusal.into_problem().code;
        assert_eq!(code(paging(None, Some("x")).after::<u64>().unwrap_err()), "invalid_cursor");
        for limit in [0, 201] {
            assert_eq!(code(paging(Some(limit), None).limit().unwrap_err()), "invalid_request");
        }
    }
}
