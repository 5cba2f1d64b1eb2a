//! Examines a `WhatsApp` set-up when messages don't arrive, and says what to do. Without `WHATSAPP_TOKEN` it examines a fake
//! Cloud API in this process, first with two templates that are wrong, and again when they are put right.
//!
//! `cargo run --example doctor`

mod show;

use std::{env, process::ExitCode};

use clap::Parser;
use maintenance_core::{Clock as _, SystemClock};
use maintenance_examples::doctor::{Demo, Doctor, Flags, Settings, exit_code, wordings};

use show::Show;

/// Checks a `WhatsApp` set-up: token, number, templates, webhook.
#[derive(Parser)]
#[command(after_help = Settings::HELP)]
struct Options {
    /// Create the templates that are missing before the check.
    #[arg(long)]
    register: bool,
    /// Print one JSON object per line instead of text.
    #[arg(long)]
    json: bool,
    /// The codes of the languages that the host sends in, as in en,es [default: all that the engine has].
    #[arg(long, value_name = "CODES")]
    languages: Option<String>,
    /// The API's address, if it isn't Meta's.
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// Post to the host's webhook at this address, once signed and once with a wrong signature.
    #[arg(long, value_name = "URL")]
    webhook_url: Option<String>,
    /// Examine a fake Cloud API, whatever the environment has.
    #[arg(long, conflicts_with_all = ["register", "base_url", "webhook_url"])]
    fake: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let show = Show::new(options.json);
    match run(options, show).await {
        Ok(code) => {
            show.end(code);
            code.into()
        }
        Err(wrong) => {
            anstream::eprintln!("error: {wrong}");
            ExitCode::from(2)
        }
    }
}

/// The exit code, or what is wrong with the arguments.
async fn run(options: Options, show: Show) -> Result<u8, String> {
    let Options { register, languages, base_url, webhook_url, fake, .. } = options;
    let needs_token = register || base_url.is_some() || webhook_url.is_some();
    let flags = Flags { languages, base_url, webhook_url };
    let settings = Settings::read(&flags, |name| if fake { None } else { env::var(name).ok() })?;
    let Some(settings) = settings else {
        if needs_token {
            return Err("--register, --base-url and --webhook-url need WHATSAPP_TOKEN to be set".to_owned());
        }
        return demo(&flags, show).await;
    };
    let doctor = Doctor::new(&settings)?;
    let mut codes = vec![];
    if register {
        show.heading("Registering what is missing");
        codes.push(create_missing(&doctor, show).await);
    }
    show.heading("Examining the set-up");
    codes.push(examine(&doctor, show).await);
    Ok(codes.into_iter().max().unwrap_or_default())
}

/// Examines a fake, and again once it is repaired.
async fn demo(flags: &Flags, show: Show) -> Result<u8, String> {
    let wordings = wordings(Some(flags.languages.as_deref().unwrap_or("en,es")))?;
    let demo = Demo::start(wordings).await.map_err(|error| format!("the fake can't start: {error}"))?;
    let doctor = Doctor::new(demo.settings())?;
    show.heading("A fake Cloud API in this process, with a template missing and one whose text differs");
    examine(&doctor, show).await;
    show.heading("Registering what is missing, and editing the text");
    create_missing(&doctor, show).await;
    demo.edit();
    show.heading("The same once more");
    Ok(examine(&doctor, show).await)
}

/// Prints what is found; returns the exit code.
async fn examine(doctor: &Doctor<'_>, show: Show) -> u8 {
    let mut findings = vec![];
    doctor
        .examine(SystemClock.now(), |finding| {
            show.finding(&finding);
            findings.push(finding);
        })
        .await;
    exit_code(&findings)
}

/// Registers the templates that are missing and prints what came back; returns the exit code.
async fn create_missing(doctor: &Doctor<'_>, show: Show) -> u8 {
    let mut findings = vec![];
    doctor
        .register(|finding| {
            show.finding(&finding);
            findings.push(finding);
        })
        .await;
    exit_code(&findings)
}
