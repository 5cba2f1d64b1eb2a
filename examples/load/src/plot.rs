//! Plots: throughput by clients, and latency by table size.

use std::path::Path;

use plotters::prelude::{
    BLACK, ChartBuilder, Color as _, IntoDrawingArea as _, IntoLogRange as _, LineSeries, PathElement,
    RGBColor, SVGBackend, WHITE,
};

use crate::{
    Result,
    args::Args,
    measure::Round,
    plan::{self, by_clients, of_rows},
    results::Results,
};

/// The numbers of clients that the plot shows.
pub(crate) const CLIENTS: [usize; 6] = [1, 2, 4, 8, 16, 32];

struct Line {
    name: String,
    points: Vec<(f64, f64)>,
}

struct Axes<'a> {
    title: &'a str,
    x: &'a str,
    y: &'a str,
}

pub(crate) fn draw(results: &Results, args: &Args, directory: &Path) -> Result<()> {
    std::fs::create_dir_all(directory)?;
    let first = by_clients(CLIENTS.first().copied().unwrap_or(1));
    let names = results.rows.iter().filter(|row| row.group == first).map(|row| row.name.clone());
    let lines = names.map(|name| {
        let points = CLIENTS.iter().filter_map(|clients| {
            let row = results.row(&by_clients(*clients), &name)?;
            Some((f64::from(u32::try_from(*clients).ok()?), row.median(Round::throughput)))
        });
        Line { points: points.collect(), name }
    });
    let axes = Axes { title: "Submits a second, by clients", x: "clients", y: "submits a second" };
    lines_to(&directory.join("throughput-by-clients.svg"), &axes, &lines.collect::<Vec<_>>())?;

    let mut sizes = args.compare_rows.clone();
    sizes.push(args.backlog);
    sizes.sort_unstable();
    let lines = ["candidates", "submit"].map(|name| {
        let points = sizes.iter().filter_map(|rows| {
            let row = results.row(plan::SIZE, &of_rows(name, *rows))?;
            Some((f64::from(*rows), row.median(|round| round.p50_micros) / 1_000.0))
        });
        Line { name: name.to_owned(), points: points.collect() }
    });
    let axes = Axes { title: "Median latency, by requests in the table", x: "requests", y: "ms" };
    lines_to(&directory.join("latency-by-size.svg"), &axes, &lines)
}

const COLOURS: [RGBColor; 5] = [
    RGBColor(0, 98, 155),
    RGBColor(210, 105, 30),
    RGBColor(110, 110, 110),
    RGBColor(46, 125, 50),
    RGBColor(136, 14, 79),
];

fn lines_to(file: &Path, axes: &Axes<'_>, lines: &[Line]) -> Result<()> {
    let points = || lines.iter().flat_map(|line| line.points.iter().copied());
    let least = points().map(|(x, _)| x).fold(f64::INFINITY, f64::min);
    let most = points().map(|(x, _)| x).fold(0.0, f64::max);
    let highest = points().map(|(_, y)| y).fold(0.0, f64::max) * 1.1;
    if most <= least {
        // One point is no line.
        return Ok(());
    }
    let area = SVGBackend::new(file, (760, 420)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(axes.title, ("sans-serif", 20))
        .margin(14)
        .x_label_area_size(42)
        .y_label_area_size(76)
        .build_cartesian_2d((least..most).log_scale().base(2.0), 0.0..highest)?;
    chart
        .configure_mesh()
        .x_desc(axes.x)
        .y_desc(axes.y)
        .x_label_formatter(&|x| {
            crate::numbers::shown(*x).trim_end_matches(".00").trim_end_matches(".0").to_owned()
        })
        .y_label_formatter(&|y| crate::numbers::shown(*y))
        .light_line_style(WHITE)
        .draw()?;
    for (line, colour) in lines.iter().zip(COLOURS.iter().cycle().copied()) {
        chart
            .draw_series(LineSeries::new(line.points.clone(), colour.stroke_width(2)).point_size(3))?
            .label(line.name.as_str())
            .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 18, y)], colour.stroke_width(2)));
    }
    chart.configure_series_labels().background_style(WHITE.mix(0.9)).border_style(BLACK.mix(0.3)).draw()?;
    Ok(area.present()?)
}
