//! Workers and the complexes they serve.

use maintenance_core::{
    AssignmentsOf, Error, Inserted, RepositoryErrorKind, Specialty, WorkerId, WorkerRepository as _,
    WorkerStatus, WorkerUpdate,
};
use uuid::Uuid;

use super::World;

/// A worker is read as they were added.
pub async fn adding_a_worker_keeps_every_field(world: World) {
    let added =
        world.maintenance.add_worker(world.new_worker(&["Plumbing", "pool care", "plumbing"])).await.unwrap();
    assert_eq!(world.maintenance.worker(added.id).await.unwrap(), added);
    assert_eq!(added.phone_number.as_str(), "+12025550123");
    assert_eq!(added.last_name.as_str(), "Ångström 工");
    let trades: Vec<&str> = added.specialties.iter().map(Specialty::as_str).collect();
    assert_eq!(trades, ["plumbing", "pool_care"]);
    assert_eq!(added.status, WorkerStatus::Active);
    assert_eq!(added.created_at, added.updated_at);
}

/// The id is an idempotency key, and other content under it is refused.
pub async fn adding_a_worker_twice_with_one_id_adds_one(world: World) {
    let mut new = world.new_worker(&["plumbing"]);
    new.id = Some(WorkerId::from_uuid(Uuid::from_u128(5)));
    let first = world.maintenance.add_worker(new.clone()).await.unwrap();
    world.wait(1);
    assert_eq!(world.maintenance.add_worker(new.clone()).await.unwrap(), first);
    new.first_name = "Another".into();
    let error = world.maintenance.add_worker(new).await.unwrap_err();
    let Error::Reused(reused) = &error else { panic!("{error}") };
    assert_eq!(reused.differences[0].field, "first_name");
    assert!(!error.to_string().contains("Another"), "{error}");
}

/// All are named at once, and none is quoted.
pub async fn bad_worker_input_names_every_wrong_field(world: World) {
    let mut new = world.new_worker(&["plumbing", "--"]);
    new.first_name = " ".into();
    new.last_name = "x".repeat(101);
    new.phone_number = "202 555 0123".into();
    new.email = "nobody".into();
    let error = world.maintenance.add_worker(new).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid input: first_name is empty; it must have 1 to 100 characters; \
         last_name has 101 characters; it must have 1 to 100; \
         phone_number has no country code; write it as in +12025550123; \
         email must be an e-mail address of at most 254 characters, as in name@example.com; \
         specialties[1] must be a trade of 1 to 50 letters, digits, spaces, hyphens or underscores, with a \
         letter in it"
    );
}

/// The other fields stay, and `updated_at` grows even if the clock stands still.
pub async fn updating_a_worker_changes_what_was_named_alone(world: World) {
    let before = world.worker(&["plumbing"]).await;
    world.wait(60);
    let update = WorkerUpdate {
        phone_number: Some("+16505551234".into()),
        specialties: Some(vec!["roofing".into()]),
        ..WorkerUpdate::default()
    };
    let after = world.maintenance.update_worker(before.id, update).await.unwrap();
    assert_eq!(world.maintenance.worker(before.id).await.unwrap(), after);
    assert_eq!(after.phone_number.as_str(), "+16505551234");
    assert_eq!(after.specialties, [Specialty::ROOFING].into());
    assert_eq!((after.first_name, after.created_at), (before.first_name, before.created_at));
    assert!(after.updated_at > before.updated_at);
    let away = world.maintenance.set_worker_status(before.id, WorkerStatus::OnLeave).await.unwrap();
    assert_eq!(away.status, WorkerStatus::OnLeave);
    assert!(away.updated_at > after.updated_at, "the clock stood still, the version did not");
    let nobody = world.maintenance.set_worker_status(world.nobody(), WorkerStatus::Active).await;
    assert!(matches!(nobody, Err(Error::NotFound { what: "worker", .. })));
}

