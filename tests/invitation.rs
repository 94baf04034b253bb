//! Invitations survive being sent around by people.
#![allow(clippy::unwrap_used)]

use arbtest::{arbitrary, arbtest};
use bevy_quorum::{
    raft::Permission,
    wire::{ClusterId, Invitation, InvitationError, PROTOCOL_VERSION, Secret},
};

fn invitation() -> Invitation {
    let mut invitation =
        Invitation::new(["ws://192.168.1.2:3536", "wss://signal.example/board"], Permission::Editor).unwrap();
    invitation.cluster = ClusterId(std::array::from_fn(|i| i as u8));
    invitation.secret = Secret::from_bytes(std::array::from_fn(|i| 0x80 + i as u8));
    invitation.epoch = 300;
    invitation
}

/// The lines `name value` of the golden file.
fn golden(name: &str) -> String {
    let lines = include_str!("golden/invitation.txt").lines();
    let found = lines.filter_map(|line| line.split_once(' ')).find(|(key, _)| *key == name);
    found.map(|(_, value)| value.to_owned()).unwrap_or_default()
}

fn parse(text: &str) -> Result<Invitation, InvitationError> {
    text.parse()
}

// A changed vector means a new PROTOCOL_VERSION.
#[test]
fn the_link_and_what_is_derived_from_it_are_as_agreed() {
    let editors = invitation();
    let viewers = editors.clone().with_permission(Permission::Viewer).unwrap();
    let key: String = editors.proof_key().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(PROTOCOL_VERSION, 3);
    assert_eq!(editors.to_string(), golden("editors"));
    assert_eq!(viewers.to_string(), golden("viewers"));
    assert_eq!(editors.room_name(), golden("room"));
    assert_eq!(key, golden("proof"));
    assert_eq!(parse(&golden("editors")), Ok(editors));
    assert_eq!(parse(&golden("viewers")), Ok(viewers));
}

#[test]
fn a_link_is_recognised_in_what_people_put_around_it() {
    let link = invitation().to_string();
    let fragment = link.split_once('#').unwrap().1;
    let (start, end) = link.split_at(60);
    for text in [
        format!("  {link}\n"),
        format!("\"{link}\""),
        format!("'{link}'"),
        format!("<{link}>."),
        format!("({link}),"),
        format!("„{link}“"),
        format!("{start}\n   {end}"),
        fragment.to_owned(),
        format!("#{fragment}"),
    ] {
        assert_eq!(parse(&text), Ok(invitation()), "{text}");
    }
}

#[test]
fn a_link_that_lost_its_end_says_so() {
    let link = invitation().to_string();
    let start = link.find('#').unwrap() + 1;
    for end in start..link.len() {
        assert_eq!(parse(&link[..end]), Err(InvitationError::CutOff), "{}", &link[..end]);
    }
}

#[test]
fn a_link_with_a_changed_letter_says_so() {
    let link = invitation().to_string();
    for place in link.find("q3.").unwrap() + 3..link.len() {
        let other = if &link[place..=place] == "A" { "B" } else { "A" };
        let mut changed = link.clone();
        changed.replace_range(place..=place, other);
        assert_eq!(parse(&changed), Err(InvitationError::CutOff), "letter {place}");
    }
}

#[test]
fn other_texts_are_no_invitations() {
    let endless = "q".repeat(100_000);
    for text in [
        "",
        " ",
        "#",
        "hello",
        "http://192.168.1.2:3536",
        "https://example.com/#top",
        "x1.AAAA",
        "q.AAAA",
        "q1",
        "q99999.AAAA",
        "q-1.AAAA",
        endless.as_str(),
    ] {
        assert_eq!(parse(text), Err(InvitationError::NotAnInvitation), "{text:.20}");
    }
}

