//! What the program prints: text for a terminal, or one JSON object a line.

use std::path::Path;

use anstream::println;
use anstyle::{AnsiColor, Style};
use maintenance_core::{
    AssignmentChange, DispatchReport, Request, RequestRecord, RequestStatus, Selection, Verdict,
    WhatsAppStatus, WorkerId,
};
use maintenance_whatsapp::fake::FakeMessage;
use serde_json::{Value, json};

use crate::{channel::Channel, scene::Staff};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Yellow.on_default();
const READ: Style = AnsiColor::Cyan.on_default();

/// Prints. Colours go to a terminal alone.
pub(crate) struct Show {
    json: bool,
}

impl Show {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Either form of one event.
    fn event(&self, json: impl FnOnce() -> Value, text: impl FnOnce()) {
        if self.json {
            println!("{}", json());
        } else {
            text();
        }
    }

    pub(crate) fn begin(&self, file: &Path, channel: &Channel) {
        let api =
            if channel.is_fake() { "a fake Cloud API in this process" } else { "the WhatsApp Cloud API" };
        self.event(
            || json!({"event": "begin", "database": file, "api": channel.base_url(), "fake": channel.is_fake()}),
            || {
                println!("{BOLD}Maintenance requests, end to end{BOLD:#}");
                println!("{DIM}database{DIM:#}  {}", file.display());
                println!("{DIM}messages{DIM:#}  {} ({api})", channel.base_url());
            },
        );
    }

    pub(crate) fn staff(&self, staff: &Staff) {
        self.event(
            || json!({"event": "staff", "workers": staff}),
            || {
                println!("{DIM}workers{DIM:#}   {} in two complexes", staff.len());
            },
        );
    }

    pub(crate) fn filed(&self, title: &str, request: &Request, selection: &Selection, staff: &Staff) {
        self.event(
            || json!({"event": "filed", "case": title, "request": request, "selection": selection}),
            || {
                println!("\n{BOLD}{title}{BOLD:#}");
                println!(
                    "  {} {DIM}· {} · {}{DIM:#}",
                    request.title.as_str(),
                    request.priority,
                    request.location.as_str()
                );
                let need = request.specialty.as_ref().map_or("anyone", |trade| trade.as_str());
                println!("  {DIM}needs {need}; candidates, best first:{DIM:#}");
                for (n, ranked) in selection.ranking.iter().enumerate() {
                    let (mark, style) = match &ranked.verdict {
                        Verdict::Eligible(_) if n == 0 => ("→", GOOD),
                        Verdict::Eligible(_) => (" ", Style::new()),
                        _ => ("×", DIM),
                    };
                    println!(
                        "  {style}{mark} {:<24} {}{style:#}",
                        name(staff, ranked.worker_id),
                        ranked.verdict
                    );
                }
                if selection.chosen.is_none() {
                    println!("  {BAD}filed unassigned: nobody is suitable{BAD:#}");
                }
            },
        );
    }

    pub(crate) fn sent(&self, report: &DispatchReport, message: Option<&FakeMessage>) {
        self.event(
            || {
                let problems: Vec<String> =
                    report.problems.iter().map(|problem| problem.error.to_string()).collect();
                let text = message.map(|message| &message.text);
                json!({"event": "dispatched", "sent": report.sent, "problems": problems, "text": text})
            },
            || {
                for problem in &report.problems {
                    println!("  {BAD}not accepted: {}{BAD:#}", problem.error);
                }
                if let Some(message) = message {
                    on_the_phone(message);
                } else if report.sent > 0 {
                    println!("  accepted; its status will come to the webhook that is set up at Meta");
                }
            },
        );
    }

    pub(crate) fn tick(&self, status: WhatsAppStatus) {
        self.event(
            || json!({"event": "webhook", "whatsapp_status": status}),
            || {
                let (ticks, style) = match status {
                    WhatsAppStatus::Pending => ("…", DIM),
                    WhatsAppStatus::Sent => ("✓", Style::new()),
                    WhatsAppStatus::Delivered => ("✓✓", Style::new()),
                    WhatsAppStatus::Read => ("✓✓", READ),
                    WhatsAppStatus::Failed => ("!", BAD),
                };
                println!("  {style}{ticks:<2}{style:#} {status}");
            },
        );
    }

