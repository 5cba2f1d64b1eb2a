//! Taking over requests that another system, or another store, has had.

use std::{collections::HashSet, fmt, pin::pin};

use futures_util::{Stream, StreamExt as _};
use serde::Serialize;
use tracing::instrument;
use uuid::Uuid;

use super::{
    Maintenance, import_line,
    reused::{Differences, Reused},
    tries::Tries,
};
use crate::{
    maintenance::Error,
    model::{Request, RequestRecord},
    ports::{Inserted, Repository, RepositoryError, RepositoryErrorKind},
    rules::check_import,
    values::{Invalid, RequestId},
};

/// What an import did, in lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct ImportReport {
    /// Requests that were written.
    pub imported: u64,
    /// Requests that were there already, as after an import that was interrupted.
    pub existing: u64,
    /// Lines that were refused.
    pub refused: u64,
}

/// A line that an import refused.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RefusedLine {
    /// Its place among all lines, from 1.
    pub line: u64,
    /// The request's id, if it could be read.
    pub id: Option<RequestId>,
    /// Everything that is wrong with it.
    pub why: Error,
}

impl fmt::Display for RefusedLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(id) = self.id {
            write!(f, ", request {id}")?;
        }
        write!(f, ": {}", self.why)
    }
}

/// How many requests are written in one step at most.
const CHUNK: usize = 500;

/// How many bytes of lines are written in one step, unless one line alone has more.
const CHUNK_BYTES: usize = 4 * 1024 * 1024;

impl<R: Repository> Maintenance<R> {
    /// Takes over requests as they were, with their histories, comments and attachments, from lines of JSON as
    /// [`export`](Self::export) gives them: one [`RequestRecord`] per line. Nothing is sent: messages of the record are
    /// passed over, none is filed, and `whatsapp_message_id` and `whatsapp_status` stay as given. Blank lines are skipped.
    ///
    /// A line that names no organisation is this engine's. From another system these fields may be missing: `history`,
    /// `assignments`, `edits`, `comments`, `attachments`; of the request `completed_at`, `assigned_worker_id`,
    /// `specialty`, `fingerprint`, `version`, `hold`, `whatsapp_message_id`, `whatsapp_status`.
    ///
    /// Each line is refused or written for itself, and each refused one is handed to `refused` with all that is wrong.
    /// The record must be one that the engine could have made: its status history is a path of the table
    /// [`TRANSITIONS`](crate::TRANSITIONS) from `pending` to the request's status, times are in order and not in the
    /// future, and a worker who is named as the request's is known. Workers are added before, with their ids, by
    /// [`add_worker`](Self::add_worker).
    ///
    /// Each request gets the next short number of this organisation, whatever number its record names.
    ///
    /// Up to 500 lines are one atomic step, and memory holds no more than those, so any number of lines can be imported.
    /// What is there stays as it is: after an interruption, import the same lines again. A request counts as the same
    /// when id, renter, property and `created_at` are.
    ///
    /// The engine assigns nobody by itself: an imported open request without a worker is found by
    /// [unassigned](crate::RequestFilter::unassigned); the worker of another is told by
    /// [`notify_again`](Self::notify_again). No [event](Self::events) tells of an import.
    ///
    /// A call that the host trusts.
    ///
    /// # Errors
    ///
    /// [`Error::Repository`] when the store can't be reached. The lines of the steps before are written. Inside the host's
    /// transaction on PostgreSQL, a line that a constraint of the host's own refuses ends the transaction.
    ///
    /// ```
    /// # use maintenance_core::*;
    /// # async fn example(maintenance: Maintenance<impl Repository>, text: &str) -> Result<(), Error> {
    /// use futures_util::stream;
    ///
    /// // Or any other stream, as of a file that is read line by line.
    /// let lines = stream::iter(text.lines());
    /// let report = maintenance.import(lines, |refused| eprintln!("{refused}")).await?;
    /// println!("{} imported, {} were there, {} refused", report.imported, report.existing, report.refused);
    /// # Ok(()) }
    /// ```
    #[instrument(skip_all, err(level = "debug"))]
    pub async fn import<L: AsRef<[u8]>>(
        &self,
        lines: impl Stream<Item = L>,
        refused: impl FnMut(RefusedLine),
    ) -> Result<ImportReport, Error> {
        let mut lines = pin!(lines);
        let mut tally = Tally { report: ImportReport::default(), refused };
        let (mut chunk, mut place) = (Chunk::default(), 0);
        while let Some(line) = lines.next().await {
            place += 1;
            let (bytes, read) = self.read_line(line);
            match read {
                Ok(None) => {}
                Ok(Some(record)) => {
                    if !chunk.has_room(bytes, &record) {
                        self.write_chunk(std::mem::take(&mut chunk), &mut tally).await?;
                    }
                    chunk.add(place, bytes, record);
                }
                Err((id, why)) => tally.refuse(place, id, why.into()),
            }
        }
        self.write_chunk(chunk, &mut tally).await?;
        Ok(tally.report)
    }

    /// How many bytes the line has, and its record; none for a blank line.
    fn read_line(&self, line: impl AsRef<[u8]>) -> (usize, Result<Option<RequestRecord>, Unread>) {
        let line = line.as_ref().trim_ascii();
        let read = if line.is_empty() { Ok(None) } else { self.parse(line).map(Some) };
        (line.len(), read)
    }

