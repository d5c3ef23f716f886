//! From columns to our types and back: where a database that holds nonsense is noticed.

use std::fmt::Display;
use std::str::FromStr;

use jiff::Timestamp;
use rusqlite::Row;
use rusqlite::types::Type;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) type Result<T> = rusqlite::Result<T>;

fn unreadable(column: &str, error: impl Display) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, format!("{column}: {error}").into())
}

pub(crate) fn text<T>(row: &Row<'_>, column: &str) -> Result<T>
where
    T: FromStr,
    T::Err: Display,
{
    row.get_ref(column)?.as_str()?.parse().map_err(|error| unreadable(column, error))
}

pub(crate) fn optional_text<T>(row: &Row<'_>, column: &str) -> Result<Option<T>>
where
    T: FromStr,
    T::Err: Display,
{
    let value = row.get_ref(column)?.as_str_or_null()?;
    value.map(|value| value.parse().map_err(|error| unreadable(column, error))).transpose()
}

pub(crate) fn time(row: &Row<'_>, column: &str) -> Result<Timestamp> {
    Timestamp::from_microsecond(row.get(column)?).map_err(|error| unreadable(column, error))
}

pub(crate) fn optional_time(row: &Row<'_>, column: &str) -> Result<Option<Timestamp>> {
    let value: Option<i64> = row.get(column)?;
    value
        .map(|value| Timestamp::from_microsecond(value).map_err(|error| unreadable(column, error)))
        .transpose()
}

pub(crate) fn json<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> Result<T> {
    serde_json::from_str(row.get_ref(column)?.as_str()?).map_err(|error| unreadable(column, error))
}

pub(crate) fn optional_json<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> Result<Option<T>> {
    let value = row.get_ref(column)?.as_str_or_null()?;
    value
        .map(|value| serde_json::from_str(value).map_err(|error| unreadable(column, error)))
        .transpose()
}

/// What [`json`] reads back.
pub(crate) fn to_json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("what is stored has only string keys")
}
