//! What the program prints: text for a terminal, or one JSON object per line.

use anstream::println;
use anstyle::{AnsiColor, Style};
use maintenance_examples::doctor::{Finding, Mark};
use serde_json::json;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

/// Prints. Colours go to a terminal alone.
#[derive(Clone, Copy)]
pub(crate) struct Show {
    json: bool,
}

impl Show {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    pub(crate) fn heading(self, text: &str) {
        if self.json {
            println!("{}", json!({"heading": text}));
        } else {
            println!("{BOLD}{text}{BOLD:#}");
        }
    }

    pub(crate) fn finding(self, finding: &Finding) {
        if self.json {
            println!("{}", json!(finding));
            return;
        }
        let style = match finding.mark {
            Mark::Good => Style::new(),
            Mark::Warning => AnsiColor::Yellow.on_default(),
            Mark::Wrong => AnsiColor::Red.on_default(),
        };
        println!("{style}{finding}{style:#}");
        for line in finding.ours.iter().flat_map(|ours| ours.lines()) {
            println!("               {DIM}│{DIM:#} {line}");
        }
    }

    pub(crate) fn end(self, code: u8) {
        if self.json {
            println!("{}", json!({"exit_code": code}));
        } else {
            println!("{BOLD}{}{BOLD:#}", if code == 0 { "All is well." } else { "Something is wrong." });
        }
    }
}
