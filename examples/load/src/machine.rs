//! The machine's facts, without its name.

/// What the figures hang on.
pub(crate) fn describe() -> Vec<(String, String)> {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map(|model| model.trim_start_matches([' ', '\t', ':']).trim().to_owned());
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let memory = memory.lines().find_map(|line| line.strip_prefix("MemTotal:")).map(|kb| {
        let kb: u64 = kb.trim().trim_end_matches("kB").trim().parse().unwrap_or_default();
        format!("{} GB", kb / 1_000_000)
    });
    let cores = std::thread::available_parallelism().map_or_else(|_| "?".to_owned(), |n| n.to_string());
    vec![
        ("cpu".to_owned(), model.unwrap_or_else(|| std::env::consts::ARCH.to_owned())),
        ("cores".to_owned(), cores),
        ("memory".to_owned(), memory.unwrap_or_else(|| "?".to_owned())),
        ("system".to_owned(), std::env::consts::OS.to_owned()),
    ]
}
