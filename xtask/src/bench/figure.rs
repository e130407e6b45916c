//! What is measured: each figure with its name, its column and how it is written.

use std::collections::BTreeMap;

use super::{side::Side, statistics, table};

/// One kind of figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Figure {
    Instructions,
    Allocations,
    /// The bytes that they asked for.
    Allocated,
    /// Processor time of a request.
    CpuMicros,
    PerSecond,
    P50,
    P99,
    /// How much of its core the server used.
    Cores,
    /// Processor time of wrk for a request.
    ClientMicros,
    /// From exec to the first success.
    StartMillis,
    IdleMib,
    LoadedMib,
    /// With a thousand idle connections.
    ConnectedMib,
    /// That one of them takes.
    ConnectionKib,
    StreamedMib,
    BufferedMib,
    ShippedMb,
    /// Processor time of the sidecar for an event.
    SidecarMicros,
    /// Memory of a message that waits.
    MessageBytes,
}

impl Figure {
    /// The name in the JSON file.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Instructions => "instructions",
            Self::Allocations => "allocations",
            Self::Allocated => "allocated",
            Self::CpuMicros => "cpu_us",
            Self::PerSecond => "per_second",
            Self::P50 => "p50_us",
            Self::P99 => "p99_us",
            Self::Cores => "cores",
            Self::ClientMicros => "client_us",
            Self::StartMillis => "start_ms",
            Self::IdleMib => "idle_mib",
            Self::LoadedMib => "loaded_mib",
            Self::ConnectedMib => "connected_mib",
            Self::ConnectionKib => "connection_kib",
            Self::StreamedMib => "streamed_mib",
            Self::BufferedMib => "buffered_mib",
            Self::ShippedMb => "shipped_mb",
            Self::SidecarMicros => "sidecar_us",
            Self::MessageBytes => "message_bytes",
        }
    }

    /// As it is written in a table.
    pub(crate) fn text(self, figure: f64) -> String {
        match self {
            Self::Instructions | Self::Allocated | Self::PerSecond | Self::P50 | Self::P99 | Self::MessageBytes => {
                table::grouped(figure)
            }
            Self::CpuMicros | Self::Cores | Self::StartMillis | Self::ShippedMb => format!("{figure:.2}"),
            _ => format!("{figure:.1}"),
        }
    }
}

/// A column of a table: a figure, and what of its samples is shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    pub(crate) title: &'static str,
    pub(crate) figure: Figure,
    /// So many of a hundred samples are not above it; none for the median.
    pub(crate) percentile: Option<usize>,
}

impl Column {
    pub(crate) const fn median(title: &'static str, figure: Figure) -> Self {
        Self { title, figure, percentile: None }
    }

    pub(crate) fn of(self, cell: &Cell) -> Option<f64> {
        match self.percentile {
            None => cell.median(self.figure),
            Some(hundredths) => statistics::percentile(cell.samples(self.figure), hundredths),
        }
    }
}

/// The samples of one side, by their figure.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Cell(BTreeMap<Figure, Vec<f64>>);

impl Cell {
    /// Adds a sample.
    pub(crate) fn add(&mut self, figure: Figure, sample: f64) {
        self.0.entry(figure).or_default().push(sample);
    }

    /// Adds all samples of another.
    pub(crate) fn extend(&mut self, other: &Self) {
        for (figure, samples) in other.all() {
            self.0.entry(figure).or_default().extend(samples);
        }
    }

    pub(crate) fn median(&self, figure: Figure) -> Option<f64> {
        statistics::median(self.samples(figure))
    }

    pub(crate) fn samples(&self, figure: Figure) -> &[f64] {
        self.0.get(&figure).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (Figure, &[f64])> {
        self.0.iter().map(|(figure, samples)| (*figure, samples.as_slice()))
    }
}

/// What was measured under one name, in the order of the sides.
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    pub(crate) name: &'static str,
    /// What one should know before comparing.
    pub(crate) note: &'static str,
    pub(crate) cells: Vec<(Side, Cell)>,
    /// Sides that have the like, but cannot be had here.
    pub(crate) absent: Vec<Side>,
}

impl Measured {
    pub(crate) const fn new(name: &'static str, note: &'static str) -> Self {
        Self { name, note, cells: Vec::new(), absent: Vec::new() }
    }

    pub(crate) fn cell(&self, side: Side) -> Option<&Cell> {
        self.cells.iter().find(|(of, _)| *of == side).map(|(_, cell)| cell)
    }

    /// The cell of a side, made when it is not there yet.
    pub(crate) fn cell_mut(&mut self, side: Side) -> &mut Cell {
        let place = self.cells.iter().position(|(of, _)| *of == side).unwrap_or_else(|| {
            self.cells.push((side, Cell::default()));
            self.cells.len() - 1
        });
        &mut self.cells[place].1
    }
}
