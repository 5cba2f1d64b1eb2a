//! Filling a template in: cleaning and cutting the values and writing the request's body, without sending it.
//!
//! The recipient's pace is used up by a first message, to a port where nobody listens; from then on the
//! notifier makes each message and then answers that it must wait, before anything goes out.

use std::{error::Error, hint::black_box, time::Duration};

use criterion::Criterion;
use maintenance_core::{
    Content, Description, Location, Name, NextStep, NotificationKind, Notifier as _, Outgoing, PhoneNumber,
    Priority, Recipient, RenterContact, Title,
};
use maintenance_whatsapp::{CloudApi, CloudApiConfig, Pacing, Wording, Wordings, render_body};
use tokio::runtime::{Builder, Runtime};
use uuid::Uuid;

fn message(description: &str) -> Result<Outgoing, Box<dyn Error>> {
    let id = Uuid::from_u128(0x6f1b_0f0e_5d0c_4a3e_9c39_0a4a_6f6f_2f10);
    let content = Content::new(
        id.into(),
        Title::new("The kitchen sink leaks")?,
        Description::new(description)?,
        Priority::High,
        Location::new("Flat 12,\tkitchen")?,
        None,
    );
    let number = |text: &str| PhoneNumber::try_from(text.to_owned());
    let renter = RenterContact {
        name: Name::new("Renter")?,
        phone_number: Some(number("+12025550100")?),
        language: None,
    };
    let worker = Recipient::Worker { id: id.into(), phone_number: number("+12025550123")? };
    Ok(Outgoing::new(id.into(), NotificationKind::Assignment, worker, content.renter(Some(renter))))
}

/// A notifier that has no turn left for any of these messages.
fn waiting(runtime: &Runtime, message: &Outgoing) -> Result<CloudApi, Box<dyn Error>> {
    let day = Duration::from_hours(24);
    let config = CloudApiConfig {
        base_url: "http://127.0.0.1:9".to_owned(),
        pacing: Pacing { recipient_interval: day, recipient_burst: 1, ..Pacing::default() },
        ..CloudApiConfig::new("106540352242922", "bench-token", Wordings::default())
    };
    let api = CloudApi::new(config)?;
    // Takes the only turn; that nobody answers is of no concern.
    let _ = runtime.block_on(api.notify(message));
    match runtime.block_on(api.notify(message)) {
        Err(error) if matches!(error.next, NextStep::WaitForRecipient { .. }) => Ok(api),
        _ => Err("the notifier doesn't wait: it would send".into()),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let short = message("Water drips from the trap\nunder the sink.")?;
    let long = message(&"It drips,\n\n and  \t drips … ".repeat(370))?;
    let api = waiting(&runtime, &short)?;

    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("template message");
    for (name, message) in [("short description", &short), ("10,000 characters to clean and cut", &long)] {
        group.bench_function(name, |bench| {
            bench.iter(|| runtime.block_on(api.notify(black_box(message))));
        });
    }
    group.finish();

    let english = Wording::english();
    let template = english.templates.get(&NotificationKind::Assignment).ok_or("no template")?;
    let values: Vec<(String, &str)> = (1..=8).map(|n| (n.to_string(), "a value of usual length")).collect();
    criterion.bench_function("render_body", |bench| {
        bench.iter(|| render_body(black_box(&template.body), black_box(&values)));
    });
    criterion.final_summary();
    Ok(())
}
