//! Every public method of the engine is tried with another organisation's ids: one that is added can't be forgotten.

#![expect(clippy::unwrap_used, reason = "test code: a failed expectation is its result")]

use std::{collections::BTreeSet, path::Path};

use maintenance_memory::conformance::isolation::{HARMLESS, METHODS};

/// The public methods of these types, as `Type::method`, from the sources.
fn public_methods(folder: &Path, types: &[&str]) -> BTreeSet<String> {
    let mut methods = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let mut of = None;
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            if line.starts_with("impl") {
                // Of an inherent implementation, `impl<…> Type<…> {`.
                let inherent =
                    types.iter().find(|of| line.contains(&format!("> {of}<")) && !line.contains(" for "));
                of = inherent.copied();
            }
            let declared = line.trim_start();
            let name = declared.strip_prefix("pub fn ").or_else(|| declared.strip_prefix("pub async fn "));
            if let (Some(of), Some(name)) = (of, name) {
                let name = name.split(['(', '<']).next().unwrap();
                methods.insert(format!("{of}::{name}"));
            }
        }
    }
    methods
}

#[test]
fn every_public_method_is_tried_with_another_organisations_ids() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../maintenance-core/src");
    let mut found = BTreeSet::new();
    for folder in ["maintenance", "dispatcher"] {
        found.extend(public_methods(&sources.join(folder), &["Maintenance", "ActingAs"]));
    }
    let tried = METHODS.iter().chain(HARMLESS.iter().map(|(method, _)| method));
    let tried: BTreeSet<String> = tried.map(ToString::to_string).collect();
    assert_eq!(found, tried, "add an attempt to conformance/attempts.rs for each method that takes an id");
}
