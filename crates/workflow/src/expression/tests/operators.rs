//! Literals, conversions, `!`, comparisons, `&&` and `||`.

use super::*;

#[test]
fn literals() {
    table(&[
        ("null", "null"),
        ("true", "true"),
        ("711", "711"),
        ("-9.2", "-9.2"),
        ("0xff", "255"),
        ("0xFFFFFFFF", "-1"),
        ("0o17", "15"),
        ("-2.99e-2", "-0.0299"),
        (".5", "0.5"),
        ("'Mona the Octocat'", "\"Mona the Octocat\""),
        ("'It''s open source!'", "\"It's open source!\""),
        ("'}}'", "\"}}\""),
    ]);
}

#[test]
fn numbers_print_with_fifteen_digits() {
    table(&[
        ("format('{0}', 0.84551240822557006)", "\"0.84551240822557\""),
        ("format('{0}', -0)", "\"0\""),
        ("format('{0}', 123456789012345)", "\"123456789012345\""),
        ("format('{0}', 1234567890123456)", "\"1.23456789012346E+15\""),
        ("format('{0}', 999999999999999.9)", "\"1E+15\""),
        ("format('{0}', 0.00001)", "\"1E-05\""),
        ("format('{0}', 0.000012)", "\"1.2E-05\""),
        ("format('{0}', 0.0001)", "\"0.0001\""),
        ("format('{0}', 100)", "\"100\""),
        ("format('{0} {1} {2}', Infinity, -Infinity, NaN)", "\"Infinity -Infinity NaN\""),
    ]);
}

#[test]
fn values_of_different_kinds_compare_as_numbers() {
    table(&[
        ("null == 0", "true"),
        ("null == ''", "true"),
        ("true == 1", "true"),
        ("true == 'true'", "false"),
        ("true == '1'", "true"),
        ("false == ''", "true"),
        ("' 12.5 ' == 12.5", "true"),
        ("'0x10' == 16", "true"),
        ("'0o10' == 8", "true"),
        ("'Infinity' == Infinity", "true"),
        ("'inf' == Infinity", "false"),
        ("'1e400' == Infinity", "true"),
        ("'abc' == 0", "false"),
        ("'0x' == 0", "false"),
        ("'0x+1' == 1", "false"),
        ("github == 'Object'", "false"),
        ("list == 0", "false"),
    ]);
}

#[test]
fn text_compares_whatever_its_case() {
    table(&[
        ("'abc' == 'ABC'", "true"),
        ("'zoë' == 'ZOË'", "true"),
        ("'straße' == 'STRASSE'", "false"),
        ("'ı' == 'I'", "false"),
        ("'a' < 'B'", "true"),
        ("'b' > 'A'", "true"),
        ("'10' < '9'", "true"),
        ("10 < '9'", "false"),
        ("'a' >= 'A'", "true"),
        ("'a' != 'A'", "false"),
    ]);
}

#[test]
fn lists_and_objects_equal_only_themselves() {
    table(&[
        ("list == list", "true"),
        ("github.event == github.event", "true"),
        ("fromJSON('[]') == fromJSON('[]')", "false"),
        ("list != github", "true"),
        ("list >= list", "true"),
        ("list > list", "false"),
    ]);
}

#[test]
fn nan_equals_nothing() {
    table(&[
        ("NaN == NaN", "false"),
        ("NaN != NaN", "true"),
        ("NaN <= NaN", "false"),
        ("'abc' > 1", "false"),
        ("'abc' < 1", "false"),
    ]);
}

#[test]
fn and_and_or_give_one_of_their_sides() {
    table(&[
        ("'' || 'default'", "\"default\""),
        ("'a' || 'b'", "\"a\""),
        ("'a' && 'b'", "\"b\""),
        ("0 && 'b'", "0"),
        ("null || false", "false"),
        ("github.ref == 'refs/heads/main' && 'prod' || 'dev'", "\"prod\""),
        // What is not needed is not evaluated.
        ("true || fromJSON('')", "true"),
        ("false && fromJSON('')", "false"),
    ]);
}

#[test]
fn what_counts_as_true() {
    table(&[
        ("!null", "true"),
        ("!''", "true"),
        ("!'false'", "false"),
        ("!0", "true"),
        ("!NaN", "true"),
        ("!-1", "false"),
        ("!fromJSON('[]')", "false"),
        ("!fromJSON('{}')", "false"),
        ("!!'x'", "true"),
    ]);
}

#[test]
fn precedence() {
    table(&[
        ("true || false && false", "true"),
        ("(true || false) && false", "false"),
        ("1 == 1 && 2 == 3 || 4 == 4", "true"),
        ("!false == true", "true"),
        ("1 < 2 == true", "true"),
        ("false == 1 < 2", "false"),
    ]);
}
