//! Who a message is from, by their number, their business-scoped id, or both.

use std::collections::HashMap;

use maintenance_core::Sender;

use super::part::{digits, id, parts};

parts! {
    /// Somebody whom a value names beside its messages.
    Contact {
        wa_id = "wa_id",
        user_id = "user_id",
    }
}

/// The contacts of a value of whom both ids are known, by either.
#[derive(Default)]
pub(super) struct Contacts(HashMap<String, Sender>);

impl Contacts {
    pub(super) fn of(contacts: &[Contact<'_>]) -> Self {
        let mut known = HashMap::new();
        for contact in contacts {
            if let (Some(wa_id), Some(user_id)) = (digits(contact.wa_id), id(contact.user_id)) {
                let person = Sender { wa_id: Some(wa_id.clone()), user_id: Some(user_id.clone()) };
                known.insert(wa_id, person.clone());
                known.insert(user_id, person);
            }
        }
        Self(known)
    }

    /// The person, with the id that the message doesn't say if a contact says it.
    pub(super) fn complete(&self, person: Sender) -> Sender {
        match self.0.get(person.key()) {
            Some(known) if person.wa_id.is_none() || person.user_id.is_none() => known.clone(),
            _ => person,
        }
    }
}
