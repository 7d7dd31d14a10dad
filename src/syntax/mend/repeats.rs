//! Which parts of a text stand for several things at once: the bodies of templates and loops, and files that are
//! included in several places.

use rustc_hash::FxHashMap;

use crate::{
    diag::Span,
    syntax::{Node, node::Entry},
};

/// How often what is written in a place is used.
#[derive(Debug, Default)]
pub(crate) struct Repeats {
    /// Places that are used more than once, by their starts; each before what lies in it.
    used: Vec<Used>,
}

#[derive(Debug)]
struct Used {
    span: Span,
    times: usize,
    /// The smallest place around it.
    around: Option<usize>,
}

/// The bodies of templates and loops.
pub(crate) fn repeated(nodes: &[Node]) -> Vec<Span> {
    fn walk(nodes: &[Node], found: &mut Vec<Span>) {
        for node in nodes {
            if node.is("for") || node.is("template") {
                found.push(node.extent);
            } else {
                walk(&node.children, found);
            }
        }
    }
    let mut found = Vec::new();
    walk(nodes, &mut found);
    found
}

impl Repeats {
    /// Counts how often what stands in the places that may repeat is there when everything has been written out.
    pub(crate) fn new(mut repeated: Vec<Span>, nodes: &[Node]) -> Self {
        if repeated.is_empty() {
            return Self::default();
        }
        repeated.sort_unstable();
        let mut apart: Vec<Span> = Vec::with_capacity(repeated.len());
        for span in repeated {
            match apart.last_mut() {
                Some(last) if last.file == span.file && span.start < last.end => *last = last.to(span),
                _ => apart.push(span),
            }
        }
        let mut times = FxHashMap::default();
        count(nodes, &apart, &mut times);
        let mut all: Vec<(Span, usize)> = times.into_iter().filter(|(_, times)| *times > 1).collect();
        all.sort_unstable_by_key(|(span, _)| (span.file, span.start, std::cmp::Reverse(span.end)));
        let mut used: Vec<Used> = Vec::with_capacity(all.len());
        for (span, times) in all {
            let mut around = used.len().checked_sub(1);
            while let Some(at) = around.filter(|at| !used[*at].span.contains(span)) {
                around = used[at].around;
            }
            used.push(Used { span, times, around });
        }
        Self { used }
    }

    /// How often what an edit of a place concerns is used; none where it is not known to repeat.
    pub(crate) fn times(&self, place: Span) -> usize {
        let begin = |span: Span| (span.file, span.start);
        let first = self.used.partition_point(|used| begin(used.span) < begin(place));
        let within = self.used[first..]
            .iter()
            .take_while(|used| used.span.file == place.file && used.span.start <= place.end)
            .map(|used| used.times);
        let mut most = within.max().unwrap_or(0);
        let mut around = first.checked_sub(1);
        while let Some(at) = around {
            let used = &self.used[at];
            if used.span.file == place.file && used.span.end >= place.start {
                most = most.max(used.times);
            }
            around = used.around;
        }
        most
    }
}

fn count(nodes: &[Node], repeated: &[Span], times: &mut FxHashMap<Span, usize>) {
    let mut add = |span: Span| {
        let after = repeated.partition_point(|place| (place.file, place.start) <= (span.file, span.start));
        if after > 0 && repeated[after - 1].contains(span) {
            *times.entry(span).or_default() += 1;
        }
    };
    for node in nodes {
        add(node.extent);
        node.entries.iter().for_each(|Entry { span, .. }| add(*span));
    }
    for node in nodes {
        count(&node.children, repeated, times);
    }
}