    /// A worker says or taps something, and gets an answer.
    pub(crate) fn said(&self, what: &str, answer: Option<&FakeMessage>) {
        self.event(
            || json!({"event": "said", "worker": what, "answer": answer.map(|answer| &answer.text)}),
            || {
                println!("  {GOOD}←{GOOD:#} {BOLD}{what}{BOLD:#}");
                if let Some(answer) = answer {
                    on_the_phone(answer);
                }
            },
        );
    }

    pub(crate) fn chapter(&self, title: &str) {
        self.event(|| json!({"event": "chapter", "title": title}), || println!("\n{BOLD}{title}{BOLD:#}"));
    }

    pub(crate) fn moved_on(&self, request: &Request, staff: &Staff) {
        let worker = request.assigned_worker_id;
        self.event(
            || json!({"event": "moved_on", "worker": worker}),
            || {
                let to = worker.map_or("nobody", |worker| name(staff, worker));
                println!("  {GOOD}→{GOOD:#} request {} goes to {to}", request.number);
            },
        );
    }

    pub(crate) fn moved(&self, path: &[RequestStatus]) {
        self.event(
            || json!({"event": "moved", "path": path}),
            || {
                let path: Vec<&str> = path.iter().map(|status| status.as_str()).collect();
                println!("\n{BOLD}The sink is mended{BOLD:#}\n  {}", path.join(" → "));
            },
        );
    }

    pub(crate) fn record(&self, record: &RequestRecord, staff: &Staff) {
        self.event(
            || json!({"event": "record", "record": record}),
            || {
                let request = &record.request;
                let worker = request.assigned_worker_id.map_or("nobody", |worker| name(staff, worker));
                println!("\n{BOLD}Its record, read back from the file{BOLD:#}");
                println!("  request     {} ({})", request.number, request.id);
                println!(
                    "  status      {GOOD}{}{GOOD:#}, message {}",
                    request.status, request.whatsapp_status
                );
                println!("  worker      {worker}");
                println!("  filed       {}", at(&request.created_at));
                let messages = record.notifications.iter().filter(|message| message.answer.is_none());
                for message in messages {
                    for (what, when) in [
                        ("sent", message.sent_at),
                        ("delivered", message.delivered_at),
                        ("read", message.read_at),
                        ("accepted", message.acknowledged_at),
                    ] {
                        if let Some(when) = when {
                            println!("  {what:<11} {}", at(&when));
                        }
                    }
                }
                for change in &record.assignments {
                    let to = change.new_worker_id.map_or("nobody", |worker| name(staff, worker));
                    println!("  {:<12}{} – {}", "assigned", at(&change.changed_at), assigned(to, change));
                }
                for change in &record.history {
                    let note = change
                        .notes
                        .as_ref()
                        .map_or_else(String::new, |note| format!(" – {}", note.as_str()));
                    println!("  {:<12}{}{note}", change.new_status, at(&change.changed_at));
                }
                for file in &record.attachments {
                    println!("  {:<12}{}", file.file_type.as_str(), file.file_url.as_str());
                }
                for comment in &record.comments {
                    println!("  comment     {} – {}", comment.user_type, comment.comment.as_str());
                }
            },
        );
    }
}

/// A message as it reads on the phone, with its buttons.
fn on_the_phone(message: &FakeMessage) {
    for line in message.text.lines() {
        println!("  {DIM}│{DIM:#} {line}");
    }
    let buttons: Vec<_> = message.buttons.iter().map(|(title, _)| format!("[{title}]")).collect();
    if !buttons.is_empty() {
        println!("  {DIM}│ {}{DIM:#}", buttons.join(" "));
    }
}

/// Who got it and why, as the assignment history keeps it.
fn assigned(to: &str, change: &AssignmentChange) -> String {
    let chosen = change.ranking.iter().find(|ranked| Some(ranked.worker_id) == change.new_worker_id);
    let why = chosen.map_or_else(String::new, |chosen| format!(": {}", chosen.verdict));
    format!("{to} ({}{why})", change.cause)
}

fn name(staff: &Staff, worker: WorkerId) -> &str {
    staff.get(&worker).map_or("?", String::as_str)
}

fn at(time: &chrono::DateTime<chrono::Utc>) -> impl std::fmt::Display {
    time.format("%Y-%m-%d %H:%M:%S%.6f UTC")
}
