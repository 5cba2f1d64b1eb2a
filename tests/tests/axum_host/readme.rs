//! The README's commands.

use std::net::SocketAddr;

use crate::backend::Backend;

/// The README's commands for this host, from the first variable on.
fn readme_commands(host: SocketAddr) -> String {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).unwrap();
    let from = readme.find("H=http://127.0.0.1:3000").unwrap();
    let to = from + readme[from..].find("```").unwrap();
    readme[from..to].replace("127.0.0.1:3000", &host.to_string())
}

on_each_database! {
    the_readme_s_commands_do_what_they_say_as_often_as_they_are_run
}

#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
async fn the_readme_s_commands_do_what_they_say_as_often_as_they_are_run<D>(backend: Backend<D>) {
    if std::process::Command::new("curl").arg("--version").output().is_err() {
        eprintln!("skipped: curl isn't installed");
        return;
    }
    for run in ["first", "second"] {
        let commands = readme_commands(backend.host.address());
        let shell = tokio::task::spawn_blocking(move || {
            std::process::Command::new("bash").args(["-euc", &commands]).output().unwrap()
        });
        let output = shell.await.unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{run}: {printed}{}", String::from_utf8_lossy(&output.stderr));
        for (text, of) in [("\"channel\":\"south.harbour\"", "its own"), ("\"channel\":\"south\"", "South's")]
        {
            assert!(printed.contains(text), "{run}: {of} number: {printed}");
        }
        assert!(
            printed.lines().any(|line| line == r#"{"items":[],"next":null}"#),
            "the assistant: {printed}"
        );
        let codes: Vec<_> = printed.lines().filter(|line| line.len() == 3).collect();
        assert_eq!(
            codes,
            [
                "201", "200", "422", "404", "200", "200", "200", "200", "200", "200", "403",
                "200", // the first
                "201", "200", "200", "200", // declined
                "200", "200", "200", "200", "404", "200", // North's landlords
                "201", "201", "200", "200", "404", "404", "404", "404", "204", "404", // South
                "200", "409", "200", "200", // forgotten
            ],
            "{run}: {printed}"
        );
    }
    backend.stop().await;
}
