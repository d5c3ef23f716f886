//! One file per subcommand.

pub(crate) mod app;
pub(crate) mod config;
pub(crate) mod deploy;
pub(crate) mod environment;
pub(crate) mod exec;
pub(crate) mod git_credential;
pub(crate) mod hook;
pub(crate) mod login;
pub(crate) mod logs;
pub(crate) mod promote;
pub(crate) mod ps;
pub(crate) mod release;
pub(crate) mod rollback;
pub(crate) mod router;
pub(crate) mod run;
pub(crate) mod scale;
pub(crate) mod secret;
pub(crate) mod server;
pub(crate) mod shim;
pub(crate) mod static_site;
pub(crate) mod status;
pub(crate) mod token;
pub(crate) mod variable;
pub(crate) mod workflow;
