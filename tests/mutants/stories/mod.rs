//! Small stories, told with and without a mistake. Each says whether it ends as it should.

// Each test file tells some of them.
#![allow(dead_code)]

pub mod install;
pub mod lab;
pub mod published;
pub mod reads;
pub mod rooms;
pub mod rules;
pub mod sessions;
pub mod table;
