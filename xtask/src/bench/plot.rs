//! Plots as SVG: lines over steps, as readable in a dark page as in a light one.

use std::fmt::Write;

/// A plot of one line or two. The steps of its horizontal axis are equally far from each other, so that powers make a logarithmic axis, and there is
/// still a place for zero.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plot {
    pub(crate) title: String,
    /// What is grown.
    pub(crate) of: String,
    /// What is measured, with its unit.
    pub(crate) measured: String,
    pub(crate) steps: Vec<String>,
    pub(crate) lines: Vec<Line>,
    pub(crate) axis: Axis,
}

/// One line: a value for each step.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) values: Vec<f64>,
}

/// The vertical axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Axis {
    /// From zero.
    Linear,
    /// From a power of ten; every value is above zero.
    Logarithmic,
}

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 380.0;
/// Where the lines are: the sides of the frame around them.
const LEFT: f64 = 84.0;
const RIGHT: f64 = 700.0;
const TOP: f64 = 78.0;
const BOTTOM: f64 = 316.0;

/// Colours that can be told from each other, also by who sees fewer, on white and on black.
const COLOURS: [&str; 2] = ["#0091e0", "#d55e00"];

const STYLE: &str = "\
text{font:13px system-ui,sans-serif;fill:#24292f}.title{font-size:16px;font-weight:600}.grid{stroke:#d0d7de}\
.line{fill:none;stroke-width:2}@media(prefers-color-scheme:dark){text{fill:#e6edf3}.grid{stroke:#3d444d}}";

impl Plot {
    /// The whole picture.
    pub(crate) fn svg(&self) -> String {
        let scale = Scale::of(self);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">\n\
             <style>{STYLE}</style>\n",
            escaped(&self.title)
        );
        text(&mut svg, LEFT, 24.0, "class=\"title\"", &self.title);
        text(&mut svg, LEFT, TOP - 14.0, "", &self.measured);
        text(&mut svg, f64::midpoint(LEFT, RIGHT), HEIGHT - 18.0, "text-anchor=\"middle\"", &self.of);
        for tick in &scale.ticks {
            let y = scale.y(*tick);
            let _ = writeln!(svg, "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{RIGHT}\"/>");
            text(&mut svg, LEFT - 8.0, y + 4.0, "text-anchor=\"end\"", &short(*tick));
        }
        for (number, step) in self.steps.iter().enumerate() {
            text(&mut svg, scale.x(number), BOTTOM + 20.0, "text-anchor=\"middle\"", step);
        }
        for (number, (line, colour)) in self.lines.iter().zip(COLOURS).enumerate() {
            let points: Vec<(f64, f64)> =
                line.values.iter().enumerate().map(|(step, value)| (scale.x(step), scale.y(*value))).collect();
            let path: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
            let _ = writeln!(svg, "<path class=\"line\" stroke=\"{colour}\" d=\"M{}\"/>", path.join("L"));
            for ((x, y), value) in points.iter().zip(&line.values) {
                let said = escaped(&format!("{}: {}", line.name, short(*value)));
                let _ = writeln!(
                    svg,
                    "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\" fill=\"{colour}\"><title>{said}</title></circle>"
                );
            }
            #[expect(clippy::cast_precision_loss, reason = "there are two lines")]
            let x = LEFT + 300.0 * number as f64;
            let _ = writeln!(svg, "<circle cx=\"{:.1}\" cy=\"41\" r=\"4\" fill=\"{colour}\"/>", x + 4.0);
            text(&mut svg, x + 14.0, 45.0, "", &line.name);
        }
        svg.push_str("</svg>\n");
        svg
    }
}

/// From values to places.
struct Scale {
    axis: Axis,
    lowest: f64,
    highest: f64,
    ticks: Vec<f64>,
    steps: usize,
}

impl Scale {
    fn of(plot: &Plot) -> Self {
        let values = || plot.lines.iter().flat_map(|line| line.values.iter().copied());
        let largest = values().fold(0.0, f64::max).max(1.0);
        let ticks = match plot.axis {
            Axis::Linear => linear_ticks(largest),
            Axis::Logarithmic => powers(values().fold(f64::INFINITY, f64::min).min(largest).max(1.0), largest),
        };
        let (lowest, highest) = (ticks.first().copied().unwrap_or(0.0), ticks.last().copied().unwrap_or(1.0));
        Self { axis: plot.axis, lowest, highest, ticks, steps: plot.steps.len() }
    }

    #[expect(clippy::cast_precision_loss, reason = "there are a few steps")]
    fn x(&self, step: usize) -> f64 {
        LEFT + (RIGHT - LEFT) * (step as f64 + 0.5) / self.steps.max(1) as f64
    }

