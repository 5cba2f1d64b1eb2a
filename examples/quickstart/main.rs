//! The main job on real parts: a SQLite file, HTTP to a WhatsApp Cloud API (a fake one in this process unless
//! `WHATSAPP_TOKEN` and `WHATSAPP_PHONE_NUMBER_ID` are set), and signed webhooks coming back.
//!
//! `cargo run --example quickstart`

mod channel;
mod chat;
mod scene;
mod show;

use std::{error::Error, path::PathBuf, sync::Arc};

use clap::Parser;
use maintenance_core::{DispatchPolicy, Maintenance, Submission, Submitted};
use maintenance_sqlx::sqlite::{SqliteRepository, migrate, open};
use maintenance_whatsapp::ObjectMedia;

use channel::Channel;
use chat::Chat;
use scene::Scene;
use show::Show;

/// Files a few maintenance requests, follows them to the workers' phones, and back.
#[derive(Parser)]
struct Options {
    /// Keep the database in this file; without it a temporary file is used and removed.
    #[arg(long, value_name = "FILE")]
    database: Option<PathBuf>,
    /// Print one JSON object a line instead of text.
    #[arg(long)]
    json: bool,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let show = Show::new(options.json);
    let temporary = tempfile::tempdir()?;
    let file = options.database.unwrap_or_else(|| temporary.path().join("maintenance.sqlite"));

    let pool = open(&file).await.map_err(|error| format!("{}: {error}", file.display()))?;
    migrate(&pool).await?;
    let scene = Scene::new();
    let maintenance = Maintenance::new(SqliteRepository::new(pool), scene).with_policy(scene::POLICY);
    let channel = Channel::open(&maintenance).await?;
    show.begin(&file, &channel);

    let staff = scene.hire(&maintenance, channel.number()).await?;
    show.staff(&staff);
    let api = channel.notifier()?;
    let dispatcher = maintenance.dispatcher(Arc::clone(&api), DispatchPolicy::default());

    let mut followed = Vec::new();
    for case in scene.cases() {
        let Submitted { request, submission, .. } = maintenance.submit(case.request).await?;
        let Submission::Filed(selection) = submission else { continue };
        show.filed(case.title, &request, &selection, &staff);
        let Some(worker) = selection.chosen else { continue };
        let report = dispatcher.dispatch_due().await?;
        show.sent(&report, channel.last().as_deref());
        for status in ["sent", "delivered", "read"] {
            if channel.tell(status).await? {
                show.tick(maintenance.request(request.id).await?.whatsapp_status);
            }
        }
        followed.push((request.id, worker));
    }

    // Files that workers send are fetched from the channel and kept in a folder, which a web server would serve.
    let files = ObjectMedia::folder(temporary.path(), "https://files.example.com/")?;
    let chat = Chat { receiver: maintenance.receiver().media(api, files), maintenance, dispatcher, channel };
    if let [first, .., last] = followed[..] {
        if chat.channel.is_fake() {
            chat.whole_job(first, &show).await?;
            chat.declined(last, &show, &staff).await?;
        } else {
            chat.by_the_host(first, &show).await?;
        }
        // Read back from the file, by a connection of its own.
        let reader = Maintenance::new(SqliteRepository::new(open(&file).await?), scene);
        show.record(&reader.record(first.0).await?, &staff);
    }
    chat.channel.close().await;
    Ok(())
}
