//! The patterns of `branches`, `tags` and `paths`, by the rules of GitHub's filter pattern cheat sheet: `*` stands for
//! anything but `/`, `**` for anything, `?` and `+` repeat what stands before them, `[…]` is one character of a set, `\`
//! takes the meaning from the next character, and `!` at the beginning turns the pattern round.
//!
//! Matching takes time in proportion to pattern × text, whatever the pattern is.

/// A pattern, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    pub(super) negated: bool,
    pieces: Vec<Piece>,
}

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    One(Characters),
    /// `x?`
    AtMostOne(Characters),
    /// `x+`
    AtLeastOne(Characters),
    /// `*`, `**`
    Any(Characters),
    /// `**/`: nothing, or anything up to a slash.
    Folders,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Characters {
    All,
    AllButSlash,
    Exactly(char),
    /// Both ends belong to it.
    Ranges(Vec<(char, char)>),
}

impl Characters {
    fn has(&self, character: char) -> bool {
        match self {
            Self::All => true,
            Self::AllButSlash => character != '/',
            Self::Exactly(only) => *only == character,
            Self::Ranges(ranges) => {
                ranges.iter().any(|(from, to)| (*from..=*to).contains(&character))
            }
        }
    }
}

/// Longer patterns are refused.
const MAX_CHARACTERS: usize = 1_024;

impl Pattern {
    /// Takes a pattern apart, or says what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.chars().count() > MAX_CHARACTERS {
            return Err(format!("it is longer than {MAX_CHARACTERS} characters"));
        }
        let negated = text.starts_with('!');
        let mut rest = text.strip_prefix('!').unwrap_or(text).chars().peekable();
        let mut pieces = Vec::new();
        while let Some(character) = rest.next() {
            let one = match character {
                '*' => {
                    if rest.next_if_eq(&'*').is_none() {
                        pieces.push(Piece::Any(Characters::AllButSlash));
                    } else if at_folder(&pieces) && rest.next_if_eq(&'/').is_some() {
                        pieces.push(Piece::Folders);
                    } else {
                        pieces.push(Piece::Any(Characters::All));
                    }
                    continue;
                }
                '?' | '+' => {
                    let Some(Piece::One(_)) = pieces.last() else {
                        return Err(format!("there is nothing before '{character}' to repeat"));
                    };
                    let Some(Piece::One(one)) = pieces.pop() else { continue };
                    pieces.push(match character {
                        '?' => Piece::AtMostOne(one),
                        _ => Piece::AtLeastOne(one),
                    });
                    continue;
                }
                '[' => ranges(&mut rest)?,
                '\\' => Characters::Exactly(rest.next().ok_or("nothing follows the last '\\'")?),
                other => Characters::Exactly(other),
            };
            pieces.push(Piece::One(one));
        }
        if pieces.is_empty() {
            return Err("it is empty".to_owned());
        }
        Ok(Self { negated, pieces })
    }

    /// Whether it fits the whole of `text`; `!` plays no part.
    pub(super) fn fits(&self, text: &str) -> bool {
        // The places of the text at which the pieces so far can have ended.
        let text: Vec<char> = text.chars().collect();
        let mut ends = vec![false; text.len() + 1];
        ends[0] = true;
        for piece in &self.pieces {
            ends = piece.step(&text, &ends);
        }
        ends[text.len()]
    }
}

/// Whether a name of a folder could begin here.
fn at_folder(pieces: &[Piece]) -> bool {
    matches!(pieces.last(), None | Some(Piece::One(Characters::Exactly('/')) | Piece::Folders))
}

