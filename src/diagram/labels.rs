//! Arrows as Graphviz DOT. What stands at an arrow is a node of its own, which the line passes through: so no two of them
//! collide, and each is seen to belong to its line.

use std::{collections::VecDeque, fmt::Write as _};

use super::{
    dot::{PALE, TINT, flag_color, html, line_style, lines, quoted},
    picture::{Arrow, Line, Picture},
    text::short,
};

/// How an arrow is drawn.
pub(super) struct Way {
    label: Option<Label>,
    /// Whether it closes a circle: then it has no say in what stands where, and a label as a node would be put beyond
    /// both ends.
    closes: bool,
}

/// What stands at an arrow.
struct Label {
    /// HTML-like.
    rows: Vec<String>,
    /// The frame that it stands in.
    group: Option<usize>,
}

impl Picture {
    /// By arrow.
    pub(super) fn ways(&self) -> Vec<Way> {
        let closing = self.closing();
        self.arrows
            .iter()
            .zip(closing)
            .map(|(arrow, closes)| Way { label: self.label(arrow), closes })
            .collect()
    }

    fn label(&self, arrow: &Arrow) -> Option<Label> {
        let mut rows: Vec<String> = arrow.shown_labels().iter().map(|label| html(&short(label))).collect();
        rows.extend(arrow.flag.text().map(|text| format!("<b>{}</b>", html(&text))));
        (!rows.is_empty()).then(|| Label { rows, group: self.around(arrow) })
    }

    /// Which arrows close a circle, and so lead back: first comes what is published, bound and consumed, then what goes
    /// on from near the beginning.
    fn closing(&self) -> Vec<bool> {
        let far = self.distances();
        let mut order: Vec<usize> = (0..self.arrows.len()).collect();
        order.sort_by_key(|index| {
            let arrow = &self.arrows[*index];
            (!leads_on(arrow.line), far[arrow.from], *index)
        });
        let mut ways: Vec<Vec<usize>> = vec![Vec::new(); self.boxes.len()];
        let mut closing = vec![false; self.arrows.len()];
        for index in order {
            let arrow = &self.arrows[index];
            closing[index] = reaches(&ways, arrow.to, arrow.from);
            if !closing[index] {
                ways[arrow.from].push(arrow.to);
            }
        }
        closing
    }

    /// By box, how many arrows it is away from where nothing leads to.
    fn distances(&self) -> Vec<usize> {
        let mut ways: Vec<Vec<usize>> = vec![Vec::new(); self.boxes.len()];
        let mut led_to = vec![false; self.boxes.len()];
        for arrow in &self.arrows {
            ways[arrow.from].push(arrow.to);
            led_to[arrow.to] |= arrow.from != arrow.to;
        }
        let mut far = vec![usize::MAX; self.boxes.len()];
        let mut next: VecDeque<usize> = (0..self.boxes.len()).filter(|one| !led_to[*one]).collect();
        next.iter().for_each(|one| far[*one] = 0);
        while let Some(one) = next.pop_front() {
            for other in &ways[one] {
                if far[*other] == usize::MAX {
                    far[*other] = far[one] + 1;
                    next.push_back(*other);
                }
            }
        }
        far
    }

    /// The innermost frame around both ends.
    fn around(&self, arrow: &Arrow) -> Option<usize> {
        let frames = |one: usize| {
            let mut next = self.boxes[one].group;
            std::iter::from_fn(move || {
                let frame = next?;
                next = self.groups[frame].parent;
                Some(frame)
            })
        };
        frames(arrow.from)
            .filter(|frame| arrow.from_frame != Some(*frame))
            .find(|frame| arrow.to_frame != Some(*frame) && frames(arrow.to).any(|other| other == *frame))
    }

    /// The labels that stand in a frame, or in none.
    pub(super) fn write_labels(&self, out: &mut String, depth: usize, group: Option<usize>, ways: &[Way]) {
        let indent = "  ".repeat(depth);
        let behind = if group.is_none_or(|group| self.is_outer(group)) { "white" } else { TINT };
        for (index, arrow) in self.arrows.iter().enumerate() {
            let label =
                ways[index].label.as_ref().filter(|label| label.group == group && !ways[index].closes);
            let Some(label) = label else { continue };
            let (color, text) = (color(arrow), label.rows.join("<br/>"));
            let tooltip = quoted(&lines(&arrow.tooltip));
            let _ = writeln!(
                out,
                "{indent}label_{index} [shape=plaintext, fillcolor=\"{behind}\", fontsize=9, fontcolor=\"{color}\", \
                 margin=\"0.03,0\", width=0, height=0, label=<{text}>, tooltip={tooltip}];"
            );
        }
    }

