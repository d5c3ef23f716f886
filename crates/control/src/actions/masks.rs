//! Takes secrets out of text on its way to a log, also those that come in two pieces or in another spelling.
//!
//! Of each secret these are found: itself; each of its lines, where it has several; each as JSON, as part of a URL, and in
//! Base64 (wherever in the encoded bytes it stands). Where two overlap, all of both is hidden.
//!
//! Memory is bounded: by [`MOST_BYTES`] of secrets in all their spellings, and by twice the longest spelling of text that is
//! held back while a line goes on.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// What is shown instead.
pub const MASK: &str = "***";

/// The most that all spellings of all secrets of a job may take.
pub const MOST_BYTES: usize = 2 * 1024 * 1024;

/// A line of a secret that is shorter stands in too many places that have nothing to do with it: `}`, `EOF`.
const SHORTEST_LINE: usize = 4;

/// A spelling that is shorter is likely to be there by chance.
const SHORTEST_SPELLING: usize = 6;

/// More secrets than can be looked for. Whoever is told this must show nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the secrets to be hidden in the log are too long: in all their spellings, more than {MOST_BYTES} bytes"
)]
pub struct TooManySecrets;

/// Everything that is to be hidden. Its text goes through a [`Masker`].
#[derive(Clone, Default)]
pub struct Masks {
    spellings: BTreeSet<String>,
    bytes: usize,
    longest: usize,
    search: Option<AhoCorasick>,
}

impl fmt::Debug for Masks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Masks({} spellings)", self.spellings.len())
    }
}

impl Masks {
    /// Hides each of these.
    pub fn of<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Result<Self, TooManySecrets> {
        let mut masks = Self::default();
        for secret in secrets {
            masks.insert(secret)?;
        }
        masks.build()?;
        Ok(masks)
    }

    /// Hides one more. What is blank cannot be hidden and is passed over.
    pub fn add(&mut self, secret: &str) -> Result<(), TooManySecrets> {
        if self.insert(secret)? { self.build() } else { Ok(()) }
    }

    fn insert(&mut self, secret: &str) -> Result<bool, TooManySecrets> {
        let before = self.spellings.len();
        for spelling in spellings(secret) {
            let length = spelling.len();
            if self.spellings.insert(spelling) {
                self.bytes += length;
                self.longest = self.longest.max(length);
            }
            if self.bytes > MOST_BYTES {
                return Err(TooManySecrets);
            }
        }
        Ok(self.spellings.len() > before)
    }

    fn build(&mut self) -> Result<(), TooManySecrets> {
        if self.spellings.is_empty() {
            return Ok(());
        }
        let search = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(&self.spellings);
        self.search = Some(search.map_err(|_| TooManySecrets)?);
        Ok(())
    }

    /// The same text without secrets. For text that is whole; what comes in pieces goes through a [`Masker`].
    #[must_use]
    pub fn hide(&self, text: &str) -> String {
        Masker::default().push(self, text, true)
    }

    /// Where secrets stand, in order, none touching the next.
    fn find(&self, text: &str) -> Vec<(usize, usize)> {
        let Some(search) = &self.search else { return Vec::new() };
        let found = search.find_overlapping_iter(text);
        let mut ranges: Vec<(usize, usize)> =
            found.map(|found| (found.start(), found.end())).collect();
        ranges.sort_unstable();
        let mut joined = Vec::new();
        join(&mut joined, ranges);
        joined
    }
}

/// Adds ranges that are in order, each to the one before where they overlap.
fn join(ranges: &mut Vec<(usize, usize)>, more: Vec<(usize, usize)>) {
    for (start, end) in more {
        match ranges.last_mut() {
            Some(last) if start < last.1 => last.1 = last.1.max(end),
            _ => ranges.push((start, end)),
        }
    }
}

/// One stream of text. Holds back what may be the beginning of a secret until more has come, or its line has ended.
#[derive(Default)]
pub struct Masker {
    held: String,
    /// So much of what is held belongs to a secret whose mask was given out already.
    hidden: usize,
}

impl fmt::Debug for Masker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Masker({} bytes)", self.held.len())
    }
}