fn ranges(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<Characters, String> {
    let mut ranges = Vec::new();
    loop {
        match rest.next().ok_or("a '[' is never closed")? {
            ']' if ranges.is_empty() => return Err("'[]' fits nothing".to_owned()),
            ']' => return Ok(Characters::Ranges(ranges)),
            from => {
                let mut to = from;
                let mut ahead = rest.clone();
                if ahead.next() == Some('-')
                    && let Some(end) = ahead.next().filter(|end| *end != ']')
                {
                    (to, *rest) = (end, ahead);
                }
                if to < from {
                    return Err(format!("'{from}-{to}' runs backwards"));
                }
                ranges.push((from, to));
            }
        }
    }
}

impl Piece {
    fn step(&self, text: &[char], ends: &[bool]) -> Vec<bool> {
        let (min_one, many, set) = match self {
            Self::One(set) => (true, false, set),
            Self::AtMostOne(set) => (false, false, set),
            Self::AtLeastOne(set) => (true, true, set),
            Self::Any(set) => (false, true, set),
            Self::Folders => return folders(text, ends),
        };
        let mut next = vec![false; ends.len()];
        for (place, end) in ends.iter().enumerate() {
            next[place] |= *end && !min_one;
            let goes_on = *end || (many && next[place]);
            if goes_on && text.get(place).is_some_and(|character| set.has(*character)) {
                next[place + 1] = true;
            }
        }
        next
    }
}

fn folders(text: &[char], ends: &[bool]) -> Vec<bool> {
    let mut next = ends.to_vec();
    let first = ends.iter().position(|end| *end).unwrap_or(ends.len());
    for (place, character) in text.iter().enumerate().skip(first) {
        if *character == '/' {
            next[place + 1] = true;
        }
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pattern: &str, text: &str) -> bool {
        Pattern::parse(pattern).unwrap().fits(text)
    }

    #[test]
    fn names_of_branches_fit_as_githubs_cheat_sheet_says() {
        for (pattern, good, bad) in [
            ("feature/*", &["feature/my-branch"][..], &["feature/a/b", "feature"][..]),
            ("feature/**", &["feature/beta-a/my-branch", "feature/x"], &["features/x"]),
            ("main", &["main"], &["main2", "mai"]),
            ("releases/mona-the-octocat", &["releases/mona-the-octocat"], &[]),
            ("*", &["main", "releases"], &["all/the/branches"]),
            ("**", &["all/the/branches", "every/tag"], &[]),
            ("*feature", &["mona-feature", "ver-10-feature", "feature"], &["feature-x"]),
            ("v2*", &["v2", "v2.0", "v2.9"], &["v3"]),
            ("v[12].[0-9]+.[0-9]+", &["v1.10.1", "v2.0.0"], &["v3.0.0", "v1.0", "v1..0"]),
            ("colou?r", &["color", "colour"], &["colouur"]),
            (r"a\*b", &["a*b"], &["axb"]),
        ] {
            for text in good {
                assert!(fits(pattern, text), "{pattern} has to fit {text}");
            }
            for text in bad {
                assert!(!fits(pattern, text), "{pattern} must not fit {text}");
            }
        }
    }

    #[test]
    fn paths_fit_as_githubs_cheat_sheet_says() {
        for (pattern, good, bad) in [
            ("*.jsx?", &["page.js", "page.jsx"][..], &["a/page.js"][..]),
            ("**.js", &["index.js", "js/index.js", "src/js/app.js"], &["index.ts"]),
            ("docs/*", &["docs/README.md"], &["docs/a/b.md"]),
            ("docs/**/*.md", &["docs/README.md", "docs/mona/hello-world.md"], &["docs/a.txt"]),
            ("**/docs/**", &["docs/hello.md", "dir/docs/my-file.txt"], &["mydocs/x"]),
            ("**/README.md", &["README.md", "js/README.md"], &["js/NOREADME.md"]),
            ("**/*src/**", &["a/src/app.js", "my-src/code/js/app.js"], &["src"]),
            ("**/migrate-*.sql", &["migrate-10909.sql", "db/sept/migrate-v1.sql"], &["x.sql"]),
        ] {
            for text in good {
                assert!(fits(pattern, text), "{pattern} has to fit {text}");
            }
            for text in bad {
                assert!(!fits(pattern, text), "{pattern} must not fit {text}");
            }
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for (pattern, words) in [
            ("", "it is empty"),
            ("!", "it is empty"),
            ("+a", "there is nothing before '+' to repeat"),
            ("*?", "there is nothing before '?' to repeat"),
            ("[ab", "a '[' is never closed"),
            ("[]", "'[]' fits nothing"),
            ("[z-a]", "'z-a' runs backwards"),
            (r"a\", r"nothing follows the last '\'"),
        ] {
            assert_eq!(Pattern::parse(pattern).unwrap_err(), words);
        }
        assert!(Pattern::parse(&"a".repeat(1_025)).is_err());
    }

    #[test]
    fn a_pattern_of_stars_is_no_trap() {
        let pattern = "*a".repeat(500);
        assert!(!fits(&pattern, &"a".repeat(499)));
        assert!(fits(&pattern, &"a".repeat(500)));
    }
}