    /// One line, or one to its label and one from there.
    pub(super) fn write_arrow(&self, out: &mut String, index: usize, way: &Way) {
        let arrow = &self.arrows[index];
        let (style, ends, color) = (line_style(arrow.line).0, ends(arrow.line), color(arrow));
        let mut common = format!("color=\"{color}\"");
        if !style.is_empty() {
            let _ = write!(common, ", {style}");
        }
        if arrow.flag.severity.is_some() {
            common.push_str(", penwidth=2");
        }
        let _ = write!(common, ", tooltip={}", quoted(&lines(&arrow.tooltip)));
        let clip = |word: &str, frame: Option<usize>| {
            frame.map_or_else(String::new, |frame| format!(", {word}=cluster_{frame}"))
        };
        let (tail, head) = (clip("ltail", arrow.from_frame), clip("lhead", arrow.to_frame));
        let (from, to) = (&self.boxes[arrow.from].id, &self.boxes[arrow.to].id);
        let (start, end) = ends;
        if way.label.is_some() && !way.closes {
            let label = format!("label_{index}");
            let _ = writeln!(
                out,
                "  {from} -> {label} [{common}, {start}{tail}];\n  {label} -> {to} [{common}{end}{head}];"
            );
            self.write_sides(out, arrow, Some(&label));
            return;
        }
        let text = way.label.as_ref().map_or_else(String::new, |label| {
            let rows: String = label.rows.iter().map(|row| format!("{row}<br align=\"left\"/>")).collect();
            format!(", fontcolor=\"{color}\", label=<{rows}>")
        });
        let both = if start == ALONE { end.to_owned() } else { format!("{end}, {BOTH}") };
        let say = if way.closes { "constraint=false" } else { "minlen=2" };
        let _ = writeln!(out, "  {from} -> {to} [{say}, {common}{both}{text}{tail}{head}];");
        self.write_sides(out, arrow, None);
    }

    /// All rows of a frame stand on one side of what an arrow joins it to.
    fn write_sides(&self, out: &mut String, arrow: &Arrow, label: Option<&str>) {
        let rows = |frame: Option<usize>| frame.into_iter().flat_map(|frame| &self.groups[frame].rows);
        let starts = rows(arrow.to_frame).filter_map(|row| row.first()).filter(|start| **start != arrow.to);
        let ends = rows(arrow.from_frame).filter_map(|row| row.last()).filter(|end| **end != arrow.from);
        let (from, to) =
            (label.unwrap_or(&self.boxes[arrow.from].id), label.unwrap_or(&self.boxes[arrow.to].id));
        let steps = if label.is_some() { 1 } else { 2 };
        for start in starts {
            let _ = writeln!(out, "  {from} -> {} [style=invis, minlen={steps}];", self.boxes[*start].id);
        }
        for end in ends {
            let _ = writeln!(out, "  {} -> {to} [style=invis, minlen={steps}];", self.boxes[*end].id);
        }
    }
}

/// A line that begins with nothing.
const ALONE: &str = "dir=none";
/// A line that begins with a ring, and ends with an arrow.
const BOTH: &str = "dir=both, arrowtail=odot";

/// How the line to a label and the line from there are drawn at their outer ends.
fn ends(line: Line) -> (&'static str, &'static str) {
    match line {
        Line::Publish | Line::Bind | Line::DeadLetter | Line::Alternate => (ALONE, ""),
        Line::Consume | Line::Retry | Line::Shovel | Line::Federation => (ALONE, ", arrowhead=vee"),
        Line::Call => ("dir=back, arrowtail=odot", ""),
    }
}

fn color(arrow: &Arrow) -> &'static str {
    if arrow.pale {
        return PALE;
    }
    flag_color(arrow.flag.severity).unwrap_or(line_style(arrow.line).1)
}

/// Whether a line goes from left to right, whatever else there is; the others may lead back.
fn leads_on(line: Line) -> bool {
    match line {
        Line::Publish | Line::Bind | Line::Consume | Line::Call | Line::Shovel | Line::Federation => true,
        Line::DeadLetter | Line::Alternate | Line::Retry => false,
    }
}

fn reaches(ways: &[Vec<usize>], from: usize, to: usize) -> bool {
    let mut seen = vec![false; ways.len()];
    let mut next = vec![from];
    while let Some(one) = next.pop() {
        if one == to {
            return true;
        }
        if !std::mem::replace(&mut seen[one], true) {
            next.extend(&ways[one]);
        }
    }
    false
}
