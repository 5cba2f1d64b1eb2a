//! What was measured, and what compares with what.

use serde::Serialize;

use crate::{
    measure::{Contender, Group, Round, Versus},
    numbers::median,
};

/// One row of the table.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    pub(crate) group: String,
    pub(crate) name: String,
    pub(crate) clients: usize,
    pub(crate) versus: Vec<(Versus, String)>,
    pub(crate) rounds: Vec<Round>,
}

impl Row {
    pub(crate) fn median(&self, figure: impl Fn(&Round) -> f64) -> f64 {
        median(self.rounds.iter().map(figure)).unwrap_or_default()
    }

    pub(crate) fn median_of(&self, figure: impl Fn(&Round) -> Option<f64>) -> Option<f64> {
        median(self.rounds.iter().filter_map(figure))
    }
}

/// All rows.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Results {
    pub(crate) rows: Vec<Row>,
}

impl Results {
    /// Adds a round of a group.
    pub(crate) fn add(&mut self, group: &Group, rounds: Vec<Round>) {
        for (Contender { name, clients, versus, .. }, round) in group.contenders.iter().zip(rounds) {
            match self.rows.iter_mut().find(|row| row.group == group.name && row.name == *name) {
                Some(row) => row.rounds.push(round),
                None => self.rows.push(Row {
                    group: group.name.clone(),
                    name: name.clone(),
                    clients: *clients,
                    versus: versus.clone(),
                    rounds: vec![round],
                }),
            }
        }
    }

    pub(crate) fn row(&self, group: &str, name: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.group == group && row.name == name)
    }

    /// The ratio of two rows' figures: taken within each round, and of those the median.
    pub(crate) fn ratio(of: &Row, to: &Row, figure: impl Fn(&Round) -> f64) -> Option<f64> {
        median(of.rounds.iter().zip(&to.rounds).map(|(of, to)| figure(of) / figure(to)))
    }

    /// How a row compares with another of its group.
    pub(crate) fn versus(&self, row: &Row, what: Versus) -> Option<f64> {
        let (_, name) = row.versus.iter().find(|(versus, _)| *versus == what)?;
        let other = self.row(&row.group, name)?;
        match what {
            Versus::Limit | Versus::Naive => Self::ratio(row, other, Round::throughput),
            Versus::Smaller => Self::ratio(row, other, |round| round.p50_micros),
        }
    }

    /// The same by names.
    pub(crate) fn compared(&self, group: &str, name: &str, what: Versus) -> Option<f64> {
        self.row(group, name).and_then(|row| self.versus(row, what))
    }

    /// The throughput of one row by that of another.
    pub(crate) fn throughputs(&self, of: (&str, &str), to: (&str, &str)) -> Option<f64> {
        Self::ratio(self.row(of.0, of.1)?, self.row(to.0, to.1)?, Round::throughput)
    }
}
