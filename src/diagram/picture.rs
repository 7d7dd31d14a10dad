//! A picture: boxes in groups, arrows between them, and words. It knows no broker and no file format.

use crate::diag::Severity;

/// A topology as boxes and arrows, ready to be written down.
#[derive(Clone, Debug, Default)]
pub struct Picture {
    pub(super) title: String,
    pub(super) subtitle: String,
    pub(super) notes: Vec<String>,
    pub(super) groups: Vec<Group>,
    pub(super) boxes: Vec<Box>,
    pub(super) arrows: Vec<Arrow>,
    pub(super) legend: bool,
}

/// A frame around boxes.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub label: String,
    pub tooltip: String,
    pub parent: Option<usize>,
    /// Its boxes where they stand in rows.
    pub rows: Vec<Vec<usize>>,
}

/// What a box stands for: its shape and colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shape {
    Service,
    Direct,
    Topic,
    Fanout,
    Headers,
    OtherExchange,
    Classic,
    Quorum,
    Stream,
    SuperStream,
    Elsewhere,
}

#[derive(Clone, Debug)]
pub(super) struct Box {
    /// Letters, digits and `_`; unique in the picture.
    pub id: String,
    pub shape: Shape,
    pub name: String,
    /// In small letters below the name.
    pub details: Vec<String>,
    /// What arrows to and from it would say, where they are drawn to its frame.
    pub keys: Vec<Key>,
    /// A retry ladder: `retry 5s → 30s → 5m`.
    pub ladder: Option<String>,
    /// Dead letters alone come here.
    pub dead: bool,
    /// Somebody else makes it.
    pub external: bool,
    /// Nobody makes it.
    pub missing: bool,
    pub group: Option<usize>,
    pub tooltip: Vec<String>,
    pub flag: Flag,
    /// It is there, and not what the picture is about.
    pub pale: bool,
}

/// What an arrow would say: as the arrow has it, in its colour.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub line: Line,
    /// Of what was found in it.
    pub severity: Option<Severity>,
    pub text: String,
}

/// What was found in a box or arrow.
#[derive(Clone, Debug, Default)]
pub(super) struct Flag {
    /// The worst of it, errors and warnings only.
    pub severity: Option<Severity>,
    /// The names of the lints of that severity.
    pub lints: Vec<&'static str>,
}

/// Why messages go along an arrow: its line and colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Line {
    Publish,
    Bind,
    Consume,
    Call,
    DeadLetter,
    Alternate,
    Retry,
    Shovel,
    Federation,
}

#[derive(Clone, Debug)]
pub(super) struct Arrow {
    pub from: usize,
    pub to: usize,
    /// The frame that it leaves, of all boxes in it rather than of one.
    pub from_frame: Option<usize>,
    /// The frame that it leads to.
    pub to_frame: Option<usize>,
    pub line: Line,
    /// Keys or messages, one a line.
    pub labels: Vec<String>,
    pub tooltip: Vec<String>,
    pub flag: Flag,
    /// It is there, and not what the picture is about.
    pub pale: bool,
}

/// So many labels stand at an arrow; of more, the first and the number of the others.
const LABELS: usize = 5;

impl Arrow {
    /// The labels that are drawn.
    pub(super) fn shown_labels(&self) -> Vec<String> {
        if self.labels.len() <= LABELS {
            return self.labels.clone();
        }
        let rest = self.labels.len() - (LABELS - 1);
        let mut shown = self.labels[..LABELS - 1].to_vec();
        shown.push(format!("… and {rest} more"));
        shown
    }
}

impl Picture {
    /// A service speaks in one box and hears in another, and only one of them may be meant.
    pub(super) fn fade_services(&mut self) {
        let services = self.boxes.iter_mut().enumerate().filter(|(_, one)| one.shape == Shape::Service);
        for (index, service) in services {
            let mut own =
                self.arrows.iter().filter(|arrow| [arrow.from, arrow.to].contains(&index)).peekable();
            service.pale |= own.peek().is_some() && own.all(|arrow| arrow.pale);
        }
    }
}

impl Flag {
    /// `error: unknown-exchange`.
    pub(super) fn text(&self) -> Option<String> {
        let first = self.lints.first()?;
        let more = match self.lints.len() {
            1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        Some(format!("{}: {first}{more}", self.severity?.word()))
    }
}

impl Picture {
    /// What the picture does not show, one sentence each: what was drawn as one, what has no place in it.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// What is in it: `6 services, 5 exchanges, 12 queues; 1 error`.
    #[must_use]
    pub fn summary(&self) -> &str {
        &self.subtitle
    }

    /// Whether an error or warning is marked in it.
    #[must_use]
    pub fn has_findings(&self) -> bool {
        let flags = self.boxes.iter().map(|one| &one.flag).chain(self.arrows.iter().map(|arrow| &arrow.flag));
        let mut keys = self.boxes.iter().flat_map(|one| &one.keys);
        flags.into_iter().any(|flag| flag.severity.is_some()) || keys.any(|key| key.severity.is_some())
    }

    /// How many boxes and arrows it has.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        (self.boxes.len(), self.arrows.len())
    }

    /// Which lines it has.
    pub(super) fn lines(&self) -> Vec<Line> {
        let mut lines: Vec<Line> = self.arrows.iter().map(|arrow| arrow.line).collect();
        lines.sort_unstable();
        lines.dedup();
        lines
    }

    /// Which shapes it has.
    pub(super) fn shapes(&self) -> Vec<Shape> {
        let mut shapes: Vec<Shape> =
            self.boxes.iter().filter(|one| !one.missing).map(|one| one.shape).collect();
        shapes.sort_unstable();
        shapes.dedup();
        shapes
    }

    /// A name for a file format: letters, digits and `_`, unique among `taken`.
    pub(super) fn identifier(
        prefix: &str,
        name: &str,
        taken: &mut std::collections::BTreeSet<String>,
    ) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        let stem: String = name.chars().take(40).map(plain).collect();
        let stem = format!("{prefix}_{stem}");
        let mut id = stem.clone();
        let mut count = 1;
        while !taken.insert(id.clone()) {
            count += 1;
            id = format!("{stem}_{count}");
        }
        id
    }
}
