//! The dispatcher's loop, and how often use cases decide again. Time is tokio's own, paused: nothing sleeps.
#![cfg(all(feature = "tokio", feature = "mock"))]

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use maintenance_core::{
    DispatchPolicy, Error, EventKind, Filed, Listing, Maintenance, NewEvent, NewRequest, Notifier,
    NotifyError, Outgoing, Priority, Receipt, RepositoryError, RepositoryErrorKind, RequestForm,
    RequestNumber, mock::MockRepository,
};
use maintenance_memory::{MemoryRepository, TableDirectory};
use tokio::sync::{mpsc, oneshot};

/// A channel that passes on what it is given.
struct Passes(mpsc::UnboundedSender<Outgoing>);

#[async_trait::async_trait]
impl Notifier for Passes {
    async fn notify(&self, message: &Outgoing) -> Result<Receipt, NotifyError> {
        let _ = self.0.send(message.clone());
        Ok(Receipt { provider_message_id: message.notification_id.to_string() })
    }
}

fn new_request(directory: &TableDirectory) -> NewRequest {
    let form = RequestForm::new("No heating", "Cold radiators", "All rooms").priority(Priority::Emergency);
    NewRequest::new(directory.renter("Renter One", "+12025550100"), directory.property(1), form)
}

#[tokio::test(start_paused = true)]
async fn the_loop_wakes_at_once_after_a_submit_and_ends_when_told() {
    let directory = TableDirectory::new();
    let maintenance = Maintenance::new(MemoryRepository::new(), directory.clone());
    let worker = maintenance_core::NewWorker {
        first_name: "Worker".into(),
        last_name: "One".into(),
        phone_number: "+12025550123".into(),
        email: "worker@example.com".into(),
        ..Default::default()
    };
    let worker = maintenance.add_worker(worker).await.unwrap();
    maintenance.assign_complex(worker.id, directory.complex(1), true).await.unwrap();

    let (sender, mut sent) = mpsc::unbounded_channel();
    let (stop, stopped) = oneshot::channel::<()>();
    let policy = DispatchPolicy { poll: Duration::from_hours(1), ..DispatchPolicy::default() };
    let dispatcher = maintenance.dispatcher(Passes(sender), policy);
    let running = tokio::spawn(async move {
        dispatcher.run(async { stopped.await.unwrap_or_default() }).await;
    });
    // Lets the loop find nothing and go to sleep.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let begun = tokio::time::Instant::now();
    maintenance.submit(new_request(&directory)).await.unwrap();
    assert_eq!(sent.recv().await.unwrap().content.title.as_str(), "No heating");
    assert!(begun.elapsed() < Duration::from_secs(1), "woken, not polled: {:?}", begun.elapsed());
    stop.send(()).unwrap();
    running.await.unwrap();
    assert!(sent.recv().await.is_none(), "the loop is over and has let go of its channel");
}

#[tokio::test(start_paused = true)]
async fn the_loop_outlives_a_store_that_fails() {
    let mut repository = MockRepository::new();
    let claims = Arc::new(AtomicU32::new(0));
    let (back, mut is_back) = mpsc::unbounded_channel();
    repository.expect_claim().returning(move |_| {
        if claims.fetch_add(1, Ordering::SeqCst) < 3 {
            return Err(RepositoryErrorKind::Unavailable.into());
        }
        let _ = back.send(());
        Ok(Listing::default())
    });
    repository.expect_time().returning(|| Ok(None));
    repository.expect_catch_up().returning(|_| Ok(Vec::new()));
    repository.expect_index_texts().returning(|_| Ok(0));
    let maintenance = Maintenance::new(Arc::new(repository), TableDirectory::new());
    let (sender, _sent) = mpsc::unbounded_channel();
    let dispatcher = maintenance.dispatcher(Passes(sender), DispatchPolicy::default());
    dispatcher.run(async move { is_back.recv().await.unwrap_or_default() }).await;
}

/// A row that can't be read is an event, which waits until the store takes it.
#[tokio::test(start_paused = true)]
async fn an_event_that_the_store_refuses_is_kept_for_the_next_poll() {
    let mut repository = MockRepository::new();
    let row = RepositoryError::corrupt("maintenance_notifications", "kind", "7", "a fax");
    let mut claimed = vec![Listing { items: Vec::new(), corrupt: vec![row] }];
    repository.expect_claim().returning(move |_| Ok(claimed.pop().unwrap_or_default()));
    repository.expect_time().returning(|| Ok(None));
    repository.expect_catch_up().returning(|_| Ok(Vec::new()));
    repository.expect_index_texts().returning(|_| Ok(0));
    let (events, mut kept) = mpsc::unbounded_channel();
    let mut refusals = 3;
    repository.expect_add_event().returning(move |event| {
        if refusals > 0 {
            refusals -= 1;
            return Err(RepositoryErrorKind::Busy.into());
        }
        let _ = events.send(event.clone());
        Ok(())
    });
    let maintenance = Maintenance::new(Arc::new(repository), TableDirectory::new());
    let (sender, _sent) = mpsc::unbounded_channel();
    let dispatcher = maintenance.dispatcher(Passes(sender), DispatchPolicy::default());
    let until = async {
        let event: NewEvent = kept.recv().await.unwrap();
        assert_eq!((event.kind, event.request_id), (EventKind::Corrupt, None));
        assert_eq!(event.detail.unwrap(), "maintenance_notifications.kind of row 7");
    };
    dispatcher.run(until).await;
    assert!(kept.try_recv().is_err(), "it is kept once");
}

/// How often `file` is called when it answers so.
async fn filings(kind: RepositoryErrorKind, times: u32) -> (u32, Result<(), Error>) {
    let (calls, directory) = (Arc::new(AtomicU32::new(0)), TableDirectory::new());
    let mut repository = MockRepository::new();
    repository.expect_candidates().returning(|_| Ok(Listing::default()));
    let counted = calls.clone();
    repository.expect_file().returning(move |_| {
        if counted.fetch_add(1, Ordering::SeqCst) < times {
            Err(kind.clone().into())
        } else {
            Ok(vec![Ok(Filed::New(RequestNumber::new(1)))])
        }
    });
    let maintenance = Maintenance::new(repository, directory.clone());
    let answer = maintenance.submit(new_request(&directory)).await.map(|_| ());
    (calls.load(Ordering::SeqCst), answer)
}

#[tokio::test]
async fn a_conflict_is_decided_again_a_bounded_number_of_times() {
    assert!(matches!(filings(RepositoryErrorKind::Conflict, 3).await, (4, Ok(()))));
    let (calls, answer) = filings(RepositoryErrorKind::Conflict, u32::MAX).await;
    assert_eq!(calls, 8);
    assert!(matches!(answer, Err(Error::Repository(error)) if error.kind == RepositoryErrorKind::Conflict));
}

#[tokio::test]
async fn what_deciding_again_cannot_mend_is_returned_at_once() {
    for kind in [
        RepositoryErrorKind::Busy,
        RepositoryErrorKind::NotWritable,
        RepositoryErrorKind::Aborted { code: "40001".into() },
        RepositoryErrorKind::Unavailable,
        RepositoryErrorKind::Other,
    ] {
        let (calls, answer) = filings(kind.clone(), u32::MAX).await;
        assert_eq!(calls, 1, "{kind:?}");
        assert!(matches!(answer, Err(Error::Repository(error)) if error.kind == kind));
    }
}
