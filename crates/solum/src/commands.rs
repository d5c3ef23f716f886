//! One file per subcommand.

pub(crate) mod app;
pub(crate) mod config;
pub(crate) mod deploy;
pub(crate) mod environment;
pub(crate) mod exec;
pub(crate) mod git_credential;
pub(crate) mod login;
pub(crate) mod logs;
pub(crate) mod ps;
pub(crate) mod release;
pub(crate) mod rollback;
pub(crate) mod run;
pub(crate) mod scale;
pub(crate) mod status;
pub(crate) mod token;
