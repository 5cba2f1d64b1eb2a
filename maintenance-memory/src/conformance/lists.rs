//! Lists in pages.

use maintenance_core::{
    Actor, Clock as _, CommentFilter, Cursor, Error, Move, NewComment, Page, PageRequest, Priority, Request,
    RequestFilter, RequestId, RequestStatus, Specialty, WhatsAppStatus, WorkerFilter, WorkerStatus,
};

use super::World;

async fn page(world: &World, filter: &RequestFilter, page: PageRequest) -> Page<Request> {
    world.maintenance.requests(filter, &page).await.unwrap()
}

async fn ids(world: &World, filter: RequestFilter) -> Vec<RequestId> {
    let page = page(world, &filter, PageRequest::first(200)).await;
    assert!(page.next.is_none() && page.corrupt.is_empty());
    page.items.into_iter().map(|request| request.id).collect()
}

/// Each request is on one page, also where several were filed at the same time, and no empty page ends the
/// list.
pub async fn requests_are_listed_newest_first_in_pages(world: World) {
    let mut filed = Vec::new();
    for n in 0..10 {
        world.wait(n / 4);
        filed.push(world.filed().await);
    }
    filed.sort_by_key(|request| std::cmp::Reverse((request.created_at, request.id)));
    for size in [1, 3, 5, 9, 10, 11] {
        let (mut seen, mut after, mut pages) = (Vec::new(), None, 0);
        loop {
            let page = page(&world, &RequestFilter::default(), PageRequest { size, after }).await;
            assert!(page.items.len() <= size as usize);
            seen.extend(page.items);
            pages += 1;
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, filed, "pages of {size}");
        assert_eq!(pages, 10_usize.div_ceil(size as usize), "no empty page at the end");
    }
}

/// A request that is filed while somebody reads is on the first page and shifts no later one.
pub async fn pages_stay_right_while_requests_are_filed(world: World) {
    let mut filed = Vec::new();
    for _ in 0..4 {
        world.wait(1);
        filed.push(world.filed().await.id);
    }
    let first = page(&world, &RequestFilter::default(), PageRequest::first(2)).await;
    world.wait(1);
    let newest = world.filed().await.id;
    let second = page(&world, &RequestFilter::default(), PageRequest::after(first.next.unwrap(), 2)).await;
    let seen: Vec<_> = first.items.iter().chain(&second.items).map(|request| request.id).collect();
    assert_eq!(seen, filed.iter().rev().copied().collect::<Vec<_>>());
    assert!(second.next.is_none());
    assert_eq!(ids(&world, RequestFilter::default()).await[0], newest);
}

/// The filters hold alone and together, and a cursor keeps its filter.
pub async fn every_filter_of_requests_holds(world: World) {
    let plumber = world.worker(&["plumbing"]).await;
    let first = world.filed().await;
    world.dispatch().await;
    world.wait(60);
    let mut elsewhere = world.new_request();
    elsewhere.renter_id = world.directory.renter("Renter Two", "+12025550101");
    elsewhere.property_id = world.directory.property(2);
    elsewhere.form.priority = Priority::Low;
    let second = world.maintenance.submit(elsewhere).await.unwrap().request;
    world.wait(60);
    let third = world.filed().await;
    let cancel = Move::to(RequestStatus::Cancelled, Actor::Renter(world.renter));
    world.maintenance.change_status(third.id, cancel).await.unwrap();

    let any = RequestFilter::default;
    let cases = [
        (RequestFilter { renter_id: Some(world.renter), ..any() }, vec![third.id, first.id]),
        (RequestFilter { assigned_worker_id: Some(plumber.id), ..any() }, vec![third.id, first.id]),
        (RequestFilter { complexes: vec![world.complex], ..any() }, vec![third.id, first.id]),
        (RequestFilter { property_id: Some(second.property_id), ..any() }, vec![second.id]),
        (RequestFilter { statuses: vec![RequestStatus::Cancelled], ..any() }, vec![third.id]),
        (
            RequestFilter { statuses: vec![RequestStatus::Cancelled, RequestStatus::Pending], ..any() },
            vec![third.id, second.id, first.id],
        ),
        (RequestFilter { priorities: vec![Priority::Low], ..any() }, vec![second.id]),
        (RequestFilter { whatsapp_status: Some(WhatsAppStatus::Sent), ..any() }, vec![first.id]),
        (RequestFilter { created_from: Some(second.created_at), ..any() }, vec![third.id, second.id]),
        (RequestFilter { created_before: Some(second.created_at), ..any() }, vec![first.id]),
        (
            RequestFilter { renter_id: Some(world.renter), statuses: vec![RequestStatus::Pending], ..any() },
            vec![first.id],
        ),
        (RequestFilter { renter_id: Some(world.renter), priorities: vec![Priority::Low], ..any() }, vec![]),
    ];
    for (filter, expected) in cases {
        assert_eq!(ids(&world, filter.clone()).await, expected, "{filter:?}");
    }
    let narrow = RequestFilter { renter_id: Some(world.renter), ..any() };
    let first_page = page(&world, &narrow, PageRequest::first(1)).await;
    let second_page = page(&world, &narrow, PageRequest::after(first_page.next.unwrap(), 1)).await;
    assert_eq!(second_page.items[0].id, first.id, "a cursor keeps its filter");
}

