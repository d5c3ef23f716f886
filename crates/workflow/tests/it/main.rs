//! Tests that read what other people wrote.

mod real_files;
