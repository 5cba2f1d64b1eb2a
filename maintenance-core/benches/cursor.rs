//! Cursors, through the lists that make and read them: a store of two comments costs next to nothing, so a
//! page that makes a cursor, or reads one, differs from a page without by the cursor.

use std::{collections::HashMap, error::Error, hint::black_box};

use async_trait::async_trait;
use criterion::Criterion;
use futures_util::FutureExt as _;
use maintenance_core::{
    Actor, CommentFilter, ComplexId, Directory, DirectoryError, Maintenance, NewComment, NewRequest,
    OrganizationId, PageRequest, Priority, PropertyId, RenterContact, RenterId, RequestForm, UserId,
};
use maintenance_memory::MemoryRepository;
use uuid::Uuid;

struct Nowhere;

#[async_trait]
impl Directory for Nowhere {
    async fn complex_of(
        &self,
        _: OrganizationId,
        _: PropertyId,
    ) -> Result<Option<ComplexId>, DirectoryError> {
        Ok(None)
    }

    async fn contacts(
        &self,
        _: OrganizationId,
        _: &[RenterId],
    ) -> Result<HashMap<RenterId, RenterContact>, DirectoryError> {
        Ok(HashMap::new())
    }
}

/// The answer of a future that never waits, as the store's in memory don't.
fn now<T>(future: impl Future<Output = T>) -> Result<T, &'static str> {
    future.now_or_never().ok_or("the store in memory waited")
}

fn main() -> Result<(), Box<dyn Error>> {
    let maintenance = Maintenance::new(MemoryRepository::new(), Nowhere);
    let id = Uuid::from_u128(1);
    let form = RequestForm::new("The sink leaks", "Water under the kitchen sink.", "Kitchen");
    let request = NewRequest::new(id.into(), id.into(), form.priority(Priority::High)).complex(id.into());
    let request = now(maintenance.submit(request))??.request.id;
    for comment in ["On my way.", "Done."] {
        let comment = NewComment { id: None, comment: comment.into() };
        now(maintenance.comment(request, Actor::Landlord(UserId::from_uuid(id)), comment))??;
    }

    let filter = CommentFilter { request_id: Some(request), user_id: None };
    let whole = PageRequest::first(2);
    let first = PageRequest::first(1);
    let next = now(maintenance.comments(&filter, &first))??.next.ok_or("there is no second page")?;
    let second = PageRequest::after(next, 1);

    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("page of a list");
    for (name, page) in
        [("without a cursor", &whole), ("makes a cursor", &first), ("reads a cursor", &second)]
    {
        group.bench_function(name, |bench| {
            bench.iter(|| now(maintenance.comments(black_box(&filter), black_box(page))));
        });
    }
    group.finish();
    criterion.final_summary();
    Ok(())
}
