//! Pictures as Graphviz DOT.

use std::fmt::Write as _;

use super::{
    labels::Way,
    legend,
    picture::{Arrow, Box, Line, Picture, Shape},
    text::short,
};
use crate::diag::{Severity, counted, visible};

/// Ink that stays apart in print and on a light screen.
const INK: &str = "#2b2b2b";
pub(super) const QUIET: &str = "#5f6368";
/// What is there and not meant.
pub(super) const PALE: &str = "#c9cdd2";
const SERVICE: (&str, &str) = ("#dce8f5", "#2f5d8a");
const EXCHANGE: (&str, &str) = ("#e4f0e1", "#3f7a4a");
const QUEUE: (&str, &str) = ("#ffffff", "#3a3a3a");
const STREAM: (&str, &str) = ("#eef0fb", "#44508f");
const DEAD: (&str, &str) = ("#f1ebf7", "#6d4f93");
const EXTERNAL: (&str, &str) = ("#ececec", "#8a8a8a");
const ERROR: &str = "#c62828";
const WARNING: &str = "#b26a00";
const RPC: &str = "#00796b";
/// What is behind the boxes of a frame.
pub(super) const TINT: &str = "#f7f9fb";

/// So many notes stand below the title.
const NOTES: usize = 8;

/// So many entries of the legend stand side by side; more would make a small picture wide.
const ENTRIES: usize = 7;

impl Picture {
    /// The picture as Graphviz DOT: the same picture gives the same bytes.
    #[must_use]
    pub fn dot(&self) -> String {
        let mut out = String::from("digraph topology {\n");
        let quiet = |size: u8, text: &str| {
            format!("<font point-size=\"{size}\" color=\"{QUIET}\">{}</font>", html(text))
        };
        let row = |text: &str| format!("\n    <tr><td align=\"left\">{text}</td></tr>");
        let title = html(&short(&self.title));
        let mut head =
            row(&format!("<font point-size=\"16\"><b>{title}</b></font>   {}", quiet(11, &self.subtitle)));
        for note in self.notes.iter().take(NOTES) {
            head.push_str(&row(&quiet(10, &visible(note))));
        }
        if self.notes.len() > NOTES {
            head.push_str(&row(&quiet(
                10,
                &format!("… and {}", counted(self.notes.len() - NOTES, "more note")),
            )));
        }
        if self.legend {
            self.legend_rows().iter().for_each(|text| head.push_str(&row(text)));
        }
        let lines = [
            format!("label=<<table border=\"0\" cellspacing=\"0\" cellpadding=\"1\">{head}</table>>"),
            "labelloc=t".to_owned(),
            "labeljust=l".to_owned(),
            "rankdir=LR".to_owned(),
            "newrank=true".to_owned(),
            "charset=\"UTF-8\"".to_owned(),
            "bgcolor=\"white\"".to_owned(),
            "pad=0.2".to_owned(),
            "nodesep=0.22".to_owned(),
            "ranksep=0.26".to_owned(),
            // a key covers the lines that cross it
            "outputorder=edgesfirst".to_owned(),
            "fontname=\"Helvetica,Arial,sans-serif\"".to_owned(),
            format!("fontcolor=\"{INK}\""),
            format!(
                "node [fontname=\"Helvetica,Arial,sans-serif\", fontsize=11, fontcolor=\"{INK}\", style=filled, \
                 margin=\"0.12,0.06\", height=0.4]"
            ),
            "edge [fontname=\"Helvetica,Arial,sans-serif\", fontsize=9, arrowsize=0.7]".to_owned(),
        ];
        for line in lines {
            let _ = writeln!(out, "  {line};");
        }
        if self.groups.iter().any(|group| !group.rows.is_empty()) {
            out.push_str("  compound=true;\n");
        }
        for one in self.boxes.iter().filter(|one| one.group.is_none()) {
            write_box(&mut out, 1, one);
        }
        let ways = self.ways();
        self.write_labels(&mut out, 1, None, &ways);
        for index in (0..self.groups.len()).filter(|index| self.groups[*index].parent.is_none()) {
            self.write_group(&mut out, 1, index, &ways);
        }
        for (index, way) in ways.iter().enumerate() {
            self.write_arrow(&mut out, index, way);
        }
        self.write_anchors(&mut out);
        out.push_str("}\n");
        out
    }

