//! What a caller wants to edit in a request, and why its work waits.

use chrono::{DateTime, Utc};
use maintenance_core::{Actor, Edit, NewHold, Priority, PropertyId};
use serde::{Deserialize, Deserializer};

/// The fields to edit; one that is left out stays as it is. Who may edit which is the engine's to say.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Changes {
    title: Option<String>,
    description: Option<String>,
    location: Option<String>,
    priority: Option<Priority>,
    /// `null` for none.
    #[serde(default, deserialize_with = "given")]
    specialty: Option<Trade>,
    property_id: Option<PropertyId>,
    /// The version that the caller saw; if it is another by now, nothing is edited.
    version: Option<u32>,
}

/// A trade, or none.
type Trade = Option<String>;

/// A field that is there, be it `null`.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Trade>, D::Error> {
    Deserialize::deserialize(deserializer).map(Some)
}

impl Changes {
    /// The edit by that actor.
    pub(super) fn by(self, actor: Actor) -> Edit {
        let mut edit = Edit::by(actor);
        edit = self.title.into_iter().fold(edit, Edit::title);
        edit = self.description.into_iter().fold(edit, Edit::description);
        edit = self.location.into_iter().fold(edit, Edit::location);
        edit = self.priority.into_iter().fold(edit, Edit::priority);
        edit = self.property_id.into_iter().fold(edit, Edit::property);
        edit = self.version.into_iter().fold(edit, Edit::seen);
        self.specialty.into_iter().fold(edit, |edit, trade| edit.specialty(trade.as_deref()))
    }
}

/// Why the work waits, and until when.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wait {
    reason: String,
    until: Option<DateTime<Utc>>,
}

impl Wait {
    /// The hold by that actor.
    pub(super) fn by(self, actor: Actor) -> NewHold {
        self.until.into_iter().fold(NewHold::by(actor, self.reason), NewHold::until)
    }
}
