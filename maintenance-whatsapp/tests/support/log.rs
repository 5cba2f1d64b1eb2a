//! What this crate logs, as one text.

use std::{
    fmt::{Debug, Write as _},
    sync::{Arc, Mutex},
};

use tracing::{
    Event, Id, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Record},
    subscriber::DefaultGuard,
};

/// The log of everything that the current thread does from now on.
pub(crate) struct Log {
    lines: Lines,
    _guard: DefaultGuard,
}

impl Log {
    pub(crate) fn start() -> Self {
        let lines = Lines::default();
        Self { _guard: tracing::subscriber::set_default(lines.clone()), lines }
    }

    pub(crate) fn text(&self) -> String {
        self.lines.0.lock().unwrap().clone()
    }
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<String>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

impl Lines {
    fn write(&self, head: String, fields: impl FnOnce(&mut Line)) {
        let mut line = Line(head);
        fields(&mut line);
        self.0.lock().unwrap().push_str(&(line.0 + "\n"));
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("maintenance")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.write(format!("span {}", span.metadata().name()), |line| span.record(line));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        self.write("values".to_owned(), |line| values.record(line));
    }

    fn event(&self, event: &Event<'_>) {
        self.write(event.metadata().level().to_string(), |line| event.record(line));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}
