//! Contexts, names, positions and `*`.

use super::*;

#[test]
fn names_may_be_in_any_case_and_in_brackets() {
    table(&[
        ("github.event.number", "7"),
        ("GITHUB.Event['NUMBER']", "7"),
        ("github['event'].number", "7"),
        ("(github).event.number", "7"),
        ("env.name", "\"Zoë\""),
        ("fromJSON('{\"ZOË\": 1}')[env.Name]", "1"),
    ]);
}

#[test]
fn what_is_not_there_is_null() {
    table(&[
        ("github.nothing", "null"),
        ("github.nothing.at.all", "null"),
        ("github.ref.length", "null"),
        ("none.x", "null"),
        ("list[2]", "null"),
        ("list.one", "null"),
        ("github.event[fromJSON('[]')]", "null"),
    ]);
}

#[test]
fn another_context_is_an_error() {
    let error = evaluated("nowhere.x").unwrap_err();
    assert_eq!(error.to_string(), "`nowhere` is not available here, in `nowhere`");
}

#[test]
fn positions_and_keys_are_converted() {
    table(&[
        ("list[0]", "\"zero\""),
        ("list['1']", "\"one\""),
        ("list[' 0x1 ']", "\"one\""),
        ("list[true]", "\"one\""),
        ("list[null]", "\"zero\""),
        ("list[1.9]", "\"one\""),
        ("list[-1]", "null"),
        ("list[NaN]", "null"),
        ("list[Infinity]", "null"),
        ("github.event[null]", "\"no name\""),
        ("github.event[0xf]", "\"fifteen\""),
        ("github.event.commits[github.event.nothing].id", "\"a\""),
    ]);
}

#[test]
fn a_star_applies_what_follows_to_each() {
    table(&[
        ("github.event.commits.*.id", "[\"a\",\"b\",\"c\"]"),
        ("github.event.commits[*].author.name", "[\"alice\",\"bob\"]"),
        ("github.event.commits.*.files[0]", "[\"x\",\"z\"]"),
        ("github.event.commits.*.files.*", "[\"x\",\"y\",\"z\"]"),
        ("github.event.commits.*.author.*", "[\"alice\",\"bob\"]"),
        ("env.*", "[\"\",\"Zoë\"]"),
        ("env.*.x", "[]"),
        ("none.*", "[]"),
        ("github.ref.*", "[]"),
        // It applies to items until the end of the path, also through brackets and `||`.
        ("(github.event.commits.*).id", "[\"a\",\"b\",\"c\"]"),
        ("(null || github.event.commits.*).id", "[\"a\",\"b\",\"c\"]"),
        ("join(github.event.commits.*.id, '')", "\"abc\""),
        ("contains(github.event.commits.*.author.name, 'BOB')", "true"),
    ]);
}