#[test]
fn a_link_of_another_version_names_both() {
    let link = invitation().to_string().replace("#q3.", "#q4.");
    assert_eq!(parse(&link), Err(InvitationError::OtherVersion { found: 4, expected: 3 }));
    let said = parse(&link).unwrap_err().to_string();
    assert!(said.contains("version 4") && said.contains("version 3"), "{said}");
}

#[test]
fn what_no_link_can_hold_is_refused() {
    let none: [&str; 0] = [];
    assert_eq!(Invitation::new(none, Permission::Editor), Err(InvitationError::NoRendezvous));
    assert_eq!(
        Invitation::new(["ws://a"; 5], Permission::Editor),
        Err(InvitationError::TooManyRendezvous { count: 5, limit: 4 })
    );
    assert_eq!(
        Invitation::new(["signal.example"], Permission::Editor),
        Err(InvitationError::BadRendezvous { address: "signal.example".into() })
    );
    assert_eq!(Invitation::new(["ws://a"], Permission::Owner), Err(InvitationError::OwnerByLink));
}

#[test]
fn editors_and_viewers_meet_but_viewers_hold_another_secret() {
    let editors = invitation();
    let viewers = editors.clone().with_permission(Permission::Viewer).unwrap();
    assert_eq!((viewers.room_name(), viewers.proof_key()), (editors.room_name(), editors.proof_key()));
    assert_ne!(viewers.secret, editors.secret);
    assert_eq!(viewers.clone().with_permission(Permission::Viewer).as_ref(), Ok(&viewers));
    assert_eq!(viewers.with_permission(Permission::Editor), Err(InvitationError::OnlyViewing));
}

#[test]
fn another_address_leads_to_the_same_room() {
    let moved = invitation().with_rendezvous(["wss://elsewhere.example"]).unwrap();
    assert!(moved.to_string().starts_with("https://elsewhere.example/#q3."));
    assert_eq!(moved.room_name(), invitation().room_name());
}

#[test]
fn rooms_never_share_a_name_and_secrets_stay_out_of_logs() {
    let (one, other) = (invitation(), Invitation::new(["ws://a"], Permission::Editor).unwrap());
    assert_ne!(one.room_name(), other.room_name());
    assert!(one.room_name().bytes().all(|byte| byte.is_ascii_alphanumeric()) && one.room_name().len() <= 64);
    assert!(format!("{one:?}").contains("Secret(…)"));
}

#[test]
fn every_invitation_comes_back_from_its_link() {
    arbtest(|u| {
        let hosts = ["127.0.0.1:3536", "[::1]:80", "signal.example", "a/b/c"];
        let schemes = ["ws", "wss"];
        let count = u.int_in_range(1..=4)?;
        let addresses = (0..count)
            .map(|_| Ok(format!("{}://{}", u.choose(&schemes)?, u.choose(&hosts)?)))
            .collect::<arbitrary::Result<Vec<_>>>()?;
        let permission = *u.choose(&[Permission::Editor, Permission::Viewer])?;
        let mut invitation = Invitation::new(addresses, permission).unwrap();
        invitation.epoch = u.arbitrary()?;
        invitation.cluster = ClusterId(u.arbitrary()?);
        invitation.secret = Secret::from_bytes(u.arbitrary()?);
        assert_eq!(parse(&invitation.to_string()), Ok(invitation));
        Ok(())
    })
    .budget_ms(300);
}

#[test]
fn no_text_makes_the_parser_panic() {
    let link = invitation().to_string();
    arbtest(|u| {
        let mut bytes = if u.arbitrary()? { link.clone().into_bytes() } else { u.arbitrary()? };
        for _ in 0..u.int_in_range(0..=4)? {
            let place = u.choose_index(bytes.len().max(1))?;
            bytes.splice(place.min(bytes.len())..place.min(bytes.len()), u.bytes(1)?.iter().copied());
        }
        let _ = parse(&String::from_utf8_lossy(&bytes));
        Ok(())
    })
    .budget_ms(300);
}
