//! The figures as Prometheus reads them, and taken apart again for who sends the same elsewhere.

use metrics_exporter_prometheus::PrometheusHandle;

use super::process;

/// Where the figures are read.
#[derive(Debug, Clone)]
pub(crate) struct Page(pub(super) PrometheusHandle);

impl Page {
    /// All of them, as they are now.
    pub(crate) fn render(&self) -> String {
        self.0.render() + &process::render()
    }

    /// Puts the values of histograms where they belong; until then each takes memory.
    pub(super) fn tidy(&self) {
        self.0.run_upkeep();
    }
}

/// All figures of one name.
#[cfg(feature = "otel")]
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Family<'a> {
    pub(crate) name: &'a str,
    pub(crate) help: &'a str,
    /// `counter`, `gauge`, `histogram` or `summary`.
    pub(crate) kind: &'a str,
    pub(crate) series: Vec<Series<'a>>,
}

/// One line, or those of a histogram or a summary that have the same labels.
#[cfg(feature = "otel")]
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Series<'a> {
    pub(crate) labels: Vec<(&'a str, String)>,
    /// The value as it is written; the sum of a histogram and of a summary.
    pub(crate) value: &'a str,
    /// How many values a histogram or a summary has.
    pub(crate) count: u64,
    /// The buckets of a histogram, by the most that is in them, each with what is in those below; the quantiles of a summary.
    pub(crate) steps: Vec<(f64, f64)>,
}

/// Takes a page apart.
#[cfg(feature = "otel")]
pub(crate) fn families(page: &str) -> Vec<Family<'_>> {
    let mut families: Vec<Family<'_>> = Vec::new();
    let mut help = ("", "");
    for line in page.lines() {
        if let Some(said) = line.strip_prefix("# HELP ") {
            help = said.split_once(' ').unwrap_or((said, ""));
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|said| said.split_once(' ')) {
            let help = if help.0 == name { help.1 } else { "" };
            families.push(Family { name, help, kind, series: Vec::new() });
        } else if let (Some(family), Some((series, value))) = (families.last_mut(), line.rsplit_once(' ')) {
            family.add(series, value);
        }
    }
    families
}

#[cfg(feature = "otel")]
impl<'a> Family<'a> {
    fn add(&mut self, series: &'a str, value: &'a str) {
        let (name, written) = series.split_once('{').unwrap_or((series, ""));
        let mut labels = labels(written);
        if !matches!(self.kind, "histogram" | "summary") {
            self.series.push(Series { labels, value, ..Series::default() });
            return;
        }
        let step = match labels.last() {
            Some(("le" | "quantile", step)) if !name.ends_with("_sum") && !name.ends_with("_count") => step.parse().ok(),
            _ => None,
        };
        if step.is_some() {
            labels.pop();
        }
        // Those that belong together are written one after the other.
        if self.series.last().is_none_or(|last| last.labels != labels) {
            self.series.push(Series { labels, ..Series::default() });
        }
        let Some(last) = self.series.last_mut() else { return };
        match step {
            Some(step) => last.steps.push((step, value.parse().unwrap_or(f64::NAN))),
            None if name.ends_with("_count") => last.count = value.parse().unwrap_or_default(),
            None => last.value = value,
        }
    }
}

/// Reads labels up to the brace that ends them.
#[cfg(feature = "otel")]
fn labels(mut written: &str) -> Vec<(&str, String)> {
    let mut labels = Vec::new();
    while let Some((name, rest)) = written.split_once("=\"") {
        let mut value = String::new();
        let mut characters = rest.char_indices();
        let mut end = rest.len();
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => {
                    end = at + 1;
                    break;
                }
                '\\' => value.extend(characters.next().map(|(_, escaped)| if escaped == 'n' { '\n' } else { escaped })),
                _ => value.push(character),
            }
        }
        labels.push((name.trim_start_matches(','), value));
        written = &rest[end..];
    }
    labels
}

#[cfg(all(test, feature = "otel"))]
mod tests {
    use metrics::{counter, describe_counter, gauge, histogram, with_local_recorder};

    use super::{super::recorder, *};

    /// A page with these figures alone.
    fn page(count: impl FnOnce()) -> String {
        let recorder = recorder().unwrap();
        with_local_recorder(&recorder, count);
        recorder.handle().render()
    }

    fn family<'a>(page: &'a str, name: &str) -> Family<'a> {
        families(page).into_iter().find(|family| family.name == name).unwrap_or_else(|| panic!("no {name}: {page}"))
    }

    #[test]
    fn counters_and_gauges_have_their_labels_and_their_value() {
        let odd = "a \"b\", c=\"d\\e\"}\n1";
        let page = page(|| {
            describe_counter!("orders_total", "Orders, by shop");
            counter!("orders_total", "shop" => odd, "kind" => "").increment(u64::MAX);
            gauge!("level").set(-0.25);
        });
        let orders = family(&page, "orders_total");
        assert_eq!((orders.kind, orders.help), ("counter", "Orders, by shop"));
        let mut labels = orders.series[0].labels.clone();
        labels.sort();
        assert_eq!(labels, [("kind", String::new()), ("shop", odd.to_owned())]);
        assert_eq!(orders.series[0].value, u64::MAX.to_string());
        let level = family(&page, "level");
        assert_eq!((level.kind, level.help, level.series[0].value), ("gauge", "", "-0.25"));
    }

    #[test]
    fn the_lines_of_a_histogram_are_one_for_each_set_of_labels() {
        let page = page(|| {
            for (name, value) in [("a", 0.002), ("a", 99.0), ("b", 1.0)] {
                histogram!("wait_seconds", "input" => name).record(value);
            }
        });
        let wait = family(&page, "wait_seconds");
        assert_eq!((wait.kind, wait.series.len()), ("histogram", 2));
        let of = |name: &str| wait.series.iter().find(|series| series.labels == [("input", name.to_owned())]).unwrap();
        assert_eq!((of("a").count, of("a").value, of("b").count), (2, "99.002", 1));
        assert_eq!(of("a").steps[..2], [(0.001, 0.0), (0.0025, 1.0)]);
        assert_eq!(of("a").steps.last(), Some(&(f64::INFINITY, 2.0)));
    }

    #[test]
    fn a_summary_has_its_quantiles() {
        let page = page(|| histogram!("size").record(7.0));
        let size = family(&page, "size");
        assert_eq!((size.kind, size.series.len(), size.series[0].count, size.series[0].value), ("summary", 1, 1, "7"));
        assert!(size.series[0].steps.iter().any(|(quantile, _)| (0.49..0.51).contains(quantile)), "{page}");
    }

    #[test]
    fn what_the_system_says_is_taken_apart_too() {
        let page = process::render();
        let cpu = family(&page, "process_cpu_seconds_total");
        assert_eq!((cpu.kind, cpu.series.len(), cpu.series[0].labels.len()), ("counter", 1, 0));
    }
}