    /// Shapes, then lines.
    fn legend_rows(&self) -> Vec<String> {
        let entry = |glyph: &str, color: &str, word: &str| {
            format!(
                "<font point-size=\"12\" color=\"{color}\">{}</font>\
                 <font point-size=\"9\" color=\"{QUIET}\"> {}</font>",
                html(glyph),
                html(word)
            )
        };
        let mut shapes: Vec<String> = (self.shapes().into_iter())
            .map(|shape| {
                let (glyph, word) = legend::of_shape(shape);
                entry(glyph, shape_style(shape).1.1, word)
            })
            .collect();
        shapes.extend(legend::of_looks(self).into_iter().map(|(word, look)| {
            let (_, border) = match look {
                legend::Look::Dead => DEAD,
                legend::Look::External => EXTERNAL,
            };
            entry("■", border, word)
        }));
        let lines: Vec<String> = (self.lines().into_iter())
            .map(|line| {
                let (glyph, word) = legend::of_line(line);
                entry(glyph, line_style(line).1, word)
            })
            .collect();
        let rows = [shapes, lines];
        rows.iter().flat_map(|row| row.chunks(ENTRIES)).map(|row| row.join("    ")).collect()
    }

    /// What nothing leads to stands where the exchanges do, so that the first column is left to who publishes.
    fn write_anchors(&self, out: &mut String) {
        let in_rows: Vec<usize> =
            self.groups.iter().flat_map(|group| &group.rows).flat_map(|row| &row[1..]).copied().collect();
        let leads_in = |index: usize| {
            let frame = self.boxes[index].group;
            let leads = |arrow: &Arrow| arrow.to == index && arrow.from != index;
            in_rows.contains(&index)
                || self
                    .arrows
                    .iter()
                    .any(|arrow| leads(arrow) || (frame.is_some() && arrow.to_frame == frame))
        };
        let inside = |index: usize| !matches!(self.boxes[index].shape, Shape::Service | Shape::Elsewhere);
        let first =
            self.arrows.iter().map(|arrow| arrow.from).find(|from| !inside(*from) && !leads_in(*from));
        let Some(first) = first else { return };
        for index in (0..self.boxes.len()).filter(|index| inside(*index) && !leads_in(*index)) {
            let _ = writeln!(
                out,
                "  {} -> {} [style=invis, weight=0, minlen=2];",
                self.boxes[first].id, self.boxes[index].id
            );
        }
    }

    /// Whether a frame is a vhost's.
    pub(super) fn is_outer(&self, group: usize) -> bool {
        self.groups[group].parent.is_none() && !self.groups[group].label.is_empty()
    }

    fn write_group(&self, out: &mut String, depth: usize, index: usize, ways: &[Way]) {
        let group = &self.groups[index];
        let indent = "  ".repeat(depth);
        let _ = writeln!(out, "{indent}subgraph cluster_{index} {{");
        let look = if self.is_outer(index) {
            "style=\"rounded\"; color=\"#b0b0b0\"; fontsize=11; labeljust=l; labelloc=t; margin=14".to_owned()
        } else {
            format!("style=\"rounded,filled\"; color=\"#d8dde3\"; fillcolor=\"{TINT}\"; margin=8")
        };
        let label = html(&short(&group.label));
        let _ =
            writeln!(out, "{indent}  label=<{label}>; tooltip={}; {look};", quoted(&visible(&group.tooltip)));
        // dot goes upwards
        let rows = group.rows.iter().flatten().rev().map(|index| &self.boxes[*index]);
        let boxes = self.boxes.iter().filter(|one| one.group == Some(index) && group.rows.is_empty());
        for one in rows.chain(boxes) {
            write_box(out, depth + 1, one);
        }
        self.write_labels(out, depth + 1, Some(index), ways);
        let chain = |boxes: &mut dyn Iterator<Item = usize>| {
            boxes.map(|index| self.boxes[index].id.as_str()).collect::<Vec<_>>().join(" -> ")
        };
        for row in &group.rows {
            let row = chain(&mut row.iter().copied());
            let _ = writeln!(out, "{indent}  {row} [style=invis, weight=20];");
        }
        if !group.rows.is_empty() {
            // within a rank, arrows keep the order
            let starts = chain(&mut group.rows.iter().rev().map(|row| row[0]));
            let _ = writeln!(out, "{indent}  {{ rank=same; {starts} [style=invis]; }}");
        }
        for child in (0..self.groups.len()).filter(|child| self.groups[*child].parent == Some(index)) {
            self.write_group(out, depth + 1, child, ways);
        }
        let _ = writeln!(out, "{indent}}}");
    }
}

/// The line of an arrow, and its colour.
pub(super) fn line_style(line: Line) -> (&'static str, &'static str) {
    match line {
        Line::Publish => ("", SERVICE.1),
        Line::Bind => ("", INK),
        Line::Consume => ("", QUIET),
        Line::Call => ("style=bold", RPC),
        Line::DeadLetter => ("style=dashed", DEAD.1),
        Line::Alternate => ("style=dotted, penwidth=1.6", QUIET),
        Line::Retry => ("style=dashed", QUIET),
        Line::Shovel | Line::Federation => ("style=bold", EXTERNAL.1),
    }
}

