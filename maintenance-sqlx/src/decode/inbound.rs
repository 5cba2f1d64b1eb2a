//! Messages from phones.

use chrono::{DateTime, Utc};
use maintenance_core::{Inbound, InboundOutcome, KeptInbound, KnownRenter, RepositoryError, Sender};

use crate::{
    columns::inbound_columns,
    row::{Raw, Reader},
};

const INBOUND: &str = "maintenance_inbound";
const COLUMNS: usize = inbound_columns!(list).len();

/// Columns: the organisation and the id of a renter, and the request that they were last written to about.
pub(crate) fn known_renter<R: Raw>(row: &R) -> Result<KnownRenter, RepositoryError> {
    let mut read = Reader::new(row, "maintenance_renter_channels", 0);
    let organization_id = read.id("organization_id")?;
    Ok(KnownRenter { organization_id, renter_id: read.id("renter_id")?, request_id: read.id("request_id")? })
}

/// Columns: the renter who wants no news, and since when.
pub(crate) fn opted_out_at<R: Raw>(row: &R) -> Result<DateTime<Utc>, RepositoryError> {
    Reader::new(row, "maintenance_opt_outs", 0).skip_to(1).time("at")
}

/// Columns: a kept message's, and whether another of its sender waits for a choice.
pub(crate) fn kept_inbound<R: Raw>(row: &R) -> Result<KeptInbound, RepositoryError> {
    let mut read = Reader::new(row, INBOUND, 0);
    let id = read.id("id")?;
    let channel = read.text("channel")?;
    let provider_message_id = read.text("provider_message_id")?;
    read.text::<String>("sender")?;
    let from = Sender { wa_id: read.text_or_none("wa_id")?, user_id: read.text_or_none("user_id")? };
    read.text::<String>("kind")?;
    let content = {
        // The parser's own error may quote the text.
        let parse = |json: String| serde_json::from_str(&json).map_err(|_| "is no message as JSON");
        let content = read.optional("payload", R::text, parse)?;
        read.required("payload", content)?
    };
    let (replies_to, sent_at) = (read.text_or_none("replies_to")?, read.time("sent_at")?);
    let message = Inbound { channel, provider_message_id, from, sent_at, replies_to, content };
    let (received_at, due_at) = (read.time("received_at")?, read.time("due_at")?);
    let (lease, claims) = (read.id_or_none("lease")?, read.count("claims")?);
    let about = read.id_or_none("organization_id")?.zip(read.id_or_none("request_id")?);
    let (asked_at, applied_at) = (read.time_or_none("asked_at")?, read.time_or_none("applied_at")?);
    let outcome: Option<InboundOutcome> = read.optional("outcome", R::text, |outcome| outcome.parse())?;
    let sender_was_asked = read.skip_to(COLUMNS).flag("sender_was_asked")?;
    Ok(KeptInbound {
        id,
        message,
        received_at,
        due_at,
        lease,
        claims,
        about,
        asked_at,
        sender_was_asked,
        applied: applied_at.zip(outcome),
    })
}
