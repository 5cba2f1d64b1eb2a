//! Every use case's future can be spawned, also over a store behind `dyn`: compiling this is the test.

use std::sync::Arc;

use maintenance_core::{
    Actor, Assign, DispatchPolicy, Maintenance, Move, NewRequest, NewWorker, Notifier, PageRequest,
    Repository, RequestFilter, RequestId, RequestStatus, WorkerId, WorkerUpdate,
};

fn spawns(_: impl Future<Output = ()> + Send + 'static) {}

#[expect(dead_code, reason = "never run")]
fn every_use_case_spawns(
    maintenance: Maintenance<Arc<dyn Repository>>,
    notifier: Arc<dyn Notifier>,
    new: NewRequest,
    (id, worker, by): (RequestId, WorkerId, Actor),
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
        let dispatcher = maintenance.dispatcher(notifier, DispatchPolicy::default());
        let _ = dispatcher.dispatch_due().await;
        #[cfg(feature = "tokio")]
        dispatcher.run(async {}).await;
    });
}
