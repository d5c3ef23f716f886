use serde::{Deserialize, Serialize};
use types::{SettingName, Timestamp};
use utoipa::ToSchema;

/// What is told of a secret: everything but its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Secret {
    /// In capitals.
    #[schema(value_type = String, example = "DEPLOY_KEY")]
    pub name: SettingName,
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    pub updated_by: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetSecret {
    /// 1 to 49152 bytes. It is never answered.
    #[serde(with = "crate::secret")]
    #[schema(value_type = String, write_only)]
    pub value: types::Secret,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_does_not_print() {
        let set: SetSecret = serde_json::from_str(r#"{"value": "hunter2"}"#).unwrap();
        assert!(!format!("{set:?}").contains("hunter2"));
    }

    #[test]
    fn a_value_that_is_no_text_is_refused_and_not_repeated() {
        for body in [
            r#"{"value": 271828}"#,
            r#"{"value": {"a": "hunter2"}}"#,
            r#"{"value": "hunter2", "v": 1}"#,
        ] {
            let error = serde_json::from_str::<SetSecret>(body).unwrap_err().to_string();
            assert!(!error.contains("271828") && !error.contains("hunter2"), "{error}");
        }
    }
}
