//! Nothing costs more than a bounded amount, whatever the file says.

use super::*;

#[test]
fn a_matrix_of_ten_thousand_is_refused() {
    let values = (0..100).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    let text = job(&format!(
        "runs-on: linux\nstrategy: {{ matrix: {{ a: [{values}], b: [{values}] }} }}\nsteps: [{{ run: x }}]"
    ));
    assert_mistakes(
        &text,
        &["5:25: the matrix has more than 256 legs: take values away, or exclude combinations"],
    );
}

#[test]
fn a_yaml_bomb_is_refused() {
    let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..12 {
        let below = format!("*a{},", level - 1).repeat(10);
        bomb += &format!("a{level}: &a{level} [{}]\n", below.trim_end_matches(','));
    }
    assert_mistakes(&bomb, &["5:10: the file holds more than 20000 values"]);
}

#[test]
fn a_deep_expression_is_refused() {
    let deep = format!("{}1{}", "(".repeat(1_000), ")".repeat(1_000));
    let refused = refused_beside(&step(&format!("run: '${{{{ {deep} }}}}'")), &[]);
    assert_eq!(refused.mistakes.len(), 1);
}

#[test]
fn workflows_are_nested_ten_deep_at_most() {
    let text =
        |level: usize| format!("on: workflow_call\njobs: {{ a: {{ uses: ./{level}.yml }} }}");
    let last = "on: workflow_call\njobs: { a: { runs-on: linux, steps: [{ run: x }] } }".to_owned();
    let chain = |length: usize| -> Vec<(String, String)> {
        let files = (1..=length).map(|level| {
            (format!("{level}.yml"), if level == length { last.clone() } else { text(level + 1) })
        });
        files.collect()
    };
    let read = |files: &[(String, String)]| {
        let files: Vec<_> = files.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        read_beside(&job("uses: ./1.yml"), &files)
    };
    assert!(read(&chain(10)).is_ok());
    let refused = read(&chain(11)).err().unwrap();
    assert_eq!(lines(&refused.mistakes), ["10.yml:2:20: files lead to files deeper than 10"]);
}

#[test]
fn a_tree_of_actions_cannot_grow_without_end() {
    // Each uses the next a hundred times: ten levels would be 10^20 steps.
    let text = |level: usize| {
        let uses = format!("{{ uses: ./a{level} }}, ").repeat(100);
        format!("runs: {{ using: composite, steps: [{}] }}", uses.trim_end_matches(", "))
    };
    let files: Vec<_> =
        (0..9).map(|level| (format!("a{level}/action.yml"), text(level + 1))).collect();
    let mut files: Vec<_> = files.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    files.push(("a9/action.yml", "runs: { using: node20, main: x.js }"));
    let refused = refused_beside(&step("uses: ./a0"), &files);
    let message = &refused.mistakes[0].message;
    assert_eq!(message, "with all that it uses the workflow has more than 10000 steps");
    assert_eq!(refused.mistakes.len(), 1);
}

#[test]
fn many_mistakes_are_counted() {
    let steps = "  - nothing: 1\n".repeat(150);
    let refused = refused_beside(&job(&format!("runs-on: linux\nsteps:\n{steps}")), &[]);
    assert_eq!((refused.mistakes.len(), refused.more_mistakes), (100, 200));
}

/// Whatever people type, the answer is a definition or mistakes, each with a place in the file.
#[test]
fn no_file_breaks_the_reader() {
    use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

    let mut random = StdRng::seed_from_u64(20_26);
    let pieces = [
        "${{",
        "}}",
        "!",
        "&a",
        "*a",
        "[",
        "]",
        "{",
        "}",
        ":",
        "- ",
        "\n",
        "'",
        "\"",
        "|",
        ">",
        "\t",
        "needs: ",
        "é",
        "matrix",
        "0x",
        "?",
        "<<: ",
        "((",
        "uses: ./x",
        "on",
        "\0",
        "#",
        "if: ",
        "inputs.",
        "---",
        "~",
        "cron: ",
    ];
    let original: Vec<char> = super::whole::EVERYTHING.chars().collect();
    for _ in 0..1_500 {
        let mut text = original.clone();
        for _ in 0..random.random_range(1..4) {
            let at = random.random_range(0..text.len());
            let until = (at + random.random_range(0..12)).min(text.len());
            let piece = pieces[random.random_range(0..pieces.len())];
            text.splice(at..until, piece.chars());
        }
        let text: String = text.into_iter().collect();
        let Err(refused) =
            read_beside(&text, &[("x/action.yml", "runs: { using: node20, main: a.js }")])
        else {
            continue;
        };
        assert!(!refused.mistakes.is_empty(), "{text}");
        let count = text.lines().count() + 1;
        for mistake in refused.mistakes.iter().filter(|mistake| mistake.file == FILE) {
            let place = mistake.at.expect("every mistake in a file has a place");
            assert!((1..=count).contains(&place.line) && place.column >= 1, "{mistake}\n{text}");
        }
    }
}