/// Their filters hold too.
pub async fn workers_and_comments_are_listed_in_pages(world: World) {
    let mut workers = Vec::new();
    for trades in [&["plumbing"][..], &["roofing", "plumbing"], &[]] {
        world.wait(1);
        workers.push(world.worker(trades).await);
    }
    let mut away = world.maintenance.set_worker_status(workers[0].id, WorkerStatus::OnLeave).await.unwrap();
    world.maintenance.unassign_complex(workers[2].id, world.complex).await.unwrap();
    std::mem::swap(&mut workers[0], &mut away);
    let any = WorkerFilter::default;
    for (filter, expected) in [
        (any(), vec![2, 1, 0]),
        (WorkerFilter { status: Some(WorkerStatus::Active), ..any() }, vec![2, 1]),
        (WorkerFilter { specialty: Some(Specialty::PLUMBING), ..any() }, vec![1, 0]),
        (WorkerFilter { complex_id: Some(world.complex), ..any() }, vec![1, 0]),
        (
            WorkerFilter {
                status: Some(WorkerStatus::Active),
                specialty: Some(Specialty::PLUMBING),
                complex_id: Some(world.complex),
            },
            vec![1],
        ),
    ] {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = world.maintenance.workers(&filter, &PageRequest { size: 1, after }).await.unwrap();
            seen.extend(page.items);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let expected: Vec<_> = expected.into_iter().map(|n: usize| workers[n].clone()).collect();
        assert_eq!(seen, expected, "{filter:?}");
    }

    let request = world.filed().await;
    let (mut comments, other) = (Vec::new(), world.filed().await);
    for n in 0..5 {
        let new = NewComment { id: None, comment: format!("number {n}") };
        comments.push(world.maintenance.comment(request.id, world.landlord(), new).await.unwrap());
    }
    let stray = NewComment { id: None, comment: "elsewhere".into() };
    world.maintenance.comment(other.id, Actor::Renter(world.renter), stray).await.unwrap();
    comments.sort_by_key(|comment| (comment.created_at, comment.id));
    let filter = CommentFilter { request_id: Some(request.id), user_id: Some(world.landlord().user_id()) };
    let first = world.maintenance.comments(&filter, &PageRequest::first(3)).await.unwrap();
    let rest =
        world.maintenance.comments(&filter, &PageRequest::after(first.next.unwrap(), 3)).await.unwrap();
    assert_eq!([first.items, rest.items].concat(), comments);
    assert!(rest.next.is_none());
    let filter = CommentFilter { user_id: Some(world.renter.into()), ..CommentFilter::default() };
    assert_eq!(world.maintenance.comments(&filter, &PageRequest::default()).await.unwrap().items.len(), 1);
}

/// The error names a wrong size and a wrong cursor at once.
pub async fn a_bad_page_request_names_what_is_wrong(world: World) {
    world.filed().await;
    world.filed().await;
    let any = RequestFilter::default();
    for size in [0, 201, 1_000_000, u32::MAX] {
        let error = world.maintenance.requests(&any, &PageRequest::first(size)).await.unwrap_err();
        assert_eq!(error.to_string(), format!("invalid input: page.size is {size}; it must be 1 to 200"));
    }
    let cursor = page(&world, &any, PageRequest::first(1)).await.next.unwrap();
    let other = RequestFilter { created_from: Some(world.clock.now()), ..any.clone() };
    let foreign = PageRequest::after(cursor.clone(), 0);
    let error = world.maintenance.requests(&other, &foreign).await.unwrap_err();
    let Error::Invalid(invalid) = error else { panic!("{error}") };
    let fields: Vec<&str> = invalid.fields.iter().map(|wrong| wrong.field.as_ref()).collect();
    assert_eq!(fields, ["page.size", "page.after"]);
    assert_eq!(
        invalid.fields[1].rule,
        "is a cursor of another list or filter; start that list at its first page"
    );
    let workers =
        world.maintenance.workers(&WorkerFilter::default(), &PageRequest::after(cursor.clone(), 1)).await;
    assert!(matches!(workers, Err(Error::Invalid(_))), "a cursor of another list");
    let cut = cursor.as_str()[..cursor.as_str().len() - 2].to_owned();
    for text in ["", "%%%", "AAAA", &cut, &"A".repeat(10_000)] {
        let bad = PageRequest::after(Cursor::from(text.to_owned()), 1);
        let error = world.maintenance.requests(&any, &bad).await.unwrap_err();
        assert!(error.to_string().contains("page.after is not a valid cursor"), "{error}");
    }
}
