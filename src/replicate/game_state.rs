//! A game's state as the bytes of a snapshot: what its commands changed, by name, and which of them were refused.

use super::{
    Parent,
    rejections::Rejections,
    state::{Install, StateKind, StateKinds},
};
use crate::{
    room::StateError,
    wire::{self, DECODE_BYTES_MAX},
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, collections::BTreeMap};

/// All that the handlers of a room's commands made, the same bytes on every peer.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct GameState {
    /// The room that this one continues.
    pub parent: Option<Parent>,
    /// Which of the latest commands were refused.
    pub rejections: Rejections,
    /// What they changed, in the order of the names.
    pub parts: BTreeMap<Cow<'static, str>, Part>,
}

/// What each part is, by name.
pub(super) type PartHashes = BTreeMap<Cow<'static, str>, blake3::Hash>;

/// The value of one type.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Part {
    /// The version of its layout.
    pub version: u16,
    /// The value itself.
    pub bytes: Bytes,
}

impl GameState {
    /// Its bytes.
    ///
    /// # Errors
    /// If a part has several encodings, or all together are too large.
    pub fn seal(&self, kinds: &StateKinds) -> Result<Bytes, StateError> {
        for (name, part) in &self.parts {
            if let Some(kind) = kinds.0.get(name.as_ref()) {
                (kind.check)(&part.bytes)?;
            }
        }
        let bytes = wire::encode(self).expect("names, numbers and bytes always have an encoding");
        match bytes.len() {
            ..=DECODE_BYTES_MAX => Ok(bytes.into()),
            bytes => Err(StateError::TooLarge { bytes, limit: DECODE_BYTES_MAX }),
        }
    }

    /// The state that has these bytes.
    ///
    /// # Errors
    /// If there is none.
    pub fn open(bytes: &[u8]) -> Result<Self, StateError> {
        let state = wire::decode_canonical::<Self>(bytes, DECODE_BYTES_MAX).map_err(|_| StateError::Malformed)?;
        if state.rejections.is_sound() { Ok(state) } else { Err(StateError::Malformed) }
    }

    /// What each part is.
    pub fn hashes(&self) -> PartHashes {
        self.parts.iter().map(|(name, part)| (name.clone(), blake3::hash(&part.bytes))).collect()
    }

    /// Reads every part, each by the type that this build has for it. A type that the game has only since the state
    /// was written has the value that rooms begin with.
    ///
    /// # Errors
    /// If this build lacks a type, or a part can't be read.
    pub fn read(&self, kinds: &StateKinds) -> Result<Vec<Install>, StateError> {
        if let Some(unknown) = self.parts.keys().find(|name| !kinds.0.contains_key(name.as_ref())) {
            return Err(StateError::Unknown { name: unknown.as_ref().into() });
        }
        let read = |(name, kind): (&&'static str, &StateKind)| match (self.parts.get(*name), &kind.initial) {
            (Some(part), _) => Some((kind.read)(part.version, &part.bytes)),
            (None, Some(initial)) => Some((kind.read)(kind.version, initial)),
            (None, None) => None,
        };
        kinds.0.iter().filter_map(read).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{
        raft::{LogIndex, NodeId, Serial},
        replicate::{Portable, QuorumAppExt, Reject},
    };
    use bevy_app::App;
    use bevy_ecs::prelude::*;
    use std::collections::{BTreeSet, HashSet};

    #[derive(Resource, Serialize, Deserialize, Debug, PartialEq)]
    struct Scores(BTreeMap<u64, u32>);

    impl Portable for Scores {
        const NAME: &'static str = "scores";
        const VERSION: u16 = 1;

        /// Version 0 knew only who plays.
        fn migrate(version: u16, bytes: &[u8]) -> Option<Self> {
            let players: BTreeSet<u64> = (version == 0).then(|| wire::decode(bytes, 64).ok())??;
            Some(Self(players.into_iter().map(|player| (player, 0)).collect()))
        }
    }

    #[derive(Resource, Serialize, Deserialize, Debug, PartialEq)]
    struct Door(bool);

    impl Portable for Door {
        const NAME: &'static str = "door";
    }

    #[derive(Resource, Serialize, Deserialize)]
    struct Hats(HashSet<u32>);

    impl Portable for Hats {
        const NAME: &'static str = "hats";
    }

    fn app() -> App {
        let mut app = App::new();
        app.insert_resource(Scores([(7, 3)].into())).replicate_resource::<Scores>();
        app.insert_resource(Door(true)).replicate_resource::<Door>();
        app.world_mut().resource_scope(|world, mut kinds: Mut<StateKinds>| kinds.begin(world)).unwrap();
        app
    }

    fn kinds(app: &App) -> StateKinds {
        app.world().resource::<StateKinds>().clone()
    }

    fn state(app: &App) -> Result<GameState, StateError> {
        let mut state = GameState::default();
        state.rejections.record(NodeId(7), Serial(2), LogIndex(9), &Err(Reject::because("locked")));
        for (name, kind) in &kinds(app).0 {
            state.parts.insert((*name).into(), Part { version: kind.version, bytes: (kind.write)(app.world())? });
        }
        Ok(state)
    }

    fn refusal(state: &GameState, app: &App) -> StateError {
        state.read(&kinds(app)).err().unwrap()
    }

    // A changed vector means a new protocol version.
    #[test]
    fn a_state_is_written_as_agreed() {
        let app = app();
        let bytes = state(&app).unwrap().seal(&kinds(&app)).unwrap();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, include_str!("../../tests/golden/game_state.txt").trim());
    }

