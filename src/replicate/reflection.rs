//! Reflects the ids of the core from outside it: the core knows nothing of Bevy.

use crate::raft::{Holdup, LogIndex, LogTime, NodeId, Permission, Serial, Standing, Term, Trouble};
use bevy_reflect_derive::impl_reflect_opaque;

impl_reflect_opaque!((in bevy_quorum::raft) NodeId(Clone, Debug, PartialEq, Hash));
impl_reflect_opaque!((in bevy_quorum::raft) Term(Clone, Debug, PartialEq, Hash));
impl_reflect_opaque!((in bevy_quorum::raft) LogIndex(Clone, Debug, PartialEq, Hash));
impl_reflect_opaque!((in bevy_quorum::raft) LogTime(Clone, Debug, PartialEq, Hash));
impl_reflect_opaque!((in bevy_quorum::raft) Serial(Clone, Debug, PartialEq, Hash));
impl_reflect_opaque!((in bevy_quorum::raft) Permission(Clone, Debug, PartialEq, Hash));
impl_reflect_opaque!((in bevy_quorum::raft) Standing(Clone, Debug, PartialEq, Hash));
impl_reflect_opaque!((in bevy_quorum::raft) Trouble(Clone, Debug, PartialEq, Hash));
impl_reflect_opaque!((in bevy_quorum::raft) Holdup(Clone, Debug, PartialEq, Hash));
