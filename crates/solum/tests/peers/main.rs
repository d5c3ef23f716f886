//! Against other systems, which `make test-peers` installs: what they make of something, and what Solum makes of it.

mod act;
