//! Figures: medians, and numbers as people read them.

/// A count as a number to calculate with; beyond 2⁵³ it is rounded.
#[expect(clippy::cast_precision_loss, reason = "a figure for people: four digits of it are shown")]
pub(crate) fn of(count: u64) -> f64 {
    count as f64
}

/// The middle one; nothing for no values.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    let upper = values.get(values.len() / 2).copied()?;
    let lower = values.get(values.len().saturating_sub(1) / 2).copied()?;
    Some(f64::midpoint(lower, upper))
}

/// Three digits or so, thousands apart.
pub(crate) fn shown(value: f64) -> String {
    let text = match value.abs() {
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    };
    let (whole, part) = text
        .split_once('.')
        .map_or((text.as_str(), String::new()), |(whole, part)| (whole, format!(".{part}")));
    let digits: Vec<char> = whole.chars().collect();
    let groups: Vec<String> = digits.rchunks(3).rev().map(|group| group.iter().collect()).collect();
    groups.join(",") + &part
}

/// A time in the unit that suits it.
pub(crate) fn time(micros: f64) -> String {
    if micros >= 1_000.0 {
        format!("{} ms", shown(micros / 1_000.0))
    } else {
        format!("{} µs", shown(micros))
    }
}

/// A whole number.
pub(crate) fn count(n: u32) -> String {
    shown(f64::from(n)).split('.').next().unwrap_or_default().to_owned()
}
