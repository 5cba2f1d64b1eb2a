//! No statement has a shape that a server sharded by schema, as Citus is, gets wrong. Such a server runs a statement that
//! inserts in a CTE one CTE after the other, in the order of the text. What it makes of each shape stands in
//! ARCHITECTURE.md.

use super::{numbers::ADD_SLOTS, tests::every_statement};

#[test]
fn no_statement_has_a_shape_that_a_server_sharded_by_schema_gets_wrong() {
    let wrong: Vec<String> = every_statement()
        .into_iter()
        .flat_map(|sql| wrong_shapes(sql).into_iter().map(move |shape| format!("{shape}: {sql}")))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_shape_that_a_server_sharded_by_schema_gets_wrong_is_found() {
    for (sql, shape) in [
        ("insert into t select $1 on conflict do nothing returning 1", BEGINS_WITH_INSERT),
        (
            "with a as (insert into t select $1 from maintenance_requests r returning 1) select 1 from a",
            INSERT_READS_TABLE,
        ),
        (
            "with a as (insert into t select $1 where exists (select from maintenance_workers) returning 1)
             select 1 from a",
            INSERT_READS_TABLE,
        ),
        (
            "with w as (select id from maintenance_workers), a as (insert into t select id from w returning 1)
             select 1 from a",
            INSERT_READS_TABLE,
        ),
        ("with a as (insert into t select $1) select 1", INSERT_IS_COPIED),
        ("with a as (select r.id from b join r on r.id = b.id for update of r) select 1 from a", LOCKS_JOINED),
        (
            "with a as (select id from r where id in (select id from b) for update) select 1 from a",
            LOCKS_JOINED,
        ),
        ("update n set at = $1 + $2 * interval '1 second'", UPDATE_ADDS_INTERVAL),
        ("update n set at = $1 + make_interval(secs => $2)", UPDATE_ADDS_INTERVAL),
        (
            "with a as (insert into t select $1 returning 1), b as (delete from r where ctid = any ($2)) select 1",
            MODIFIES_BY_CTID,
        ),
        (
            "with a as (insert into t select $1 returning 1), b as (select id from r for update) select 1 from b",
            INSERTS_BEFORE_LOCKING,
        ),
        (
            "with a as (insert into t select $1 returning id)
             select n.id from a left join maintenance_notifications n on n.id = a.id",
            ENDS_WITH_WHOLE_TABLE,
        ),
        (
            "with a as (insert into t select $1 returning id)
             select n.id from (values (1)) one left join (a join maintenance_notifications n on n.id = a.id) on true",
            ENDS_WITH_WHOLE_TABLE,
        ),
    ] {
        assert_eq!(wrong_shapes(sql), [shape], "{sql}");
    }
}

const BEGINS_WITH_INSERT: &str = "begins with an insert, which counts rows that it didn't write";
const INSERT_READS_TABLE: &str = "an insert reads a table";
const INSERT_IS_COPIED: &str =
    "an insert neither returns nor expects anything, so its errors lose their codes";
const LOCKS_JOINED: &str = "a CTE locks rows and joins others to them";
const UPDATE_ADDS_INTERVAL: &str = "an update adds an interval";
const MODIFIES_BY_CTID: &str = "beside an insert, rows are changed by ctid";
const INSERTS_BEFORE_LOCKING: &str = "it inserts before it locks";
const ENDS_WITH_WHOLE_TABLE: &str = "a left join at the end reads a whole table";

fn wrong_shapes(sql: &str) -> Vec<&'static str> {
    const LOCKS: [&str; 3] = ["for update", "for no key update", "for share"];
    const TABLES: [&str; 4] =
        ["from maintenance_", "join maintenance_", "from complex_maintenance_", "join complex_maintenance_"];
    let has = |text: &str, words: &[&str]| words.iter().any(|word| text.contains(word));
    let mut wrong = Vec::new();
    let mut check = |is_wrong: bool, shape| {
        if is_wrong && !wrong.contains(&shape) {
            wrong.push(shape);
        }
    };
    // Nobody asks how many slots were new.
    check(sql.trim_start().starts_with("insert") && sql != ADD_SLOTS, BEGINS_WITH_INSERT);
    let selects = selects(sql);
    let reads = |text: &str, cte: &str| {
        [format!("from {cte}"), format!("join {cte}")].iter().map(|read| words(text, read)).sum::<usize>()
    };
    // The CTEs that read a table and become part of what reads them.
    let inlined: Vec<&str> = selects
        .iter()
        .filter(|cte| cte.depth == 1 && cte.own.trim_start().starts_with("select") && has(&cte.all, &TABLES))
        .filter(|cte| !has(&cte.all, &LOCKS))
        .filter_map(|cte| cte.before.strip_suffix(" as ")?.split_whitespace().last())
        .filter(|cte| reads(sql, cte) == 1)
        .collect();
    for Select { before, all, own, .. } in &selects {
        let is_cte = [" as ", " materialized "].iter().any(|begin| before.ends_with(begin));
        check(is_cte && has(own, &LOCKS) && has(own, &[" join ", " in ()"]), LOCKS_JOINED);
        let begins = |word| own.trim_start().starts_with(word);
        check(
            begins("insert") && (has(all, &TABLES) || inlined.iter().any(|cte| reads(all, cte) > 0)),
            INSERT_READS_TABLE,
        );
        check(begins("insert") && !has(own, &["returning", "on conflict"]), INSERT_IS_COPIED);
        check(begins("update") && has(all, &["interval"]), UPDATE_ADDS_INTERVAL);
        let changes = begins("update") || begins("delete");
        check(changes && has(all, &["ctid"]) && has(sql, &["insert into"]), MODIFIES_BY_CTID);
    }
    if let Some(inserts) = sql.find("insert into") {
        let locks = LOCKS.iter().filter_map(|lock| sql.find(lock)).min();
        check(locks.is_some_and(|locks| locks > inserts), INSERTS_BEFORE_LOCKING);
        let reads_whole = |select: &Select| match select.depth {
            0 => select.own.contains("left join maintenance_"),
            1 => {
                select.before.ends_with("left join ")
                    && !select.own.starts_with("select")
                    && has(&select.own, &TABLES)
            }
            _ => false,
        };
        check(selects.iter().any(reads_whole), ENDS_WITH_WHOLE_TABLE);
    }
    wrong
}

/// How often these words stand in the text, and not as the beginning of others.
fn words(text: &str, words: &str) -> usize {
    let ends =
        |at: usize| !text[at + words.len()..].starts_with(|next: char| next == '_' || next.is_alphanumeric());
    text.match_indices(words).filter(|(at, _)| ends(*at)).count()
}

/// What stands in a pair of parentheses.
struct Select {
    /// In how many other pairs they stand.
    depth: usize,
    /// What stands before them.
    before: String,
    all: String,
    /// Without what stands in parentheses inside.
    own: String,
}

/// Every pair of parentheses, and at last the statement itself.
fn selects(sql: &str) -> Vec<Select> {
    let select = |depth, before: &str| Select {
        depth,
        before: before.to_owned(),
        all: String::new(),
        own: String::new(),
    };
    let mut open = vec![select(0, "")];
    let mut closed = Vec::new();
    for letter in sql.chars() {
        if letter == ')' {
            closed.extend(open.pop());
        }
        let depth = open.len();
        let here = open.last_mut().unwrap();
        let inside = (letter == '(').then(|| select(depth, &here.own));
        here.own.push(letter);
        for select in &mut open {
            select.all.push(letter);
        }
        open.extend(inside);
    }
    closed.extend(open);
    closed
}
