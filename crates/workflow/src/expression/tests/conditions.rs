//! `if:`.

use super::*;
use crate::expression::condition;

#[track_caller]
fn holds(text: &str, status: Status) -> bool {
    condition(&template(text), &scope().with(status)).unwrap()
}

#[test]
fn it_is_an_expression_with_and_without_braces() {
    for text in [
        "github.ref == 'refs/heads/main'",
        "${{ github.ref == 'refs/heads/main' }}",
        " ${{ github.ref == 'refs/heads/main' }}\n",
        "\n  github.ref == 'refs/heads/main'\n",
        "true",
        "'false'",
        "list",
        "",
        "  ",
    ] {
        assert!(holds(text, SUCCESS), "{text}");
    }
    for text in ["false", "${{ false }}", "${{ false }}\n", "''", "0", "github.nothing"] {
        assert!(!holds(text, SUCCESS), "{text}");
    }
}

#[test]
fn it_only_holds_after_success_unless_it_asks_how_things_stand() {
    for (text, after_failure, after_cancel) in [
        ("", false, false),
        ("true", false, false),
        ("${{ true }}", false, false),
        ("success()", false, false),
        ("failure()", true, false),
        ("always()", true, true),
        ("cancelled()", false, true),
        ("!cancelled()", true, false),
        ("ALWAYS() && github.ref", true, true),
        // It is enough that one is named.
        ("github.ref || failure()", true, true),
        ("contains('always()', 'a')", false, false),
    ] {
        assert_eq!(holds(text, FAILURE), after_failure, "{text}");
        assert_eq!(holds(text, CANCELLED), after_cancel, "{text}");
    }
}

#[test]
fn text_beside_the_braces_makes_it_text_which_holds() {
    assert!(holds("${{ false }} && false", SUCCESS));
    assert!(!holds("${{ false }} && false", FAILURE));
    assert!(holds("${{ failure() }} && false", FAILURE));
}

#[test]
fn an_error_is_an_error_unless_it_is_not_reached() {
    let error = condition(&template("fromJSON('')"), &scope().with(SUCCESS)).unwrap_err();
    assert_eq!(error.at, Place { line: 3, column: 5 });
    assert!(!holds("fromJSON('')", FAILURE));
    let error = condition(&template("${{ true"), &scope().with(FAILURE)).unwrap_err();
    assert_eq!(error.to_string(), "`${{` is not closed by `}}`, in `${{ true`");
}

#[test]
fn without_a_status_there_is_no_condition() {
    let error = condition(&template("true"), &scope()).unwrap_err();
    assert_eq!(error.to_string(), "`success()` is not available here, in `true`");
}
