//! The WhatsApp numbers: which organisation and complex sends by which, and their tokens.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
};

use axum::{Router, extract::State, http::StatusCode, routing::put};
use maintenance_core::{Channel, ChannelTable, IdSource as _, NotificationKind, RandomIds};
use maintenance_whatsapp::{
    CloudApi, CloudApiConfig, Numbers, SetupError, Wordings, fake::FakeCloudApi, webhook::WebhookSecrets,
};
use secrecy::SecretString;
use serde::Deserialize;

use super::{
    App, StartError, WEBHOOK,
    caller::Owner,
    demo::{SENDERS, Sender},
    input::{Body, Id},
    problem::Problem,
    settings::{Messages, Number},
};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/channels/{channel}/token", put(replace_token))
}

/// The numbers of the senders, and the fake Cloud API if it plays them, with its webhooks coming to this host.
pub(super) async fn connect(
    messages: Messages,
    host: SocketAddr,
) -> Result<(Numbers, Option<FakeCloudApi>), StartError> {
    let numbers = Numbers::new();
    match messages {
        Messages::WhatsApp { template, numbers: settings } => {
            let wordings = Wordings::default().named(NotificationKind::Assignment, &template);
            for Number { sender, token, phone_number_id, app_secret, verify_token } in settings {
                let config = CloudApiConfig::new(phone_number_id, token, wordings.clone());
                set(&numbers, sender, config, app_secret, verify_token)
                    .map_err(|error| StartError::of_number(sender.suffix, error))?;
            }
            Ok((numbers, None))
        }
        Messages::Fake(automatic) => {
            let [first, ..] = SENDERS;
            let config = CloudApiConfig::new(first.fake_id, fake_token(first), Wordings::default());
            let fake = FakeCloudApi::start(config).await.map_err(|error: io::Error| {
                StartError::caused("the fake Cloud API can't start", &error, "try again")
            })?;
            // New secrets at every start, so that nobody else can sign webhooks for the fake. Its numbers are of one app.
            let secret = || SecretString::from(RandomIds.uuid().to_string());
            let (app_secret, verify_token) = (secret(), secret());
            for sender in SENDERS {
                let config = fake.add_number(sender.fake_id, fake_token(sender));
                set(&numbers, sender, config, app_secret.clone(), verify_token.clone())
                    .map_err(|error| StartError::of_number(sender.suffix, error))?;
            }
            fake.webhook(format!("http://{}{WEBHOOK}", reachable(host)), app_secret, automatic);
            Ok((numbers, Some(fake)))
        }
    }
}

/// The token that the fake takes for this sender.
fn fake_token(sender: &Sender) -> String {
    format!("token-of-{}", sender.channel)
}

fn set(
    numbers: &Numbers,
    sender: &Sender,
    config: CloudApiConfig,
    app_secret: SecretString,
    verify_token: SecretString,
) -> Result<(), SetupError> {
    let secrets = WebhookSecrets::new(app_secret, verify_token)?;
    Ok(numbers.set(channel(sender)?, CloudApi::new(config)?, secrets)?)
}

fn channel(sender: &Sender) -> Result<Channel, maintenance_core::Invalid> {
    Channel::new(sender.channel).map_err(|rule| maintenance_core::Invalid::field("channel", rule.to_string()))
}

/// The address at which this machine reaches the host: 127.0.0.1 if it listens on every address.
fn reachable(host: SocketAddr) -> SocketAddr {
    if host.ip().is_unspecified() { (Ipv4Addr::LOCALHOST, host.port()).into() } else { host }
}

/// Which channel a new message goes out by: its complex's own, or else its organisation's, or else the default. A sender
/// without a number is left out.
pub(super) fn table(numbers: &Numbers) -> ChannelTable {
    let known = SENDERS.iter().filter_map(|sender| {
        let channel = Channel::new(sender.channel).ok()?;
        numbers.get(&channel).map(|_| (sender, channel))
    });
    known.fold(ChannelTable::default(), |table, (sender, channel)| match sender.complex {
        Some(complex) => table.complex(sender.organization, complex, channel),
        None => table.organization(sender.organization, channel),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Token {
    token: String,
}

/// Replaces the token of one of the organisation's numbers. The next send uses it. It is kept in memory alone: change the
/// settings too.
async fn replace_token(
    Owner(me): Owner,
    State(app): State<App>,
    Id(name): Id<String>,
    Body(Token { token }): Body<Token>,
) -> Result<StatusCode, Problem> {
    let organization = me.engine.organization();
    let own = SENDERS.iter().any(|sender| sender.channel == name && sender.organization == organization);
    let number = Channel::new(&name).ok().filter(|_| own).and_then(|channel| app.numbers.get(&channel));
    let number = number.ok_or_else(|| Problem::not_found("you have no channel of this name"))?;
    number.set_token(token)?;
    Ok(StatusCode::NO_CONTENT)
}
