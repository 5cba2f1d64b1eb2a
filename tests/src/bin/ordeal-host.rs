//! The process that the test `ordeal` starts, kills and starts again.

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    maintenance_tests::ordeal::host::run().await;
}