    #[test]
    fn a_state_comes_back_as_it_was() {
        let app = app();
        let before = state(&app).unwrap();
        let opened = GameState::open(&before.seal(&kinds(&app)).unwrap()).unwrap();
        assert_eq!(opened, before);
        let mut other = self::app();
        other.insert_resource(Scores(BTreeMap::new())).insert_resource(Door(false));
        opened.read(&kinds(&other)).unwrap().into_iter().for_each(|install| install(other.world_mut()));
        assert_eq!(other.world().resource::<Scores>(), app.world().resource::<Scores>());
        assert_eq!(other.world().resource::<Door>(), &Door(true));
    }

    #[test]
    fn an_older_version_of_a_part_is_migrated_and_a_newer_one_refused() {
        let mut app = app();
        let mut state = state(&app).unwrap();
        let bytes = wire::encode(&BTreeSet::from([4_u64, 5])).unwrap().into();
        state.parts.insert("scores".into(), Part { version: 0, bytes });
        state.read(&kinds(&app)).unwrap().into_iter().for_each(|install| install(app.world_mut()));
        assert_eq!(app.world().resource::<Scores>().0, [(4, 0), (5, 0)].into());
        state.parts.insert("scores".into(), Part { version: 2, bytes: Bytes::new() });
        assert_eq!(refusal(&state, &app), StateError::Unreadable { name: "scores", version: 2 });
    }

    #[test]
    fn a_part_that_this_build_lacks_is_refused_by_name() {
        let app = app();
        let mut state = state(&app).unwrap();
        state.parts.insert("lamp".into(), Part { version: 0, bytes: Bytes::new() });
        assert_eq!(refusal(&state, &app), StateError::Unknown { name: "lamp".into() });
    }

    #[test]
    fn a_part_that_the_game_has_only_since_then_is_as_rooms_begin() {
        let mut app = app();
        let mut state = state(&app).unwrap();
        state.parts.remove("door");
        app.insert_resource(Door(false));
        state.read(&kinds(&app)).unwrap().into_iter().for_each(|install| install(app.world_mut()));
        assert_eq!(app.world().resource::<Door>(), &Door(true));
    }

    #[test]
    fn a_room_begins_as_the_first_one_did() {
        let mut app = app();
        app.insert_resource(Door(false));
        app.world_mut().resource_scope(|world, mut kinds: Mut<StateKinds>| kinds.begin(world)).unwrap();
        assert_eq!(app.world().resource::<Door>(), &Door(true));
    }

    #[test]
    fn a_value_with_several_encodings_is_refused_by_name() {
        let mut app = app();
        app.insert_resource(Hats((0..64).collect())).replicate_resource::<Hats>();
        let refused = state(&app).unwrap().seal(&kinds(&app)).unwrap_err();
        assert_eq!(refused, StateError::NotCanonical { name: "hats" });
    }

    #[test]
    fn a_resource_that_is_not_there_is_refused_by_name() {
        let mut app = app();
        app.world_mut().remove_resource::<Door>();
        assert_eq!(state(&app).err(), Some(StateError::Missing { name: "door" }));
    }

    #[test]
    fn every_cut_every_extra_byte_and_every_other_spelling_is_refused() {
        let app = app();
        let bytes = state(&app).unwrap().seal(&kinds(&app)).unwrap();
        for end in 0..bytes.len() {
            assert_eq!(GameState::open(&bytes[..end]), Err(StateError::Malformed), "cut at {end}");
        }
        let long = [&bytes[..], &[0]].concat();
        assert_eq!(GameState::open(&long), Err(StateError::Malformed));
        arbtest::arbtest(|u| {
            let mut changed = bytes.to_vec();
            let place = u.int_in_range(0..=changed.len() - 1)?;
            changed[place] ^= u.int_in_range(1..=255)?;
            if let Ok(state) = GameState::open(&changed) {
                assert_eq!(wire::encode(&state).unwrap(), changed);
                drop(state.read(&kinds(&app)));
            }
            Ok(())
        });
    }
}