    fn y(&self, value: f64) -> f64 {
        let share = match self.axis {
            Axis::Linear => (value - self.lowest) / (self.highest - self.lowest),
            Axis::Logarithmic => (value.max(self.lowest) / self.lowest).log10() / (self.highest / self.lowest).log10(),
        };
        BOTTOM - (BOTTOM - TOP) * share
    }
}

/// Round numbers from zero to one that is not below the largest value: four or five steps, or up to eight.
fn linear_ticks(largest: f64) -> Vec<f64> {
    let power = 10f64.powf((largest / 4.0).log10().floor());
    let step =
        [1.0, 2.0, 5.0].map(|factor| factor * power).into_iter().find(|step| step * 6.0 >= largest).unwrap_or(10.0 * power);
    let mut ticks = vec![0.0];
    while let Some(last) = ticks.last().filter(|last| **last < largest) {
        ticks.push(last + step);
    }
    ticks
}

/// Powers of ten around both, two of them at least.
fn powers(smallest: f64, largest: f64) -> Vec<f64> {
    let mut power = 10f64.powf(smallest.log10().floor());
    let mut ticks = vec![power];
    while power < largest || ticks.len() < 2 {
        power *= 10.0;
        ticks.push(power);
    }
    ticks
}

fn text(svg: &mut String, x: f64, y: f64, attributes: &str, text: &str) {
    let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" {attributes}>{}</text>", escaped(text));
}

/// `12000` as `12 k`, with three digits at most where it is no round number.
fn short(value: f64) -> String {
    let (value, unit) = match value.abs() {
        1e9.. => (value / 1e9, " G"),
        1e6.. => (value / 1e6, " M"),
        1e4.. => (value / 1e3, " k"),
        _ => (value, ""),
    };
    let digits = if value.abs() < 100.0 && !unit.is_empty() { 1 } else { usize::from(value.abs() < 10.0) };
    let text = format!("{value:.digits$}");
    let text = text.strip_suffix(".0").unwrap_or(&text);
    format!("{text}{unit}")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(axis: Axis, values: &[f64]) -> Plot {
        Plot {
            title: "a < b".to_owned(),
            of: "functions".to_owned(),
            measured: "instructions".to_owned(),
            steps: values.iter().map(ToString::to_string).collect(),
            lines: vec![Line { name: "ours".to_owned(), values: values.to_vec() }],
            axis,
        }
    }

    #[test]
    fn a_line_goes_through_its_values() {
        let svg = plot(Axis::Linear, &[0.0, 500.0, 1000.0]).svg();
        // Three steps in a frame of 616: at a sixth, the half, and five sixths; from the bottom to the top.
        assert!(svg.contains("d=\"M186.7 316.0L392.0 197.0L597.3 78.0\""), "{svg}");
        assert!(svg.contains("aria-label=\"a &lt; b\"") && svg.contains("prefers-color-scheme:dark"), "{svg}");
        assert!(svg.contains("<title>ours: 500</title>"), "{svg}");
    }

    #[test]
    fn on_a_logarithmic_axis_powers_are_equally_far_from_each_other() {
        let scale = Scale::of(&plot(Axis::Logarithmic, &[20.0, 5_000.0]));
        assert_eq!(scale.ticks, [10.0, 100.0, 1_000.0, 10_000.0]);
        let ys: Vec<f64> = scale.ticks.iter().map(|tick| scale.y(*tick)).collect();
        assert!(ys.windows(2).all(|pair| (pair[0] - pair[1] - (BOTTOM - TOP) / 3.0).abs() < 1e-6), "{ys:?}");
    }

    #[test]
    fn ticks_are_round_and_reach_every_value() {
        assert_eq!(linear_ticks(9_000.0), [0.0, 2000.0, 4000.0, 6000.0, 8000.0, 10_000.0]);
        assert_eq!(linear_ticks(6.0), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        for largest in [1.0, 7.3, 99.0, 1234.0, 41_000.0] {
            let ticks = linear_ticks(largest);
            assert!(
                (3..=8).contains(&ticks.len()) && ticks.last().is_some_and(|last| *last >= largest),
                "{largest}: {ticks:?}"
            );
        }
        assert_eq!(powers(1.0, 1.0), [1.0, 10.0]);
    }

    #[test]
    fn values_are_written_short() {
        for (value, text) in
            [(0.0, "0"), (2.5, "2.5"), (999.0, "999"), (8000.0, "8000"), (12_000.0, "12 k"), (12_340.0, "12.3 k"), (2e6, "2 M")]
        {
            assert_eq!(short(value), text);
        }
    }
}
