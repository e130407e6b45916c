//! What a package reaches in the resolved graph.

use std::collections::{BTreeMap, BTreeSet};

use crate::metadata::{Edge, Metadata, Node};

/// Which edges are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edges {
    /// What is in the program.
    Program,
    /// That, and what builds it.
    Built,
}

/// Finds all that a package needs, itself included.
pub fn reach<'a>(metadata: &'a Metadata, package: &str, edges: Edges) -> BTreeSet<&'a str> {
    let nodes: BTreeMap<&str, &Node> =
        metadata.resolve.iter().flat_map(|resolve| &resolve.nodes).map(|node| (node.id.as_str(), node)).collect();
    let mut reached = BTreeSet::new();
    let mut next: Vec<&str> = nodes.keys().copied().filter(|id| *id == package).collect();
    while let Some(id) = next.pop() {
        if reached.insert(id) {
            let deps = nodes.get(id).into_iter().flat_map(|node| &node.deps);
            next.extend(deps.filter(|edge| follows(edge, edges)).map(|edge| edge.pkg.as_str()));
        }
    }
    reached
}

/// Whether an edge is one of those.
pub fn follows(edge: &Edge, edges: Edges) -> bool {
    edge.dep_kinds.iter().any(|kind| match kind.kind.as_deref() {
        None => true,
        Some("build") => edges == Edges::Built,
        Some(_) => false,
    })
}