/// Four callers change one field each at the same moment.
pub async fn concurrent_updates_of_a_worker_are_all_kept(world: World) {
    let worker = world.worker(&["plumbing"]).await;
    let update = |update| {
        let maintenance = world.maintenance.clone();
        tokio::spawn(async move { maintenance.update_worker(worker.id, update).await })
    };
    let updates = [
        update(WorkerUpdate { first_name: Some("Given".into()), ..WorkerUpdate::default() }),
        update(WorkerUpdate { last_name: Some("Family".into()), ..WorkerUpdate::default() }),
        update(WorkerUpdate { email: Some("new@example.com".into()), ..WorkerUpdate::default() }),
        update(WorkerUpdate { status: Some(WorkerStatus::OnLeave), ..WorkerUpdate::default() }),
    ];
    for update in updates {
        update.await.unwrap().unwrap();
    }
    let after = world.maintenance.worker(worker.id).await.unwrap();
    assert_eq!((after.first_name.as_str(), after.last_name.as_str()), ("Given", "Family"));
    assert_eq!((after.email.as_str(), after.status), ("new@example.com", WorkerStatus::OnLeave));
}

/// The store itself checks the version.
pub async fn a_worker_saved_on_an_older_version_is_a_conflict(world: World) {
    let stale = world.worker(&[]).await;
    world.maintenance.set_worker_status(stale.id, WorkerStatus::OnLeave).await.unwrap();
    let store = world.maintenance.repository();
    let refused = store.save_worker(&stale, stale.updated_at).await.unwrap_err();
    assert_eq!(refused.kind, RepositoryErrorKind::Conflict);
    let mut nobody = stale.clone();
    nobody.id = world.nobody();
    let refused = store.save_worker(&nobody, stale.updated_at).await.unwrap_err();
    assert_eq!(refused.kind, RepositoryErrorKind::NotFound);
    assert!(matches!(store.add_worker(&stale).await, Ok(Inserted::Existing(_))));
}

/// Making another worker the primary ends the first, in that complex alone.
pub async fn there_is_one_primary_worker_a_complex(world: World) {
    let (first, second) = (world.worker(&[]).await, world.worker(&[]).await);
    let other = world.directory.complex(2);
    world.maintenance.assign_complex(first.id, other, true).await.unwrap();
    world.maintenance.assign_complex(first.id, world.complex, true).await.unwrap();
    world.wait(1);
    world.maintenance.assign_complex(second.id, world.complex, true).await.unwrap();
    let primaries = |complex| {
        let maintenance = world.maintenance.clone();
        async move {
            let all = maintenance.assignments(AssignmentsOf::Complex(complex)).await.unwrap().items;
            all.into_iter().filter(|a| a.is_primary).map(|a| a.worker_id).collect::<Vec<_>>()
        }
    };
    assert_eq!(primaries(world.complex).await, [second.id]);
    assert_eq!(primaries(other).await, [first.id], "another complex keeps its own");
    world.maintenance.assign_complex(second.id, world.complex, false).await.unwrap();
    assert!(primaries(world.complex).await.is_empty());
}

/// The assignment keeps its id and its `assigned_at`.
pub async fn assigning_a_complex_twice_keeps_the_first_assignment(world: World) {
    let worker = world.worker(&[]).await;
    let first = world.maintenance.assignments(AssignmentsOf::Worker(worker.id)).await.unwrap().items;
    world.wait(5);
    let again = world.maintenance.assign_complex(worker.id, world.complex, true).await.unwrap();
    assert_eq!((again.id, again.assigned_at), (first[0].id, first[0].assigned_at));
    assert!(again.is_primary && again.updated_at > first[0].updated_at);
    let now = world.maintenance.assignments(AssignmentsOf::Worker(worker.id)).await.unwrap().items;
    assert_eq!(now, [again]);
}

/// The answer says whether there was an assignment.
pub async fn unassigning_ends_an_assignment_once(world: World) {
    let worker = world.worker(&["plumbing"]).await;
    assert!(world.maintenance.unassign_complex(worker.id, world.complex).await.unwrap());
    assert!(!world.maintenance.unassign_complex(worker.id, world.complex).await.unwrap());
    assert_eq!(world.filed().await.assigned_worker_id, None);
}

/// The worker is not found, and the primary worker stays the primary.
pub async fn only_a_known_worker_can_be_assigned_a_complex(world: World) {
    let primary = world.worker(&[]).await;
    world.maintenance.assign_complex(primary.id, world.complex, true).await.unwrap();
    let refused = world.maintenance.assign_complex(world.nobody(), world.complex, true).await;
    assert!(matches!(refused, Err(Error::NotFound { what: "worker", .. })));
    let all = world.maintenance.assignments(AssignmentsOf::Complex(world.complex)).await.unwrap().items;
    assert!(all.len() == 1 && all[0].is_primary, "the primary is still the primary");
}
