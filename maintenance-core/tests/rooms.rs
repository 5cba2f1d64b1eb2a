//! The core's rooms: imports go only to rooms below, and within a room no files import one another in a circle.
#![expect(clippy::unwrap_used, reason = "test code: a failed expectation is its result")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// From the lowest to the highest: each may import from those before it.
const ROOMS: [&str; 6] = ["values", "model", "rules", "ports", "maintenance", "dispatcher"];

/// The files of a room with their code, without tests and comments.
fn files(room: &str) -> BTreeMap<String, String> {
    let folder: PathBuf = [env!("CARGO_MANIFEST_DIR"), "src", room].iter().collect();
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.filter(|path| path.extension().is_some_and(|ending| ending == "rs"));
    files.map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), code(&path))).collect()
}

fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap().to_owned();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The names that follow `root::` in the code, as in `root::a` or `root::{a, b::{c}}`.
fn imported(code: &str, root: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, _) in code.match_indices(&format!("{root}::")) {
        // A macro's own path says nothing of the file that the macro stands in.
        if code[..at].ends_with('$') {
            continue;
        }
        let rest = &code[at + root.len() + 2..];
        let Some(list) = rest.strip_prefix('{') else {
            names.insert(word(rest));
            continue;
        };
        let mut depth = 0;
        let mut starts = true;
        for (n, letter) in list.char_indices() {
            match letter {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => starts = true,
                _ if depth == 0 && starts && letter.is_alphanumeric() => {
                    names.insert(word(&list[n..]));
                    starts = false;
                }
                _ => {}
            }
        }
    }
    names
}

fn word(text: &str) -> String {
    text.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()
}

#[test]
fn imports_go_only_to_the_rooms_below() {
    for (floor, room) in ROOMS.iter().enumerate() {
        for (file, code) in files(room) {
            for name in imported(&code, "crate") {
                let there = ROOMS.iter().position(|other| *other == name);
                let there =
                    there.unwrap_or_else(|| panic!("{room}/{file} imports crate::{name}, which is no room"));
                assert!(there <= floor, "{room}/{file} imports from {name}, which stands above it");
            }
        }
    }
}

#[test]
fn no_files_of_a_room_import_one_another_in_a_circle() {
    // The files of the two upper rooms are parts of one type each, so they go through their parent.
    for room in &ROOMS[..4] {
        let files = files(room);
        let mut left: BTreeMap<_, BTreeSet<_>> = files
            .iter()
            .filter(|(file, _)| *file != "mod")
            .map(|(file, code)| {
                let siblings = imported(code, "super").into_iter().filter(|name| files.contains_key(name));
                (file.clone(), siblings.collect())
            })
            .collect();
        while let Some(free) =
            left.iter().find(|(_, imports)| imports.is_empty()).map(|(file, _)| file.clone())
        {
            left.remove(&free);
            for imports in left.values_mut() {
                imports.remove(&free);
            }
        }
        assert!(left.is_empty(), "{room} has a circle among {left:?}");
        for (file, code) in &files {
            let facade = file != "mod" && imported(code, "crate").contains(*room);
            assert!(
                !facade,
                "{room}/{file} imports its own room through the facade, which can hide a circle"
            );
        }
    }
}
