//! The document that describes the API. It is made from the handlers themselves, so that it cannot name a path that there is
//! not, or leave one out; what all operations share is added here.

use api::{IDEMPOTENCY_KEY_HEADER, Problem};
use axum::Json;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    Components, Content, HttpMethod, InfoBuilder, ObjectBuilder, OpenApi, Ref, RefOr, Required,
    ResponseBuilder, Type,
};
use utoipa::{PartialSchema as _, ToSchema as _};

const SCHEME: &str = "token";

/// The document.
#[must_use]
pub fn openapi() -> OpenApi {
    let (_, mut document) = crate::api::routes().split_for_parts();
    document.info = InfoBuilder::new()
        .title("Solum")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Errors are `application/problem+json` (RFC 9457). What takes long answers 202 with a Location to be \
             polled. Times are RFC 3339 in UTC.",
        ))
        .build();
    let components = document.components.get_or_insert_with(Components::new);
    let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    components.add_security_scheme(SCHEME, SecurityScheme::Http(scheme));
    for name_and_schema in schemas_of_problems() {
        components.schemas.insert(name_and_schema.0, name_and_schema.1);
    }
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            describe(path, &method, operation);
        }
    }
    document
}

pub(crate) async fn show() -> Json<OpenApi> {
    Json(openapi())
}

fn schemas_of_problems() -> Vec<(String, RefOr<utoipa::openapi::Schema>)> {
    let mut schemas = vec![(Problem::name().into_owned(), Problem::schema())];
    Problem::schemas(&mut schemas);
    schemas
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (HttpMethod, &mut Operation)> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    [
        (HttpMethod::Get, get),
        (HttpMethod::Put, put),
        (HttpMethod::Post, post),
        (HttpMethod::Delete, delete),
        (HttpMethod::Patch, patch),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// Adds what every operation has: its path's parameters, the token, the way it fails.
fn describe(path: &str, method: &HttpMethod, operation: &mut Operation) {
    let parameters = operation.parameters.get_or_insert_default();
    for (index, name) in segments(path).enumerate() {
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .schema(Some(text()));
        parameters.insert(index, parameter.build());
    }
    if *method == HttpMethod::Post {
        let key = ParameterBuilder::new()
            .name(IDEMPOTENCY_KEY_HEADER)
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some("The same key is carried out once, and answered the same each time."))
            .schema(Some(text()));
        parameters.push(key.build());
    }
    let problem = Content::new(Some(Ref::from_schema_name(Problem::name())));
    let failure = ResponseBuilder::new()
        .description("It was refused, or it failed.")
        .content(Problem::MEDIA_TYPE, problem);
    operation.responses.responses.insert("default".to_owned(), failure.build().into());
    let no_scopes: [&str; 0] = [];
    operation.security = Some(vec![SecurityRequirement::new(SCHEME, no_scopes)]);
}

/// The names in braces.
fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
}

fn text() -> utoipa::openapi::Schema {
    ObjectBuilder::new().schema_type(Type::String).build().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_says_who_may_and_how_it_fails() {
        let mut document = openapi();
        assert!(document.paths.paths.len() > 20);
        for (path, item) in &mut document.paths.paths {
            assert!(path.starts_with("/api/v1/"), "{path}");
            for (_, operation) in operations(item) {
                let what = format!("{:?} at {path}", operation.operation_id);
                assert!(operation.security.is_some(), "{what}");
                assert!(operation.responses.responses.contains_key("default"), "{what}");
                assert!(operation.summary.is_some(), "{what} has no summary");
                assert!(operation.operation_id.is_some(), "{what}");
            }
        }
    }

    #[test]
    fn every_schema_that_is_named_is_there() {
        let document = serde_json::to_value(openapi()).unwrap();
        let text = document.to_string();
        for reference in text.split(r##""$ref":"#/components/schemas/"##).skip(1) {
            let name = reference.split('"').next().unwrap();
            assert!(document["components"]["schemas"].get(name).is_some(), "{name}");
        }
    }
}
