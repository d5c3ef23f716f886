//! What each function gives.

use super::*;

#[test]
fn contains() {
    table(&[
        ("contains('Hello world', 'LLO')", "true"),
        ("contains('Hello world', '')", "true"),
        ("contains(1234, 23)", "true"),
        ("contains(list, 'ONE')", "true"),
        ("contains(list, 'on')", "false"),
        ("contains(fromJSON('[1, null, true]'), '1')", "true"),
        ("contains(github, 'ref')", "false"),
        ("contains('Array', list)", "false"),
        ("CONTAINS('a', 'a')", "true"),
    ]);
}

#[test]
fn starts_with_and_ends_with() {
    table(&[
        ("startsWith('Hello world', 'HE')", "true"),
        ("startsWith('Hello', 'ello')", "false"),
        ("startsWith(1234, 12)", "true"),
        ("startsWith(list, 'A')", "false"),
        ("endsWith('Hello world', 'LD')", "true"),
        ("endsWith('x', null)", "true"),
        ("endsWith(github.ref, '/main')", "true"),
    ]);
}

#[test]
fn format() {
    table(&[
        ("format('Hello {0} {1} {0}', 'Mona', 7)", "\"Hello Mona 7 Mona\""),
        ("format('{{Hello {0}!}}', 'Mona')", "\"{Hello Mona!}\""),
        ("format('{0}', list)", "\"Array\""),
        ("format('{0}|{1}|{2}', null, true, github)", "\"|true|Object\""),
        // What is not asked for is not evaluated.
        ("format('x', fromJSON(''))", "\"x\""),
        ("format(null)", "\"\""),
        (
            "format('{0} {1}', 'a')",
            "`format` is given 1 arguments, and its text asks for number {1}, in `format('{0} {1}', 'a')`",
        ),
        (
            "format('{0', 'a')",
            "the first argument of `format` is no valid format: write `{{` and `}}` for braces, in \
             `format('{0', 'a')`",
        ),
        ("format()", "`format` takes 1 to 255 arguments, in `format()`"),
    ]);
}

#[test]
fn join() {
    table(&[
        ("join(list, ', ')", "\"zero, one\""),
        ("join(list)", "\"zero,one\""),
        ("join(list, github)", "\"zero,one\""),
        ("join('text', 'x')", "\"text\""),
        ("join(github, 'x')", "\"\""),
        ("join(fromJSON('[null, true, 1.5, [], {}]'), '-')", "\"-true-1.5-Array-Object\""),
        ("join(fromJSON('[]'))", "\"\""),
    ]);
}

#[test]
fn to_json_is_printed_in_lines() {
    let value = evaluated("toJSON(fromJSON('{\"b\": [1, {}], \"a\": {\"x\": null}, \"e\": []}'))");
    let expected = r#"{
  "b": [
    1,
    {}
  ],
  "a": {
    "x": null
  },
  "e": []
}"#;
    assert_eq!(value.unwrap(), Value::from(expected));
    table(&[
        ("toJSON('a\"b\\')", "\"\\\"a\\\\\\\"b\\\\\\\\\\\"\""),
        ("toJSON(null)", "\"null\""),
        ("toJSON(1.50)", "\"1.5\""),
        ("toJSON(env.Name)", "\"\\\"Zoë\\\"\""),
    ]);
}

#[test]
fn from_json() {
    table(&[
        ("fromJSON('[1, \"two\", {\"three\": false}]')", "[1,\"two\",{\"three\":false}]"),
        ("fromJSON('true')", "true"),
        ("fromJSON('{\"a\": 1, \"A\": 2}')", "{\"a\":2}"),
        (
            "fromJSON(env.EMPTY)",
            "`fromJSON` cannot read its argument: it is empty, in `fromJSON(env.EMPTY)`",
        ),
        (
            "fromJSON('{a}')",
            "`fromJSON` cannot read its argument: key must be a string at line 1 column 2, in `fromJSON('{a}')`",
        ),
    ]);
}

#[test]
fn no_value_stands_in_an_error() {
    let secret =
        Fixed::new(json!({ "secrets": { "KEY": "hunter2 {0}", "JSON": "{\"hunter2\": x}" } }));
    for expression in ["fromJSON(secrets.KEY)", "fromJSON(secrets.JSON)", "format(secrets.KEY)"] {
        let error = value(&template(&format!("${{{{ {expression} }}}}")), &secret).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn case() {
    table(&[
        ("case(true, 'a', 'b')", "\"a\""),
        ("case(false, 'a', 'b')", "\"b\""),
        ("case(false, 'a', 1 == 1, 'b', 'c')", "\"b\""),
        ("case(true, 'a', fromJSON(''))", "\"a\""),
        (
            "case(1, 'a', 'b')",
            "what `case` chooses by has to be true or false, and this is a number, in `1`",
        ),
        ("case(true, 'a')", "`case` takes at least 3 arguments, in `case(true, 'a')`"),
        (
            "case(true, 'a', false, 'b')",
            "`case` takes an odd number of arguments, in `case(true, 'a', false, 'b')`",
        ),
    ]);
}

#[test]
fn hash_files_is_the_scopes() {
    table(&[
        ("hashFiles('**/a', github.event.number)", "\"digest of **/a 7\""),
        (
            "hashFiles('broken')",
            "`hashFiles` has no answer: too many files, in `hashFiles('broken')`",
        ),
    ]);
}

#[test]
fn only_what_has_a_status_can_be_asked_for_it() {
    let status = |expression: &str, scope: &Fixed| {
        let template = template(&format!("${{{{ {expression} }}}}"));
        value(&template, scope).map_err(|error| error.to_string())
    };
    let all = ["success()", "failure()", "cancelled()", "always()"];
    for (given, expected) in [
        (SUCCESS, [true, false, false, true]),
        (FAILURE, [false, true, false, true]),
        (CANCELLED, [false, false, true, true]),
    ] {
        for (function, expected) in all.iter().zip(expected) {
            assert_eq!(status(function, &scope().with(given)), Ok(expected.into()), "{function}");
        }
    }
    assert_eq!(
        status("success()", &scope()).unwrap_err(),
        "`success()` is not available here, in `success()`"
    );
    assert_eq!(
        status("success(1)", &scope()).unwrap_err(),
        "`success` takes no arguments, in `success(1)`"
    );
}
