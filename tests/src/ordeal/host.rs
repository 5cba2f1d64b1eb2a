//! The process under test: an engine, its dispatcher, its webhook and its callers, as a host runs them.

use std::{
    future::pending,
    io::{BufRead as _, Write as _},
    panic,
    sync::Arc,
    time::Duration,
};

use axum::Router;
use maintenance_core::Maintenance;
use maintenance_whatsapp::{
    CloudApi,
    webhook::{WebhookConfig, router},
};
use tokio::{net::TcpListener, sync::mpsc};

use super::{
    callers::Callers,
    chance::Chance,
    lines::{Order, Told},
    scene::{Scene, cloud_api, policy},
    store::Pool,
    whims::{BadDirectory, BadNotifier, ON_PURPOSE, Whims, WrongClock},
};
use crate::{APP_SECRET, VERIFY_TOKEN, databases::Store};

/// How many callers submit at a time.
const CALLERS: u32 = 4;

/// Tells the test a line.
pub(super) fn say(told: &Told) {
    // Nobody listens any more when the test has ended; then this process ends too.
    let _ = writeln!(std::io::stdout().lock(), "{told}");
}

/// Runs until it is killed, or the test ends. Arguments: the database's place, the channel's address, the seed, and
/// how many processes there were before.
pub async fn run() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [place, channel, seed, epoch] = arguments.as_slice() else {
        panic!("this is the process of the test `ordeal`, which starts it: PLACE CHANNEL SEED EPOCH")
    };
    let (seed, epoch): (u64, u32) = (seed.parse().unwrap(), epoch.parse().unwrap());
    tell_of_panics();
    let orders = read_orders();

    let pool = loop {
        // The database may be locked or away when the process starts.
        match Pool::connect(place).await {
            Ok(pool) => break pool,
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    };
    let mut chance = Chance::new(seed ^ (u64::from(epoch) << 40));
    let (whims, scene) = (Whims::new(chance.branch()), Scene::new());
    let maintenance =
        Maintenance::new(pool.repository(), BadDirectory(scene.directory.clone(), whims.clone()))
            .with_clock(WrongClock(whims.clone()));

    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let secrets = WebhookConfig::new(APP_SECRET.to_owned(), VERIFY_TOKEN.to_owned()).unwrap();
    let app = Router::new().nest("/whatsapp", router(maintenance.clone(), secrets));
    tokio::spawn(async move { axum::serve(listener, app).await });

    let channel = Arc::new(CloudApi::new(cloud_api(Some(channel.clone()))).unwrap());
    tokio::spawn(dispatch(maintenance.clone(), channel, whims.clone()));

    let callers = Arc::new(Callers::new(maintenance, scene, whims.clone(), (seed, epoch)));
    for _ in 0..CALLERS {
        let (callers, chance) = (Arc::clone(&callers), chance.branch());
        tokio::spawn(async move { callers.go(chance).await });
    }
    say(&Told::Listening(port));
    obey(orders, &pool, &whims, &callers).await;
}

async fn obey(
    mut orders: mpsc::UnboundedReceiver<Order>,
    pool: &Pool,
    whims: &Whims,
    callers: &Arc<Callers>,
) {
    while let Some(order) = orders.recv().await {
        whims.obey(&order);
        match order {
            Order::Again(id) => callers.again(id),
            Order::Sql(sql) => pool.everywhere(&sql).await,
            Order::Quiet => {
                let callers = Arc::clone(callers);
                tokio::spawn(async move {
                    callers.quiet(CALLERS).await;
                    say(&Told::Quiet);
                });
            }
            Order::Clock(_) | Order::Notifier(_) | Order::Directory(_) | Order::Cancel(_) => {}
        }
    }
}

/// Dispatches for ever: a dispatcher that was dropped is followed by another.
async fn dispatch(maintenance: Maintenance<Store>, channel: Arc<CloudApi>, whims: Whims) {
    for run in 1.. {
        say(&Told::Running(run));
        let notifier = BadNotifier { inner: Arc::clone(&channel), whims: whims.clone(), run };
        let dispatcher = maintenance.dispatcher(notifier, policy());
        tokio::select! {
            () = dispatcher.run(pending()) => {}
            () = whims.dispatcher_cut() => {}
        }
        say(&Told::Dropped(run));
    }
}

/// Every panic that isn't on purpose is told.
fn tell_of_panics() {
    panic::set_hook(Box::new(|panic| {
        let what = panic.to_string();
        if !what.contains(ON_PURPOSE) {
            say(&Told::Broken(what));
        }
    }));
}

/// The orders by standard input. When it ends the test is gone, and so is this process.
fn read_orders() -> mpsc::UnboundedReceiver<Order> {
    let (sender, orders) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let order = line.ok().and_then(|line| Order::read(&line));
            if order.is_none_or(|order| sender.send(order).is_err()) {
                break;
            }
        }
        std::process::exit(0);
    });
    orders
}
