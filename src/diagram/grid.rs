//! Many queues that hang on the same exchange or service stand in rows, in a frame that the arrow leads to: as many
//! arrows to one column would make a ribbon that no screen shows.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    picture::{Arrow, Box, Flag, Group, Key, Line, Picture, Shape},
    text::short,
};

/// From so many on they stand in rows.
const MANY: usize = 10;

/// An end of an arrow as seen from a box: whether it comes in, the other box, and why.
type Tie = (bool, usize, Line);

/// What units have in common that stand in one frame: the frame around it, their ties, their followers.
type Class = (Option<usize>, BTreeSet<Tie>, Vec<(Line, Shape)>);

/// Boxes that belong together: a queue, then the dead queues to which it alone leads.
type Unit = Vec<usize>;

impl Picture {
    /// Puts boxes with the same ties into a frame of their own.
    pub(super) fn wrap(&mut self) {
        let units = self.units();
        let mut classes: BTreeMap<Class, Vec<Unit>> = BTreeMap::new();
        for unit in units {
            let ties = self.ties(&unit);
            if ties.is_empty() {
                continue;
            }
            let followers = self.inner(&unit).map(|arrow| (arrow.line, self.boxes[arrow.to].shape)).collect();
            classes.entry((self.boxes[unit[0]].group, ties, followers)).or_default().push(unit);
        }
        let mut frames: Vec<(Option<usize>, BTreeSet<Tie>, Vec<Unit>)> = classes
            .into_iter()
            .filter(|(_, units)| units.len() >= MANY)
            .map(|((group, ties, _), units)| (group, ties, units))
            .collect();
        frames.sort_by_key(|(_, _, units)| units[0][0]);
        for (parent, ties, units) in frames {
            self.frame(parent, &ties, &units);
        }
    }

    /// Every queue that is no follower of another, with its followers.
    fn units(&self) -> Vec<Unit> {
        let mut arrows: Vec<Vec<&Arrow>> = vec![Vec::new(); self.boxes.len()];
        for arrow in self.arrows.iter().filter(|arrow| arrow.from != arrow.to) {
            arrows[arrow.from].push(arrow);
            arrows[arrow.to].push(arrow);
        }
        let leader = |index: usize| match arrows[index].as_slice() {
            [arrow] if arrow.to == index => {
                let (one, other) = (&self.boxes[index], &self.boxes[arrow.from]);
                (is_queue(one) && is_queue(other) && one.group == other.group).then_some(arrow.from)
            }
            _ => None,
        };
        let heads =
            (0..self.boxes.len()).filter(|index| is_queue(&self.boxes[*index]) && leader(*index).is_none());
        heads
            .map(|head| {
                let followers = arrows[head].iter().map(|arrow| arrow.to);
                std::iter::once(head)
                    .chain(followers.filter(|follower| leader(*follower) == Some(head)))
                    .collect()
            })
            .collect()
    }

    fn ties(&self, unit: &Unit) -> BTreeSet<Tie> {
        let tie = |arrow: &Arrow| {
            let incoming = arrow.to == unit[0];
            let (one, other) = if incoming { (arrow.to, arrow.from) } else { (arrow.from, arrow.to) };
            (one == unit[0] && !unit.contains(&other)).then_some((incoming, other, arrow.line))
        };
        self.arrows.iter().filter_map(tie).collect()
    }

    /// The arrows to followers.
    fn inner<'p>(&'p self, unit: &'p Unit) -> impl Iterator<Item = &'p Arrow> {
        self.arrows.iter().filter(|arrow| arrow.from == unit[0] && unit[1..].contains(&arrow.to))
    }

