//! What people do to a run: who says it, with which roles, and whether it is taken.

use document::Mistake;
use workflow::Decision;

use super::lines::Line;

/// The roles of everybody of whom a scenario does not say others: those that a token has as long as there are no others.
const ROLES: [&str; 2] = ["operator", "owner"];

/// An approval or a rejection.
#[derive(Debug, Clone)]
pub(super) struct Saying {
    pub(super) decision: Decision,
    /// A job, a step, an environment; whatever waits, without.
    pub(super) target: Option<String>,
    pub(super) who: Vec<String>,
    pub(super) roles: Vec<String>,
    pub(super) comment: Option<String>,
    pub(super) refusal: Option<Refusal>,
}

/// The engine is to say no, in words that have these among them.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub(super) because: Option<String>,
}

/// `[TARGET] as WHO, … [with role:R, …] [saying TEXT] [is refused …]`
pub(super) fn saying(line: &mut Line<'_>, decision: Decision) -> Result<Saying, Mistake> {
    let target = match line.peek() {
        "as" => None,
        _ => Some(line.until(&["as"], "who")?.to_owned()),
    };
    line.must("as")?;
    let who = line.names("a name")?;
    let roles = if line.take("with") { roles(line)? } else { ROLES.map(str::to_owned).to_vec() };
    let comment = match line.take("saying") {
        true => Some(line.until(&["is"], "what is said")?.to_owned()),
        false => None,
    };
    let refusal = refusal(line)?;
    Ok(Saying { decision, target, who, roles, comment, refusal })
}

/// `role:operator, role:owner`, or `no role`.
fn roles(line: &mut Line<'_>) -> Result<Vec<String>, Mistake> {
    if line.take("no") {
        line.must("role")?;
        return Ok(Vec::new());
    }
    let mut roles = Vec::new();
    loop {
        let word = line.word("a role")?;
        let Some(role) = word.strip_prefix("role:").filter(|role| !role.is_empty()) else {
            return Err(line.before(format!("write 'role:{word}', or 'no role'")));
        };
        roles.push(role.to_owned());
        if !line.take(",") {
            return Ok(roles);
        }
    }
}

/// `is refused [because TEXT]`
pub(super) fn refusal(line: &mut Line<'_>) -> Result<Option<Refusal>, Mistake> {
    if !line.take("is") {
        return Ok(None);
    }
    line.must("refused")?;
    Ok(Some(Refusal { because: because(line)? }))
}

/// `because TEXT`, to the end of the line.
pub(super) fn because(line: &mut Line<'_>) -> Result<Option<String>, Mistake> {
    if !line.take("because") {
        return Ok(None);
    }
    line.rest("why").map(Some)
}
