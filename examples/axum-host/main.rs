//! A small property-management backend on SQLite or PostgreSQL. It starts with no settings, and prints what to
//! call it with.
//!
//! `cargo run --example axum-host`

use std::{env, io};

use anstream::println;
use maintenance_examples::axum_host::{
    Host, Settings, StartError,
    demo::{CARETAKER, HOUSEHOLDS, LANDLORD, PLUMBER},
};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> Result<(), StartError> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).init();

    let settings = Settings::from(|name| env::var(name).ok())?;
    let database = settings.database();
    let mut host = Host::start(settings).await?;
    show(&host, &database);

    let ended = tokio::select! {
        () = told_to_stop() => false,
        () = host.ended() => true,
    };
    tracing::info!("stopping");
    if !host.stop().await {
        tracing::warn!("not everything finished in time");
    }
    tracing::info!("stopped");
    if ended { Err("the server or the dispatcher ended by itself".into()) } else { Ok(()) }
}

/// Ctrl-C, or the signal by which service managers stop a program.
async fn told_to_stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

/// What a shell can take over, to call the host with.
fn show(host: &Host, database: &str) {
    println!("# database: {database}");
    println!(
        "# messages: {}",
        if host.fake().is_some() { "a fake Cloud API in this process" } else { "WhatsApp" }
    );
    println!("H=http://{}", host.address());
    for (n, household) in (1..).zip(HOUSEHOLDS) {
        println!("RENTER{n}='x-user: renter:{}'", household.renter);
    }
    println!("LANDLORD='x-user: landlord:{LANDLORD}'");
    println!("CARETAKER='x-user: worker:{CARETAKER}'");
    println!("PLUMBER='x-user: worker:{PLUMBER}'");
}