    fn frame(&mut self, parent: Option<usize>, ties: &BTreeSet<Tie>, units: &[Unit]) {
        let frame = self.groups.len();
        for index in units.iter().flatten() {
            self.boxes[*index].group = Some(frame);
        }
        let tooltip = format!("{} queues", units.len());
        self.groups.push(Group { label: String::new(), tooltip: tooltip.clone(), parent, rows: Vec::new() });
        let heads: BTreeSet<usize> = units.iter().map(|unit| unit[0]).collect();
        for (incoming, other, line) in ties {
            let is_of_tie = |arrow: &Arrow| {
                let (one, end) = if *incoming { (arrow.to, arrow.from) } else { (arrow.from, arrow.to) };
                arrow.line == *line && end == *other && heads.contains(&one)
            };
            let Some(at) = self.arrows.iter().position(is_of_tie) else { continue };
            let (one, rest): (Vec<Arrow>, Vec<Arrow>) =
                std::mem::take(&mut self.arrows).into_iter().partition(is_of_tie);
            self.arrows = rest;
            let found = |arrow: &Arrow| arrow.flag.text();
            let alike =
                one.iter().all(|arrow| arrow.labels == one[0].labels && found(arrow) == found(&one[0]));
            let flag = if alike { one[0].flag.clone() } else { Flag::default() };
            let labels = if alike { one[0].labels.clone() } else { vec!["as each box says".to_owned()] };
            let pale = one.iter().all(|arrow| arrow.pale);
            for arrow in one {
                let member = &mut self.boxes[if *incoming { arrow.to } else { arrow.from }];
                if !alike {
                    let texts = arrow.shown_labels().into_iter().chain(found(&arrow));
                    let severity = arrow.flag.severity;
                    member.keys.extend(texts.map(|text| Key { line: *line, severity, text }));
                }
                member.tooltip.extend(arrow.tooltip);
            }
            let (from, to, from_frame, to_frame) = match incoming {
                true => (*other, units[0][0], None, Some(frame)),
                false => (units[0][0], *other, Some(frame), None),
            };
            let tooltip = vec![tooltip.clone()];
            let arrow = Arrow { from, to, from_frame, to_frame, line: *line, labels, tooltip, flag, pale };
            self.arrows.insert(at, arrow);
        }
        let rows = self.rows(units);
        let middle = &rows[rows.len() / 2];
        for arrow in self.arrows.iter_mut().filter(|arrow| arrow.to_frame == Some(frame)) {
            arrow.to = middle[0];
        }
        for arrow in self.arrows.iter_mut().filter(|arrow| arrow.from_frame == Some(frame)) {
            arrow.from = middle[middle.len() - 1];
        }
        self.groups[frame].rows = rows;
    }

    /// Rows that are together wider than high, as screens are.
    fn rows(&self, units: &[Unit]) -> Vec<Vec<usize>> {
        // a column is as wide as its widest box, and a row not as high as its highest
        let (mut width, mut height) = (0, 0);
        for unit in units {
            let sizes: Vec<(usize, usize)> = unit.iter().map(|index| size(&self.boxes[*index])).collect();
            width = width.max(sizes.iter().map(|(width, _)| width + BETWEEN).sum());
            height += sizes.iter().map(|(_, height)| height + BETWEEN).max().unwrap_or(0);
        }
        let wide = |columns: &usize| columns * columns * width * 4 >= height * 5;
        let columns = (1..=units.len()).find(wide).unwrap_or(1);
        units.chunks(columns).map(<[Unit]>::concat).collect()
    }
}

/// The space between boxes, in points.
const BETWEEN: usize = 18;

/// About how wide and how high a box is drawn, in points.
fn size(one: &Box) -> (usize, usize) {
    let small = one.details.iter().chain(&one.ladder).chain(one.keys.iter().map(|key| &key.text));
    let small = small.filter(|text| !text.is_empty()).cloned().chain(one.flag.text());
    let widths: Vec<usize> = small.map(|text| short(&text).chars().count() * 5).collect();
    let name = short(&one.name).chars().count() * 7;
    (name.max(widths.iter().copied().max().unwrap_or(0)) + 20, widths.len() * 11 + 24)
}

fn is_queue(one: &Box) -> bool {
    matches!(one.shape, Shape::Classic | Shape::Quorum | Shape::Stream) && !one.missing
}
