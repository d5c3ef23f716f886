use serde::{Deserialize, Serialize};
use types::{Secret, Timestamp, TokenId};
use utoipa::ToSchema;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateToken {
    /// Who or what will use it; it names what was done with the token.
    #[schema(example = "ci")]
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Token {
    #[schema(value_type = String)]
    pub id: TokenId,
    #[schema(example = "ci")]
    pub name: String,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    pub created_by: String,
}

/// The only answer in which a token's text stands: the server keeps no more than its hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenCreated {
    #[schema(value_type = String)]
    pub id: TokenId,
    pub name: String,
    #[serde(with = "crate::secret")]
    #[schema(value_type = String)]
    pub token: Secret,
}

/// Whose token a request carried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WhoAmI {
    #[schema(value_type = String)]
    pub token_id: TokenId,
    #[schema(example = "admin")]
    pub name: String,
    /// Of the server.
    #[schema(example = "0.1.0")]
    pub server_version: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_token_is_on_the_wire_but_does_not_print() {
        let text = r#"{"id":"tok_01h2xcejqtf2nbrexx3vqjhp41","name":"ci","token":"solum_abc"}"#;
        let created: TokenCreated = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&created).unwrap(), text);
        assert!(!format!("{created:?}").contains("solum_abc"));
    }
}
