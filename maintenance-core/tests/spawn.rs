//! Every use case's future can be spawned, also over a store behind `dyn`: compiling this is the test.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream};
use maintenance_core::{
    Actor, Assign, DispatchPolicy, Maintenance, Move, NewRequest, NewWorker, Notifier, PageRequest, RenterId,
    Repository, RequestFilter, RequestId, RequestStatus, WorkerId, WorkerUpdate,
};

fn spawns(_: impl Future<Output = ()> + Send + 'static) {}

#[expect(dead_code, reason = "never run")]
fn every_use_case_spawns(
    maintenance: Maintenance<Arc<dyn Repository>>,
    notifier: Arc<dyn Notifier>,
    new: NewRequest,
    (id, worker, renter, by): (RequestId, WorkerId, RenterId, Actor),
) {
    spawns(async move {
        let _ = maintenance.add_worker(NewWorker::default()).await;
        let _ = maintenance.update_worker(worker, WorkerUpdate::default()).await;
        let _ = maintenance.submit(new).await;
        let _ = maintenance.assign(id, worker, Assign::by(by)).await;
        let _ = maintenance.assign_by_selection(id, Assign::by(by)).await;
        let _ = maintenance.change_status(id, Move::to(RequestStatus::Completed, by)).await;
        let _ = maintenance.requests(&RequestFilter::default(), &PageRequest::default()).await;
        let _ = maintenance.record_deliveries(&[]).await;
        let _ = maintenance.import(stream::iter(["{}"]), drop).await;
        let all = RequestFilter::default();
        let _: Vec<_> = maintenance.export(&all).collect().await;
        let _ = maintenance.export_person(worker).await;
        let _ = maintenance.forget_renter(renter).await;
        let _ = maintenance.clean_up(Duration::from_secs(1), 1).await;
        let dispatcher = maintenance.dispatcher(notifier, DispatchPolicy::default());
        let _ = dispatcher.dispatch_due().await;
        #[cfg(feature = "tokio")]
        dispatcher.run(async {}).await;
    });
}
