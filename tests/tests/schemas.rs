//! One schema per organisation: two of them in one database, each with a dispatcher of its own.
#![cfg(feature = "postgres")]

use maintenance_core::WhatsAppStatus;
use maintenance_memory::conformance::World;
use maintenance_sqlx::postgres::{PgRepository, migrate};
use maintenance_tests::databases::Schema;

#[tokio::test(flavor = "multi_thread")]
async fn two_organisations_in_one_database_see_nothing_of_each_other() {
    let schemas = [Schema::empty().await, Schema::empty().await];
    let pools = [schemas[0].pool(4).await, schemas[1].pool(4).await];
    // Both migrate at once: neither takes the other's tables for somebody else's.
    let (one, two) = tokio::join!(migrate(&pools[0]), migrate(&pools[1]));
    one.unwrap();
    two.unwrap();
    let worlds = pools.map(|pool| World::new(PgRepository::new(pool)));
    let mut requests = Vec::new();
    for (n, world) in worlds.iter().enumerate() {
        world.worker(&["plumbing"]).await;
        for _ in 0..=n {
            // Ids count from 1 in both worlds, so that any leak from one to the other would clash.
            requests.push((n, world.filed().await.id));
        }
    }
    let (one, two) = tokio::join!(worlds[0].dispatch(), worlds[1].dispatch());
    assert_eq!((one.sent, two.sent), (1, 2));
    assert_eq!((worlds[0].notifier.messages().len(), worlds[1].notifier.messages().len()), (1, 2));
    assert_eq!((worlds[0].requests().await.len(), worlds[1].requests().await.len()), (1, 2));
    for (n, id) in requests {
        assert_eq!(worlds[n].record(id).await.request.whatsapp_status, WhatsAppStatus::Sent);
    }
}
