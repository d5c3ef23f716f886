//! The whole way through, from outside: a real server, the real git client, real HTTP.

mod approvals;
mod bad_input;
mod branches;
mod calls;
mod crashes;
mod examples;
mod full_disks;
mod hello;
mod job_crashes;
mod jobs;
mod lifecycle;
mod load;
mod mirrored_actions;
mod neighbours;
mod promotions;
mod pushes;
mod queue;
mod rehearsals;
mod releases;
mod running;
mod surface;
mod undos;
mod watching;
mod workflows;
