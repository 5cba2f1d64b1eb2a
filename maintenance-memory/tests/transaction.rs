//! What a transaction on the store in memory applies, and when it answers that there is a conflict.

use std::sync::Arc;

use maintenance_core::{
    Edit, Error, Maintenance, Move, NewRequest, RepositoryErrorKind, Request, RequestStatus, WhatsAppStatus,
    Worker, WorkerStatus,
};
use maintenance_memory::{MemoryRepository, MemoryTransaction, conformance::World};
use uuid::Uuid;

/// A complex with one worker and one request of theirs, and a request that a test may file.
struct Scene {
    store: MemoryRepository<'static>,
    outside: World,
    worker: Worker,
    filed: Request,
    new: NewRequest,
}

impl Scene {
    async fn new() -> Self {
        let store = MemoryRepository::new();
        let outside = World::new(Arc::new(store.clone()));
        let worker = outside.worker(&["plumbing"]).await;
        let filed = outside.filed().await;
        let new = outside.new_request().complex(outside.complex);
        Self { store, outside, worker, filed, new }
    }

    fn inside<'t>(&self, tx: &'t mut MemoryTransaction) -> Maintenance<MemoryRepository<'t>> {
        self.outside.maintenance.within(MemoryRepository::in_transaction(tx))
    }

    fn moved(&self, to: RequestStatus) -> Move {
        Move::to(to, self.outside.landlord())
    }
}

fn is_conflict(tx: MemoryTransaction) -> bool {
    tx.commit().is_err_and(|error| error.kind == RepositoryErrorKind::Conflict)
}

#[tokio::test]
async fn a_commit_applies_every_write_and_keeps_what_others_wrote() {
    let scene = Scene::new().await;
    let mut tx = scene.store.begin();
    let inside = scene.inside(&mut tx).submit(scene.new.clone()).await.unwrap().request;
    let begun = scene.moved(RequestStatus::InProgress);
    scene.inside(&mut tx).change_status(scene.filed.id, begun).await.unwrap();
    let outside = scene.outside.filed().await;
    assert!(matches!(scene.inside(&mut tx).request(outside.id).await, Err(Error::NotFound { .. })));
    assert!(matches!(scene.outside.maintenance.request(inside.id).await, Err(Error::NotFound { .. })));
    assert_eq!(scene.outside.dispatch().await.sent, 2, "nothing of it is sent before the commit");
    tx.commit().unwrap();
    assert_eq!(scene.outside.dispatch().await.sent, 1);
    let moved = scene.outside.record(scene.filed.id).await;
    assert_eq!((moved.request.status, moved.history.len()), (RequestStatus::InProgress, 1));
    assert_eq!(moved.request.whatsapp_status, WhatsAppStatus::Sent, "it was sent meanwhile");
    assert_eq!(moved.assignments.len(), 1, "what was there before is there once");
    assert_eq!(scene.outside.requests().await.len(), 3);
}

#[tokio::test]
async fn a_dropped_transaction_leaves_nothing() {
    let scene = Scene::new().await;
    let mut tx = scene.store.begin();
    scene.inside(&mut tx).submit(scene.new.clone()).await.unwrap();
    drop(tx);
    assert_eq!(scene.outside.requests().await, [scene.filed]);
}

#[tokio::test]
async fn a_row_that_someone_else_wrote_meanwhile_is_a_conflict_and_nothing_is_applied() {
    let scene = Scene::new().await;
    let mut tx = scene.store.begin();
    scene.inside(&mut tx).submit(scene.new.clone()).await.unwrap();
    let begun = scene.moved(RequestStatus::InProgress);
    scene.inside(&mut tx).change_status(scene.filed.id, begun).await.unwrap();
    let cancelled = scene.moved(RequestStatus::Cancelled);
    scene.outside.maintenance.change_status(scene.filed.id, cancelled).await.unwrap();
    let before = scene.outside.record(scene.filed.id).await;
    assert!(is_conflict(tx));
    assert_eq!(scene.outside.requests().await.len(), 1);
    assert_eq!(scene.outside.record(scene.filed.id).await, before);
}

#[tokio::test]
async fn one_id_filed_inside_and_outside_is_a_conflict() {
    let scene = Scene::new().await;
    let new = scene.new.clone().id(Uuid::from_u128(7).into());
    let mut tx = scene.store.begin();
    scene.inside(&mut tx).submit(new.clone()).await.unwrap();
    scene.outside.maintenance.submit(new).await.unwrap();
    assert!(is_conflict(tx));
}

#[tokio::test]
async fn a_message_for_a_worker_who_went_on_leave_meanwhile_is_a_conflict() {
    let scene = Scene::new().await;
    let mut tx = scene.store.begin();
    let filed = scene.inside(&mut tx).submit(scene.new.clone()).await.unwrap().request;
    assert_eq!(filed.assigned_worker_id, Some(scene.worker.id));
    let leave = WorkerStatus::OnLeave;
    scene.outside.maintenance.set_worker_status(scene.worker.id, leave).await.unwrap();
    assert!(is_conflict(tx));
}

#[tokio::test]
async fn two_primary_workers_of_one_complex_are_a_conflict() {
    let scene = Scene::new().await;
    let (complex, other) = (scene.outside.complex, scene.outside.worker(&["plumbing"]).await);
    let mut tx = scene.store.begin();
    scene.inside(&mut tx).assign_complex(scene.worker.id, complex, true).await.unwrap();
    scene.outside.maintenance.assign_complex(other.id, complex, true).await.unwrap();
    assert!(is_conflict(tx));
}

#[tokio::test]
async fn an_assignment_ended_in_a_transaction_is_ended_by_its_commit() {
    let scene = Scene::new().await;
    let mut tx = scene.store.begin();
    assert!(scene.inside(&mut tx).unassign_complex(scene.worker.id, scene.outside.complex).await.unwrap());
    assert_eq!(scene.outside.filed().await.assigned_worker_id, Some(scene.worker.id), "not yet");
    tx.commit().unwrap();
    assert_eq!(scene.outside.filed().await.assigned_worker_id, None);
}

#[tokio::test]
async fn inside_a_transaction_an_edit_brings_the_complex_of_its_property() {
    let scene = Scene::new().await;
    let (property, complex) = (scene.outside.directory.property(2), scene.outside.directory.complex(2));
    let edit = || Edit::by(scene.outside.landlord());
    let mut tx = scene.store.begin();
    let refused = scene.inside(&mut tx).edit(scene.filed.id, edit().title("").property(property)).await;
    let Err(Error::Invalid(invalid)) = refused else { panic!("{refused:?}") };
    let fields: Vec<_> = invalid.fields.iter().map(|field| field.field.as_ref()).collect();
    assert_eq!(fields, ["title", "complex_id"]);
    let edit = edit().property_in(property, complex);
    let edited = scene.inside(&mut tx).edit(scene.filed.id, edit).await.unwrap();
    assert_eq!((edited.property_id, edited.complex_id), (property, complex));
    assert_eq!(scene.outside.record(scene.filed.id).await.edits, []);
    tx.commit().unwrap();
    let record = scene.outside.record(scene.filed.id).await;
    assert_eq!((record.request, record.edits.len()), (edited, 2));
}
