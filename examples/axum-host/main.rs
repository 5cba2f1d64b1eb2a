//! A small property-management backend on SQLite or PostgreSQL. It starts with no settings, and prints what
//! to call it with.
//!
//! `cargo run --example axum-host`

use std::{env, io, process::ExitCode};

use anstream::{eprintln, println};
use clap::Parser;
use maintenance_examples::axum_host::{
    Host, Settings, StartError,
    demo::{ASSISTANT, CARETAKER, HOUSEHOLDS, LANDLORD, LANDLORD2, PLUMBER, PLUMBER2},
};
use tracing_subscriber::EnvFilter;

/// A small property-management backend that links the maintenance engine.
#[derive(Parser)]
#[command(name = "axum-host", after_help = Settings::HELP)]
struct Options {}

#[tokio::main]
async fn main() -> ExitCode {
    let Options {} = Options::parse();
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("axum-host: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), StartError> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).init();

    let settings = Settings::from(|name| env::var(name).ok())?;
    let database = settings.database();
    let mut host = Host::start(settings).await?;
    show(&host, &database);

    let ended = tokio::select! {
        () = stop_signal() => false,
        () = host.ended() => true,
    };
    tracing::info!("stopping");
    if !host.stop().await {
        tracing::warn!("some requests or sends did not finish in time");
    }
    tracing::info!("stopped");
    if ended { Err(StartError::ended()) } else { Ok(()) }
}

/// Ctrl-C, or the signal by which service managers stop a program.
async fn stop_signal() {
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

/// Prints what the host is connected to, and variables that a shell can paste to call it with.
fn show(host: &Host, database: &str) {
    println!("# database: {database}");
    println!(
        "# messages: {}",
        if host.fake().is_some() { "a fake Cloud API in this process" } else { "WhatsApp" }
    );
    println!("H=http://{}", host.address());
    for (n, household) in (1..).zip(HOUSEHOLDS) {
        println!("RENTER{n}='x-user: {}'", household.renter);
    }
    println!("LANDLORD='x-user: {LANDLORD}'");
    println!("ASSISTANT='x-user: {ASSISTANT}'");
    println!("CARETAKER='x-user: {CARETAKER}'");
    println!("PLUMBER='x-user: {PLUMBER}'");
    println!("# of the second organisation, as are RENTER3 and RENTER4:");
    println!("LANDLORD2='x-user: {LANDLORD2}'");
    println!("PLUMBER2='x-user: {PLUMBER2}'");
}
