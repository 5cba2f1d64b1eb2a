//! The short numbers of requests.

use std::{collections::BTreeSet, sync::Arc};

use maintenance_core::{NewRequest, PageRequest, RequestFilter, RequestNumber};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::World;

/// However they are filed: alone, together, at once, twice.
pub async fn each_request_has_a_number_of_its_own(world: World) {
    let mut numbers = Vec::new();
    for _ in 0..20 {
        numbers.push(world.filed().await.number);
    }
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]) || numbers.first() < numbers.last());
    let mut together: Vec<NewRequest> = (0..30).map(|_| world.new_request()).collect();
    together.push(world.new_request().id(Uuid::from_u128(7).into()));
    together.push(world.new_request().id(Uuid::from_u128(7).into()));
    let answers = world.maintenance.submit_many(&together).await;
    let answers: Vec<_> = answers.into_iter().map(|answer| answer.unwrap().request).collect();
    assert_eq!(answers[30], answers[31]);
    numbers.extend(answers[..31].iter().map(|request| request.number));
    let maintenance = Arc::new(world.maintenance.clone());
    let mut tasks = JoinSet::new();
    for _ in 0..40 {
        let (maintenance, new) = (Arc::clone(&maintenance), world.new_request());
        tasks.spawn(async move { maintenance.submit(new).await.unwrap().request.number });
    }
    numbers.extend(tasks.join_all().await);
    let unique: BTreeSet<_> = numbers.iter().copied().collect();
    assert_eq!((unique.len(), numbers.len()), (91, 91));
    assert!(!unique.contains(&RequestNumber::NONE));
    let listed =
        world.maintenance.requests(&RequestFilter::default(), &PageRequest::first(200)).await.unwrap();
    let stored: BTreeSet<_> = listed.items.iter().map(|request| request.number).collect();
    assert_eq!(stored, unique, "the answer to a submit has the number that is stored");
}

/// Organisations count by themselves, and a number finds the own organisation's request.
pub async fn a_number_is_found_in_its_organisation(world: World) {
    let other = world.of(Uuid::from_u128(0x0B).into());
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        ours.push(world.filed().await);
        theirs.push(other.filed().await);
    }
    for (world, requests) in [(&world, &ours), (&other, &theirs)] {
        for request in requests {
            let filter = RequestFilter { number: Some(request.number), ..RequestFilter::default() };
            let found = world.maintenance.requests(&filter, &PageRequest::default()).await.unwrap().items;
            assert_eq!(found, std::slice::from_ref(request));
        }
    }
    let unknown = RequestFilter { number: Some(RequestNumber::new(u32::MAX)), ..RequestFilter::default() };
    assert!(world.maintenance.requests(&unknown, &PageRequest::default()).await.unwrap().items.is_empty());
}
