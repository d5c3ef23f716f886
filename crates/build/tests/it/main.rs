//! The crate as its users meet it: real trees, real tools, real boxes, and a real store in a scratch directory.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bubblewrap;
mod buildpacks;
mod crashes;
mod examples;
mod full_disks;
mod imports;
mod package_managers;
mod peers;
mod planning;
mod recorder;
mod site;
mod static_sites;
mod stores;
