//! Giving a worker's requests to others.

use maintenance_core::{Actor, Assign, Error, Maintenance, NewRequest, NewWorker, RequestForm};
use maintenance_memory::{MemoryRepository, TableDirectory};

#[tokio::test]
async fn a_bad_note_is_refused_before_any_request_is_looked_at() {
    let directory = TableDirectory::new();
    let maintenance = Maintenance::new(MemoryRepository::new(), directory.clone());
    let ill = NewWorker {
        first_name: "Worker".into(),
        last_name: "One".into(),
        phone_number: "+12025550123".into(),
        email: "worker@example.com".into(),
        ..NewWorker::default()
    };
    let ill = maintenance.add_worker(ill).await.unwrap().id;
    maintenance.assign_complex(ill, directory.complex(1), true).await.unwrap();
    for requests in 0..2 {
        let refused = maintenance.reassign_all(ill, Assign::by(Actor::System).note(" ")).await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "with {requests} requests: {refused:?}");
        let form = RequestForm::new("The sink leaks", "It drips.", "Kitchen");
        let renter = directory.renter("Renter One", "+12025550100");
        let filed = maintenance.submit(NewRequest::new(renter, directory.property(1), form)).await.unwrap();
        assert_eq!(filed.request.assigned_worker_id, Some(ill));
    }
}
