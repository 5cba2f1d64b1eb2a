//! What a channel is given to send.

use chrono::{DateTime, Utc};

use crate::values::{
    Channel, Description, Language, Location, NotificationId, OrganizationId, PhoneNumber, RenterId,
    RequestId, RequestNumber, Specialty, Title, WorkerId,
};

use super::{
    answer::{Answer, RequestChoice},
    contact::{Place, RenterContact},
    delivery::DeliveryError,
    hold::Hold,
    news::News,
    notification::NotificationKind,
    request::Priority,
    tap::Action,
};

/// A message on its way out: to whom, what about, and the facts. The wording is the channel's.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outgoing {
    /// Our id of the message: the channel should carry it, so that a webhook can bring it back.
    pub notification_id: NotificationId,
    /// The organisation in whose name it goes out.
    pub organization_id: OrganizationId,
    /// The channel that it goes out by.
    pub channel: Channel,
    /// What the message is about.
    pub kind: NotificationKind,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// Who gets it.
    pub to: Recipient,
    /// What it says.
    pub content: Content,
    /// What it answers, for a message of the kind [`Answer`](NotificationKind::Answer).
    pub answer: Option<Answer>,
    /// What it tells, for a message of the kind [`News`](NotificationKind::News).
    pub news: Option<News>,
    /// What its recipient can do next: buttons, each with the [`Tap`](crate::Tap) of its action on this message.
    pub offers: Vec<Action>,
    /// The requests to choose from, for [`Answer::WhichOne`]: a list, each with the [`Tap`](crate::Tap) of
    /// [`Action::Choose`] on this message.
    pub choices: Vec<RequestChoice>,
    /// The recipient's language, if the host's directory says.
    pub language: Option<Language>,
    /// Until when the conversation with the recipient is open, UTC, if they were heard of late: until then any message may
    /// go out, and otherwise what the channel allows outside a conversation.
    pub open_until: Option<DateTime<Utc>>,
    /// Why the attempt before was not accepted.
    pub previous_error: Option<DeliveryError>,
}

/// Who gets a message.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Recipient {
    /// A maintenance worker.
    Worker {
        /// Their id.
        id: WorkerId,
        /// Their number as it stands.
        phone_number: PhoneNumber,
    },
    /// The renter who filed the request.
    Renter {
        /// Their id.
        id: RenterId,
        /// Their number, as the host's directory has it now.
        phone_number: PhoneNumber,
    },
}

/// The facts that a message may say: the request's id, the issue, its priority and location, and the renter's contact.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Content {
    /// The request.
    pub request_id: RequestId,
    /// Its short number; [`RequestNumber::NONE`] where there is none to say.
    pub number: RequestNumber,
    /// Its title.
    pub title: Title,
    /// What is wrong.
    pub description: Description,
    /// How urgent it is.
    pub priority: Priority,
    /// Where in the property.
    pub location: Location,
    /// The trade needed, if known.
    pub specialty: Option<Specialty>,
    /// What the work waits for, if it waits.
    pub hold: Option<Hold>,
    /// Which building and unit; `None` when the host's directory doesn't say.
    pub place: Option<Place>,
    /// How to reach the renter; `None` when the host's directory doesn't know them (any more), or when the message is
    /// for somebody who has no more to do with them. The message goes out all the same: a worker without the renter's
    /// number beats no worker.
    pub renter: Option<RenterContact>,
}

impl Outgoing {
    /// A first attempt at that message.
    pub fn new(
        notification_id: NotificationId,
        kind: NotificationKind,
        to: Recipient,
        content: Content,
    ) -> Self {
        let (organization_id, channel) = (OrganizationId::NONE, Channel::DEFAULT);
        Self {
            notification_id,
            organization_id,
            channel,
            kind,
            attempt: 1,
            to,
            content,
            answer: None,
            news: None,
            offers: Vec::new(),
            choices: Vec::new(),
            language: None,
            open_until: None,
            previous_error: None,
        }
    }

    /// The same with these buttons.
    #[must_use]
    pub fn offers(mut self, offers: &[Action]) -> Self {
        self.offers = offers.to_vec();
        self
    }

    /// The same as that answer, with the requests to choose from.
    #[must_use]
    pub fn answer(mut self, answer: Option<Answer>, choices: Vec<RequestChoice>) -> Self {
        (self.answer, self.choices) = (answer, choices);
        self
    }

    /// The same with that news.
    #[must_use]
    pub fn news(mut self, news: Option<News>) -> Self {
        self.news = news;
        self
    }

    /// The same in that language.
    #[must_use]
    pub fn language(mut self, language: Option<Language>) -> Self {
        self.language = language;
        self
    }

    /// The same in a conversation that is open until then, UTC.
    #[must_use]
    pub fn open_until(mut self, until: Option<DateTime<Utc>>) -> Self {
        self.open_until = until;
        self
    }

    /// The same after an attempt that failed so.
    #[must_use]
    pub fn after(mut self, error: Option<DeliveryError>) -> Self {
        self.previous_error = error;
        self
    }

    /// The same in the name of that organisation.
    #[must_use]
    pub fn organization(mut self, organization_id: OrganizationId) -> Self {
        self.organization_id = organization_id;
        self
    }

    /// The same by that channel.
    #[must_use]
    pub fn channel(mut self, channel: Channel) -> Self {
        self.channel = channel;
        self
    }

    /// The same as that attempt, counted from 1.
    #[must_use]
    pub fn attempt(mut self, attempt: u32) -> Self {
        self.attempt = attempt;
        self
    }
}

impl Recipient {
    /// The number to send to, E.164.
    pub fn phone_number(&self) -> &PhoneNumber {
        match self {
            Self::Worker { phone_number, .. } | Self::Renter { phone_number, .. } => phone_number,
        }
    }
}

impl Content {
    /// What there is to say of a request by itself; a hold, the place and the renter's contact are added by
    /// [`hold`](Self::hold), [`place`](Self::place) and [`renter`](Self::renter).
    pub fn new(
        request_id: RequestId,
        title: Title,
        description: Description,
        priority: Priority,
        location: Location,
        specialty: Option<Specialty>,
    ) -> Self {
        Self {
            request_id,
            number: RequestNumber::NONE,
            title,
            description,
            priority,
            location,
            specialty,
            hold: None,
            place: None,
            renter: None,
        }
    }

    /// With the request's short number.
    #[must_use]
    pub fn number(mut self, number: RequestNumber) -> Self {
        self.number = number;
        self
    }

    /// With what the work waits for.
    #[must_use]
    pub fn hold(mut self, hold: Option<Hold>) -> Self {
        self.hold = hold;
        self
    }

    /// With the building and unit.
    #[must_use]
    pub fn place(mut self, place: Option<Place>) -> Self {
        self.place = place;
        self
    }

    /// With the renter's contact.
    #[must_use]
    pub fn renter(mut self, renter: Option<RenterContact>) -> Self {
        self.renter = renter;
        self
    }
}