    fn parse(&self, line: &[u8]) -> Result<RequestRecord, Unread> {
        let line = import_line::parse(line).map_err(|invalid| (None, invalid))?;
        let organization = self.organization();
        let record = import_line::record(&line, organization);
        let checked = record.and_then(|record| {
            check_import(&record, organization, self.shared.now())?;
            Ok(record)
        });
        checked.map_err(|invalid| (import_line::request_id(&line), invalid))
    }

    async fn write_chunk(
        &self,
        Chunk { places, records, .. }: Chunk,
        tally: &mut Tally<impl FnMut(RefusedLine)>,
    ) -> Result<(), Error> {
        let answers = self.write(&records).await?;
        for ((place, record), answer) in places.into_iter().zip(records).zip(answers) {
            let given = record.request;
            match answer {
                Ok(Inserted::New) => tally.report.imported += 1,
                Ok(Inserted::Existing(stored)) => match same_request(&stored, &given) {
                    Ok(()) => tally.report.existing += 1,
                    Err(reused) => tally.refuse(place, Some(given.id), reused.into()),
                },
                Err(error) => tally.refuse(place, Some(given.id), refusal(error, &given)),
            }
        }
        Ok(())
    }

    /// Writes the records in one step, or, if the store refuses them as a whole, each in a step of its own.
    async fn write(&self, records: &[RequestRecord]) -> Result<Answers, RepositoryError> {
        match self.write_step(records).await {
            Err(error) if !error.kind.is_about_the_store() => {}
            answers => return answers,
        }
        let mut answers = Vec::with_capacity(records.len());
        for record in records.chunks(1) {
            match self.write_step(record).await {
                Ok(answer) => answers.extend(answer),
                Err(error) if error.kind.is_about_the_store() => return Err(error),
                Err(error) => answers.push(Err(error)),
            }
        }
        Ok(answers)
    }

    async fn write_step(&self, records: &[RequestRecord]) -> Result<Answers, RepositoryError> {
        let mut tries = Tries::default();
        loop {
            match self.repository.import(records).await {
                Err(error) if tries.again_after(&error) => {}
                answers => return answers,
            }
        }
    }
}

type Answers = Vec<Result<Inserted<Request>, RepositoryError>>;

/// The id, if it could be read, of a request that can't be, and everything that is wrong.
type Unread = (Option<RequestId>, Invalid);

/// Counts the lines, and hands out the refused ones.
struct Tally<F> {
    report: ImportReport,
    refused: F,
}

impl<F: FnMut(RefusedLine)> Tally<F> {
    fn refuse(&mut self, line: u64, id: Option<RequestId>, why: Error) {
        self.report.refused += 1;
        (self.refused)(RefusedLine { line, id, why });
    }
}

/// Whether the stored request is the given one, by what no edit and no forgetting changes.
fn same_request(stored: &Request, given: &Request) -> Result<(), Reused> {
    Differences::default()
        .shown("renter_id", &stored.renter_id, &given.renter_id)
        .shown("property_id", &stored.property_id, &given.property_id)
        .shown("created_at", &stored.created_at, &given.created_at)
        .none("request", given.id)
}

/// Why the store did not write the request.
fn refusal(error: RepositoryError, given: &Request) -> Error {
    match (&error.kind, given.assigned_worker_id) {
        (RepositoryErrorKind::NotFound, Some(worker)) => {
            Error::NotFound { what: "worker", id: worker.uuid() }
        }
        (RepositoryErrorKind::Conflict, _) => Invalid::field(
            "request.id",
            "is taken, or the id of one of its rows is; every request and every row needs an id of its own",
        )
        .into(),
        _ => error.into(),
    }
}

/// Records that are written together.
#[derive(Default)]
struct Chunk {
    places: Vec<u64>,
    records: Vec<RequestRecord>,
    bytes: usize,
    /// The ids of the requests and of their rows: the store takes none twice in one step.
    ids: HashSet<Uuid>,
}

impl Chunk {
    fn has_room(&self, bytes: usize, record: &RequestRecord) -> bool {
        self.records.len() < CHUNK
            && (self.records.is_empty() || self.bytes.saturating_add(bytes) <= CHUNK_BYTES)
            && !ids(record).any(|id| self.ids.contains(&id))
    }

    fn add(&mut self, place: u64, bytes: usize, record: RequestRecord) {
        self.ids.extend(ids(&record));
        self.bytes = self.bytes.saturating_add(bytes);
        self.places.push(place);
        self.records.push(record);
    }
}

fn ids(record: &RequestRecord) -> impl Iterator<Item = Uuid> {
    let RequestRecord { request, history, assignments, edits, comments, attachments, notifications: _ } =
        record;
    std::iter::once(request.id.uuid())
        .chain(history.iter().map(|row| row.id.uuid()))
        .chain(assignments.iter().map(|row| row.id.uuid()))
        .chain(edits.iter().map(|row| row.id.uuid()))
        .chain(comments.iter().map(|row| row.id.uuid()))
        .chain(attachments.iter().map(|row| row.id.uuid()))
}
