//! Locks that a host's open transaction holds on a request or a worker, on PostgreSQL.
#![cfg(feature = "postgres")]
#![expect(clippy::unwrap_used, reason = "test code: a failed expectation is its result")]

use std::{sync::Arc, time::Duration};

use maintenance_core::{
    Actor, Assign, Claim, Clock as _, DeliveryEvent, Edit, Error, FORGOTTEN, LeaseId, Maintenance, Move,
    NewRequest, NotificationRepository as _, PageRequest, Priority, RequestFilter, RequestId, RequestStatus,
    SendOutcome, SendRecord, WhatsAppStatus, WorkerId, WorkerStatus,
};
use maintenance_memory::conformance::World;
use maintenance_sqlx::{
    postgres::PgRepository,
    sqlx::{self, PgPool},
};
use maintenance_tests::databases::Schema;

/// Whatever must not wait for the host fails after this time instead of hanging.
const LIMIT: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_holds_a_request_holds_up_neither_outcomes_nor_webhooks() {
    let schema = Schema::empty().await;
    let pool = schema.migrated().await;
    let world = World::new(Arc::new(PgRepository::new(pool.clone())));
    world.worker(&["plumbing"]).await;
    let (held, free) = (world.filed().await, world.filed().await);

    let mut host = pool.begin().await.unwrap();
    let lock = "select from maintenance_requests where id = $1 for update";
    sqlx::query(lock).bind(held.id.uuid()).execute(&mut *host).await.unwrap();
    let report = tokio::time::timeout(LIMIT, world.dispatch()).await.unwrap();
    assert_eq!(report.sent, 2);
    let message = world.newest_message(held.id).await;
    assert_eq!(message.status, WhatsAppStatus::Sent, "its outcome is recorded");
    assert_eq!(world.record(free.id).await.request.whatsapp_status, WhatsAppStatus::Sent);
    assert_eq!(world.record(held.id).await.request.whatsapp_status, WhatsAppStatus::Pending, "to follow");
    let other = world.newest_message(free.id).await;
    let news = [world.news(&message, DeliveryEvent::Read), world.news(&other, DeliveryEvent::Delivered)];
    tokio::time::timeout(LIMIT, world.maintenance.record_deliveries(&news)).await.unwrap().unwrap();
    assert_eq!(world.newest_message(held.id).await.status, WhatsAppStatus::Read);
    assert_eq!(world.record(free.id).await.request.whatsapp_status, WhatsAppStatus::Delivered);
    tokio::time::timeout(LIMIT, world.dispatch()).await.unwrap();
    assert_eq!(world.record(held.id).await.request.whatsapp_status, WhatsAppStatus::Pending);

    host.commit().await.unwrap();
    world.dispatch().await;
    let request = world.record(held.id).await.request;
    assert_eq!(request.whatsapp_status, WhatsAppStatus::Read, "the mirror has followed");
    assert_eq!(request.whatsapp_message_id, message.provider_message_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_raises_a_priority_holds_up_no_outcome_of_what_is_under_way() {
    let schema = Schema::empty().await;
    let pool = schema.migrated().await;
    let world = World::new(Arc::new(PgRepository::new(pool.clone())));
    world.worker(&["plumbing"]).await;
    let (held, free) = (world.filed().await, world.filed().await);
    let (now, lease) = (world.clock.now(), LeaseId::from_uuid(uuid::Uuid::from_u128(1)));
    let until = now + chrono::TimeDelta::seconds(300);
    let claim = Claim::new(now, until, lease, 10);
    let taken = world.maintenance.repository().claim(&claim).await.unwrap().items;
    let waiting = world.filed().await;

    let mut host = pool.begin().await.unwrap();
    let within = world.maintenance.within(PgRepository::in_transaction(&mut host));
    for request in [held.id, waiting.id] {
        within.edit(request, Edit::by(world.landlord()).priority(Priority::Emergency)).await.unwrap();
    }
    drop(within);
    let sent = taken.iter().map(|claimed| SendRecord {
        notification_id: claimed.notification.id,
        lease,
        attempts: 1,
        at: now,
        outcome: SendOutcome::Sent { provider_message_id: format!("wamid.{}", claimed.request.id) },
    });
    let sent: Vec<_> = sent.collect();
    let store = world.maintenance.repository();
    tokio::time::timeout(LIMIT, store.record_outcomes(&sent)).await.unwrap().unwrap();
    for request in [held.id, free.id] {
        assert_eq!(world.newest_message(request).await.status, WhatsAppStatus::Sent);
    }
    let report = tokio::time::timeout(LIMIT, world.dispatch()).await.unwrap();
    assert_eq!(report.claimed, 0, "what the host holds isn't taken before it commits");
    host.commit().await.unwrap();
    assert_eq!(world.newest_message(waiting.id).await.priority, Priority::Emergency);
    assert_eq!(
        world.dispatch().await.sent,
        2,
        "the one that waited, and the change of the one that was sent"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_that_follows_late_does_not_overwrite_a_newer_message() {
    let schema = Schema::empty().await;
    let pool = schema.migrated().await;
    let world = World::new(Arc::new(PgRepository::new(pool.clone())));
    world.worker(&["plumbing"]).await;
    let request = world.filed().await;

    let mut host = pool.begin().await.unwrap();
    let lock = "select from maintenance_requests where id = $1 for update";
    sqlx::query(lock).bind(request.id.uuid()).execute(&mut *host).await.unwrap();
    tokio::time::timeout(LIMIT, world.dispatch()).await.unwrap();
    // The same transaction gives the request to somebody else.
    let other = world.worker(&["plumbing"]).await;
    let within = world.maintenance.within(PgRepository::in_transaction(&mut host));
    within.assign(request.id, other.id, Assign::by(world.landlord())).await.unwrap();
    drop(within);
    host.commit().await.unwrap();
    let catch_up = world.maintenance.repository().catch_up(world.record(request.id).await.request.created_at);
    assert_eq!(catch_up.await.unwrap(), []);
    let record = world.record(request.id).await;
    assert_eq!(record.request.whatsapp_status, WhatsAppStatus::Pending, "that of the newer message");
    assert_eq!(record.notifications[0].status, WhatsAppStatus::Sent);
}

/// The use cases that give a worker a request.
#[derive(Debug, Clone, Copy)]
enum Gives {
    Submit,
    Batch,
    Assign,
    Reopen,
}

impl Gives {
    async fn act<R: maintenance_core::Repository>(
        self,
        inside: &Maintenance<R>,
        new: NewRequest,
        given: RequestId,
        (to, by): (WorkerId, Actor),
    ) {
        match self {
            Self::Submit => drop(inside.submit(new).await.unwrap()),
            Self::Batch => {
                let new = [new.clone(), new];
                assert!(inside.submit_many(&new).await.iter().all(Result::is_ok));
            }
            Self::Assign => drop(inside.assign(given, to, Assign::by(by)).await.unwrap()),
            Self::Reopen => {
                let reopen = Move::to(RequestStatus::InProgress, by).note("it leaks again");
                drop(inside.change_status(given, reopen).await.unwrap());
            }
        }
    }
}

/// Waits until somebody waits for a lock, or the task has ended.
async fn waits_or_ends<T>(pool: &PgPool, task: &tokio::task::JoinHandle<T>) {
    let waits = "select exists (select from pg_stat_activity
                                 where wait_event_type = 'Lock'
                                   and application_name = current_setting('application_name'))";
    while !task.is_finished() && !sqlx::query_scalar::<_, bool>(waits).fetch_one(pool).await.unwrap() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_who_leaves_while_a_host_gives_them_a_request_keeps_none() {
    for gives in [Gives::Submit, Gives::Batch, Gives::Assign, Gives::Reopen] {
        let schema = Schema::empty().await;
        let pool = schema.migrated().await;
        let world = World::new(Arc::new(PgRepository::new(pool.clone())));
        let (leaving, landlord) = (world.worker(&["plumbing"]).await.id, world.landlord());
        let given = world.filed().await.id;
        let other = world.worker(&["plumbing"]).await.id;
        let engine = &world.maintenance;
        match gives {
            Gives::Reopen => {
                for to in [RequestStatus::InProgress, RequestStatus::Completed] {
                    engine.change_status(given, Move::to(to, landlord)).await.unwrap();
                }
            }
            _ => drop(engine.assign(given, other, Assign::by(landlord)).await.unwrap()),
        }

        let mut host = pool.begin().await.unwrap();
        let within = engine.within(PgRepository::in_transaction(&mut host));
        let new = world.new_request().complex(world.complex);
        gives.act(&within, new, given, (leaving, landlord)).await;
        drop(within);
        let engine = engine.clone();
        let leaves = tokio::spawn(async move {
            engine.set_worker_status(leaving, WorkerStatus::OnLeave).await.unwrap();
            engine.reassign_all(leaving, Assign::by(landlord).note("on leave")).await.unwrap()
        });
        tokio::time::timeout(LIMIT, waits_or_ends(&pool, &leaves)).await.unwrap();
        host.commit().await.unwrap();
        let reassigned = tokio::time::timeout(LIMIT, leaves).await.unwrap().unwrap();
        assert!(!reassigned.is_empty(), "{gives:?}: their requests are found");
        let theirs = RequestFilter { assigned_worker_id: Some(leaving), ..RequestFilter::default() };
        let left = world.maintenance.requests(&theirs, &PageRequest::default()).await.unwrap().items;
        assert!(left.iter().all(|request| !request.status.is_open()), "{gives:?}: {left:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_host_changes_while_its_renter_is_forgotten_is_forgotten_too_or_refuses_it() {
    for to in [RequestStatus::Completed, RequestStatus::Pending] {
        let schema = Schema::empty().await;
        let pool = schema.migrated().await;
        let world = World::new(Arc::new(PgRepository::new(pool.clone())));
        let (engine, renter) = (&world.maintenance, world.renter);
        let id = world.filed().await.id;
        let begin = Move::to(RequestStatus::InProgress, world.landlord());
        engine.change_status(id, begin).await.unwrap();

        let mut host = pool.begin().await.unwrap();
        let within = engine.within(PgRepository::in_transaction(&mut host));
        within.change_status(id, Move::to(to, world.landlord()).note("a private note")).await.unwrap();
        drop(within);
        let forgetting = tokio::spawn({
            let engine = engine.clone();
            async move { engine.forget_renter(renter).await }
        });
        tokio::time::timeout(LIMIT, waits_or_ends(&pool, &forgetting)).await.unwrap();
        host.commit().await.unwrap();
        let forgotten = tokio::time::timeout(LIMIT, forgetting).await.unwrap().unwrap();
        let notes: Vec<_> = world.record(id).await.history.into_iter().filter_map(|row| row.notes).collect();
        if to == RequestStatus::Completed {
            assert_eq!(forgotten.unwrap().notes, 1);
            assert_eq!(notes[0].as_str(), FORGOTTEN);
        } else {
            let error = forgotten.unwrap_err();
            assert!(
                matches!(&error, Error::HasOpenRequests { requests, .. } if *requests == [id]),
                "{error}"
            );
            assert_eq!(notes[0].as_str(), "a private note");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clean_up_waits_for_no_host_and_takes_later_what_it_held() {
    let schema = Schema::empty().await;
    let pool = schema.migrated().await;
    let world = World::new(Arc::new(PgRepository::new(pool.clone())));
    world.worker(&["plumbing"]).await;
    let ids = [world.filed().await.id, world.filed().await.id];
    world.dispatch().await;
    for id in ids {
        for to in [RequestStatus::InProgress, RequestStatus::Completed] {
            world.maintenance.change_status(id, Move::to(to, world.landlord())).await.unwrap();
        }
    }
    world.wait(100 * 24 * 60 * 60);
    let keep = Duration::from_hours(90 * 24);
    let clean_up = || tokio::time::timeout(LIMIT, world.maintenance.clean_up(keep, 100));

    let mut host = pool.begin().await.unwrap();
    sqlx::query("select from maintenance_requests for update").execute(&mut *host).await.unwrap();
    let lock = "select from maintenance_notifications where request_id = $1 for update";
    sqlx::query(lock).bind(ids[0].uuid()).execute(&mut *host).await.unwrap();
    assert_eq!(clean_up().await.unwrap().unwrap().messages, 1, "the one that nobody holds");
    host.commit().await.unwrap();
    assert_eq!(clean_up().await.unwrap().unwrap().messages, 1);
}