/// The outline of a box, its fill and its border.
pub(super) fn shape_style(shape: Shape) -> (&'static str, (&'static str, &'static str)) {
    match shape {
        Shape::Service => ("shape=component", SERVICE),
        Shape::Direct => ("shape=house, orientation=270, margin=\"0.06,0.02\", height=0.52", EXCHANGE),
        Shape::Topic => ("shape=hexagon", EXCHANGE),
        Shape::Fanout => ("shape=trapezium, orientation=90, margin=\"0.06,0.02\", height=0.55", EXCHANGE),
        Shape::Headers => ("shape=polygon, sides=4, skew=0.25", EXCHANGE),
        Shape::OtherExchange => ("shape=ellipse", EXCHANGE),
        Shape::Classic => ("shape=box", QUEUE),
        Shape::Quorum => ("shape=box, peripheries=2", QUEUE),
        Shape::Stream => ("shape=cylinder, margin=\"0.12,0.1\"", STREAM),
        Shape::SuperStream => ("shape=box3d, margin=\"0.14,0.12\"", STREAM),
        Shape::Elsewhere => ("shape=box, style=\"filled,rounded\"", EXTERNAL),
    }
}

/// The colour of a finding that is to be seen.
pub(super) fn flag_color(severity: Option<Severity>) -> Option<&'static str> {
    match severity? {
        Severity::Error => Some(ERROR),
        Severity::Warning => Some(WARNING),
        Severity::Hint => None,
    }
}

/// The fill and border of a box.
pub(super) fn box_color(one: &Box) -> (&'static str, &'static str) {
    if one.pale {
        return (QUEUE.0, PALE);
    }
    let (mut fill, mut border) = shape_style(one.shape).1;
    if one.dead {
        (fill, border) = DEAD;
    }
    if one.external {
        (fill, border) = EXTERNAL;
    }
    if one.missing {
        (fill, border) = (QUEUE.0, ERROR);
    }
    (fill, flag_color(one.flag.severity).unwrap_or(border))
}

fn write_box(out: &mut String, depth: usize, one: &Box) {
    let shape = shape_style(one.shape).0;
    let (fill, border) = box_color(one);
    let mut attributes = shape.to_owned();
    if one.missing {
        attributes.push_str(", style=\"filled,dashed\"");
    }
    if one.flag.severity.is_some() {
        attributes.push_str(", penwidth=2.2");
    }
    if one.pale {
        attributes.push_str(&format!(", fontcolor=\"{PALE}\""));
    }
    let mut label = format!("<b>{}</b>", html(&short(&one.name)));
    let small = |text: &str, color: &str| {
        let color = if one.pale { PALE } else { color };
        format!("<br/><font point-size=\"9\" color=\"{color}\">{}</font>", html(&short(text)))
    };
    for detail in one.details.iter().filter(|detail| !detail.is_empty()) {
        label.push_str(&small(detail, if one.missing { ERROR } else { QUIET }));
    }
    for key in &one.keys {
        label.push_str(&small(&key.text, flag_color(key.severity).unwrap_or(line_style(key.line).1)));
    }
    if let (Some(text), Some(color)) = (one.flag.text(), flag_color(one.flag.severity)) {
        label.push_str(&small(&text, color));
    }
    if let Some(ladder) = &one.ladder {
        label = format!(
            "<table border=\"0\" cellborder=\"0\" cellspacing=\"0\" cellpadding=\"2\"><tr><td>{label}</td></tr><hr/>\
             <tr><td><font point-size=\"9\">{}</font></td></tr></table>",
            html(&short(ladder))
        );
    }
    let indent = "  ".repeat(depth);
    let tooltip = quoted(&lines(&one.tooltip));
    let _ = writeln!(
        out,
        "{indent}{} [{attributes}, fillcolor=\"{fill}\", color=\"{border}\", label=<{label}>, tooltip={tooltip}];",
        one.id
    );
}

/// Lines for a tooltip, each with what cannot be seen in it made visible.
pub(super) fn lines(tooltip: &[String]) -> String {
    tooltip.iter().map(|line| visible(line)).collect::<Vec<_>>().join("\n")
}

/// Text in an HTML-like label.
pub(super) fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

/// A quoted string. Graphviz reads backslashes as escapes and `&amp;` as `&` in it.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '&' => out.push_str("&amp;"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
