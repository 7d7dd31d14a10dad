//! Pictures as Graphviz DOT.

use std::fmt::Write as _;

use super::{
    legend,
    picture::{Arrow, Box, Line, Picture, Shape},
    text::{short, visible},
};
use crate::diag::Severity;

/// Ink that stays apart in print and on a light screen.
const INK: &str = "#2b2b2b";
pub(super) const QUIET: &str = "#5f6368";
const SERVICE: (&str, &str) = ("#dce8f5", "#2f5d8a");
const EXCHANGE: (&str, &str) = ("#e4f0e1", "#3f7a4a");
const QUEUE: (&str, &str) = ("#ffffff", "#3a3a3a");
const STREAM: (&str, &str) = ("#eef0fb", "#44508f");
const DEAD: (&str, &str) = ("#f1ebf7", "#6d4f93");
const EXTERNAL: (&str, &str) = ("#ececec", "#8a8a8a");
const ERROR: &str = "#c62828";
const WARNING: &str = "#b26a00";
const RPC: &str = "#00796b";

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
            head.push_str(&row(&quiet(10, &format!("… and {} notes more", self.notes.len() - NOTES))));
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
            "ranksep=0.55".to_owned(),
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
        for one in self.boxes.iter().filter(|one| one.group.is_none()) {
            write_box(&mut out, 1, one);
        }
        for index in (0..self.groups.len()).filter(|index| self.groups[*index].parent.is_none()) {
            self.write_group(&mut out, 1, index);
        }
        for arrow in &self.arrows {
            self.write_arrow(&mut out, arrow);
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
        let leads_in =
            |index: usize| self.arrows.iter().any(|arrow| arrow.to == index && arrow.from != index);
        let inside = |index: usize| !matches!(self.boxes[index].shape, Shape::Service | Shape::Elsewhere);
        let first =
            self.arrows.iter().map(|arrow| arrow.from).find(|from| !inside(*from) && !leads_in(*from));
        let Some(first) = first else { return };
        for index in (0..self.boxes.len()).filter(|index| inside(*index) && !leads_in(*index)) {
            let _ = writeln!(
                out,
                "  {} -> {} [style=invis, weight=0];",
                self.boxes[first].id, self.boxes[index].id
            );
        }
    }

    fn write_group(&self, out: &mut String, depth: usize, index: usize) {
        let group = &self.groups[index];
        let indent = "  ".repeat(depth);
        let _ = writeln!(out, "{indent}subgraph cluster_{index} {{");
        let outer = group.parent.is_none() && !group.label.is_empty();
        let look = if outer {
            "style=\"rounded\"; color=\"#b0b0b0\"; fontsize=11; labeljust=l; labelloc=t; margin=14"
        } else {
            "style=\"rounded,filled\"; color=\"#d8dde3\"; fillcolor=\"#f7f9fb\"; margin=8"
        };
        let label = html(&short(&group.label));
        let _ =
            writeln!(out, "{indent}  label=<{label}>; tooltip={}; {look};", quoted(&visible(&group.tooltip)));
        for one in self.boxes.iter().filter(|one| one.group == Some(index)) {
            write_box(out, depth + 1, one);
        }
        for child in (0..self.groups.len()).filter(|child| self.groups[*child].parent == Some(index)) {
            self.write_group(out, depth + 1, child);
        }
        let _ = writeln!(out, "{indent}}}");
    }

    fn write_arrow(&self, out: &mut String, arrow: &Arrow) {
        let (style, color) = line_style(arrow.line);
        let color = flag_color(arrow.flag.severity).unwrap_or(color);
        let mut attributes = format!("color=\"{color}\", fontcolor=\"{color}\"");
        if !style.is_empty() {
            let _ = write!(attributes, ", {style}");
        }
        if arrow.flag.severity.is_some() {
            attributes.push_str(", penwidth=2");
        }
        let tooltip = quoted(&lines(&arrow.tooltip));
        let mut labels: Vec<String> = arrow.shown_labels().iter().map(|label| html(&short(label))).collect();
        labels.extend(arrow.flag.text().map(|text| format!("<b>{}</b>", html(&text))));
        if !labels.is_empty() {
            let lines: String = labels.iter().map(|label| format!("{label}<br align=\"left\"/>")).collect();
            let _ = write!(attributes, ", label=<{lines}>, labeltooltip={tooltip}");
        }
        let _ = write!(attributes, ", tooltip={tooltip}");
        let (from, to) = (&self.boxes[arrow.from].id, &self.boxes[arrow.to].id);
        let _ = writeln!(out, "  {from} -> {to} [{attributes}];");
    }
}

/// The line of an arrow, and its colour.
pub(super) fn line_style(line: Line) -> (&'static str, &'static str) {
    match line {
        Line::Publish => ("", SERVICE.1),
        Line::Bind => ("", INK),
        Line::Consume => ("arrowhead=vee", QUIET),
        Line::Call => ("style=bold, dir=both, arrowtail=odot", RPC),
        Line::DeadLetter => ("style=dashed", DEAD.1),
        Line::Alternate => ("style=dotted, penwidth=1.6", QUIET),
        Line::Retry => ("style=dashed, arrowhead=vee", QUIET),
        Line::Shovel => ("style=bold, arrowhead=vee", EXTERNAL.1),
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
    let mut label = format!("<b>{}</b>", html(&short(&one.name)));
    let small = |text: &str, color: &str| {
        format!("<br/><font point-size=\"9\" color=\"{color}\">{}</font>", html(&short(text)))
    };
    for detail in one.details.iter().filter(|detail| !detail.is_empty()) {
        label.push_str(&small(detail, if one.missing { ERROR } else { QUIET }));
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
fn lines(tooltip: &[String]) -> String {
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
fn quoted(text: &str) -> String {
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
