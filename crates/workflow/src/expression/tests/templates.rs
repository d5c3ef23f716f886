//! Text around expressions, and what a template may give.

use super::*;
use crate::expression::{boolean, number, render};

fn rendered(text: &str) -> Result<String, String> {
    render(&template(text), &scope()).map_err(|error| error.in_file("w.yml").to_string())
}

#[test]
fn text_keeps_everything_around_its_expressions() {
    for (text, expected) in [
        ("", ""),
        ("no expression, $HOME, {{ x }} and }}", "no expression, $HOME, {{ x }} and }}"),
        ("${{ github.ref }}", "refs/heads/main"),
        ("a ${{ 1 }}${{null}} b ${{'}}'}}\n", "a 1 b }}\n"),
        ("${{ '${{' }}", "${{"),
        ("${{ 'it''s }}' }}", "it's }}"),
        ("list: ${{ list }}", "list: Array"),
        ("$${{ 1 }}", "$1"),
    ] {
        assert_eq!(rendered(text).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn a_single_expression_keeps_its_type() {
    let typed = |text: &str| value(&template(text), &scope()).unwrap();
    assert_eq!(typed("${{ 1 == 1 }}"), Value::Bool(true));
    assert_eq!(typed("${{ fromJSON('[1]') }}"), Value::from(vec![Value::Number(1.0)]));
    assert_eq!(typed("${{ true }} "), Value::from("true "));
    assert_eq!(typed("true"), Value::from("true"));
}

#[test]
fn a_list_is_no_text() {
    assert_eq!(
        rendered("${{ list }}").unwrap_err(),
        "w.yml:3:5: text is wanted, and this is a list; `toJSON(…)` makes text of it, in `${{ list }}`"
    );
}

#[test]
fn keys_that_are_true_or_false_or_a_number() {
    let boolean =
        |text: &str| boolean(&template(text), &scope()).map_err(|error| error.to_string());
    assert_eq!(boolean("true"), Ok(true));
    assert_eq!(boolean("${{ false }}"), Ok(false));
    assert_eq!(boolean("${{ 'true' }}"), Ok(true));
    assert_eq!(
        boolean("${{ 1 }}").unwrap_err(),
        "true or false is wanted, and this is a number, in `${{ 1 }}`"
    );
    let number = |text: &str| number(&template(text), &scope()).map_err(|error| error.to_string());
    assert_eq!(number("10"), Ok(10.0));
    assert_eq!(number("${{ github.event.number }}"), Ok(7.0));
    assert_eq!(number("${{ '1.5' }}"), Ok(1.5));
    for text in ["", "x", "${{ null }}", "${{ true }}", "${{ Infinity }}", "${{ NaN }}"] {
        assert!(number(text).is_err(), "{text}");
    }
}

#[test]
fn an_error_stands_where_its_part_does() {
    for (text, expected) in [
        ("${{ github.ref", "w.yml:3:5: `${{` is not closed by `}}`, in `${{ github.ref`"),
        ("é ${{  }}", "w.yml:3:7: there is no expression between `${{` and `}}`, in `${{ }}`"),
        ("x ${{ 1 + 1 }}", "w.yml:3:13: invalid numeric literal, in `+ 1`"),
        ("${{ github. }}", "w.yml:3:16: expected an identifier or `*`, in `github.`"),
        ("${{ a && 'b }}", "w.yml:3:5: `${{` is not closed by `}}`, in `${{ a && 'b }}`"),
        (
            "${{ 'fromJSOn(' && fromJSOn('') }}",
            "w.yml:3:24: `fromJSON` cannot read its argument: it is empty, in `fromJSOn('')`",
        ),
        (
            "${{ 'containz(' && containz('') }}",
            "w.yml:3:24: there is no function `containz`; did you mean 'contains'?, in `containz('')`",
        ),
        (
            "${{ endsWith('a', 'b') && startsWith('a') }}",
            "w.yml:3:31: `startsWith` takes exactly 2 arguments, in `startsWith('a')`",
        ),
        ("${{ \"a\" }}", "w.yml:3:9: unexpected symbol, in `\"a\"`"),
        // The column in a block of several lines is not known: there it is where the block begins.
        ("x\n${{ nowhere }}", "w.yml:3:5: `nowhere` is not available here, in `nowhere`"),
    ] {
        assert_eq!(rendered(text).unwrap_err(), expected, "{text}");
    }
}