impl Masker {
    /// Takes the next piece; `ends` says that the line ends with it. Gives out what can be shown by now.
    pub fn push(&mut self, masks: &Masks, piece: &str, ends: bool) -> String {
        self.held.push_str(piece);
        let text = std::mem::take(&mut self.held);
        // A secret that begins before this ends in what is there.
        let mut until = match (ends, masks.longest) {
            (true, _) | (_, 0) => text.len(),
            (false, longest) => text.len().saturating_sub(longest - 1),
        };
        while !text.is_char_boundary(until) {
            until -= 1;
        }
        // What was given out a mask already, and what stands there now.
        let mut ranges = Vec::from_iter((self.hidden > 0).then_some((0, self.hidden)));
        let begun = ranges.len();
        join(&mut ranges, masks.find(&text));
        let (mut shown, mut at, mut hidden) = (String::with_capacity(until), 0, 0);
        for (index, (start, end)) in ranges.into_iter().enumerate() {
            let is_new = index >= begun;
            if is_new && start >= until {
                break;
            }
            shown.push_str(&text[at..start]);
            if is_new {
                shown.push_str(MASK);
            }
            at = end.min(until);
            hidden = end.saturating_sub(until);
        }
        shown.push_str(&text[at..until]);
        self.held = text[until..].to_owned();
        self.hidden = if ends { 0 } else { hidden };
        shown
    }

    /// Whether everything that was pushed has been given out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }
}

/// A secret in every form in which it may come.
fn spellings(secret: &str) -> Vec<String> {
    let whole = secret.trim_end_matches(['\r', '\n']);
    if whole.trim().is_empty() {
        return Vec::new();
    }
    let mut all = Vec::new();
    if !whole.contains('\n') {
        all.push(whole.to_owned());
    }
    // Output comes in lines, so a secret of several is found line by line, and at once only where it was encoded.
    if whole.contains('\n') {
        let lines = whole.lines().map(str::trim).filter(|line| line.len() >= SHORTEST_LINE);
        all.extend(lines.map(str::to_owned));
    }
    let mut encoded: Vec<String> = base64s(secret).into_iter().chain(base64s(whole)).collect();
    encoded.extend([json(secret), json(whole), url(whole)]);
    all.extend(encoded.into_iter().filter(|text| text.len() >= SHORTEST_SPELLING));
    all
}

/// In a longer text that is encoded, a secret begins at any of three places in a group of three bytes; of what follows,
/// whole groups look the same whatever stands around it.
fn base64s(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    let mut all = vec![STANDARD_NO_PAD.encode(bytes), URL_SAFE_NO_PAD.encode(bytes)];
    for skipped in 0..3.min(bytes.len()) {
        let groups = &bytes[skipped..];
        let groups = &groups[..groups.len() / 3 * 3];
        all.extend([STANDARD_NO_PAD.encode(groups), URL_SAFE_NO_PAD.encode(groups)]);
    }
    all
}

fn json(secret: &str) -> String {
    let quoted = serde_json::Value::from(secret).to_string();
    quoted.trim_matches('"').to_owned()
}

