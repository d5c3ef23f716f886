//! `github.event` of a push, as GitHub documents it, as far as it makes sense here.

use serde_json::{Map, Value as Json, json};
use source::{PushedCommit, Signature};
use types::{Actor, CommitId};

/// One ref that moved, and what came with it.
#[derive(Debug)]
pub(crate) struct Push<'a> {
    pub(crate) reference: &'a str,
    pub(crate) before: Option<&'a CommitId>,
    pub(crate) after: &'a CommitId,
    /// Whether it took commits away.
    pub(crate) forced: bool,
    /// Oldest first; the last is what the ref points at now.
    pub(crate) commits: &'a [PushedCommit],
    pub(crate) pusher: &'a Actor,
}

pub(crate) fn push(push: &Push<'_>) -> Map<String, Json> {
    let nothing = "0".repeat(push.after.as_str().len());
    let commits: Vec<_> = push.commits.iter().map(commit).collect();
    let payload = json!({
        "ref": push.reference,
        "before": push.before.map_or(nothing.as_str(), CommitId::as_str),
        "after": push.after,
        "created": push.before.is_none(),
        "deleted": false,
        "forced": push.forced,
        "base_ref": null,
        "head_commit": commits.last(),
        "commits": commits,
        "pusher": { "name": push.pusher.to_string() },
    });
    match payload {
        Json::Object(payload) => payload,
        _ => Map::new(),
    }
}

fn commit(commit: &PushedCommit) -> Json {
    json!({
        "id": commit.id,
        "tree_id": commit.tree,
        "distinct": true,
        "message": commit.message,
        "timestamp": commit.committed_at,
        "author": signature(&commit.author),
        "committer": signature(&commit.committer),
    })
}

fn signature(signature: &Signature) -> Json {
    json!({ "name": signature.name, "email": signature.email })
}
