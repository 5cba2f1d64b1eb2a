//! The table of an ordeal.

use std::{collections::BTreeMap, fmt};

use super::{audit::Tally, fault::Fault, store::Kind};

/// What every fault did to every database.
#[derive(Debug, Default)]
pub struct Table(BTreeMap<(Fault, Kind), Row>);

#[derive(Debug, Default)]
struct Row {
    rounds: usize,
    sum: Tally,
}

impl Table {
    /// Adds a round.
    pub fn add(&mut self, fault: Fault, kind: Kind, tally: Tally) {
        let Row { rounds, sum } = self.0.entry((fault, kind)).or_default();
        *rounds += 1;
        sum.strikes += tally.strikes;
        sum.failed += tally.failed;
        sum.requests += tally.requests;
        sum.sent += tally.sent;
        sum.lost.extend(tally.lost);
        sum.illegal.extend(tally.illegal);
        sum.copies_allowed += tally.copies_allowed;
        sum.copies.extend(tally.copies);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| fault | store | rounds | strikes | calls failed | requests | sent | lost | illegal | copies allowed \
             | copies not allowed |\n|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
        )?;
        for ((fault, kind), Row { rounds, sum }) in &self.0 {
            let Tally { strikes, failed, requests, sent, lost, illegal, copies_allowed, copies } = sum;
            let (lost, illegal, copies) = (lost.len(), illegal.len(), copies.len());
            writeln!(
                f,
                "| {fault} | {kind} | {rounds} | {strikes} | {failed} | {requests} | {sent} | {lost} | {illegal} | \
                 {copies_allowed} | {copies} |"
            )?;
        }
        Ok(())
    }
}