/// As RFC 3986 has it: all but unreserved characters are escaped.
fn url(secret: &str) -> String {
    let mut text = String::new();
    for byte in secret.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                text.push(char::from(byte));
            }
            other => {
                let _ = write!(text, "%{other:02X}");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng as _, SeedableRng as _};

    fn masks(secrets: &[&str]) -> Masks {
        Masks::of(secrets.iter().copied()).unwrap()
    }

    /// Through a masker in pieces of these lengths.
    fn in_pieces(masks: &Masks, text: &str, length: usize) -> String {
        let characters: Vec<char> = text.chars().collect();
        let mut masker = Masker::default();
        let mut shown = String::new();
        for piece in characters.chunks(length) {
            shown += &masker.push(masks, &piece.iter().collect::<String>(), false);
        }
        shown += &masker.push(masks, "", true);
        assert!(masker.is_empty());
        shown
    }

    #[test]
    fn a_secret_is_hidden_wherever_it_stands() {
        let masks = masks(&["hunter2", "swordfish"]);
        assert_eq!(masks.hide("hunter2, a swordfish and hunter"), "***, a *** and hunter");
        assert_eq!(masks.hide("hunter2hunter2"), "******");
    }

    #[test]
    fn a_secret_that_comes_in_pieces_is_hidden() {
        let masks = masks(&["hunter2", "swörd-fish"]);
        for length in 1..12 {
            let shown = in_pieces(&masks, "a hunter2 and a swörd-fish, hunter", length);
            assert_eq!(shown, "a *** and a ***, hunter", "{length}");
        }
    }

    #[test]
    fn where_two_overlap_all_of_both_is_hidden() {
        let masks = masks(&["abcdef-1", "ef-12345", "cde"]);
        assert_eq!(masks.hide("xabcdef-12345x"), "x***x");
        for length in 1..10 {
            assert_eq!(in_pieces(&masks, "xabcdef-12345x cde", length), "x***x ***", "{length}");
        }
    }

    #[test]
    fn a_flood_of_one_secret_is_not_held_back() {
        let masks = masks(&["aaaaaaaa"]);
        let mut masker = Masker::default();
        for _ in 0..1000 {
            masker.push(&masks, &"a".repeat(100), false);
            assert!(masker.held.len() < 32, "{}", masker.held.len());
        }
        assert!(!masker.push(&masks, "", true).contains('a'));
    }

    #[test]
    fn each_line_of_a_secret_is_hidden() {
        let masks = masks(&["-----BEGIN KEY-----\nMIIEow==\n}\n"]);
        assert_eq!(masks.hide("-----BEGIN KEY-----"), "***");
        assert_eq!(masks.hide("got MIIEow== here }"), "got *** here }");
    }

    #[test]
    fn other_spellings_are_hidden() {
        let masks = masks(&["p\"ss wörd&more"]);
        assert_eq!(masks.hide(r#"{"a":"p\"ss wörd&more"}"#), r#"{"a":"***"}"#);
        assert_eq!(masks.hide("x=p%22ss%20w%C3%B6rd%26more;"), "x=***;");
        for before in ["", "a", "ab", "user:"] {
            let encoded = base64::engine::general_purpose::STANDARD
                .encode(format!("{before}p\"ss wörd&more and so on"));
            let shown = masks.hide(&encoded);
            assert!(shown.contains(MASK), "{encoded} {shown}");
            // What is left of the secret are the groups that it shares with what stands around it.
            let whole = encoded.len() - (shown.len() - MASK.len());
            assert!(whole >= 16, "{encoded} {shown}");
        }
    }

    #[test]
    fn what_is_blank_or_nothing_hides_nothing() {
        assert_eq!(masks(&["", " ", "\n"]).hide("a b\n"), "a b\n");
        assert_eq!(Masks::default().hide("as it is"), "as it is");
    }

    #[test]
    fn there_is_a_bound() {
        let long = "x".repeat(MOST_BYTES + 1);
        assert_eq!(Masks::of([long.as_str()]).unwrap_err(), TooManySecrets);
    }

    #[test]
    fn masks_can_be_added_and_are_not_printed() {
        let mut masks = masks(&["first-one"]);
        masks.add("second-one").unwrap();
        assert_eq!(masks.hide("first-one second-one"), "*** ***");
        assert!(!format!("{masks:?}").contains("first-one"));
    }

    /// However text is cut into pieces, the same is shown.
    #[test]
    fn pieces_do_not_matter() {
        let mut random = rand::rngs::StdRng::seed_from_u64(7);
        let masks = masks(&["abab", "bbaab", "aabbaabb", "ba\u{e4}"]);
        for round in 0..3_000 {
            let length = random.random_range(0..60);
            let text: String =
                (0..length).map(|_| ['a', 'b', '\u{e4}'][random.random_range(0..3)]).collect();
            let mut masker = Masker::default();
            let mut shown = String::new();
            let characters: Vec<char> = text.chars().collect();
            let mut rest = &characters[..];
            while !rest.is_empty() {
                let (piece, later) = rest.split_at(random.random_range(1..=rest.len()));
                shown += &masker.push(&masks, &piece.iter().collect::<String>(), false);
                rest = later;
            }
            shown += &masker.push(&masks, "", true);
            assert_eq!(shown, masks.hide(&text), "{round}: {text}");
        }
    }
}
