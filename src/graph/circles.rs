//! Circles: what leads back to itself.

use std::{
    collections::{BTreeMap, VecDeque},
    hash::Hash,
};

use petgraph::{algo::kosaraju_scc, graphmap::DiGraphMap};

/// The circles of a relation: of all places that lead to each other one circle, the shortest through the least
/// of them, which is where it begins. In the order of their beginnings.
#[must_use]
pub fn circles<N: Copy + Ord + Hash>(ways: impl IntoIterator<Item = (N, N)>) -> Vec<Vec<N>> {
    let graph: DiGraphMap<N, ()> = DiGraphMap::from_edges(ways);
    // Kosaraju's goes without recursion, however long a chain is
    let groups = kosaraju_scc(&graph).into_iter().map(|mut group| {
        group.sort_unstable();
        group
    });
    let mut circles: Vec<Vec<N>> = groups.filter_map(|group| shortest(&graph, &group)).collect();
    circles.sort();
    circles
}

/// The shortest way from the first of a group back to it, within the group.
fn shortest<N: Copy + Ord + Hash>(graph: &DiGraphMap<N, ()>, group: &[N]) -> Option<Vec<N>> {
    let start = *group.first()?;
    let mut from: BTreeMap<N, N> = BTreeMap::new();
    let mut waiting = VecDeque::from([start]);
    while let Some(at) = waiting.pop_front() {
        let mut next: Vec<N> = graph.neighbors(at).filter(|to| group.binary_search(to).is_ok()).collect();
        next.sort_unstable();
        for to in next {
            if to == start {
                let mut circle = vec![at];
                while let Some(before) = circle.last().and_then(|at| from.get(at)) {
                    circle.push(*before);
                }
                circle.reverse();
                return Some(circle);
            }
            from.entry(to).or_insert_with(|| {
                waiting.push_back(to);
                at
            });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::circles;

    #[test]
    fn each_group_has_its_shortest_circle() {
        let ways = [("b", "c"), ("c", "d"), ("d", "b"), ("c", "b"), ("x", "x"), ("b", "x"), ("p", "q")];
        assert_eq!(circles(ways), [vec!["b", "c"], vec!["x"]]);
        assert!(circles::<u8>([]).is_empty());
    }

    #[test]
    fn a_long_chain_is_no_trouble() {
        let chain = (0..100_000u32).map(|n| (n, n + 1));
        assert_eq!(circles(chain.chain([(100_000, 0)])).first().map(Vec::len), Some(100_001));
    }
}
