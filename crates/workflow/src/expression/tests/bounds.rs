//! Whatever it says, and whatever it is given, an expression ends soon, in little memory.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use super::*;
use crate::expression::{Form, Problem, Unchecked, check};

fn problem(expression: &str) -> Problem {
    evaluated(expression).unwrap_err().problem
}

/// A thousand levels of `open`, in the smallest stack that a thread of ours has.
fn nested(open: &str, inside: &str, close: &str) -> Problem {
    let expression = format!("{}{inside}{}", open.repeat(1000), close.repeat(1000));
    let small_stack = std::thread::Builder::new().stack_size(512 << 10);
    small_stack.spawn(move || problem(&expression)).unwrap().join().unwrap()
}

#[test]
fn a_thousand_levels_are_refused() {
    assert_eq!(nested("(", "1", ")"), Problem::TooDeep);
    assert_eq!(nested("!", "1", ""), Problem::TooDeep);
    assert_eq!(nested("list[", "1", "]"), Problem::TooDeep);
    assert_eq!(nested("toJSON(", "1", ")"), Problem::TooDeep);
    assert_eq!(nested("1 == (", "1", ")"), Problem::TooManyOperators(500));
    assert_eq!(nested("1 || ", "1", ""), Problem::TooManyOperators(500));
}

#[test]
fn five_hundred_operators_need_little_stack() {
    let expression = format!("{}true", "false || '||' == '' || ".repeat(166));
    let evaluate = move || {
        let allowed = crate::expression::Allowed {
            contexts: &[],
            status: false,
            hash_files: false,
            names: &Unchecked,
        };
        assert_eq!(check(&template(&expression), Form::Condition, &allowed), []);
        evaluated(&expression)
    };
    let small_stack = std::thread::Builder::new().stack_size(512 << 10);
    assert_eq!(small_stack.spawn(evaluate).unwrap().join().unwrap(), Ok(Value::Bool(true)));
}

#[test]
fn a_long_expression_is_refused() {
    assert_eq!(problem(&format!("'{}'", "x".repeat(21_000))), Problem::TooLong(21_000));
    assert!(evaluated(&format!("'{}'", "x".repeat(20_000))).is_ok());
    let long_path = format!("github{}", ".event".repeat(3_000));
    assert_eq!(evaluated(&long_path), Ok(Value::Null));
}

/// Ten times what is inside.
fn tenfold(inside: &str) -> String {
    format!("format('{}', {inside})", "{0}".repeat(10))
}

#[test]
fn what_grows_is_stopped() {
    let mut expression = "'0123456789'".to_owned();
    for _ in 0..4 {
        expression = tenfold(&expression);
    }
    assert!(evaluated(&expression).is_ok(), "100 kB");
    assert_eq!(problem(&tenfold(&tenfold(&expression))), Problem::TooLarge);
    let list = "x".repeat(1 << 19);
    let scope = Fixed::new(json!({ "list": vec![list; 40] }));
    let given = |text: &str| value(&template(text), &scope).unwrap_err().problem;
    assert_eq!(given("${{ join(list) }}"), Problem::TooLarge);
    assert_eq!(given("${{ toJSON(list) }}"), Problem::TooLarge);
    assert_eq!(given("${{ list[0] }}${{ list[1] }}${{ list[2] }}"), Problem::TooLarge);
    let looks = "contains(list[0], 'y') || ".repeat(100);
    assert_eq!(given(&format!("${{{{ {looks} false }}}}")), Problem::TooLarge);
    let stars = "list.* && ".repeat(100);
    assert_eq!(value(&template(&format!("${{{{ {stars} 1 }}}}")), &scope), Ok(Value::Number(1.0)));
}

#[test]
fn stars_over_many_items_are_stopped() {
    let scope = Fixed::new(json!({ "list": vec![vec![0; 1000]; 1000] }));
    let given = value(&template("${{ list.*.* }}"), &scope).unwrap_err();
    assert_eq!(given.problem, Problem::TooLarge);
    assert!(value(&template("${{ list.*[0] }}"), &scope).is_ok());
}

#[test]
fn deep_json_is_refused() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}1{}", open.repeat(5_000), close.repeat(5_000));
        let scope = Fixed::new(json!({ "env": { "JSON": deep } }));
        let error = value(&template("${{ fromJSON(env.JSON) }}"), &scope).unwrap_err();
        assert!(error.to_string().contains("recursion limit exceeded"), "{error}");
    }
}

/// Random words of the language: nothing panics, and what can be evaluated was found right before.
#[test]
fn nonsense_is_refused_or_evaluated() {
    const WORDS: [&str; 40] = [
        "github",
        "list",
        "env",
        ".",
        ".",
        "*",
        "[",
        "]",
        "(",
        ")",
        "(",
        ")",
        ",",
        ",",
        "'",
        "''",
        "'a'",
        "'é'",
        "1",
        "0x1",
        "-",
        "+",
        "&&",
        "||",
        "==",
        "!=",
        "<",
        ">=",
        "!",
        "format",
        "join",
        "toJSON",
        "fromJSON",
        "case",
        "hashFiles",
        "success",
        " ",
        "{0}",
        "${{",
        "}}",
    ];
    let mut random = StdRng::seed_from_u64(7);
    let allowed = crate::expression::Allowed {
        contexts: &["github", "list", "env"],
        status: false,
        hash_files: true,
        names: &Unchecked,
    };
    let mut evaluated = 0;
    for _ in 0..20_000 {
        let length = random.random_range(1..12);
        let words: String =
            (0..length).filter_map(|_| WORDS.choose(&mut random)).copied().collect();
        let template = template(&format!("${{{{ {words} }}}}"));
        let found = check(&template, Form::Text, &allowed);
        if let Ok(_value) = value(&template, &scope()) {
            evaluated += 1;
            let short_circuit =
                words.contains("&&") || words.contains("||") || words.contains("case");
            assert!(found.is_empty() || short_circuit, "{words}: {found:?}");
        }
    }
    assert!(evaluated > 100, "{evaluated}");
}
