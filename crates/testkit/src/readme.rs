use std::path::Path;

use anyhow::{Context, Result};

/// The block of code in README.md that follows `<!-- tested: NAME -->`, so that a test runs what
/// people are told to type.
///
/// # Errors
/// When there is no such block.
pub fn readme_block(name: &str) -> Result<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let readme = std::fs::read_to_string(&path).context("cannot read README.md")?;
    block(&readme, name).with_context(|| format!("README.md has no block of code named {name}"))
}

fn block(readme: &str, name: &str) -> Option<String> {
    let (_, rest) = readme.split_once(&format!("<!-- tested: {name} -->\n```"))?;
    let (_language, rest) = rest.split_once('\n')?;
    let (code, _) = rest.split_once("\n```")?;
    Some(code.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_found_by_its_name() {
        let readme = "# T\n```sh\nno\n```\n\n<!-- tested: x -->\n```sh\nls\npwd\n```\nmore\n";
        assert_eq!(block(readme, "x").as_deref(), Some("ls\npwd"));
        assert_eq!(block(readme, "y"), None);
    }
}
