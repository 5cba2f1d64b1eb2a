//! The main job on real parts: a SQLite file, HTTP to a WhatsApp Cloud API (a fake one in this process unless
//! `WHATSAPP_TOKEN` and `WHATSAPP_PHONE_NUMBER_ID` are set), and signed webhooks coming back.
//!
//! `cargo run --example quickstart`

mod channel;
mod scene;
mod show;

use std::{error::Error, path::PathBuf};

use clap::Parser;
use maintenance_core::{
    Actor, DispatchPolicy, Maintenance, Move, NewComment, RequestStatus, Submission, Submitted,
};
use maintenance_sqlx::sqlite::{SqliteRepository, migrate, open};

use channel::Channel;
use scene::Scene;
use show::Show;

/// Files a few maintenance requests and follows them to the worker's phone.
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
    let dispatcher = maintenance.dispatcher(channel.notifier()?, DispatchPolicy::default());

    let mut followed = None;
    for case in scene.cases() {
        let Submitted { request, submission, .. } = maintenance.submit(case.request).await?;
        let Submission::Filed(selection) = submission else { continue };
        show.filed(case.title, &request, &selection, &staff);
        let Some(worker) = selection.chosen else { continue };
        let report = dispatcher.dispatch_due().await?;
        show.sent(&report, channel.phone(request.id).as_deref());
        for status in ["sent", "delivered", "read"] {
            if channel.tell(request.id, status).await? {
                show.tick(maintenance.request(request.id).await?.whatsapp_status);
            }
        }
        followed.get_or_insert((request.id, Actor::Worker(worker)));
    }

    if let Some((id, worker)) = followed {
        let began = maintenance.change_status(id, Move::to(RequestStatus::InProgress, worker)).await?;
        let comment = NewComment { id: None, comment: "On my way, half an hour.".into() };
        maintenance.comment(id, worker, comment).await?;
        let done = Move::to(RequestStatus::Completed, worker).note("New washer in the trap.");
        let done = maintenance.change_status(id, done).await?;
        show.moved(&[RequestStatus::Pending, began.status, done.status]);

        // Read back from the file, by a connection of its own.
        let reader = Maintenance::new(SqliteRepository::new(open(&file).await?), scene);
        show.record(&reader.record(id).await?, &staff);
    }
    channel.close().await;
    Ok(())
}
