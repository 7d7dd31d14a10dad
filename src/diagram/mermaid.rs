//! Pictures as Mermaid flowcharts, which code hosts draw in Markdown.

use std::{collections::BTreeMap, fmt::Write as _};

use super::{
    dot::{box_color, flag_color, line_style},
    picture::{Arrow, Box, Line, Picture, Shape},
    text::short,
};
use crate::diag::visible;

/// More arrows than this, and Mermaid draws nothing unless it is told to (`maxEdges`).
pub const MERMAID_ARROWS: usize = 500;

impl Picture {
    /// The picture as a Mermaid flowchart: the same picture gives the same bytes.
    #[must_use]
    pub fn mermaid(&self) -> String {
        let mut out = String::new();
        let title = visible(&self.title).replace('\\', "\\\\").replace('"', "\\\"");
        let _ = writeln!(out, "---\ntitle: \"{title}\"\n---");
        let _ = writeln!(out, "flowchart LR");
        for note in std::iter::once(&self.subtitle).chain(&self.notes) {
            // a brace would begin a directive
            let _ = writeln!(out, "  %% {}", visible(note).replace(['{', '}'], "|"));
        }
        for one in self.boxes.iter().filter(|one| one.group.is_none()) {
            write_box(&mut out, 1, one);
        }
        for index in (0..self.groups.len()).filter(|index| self.groups[*index].parent.is_none()) {
            self.write_subgraph(&mut out, 1, index);
        }
        for arrow in &self.arrows {
            self.write_link(&mut out, arrow);
        }
        for row in self.groups.iter().flat_map(|group| &group.rows) {
            let ids: Vec<&str> = row.iter().map(|index| self.boxes[*index].id.as_str()).collect();
            let _ = writeln!(out, "  {}", ids.join(" ~~~ "));
        }
        self.write_styles(&mut out);
        out
    }

    fn write_subgraph(&self, out: &mut String, depth: usize, index: usize) {
        let indent = "  ".repeat(depth);
        let group = &self.groups[index];
        let label = if group.label.is_empty() { " ".to_owned() } else { label(&short(&group.label)) };
        let _ = writeln!(out, "{indent}subgraph group_{index}[\"{label}\"]");
        for one in self.boxes.iter().filter(|one| one.group == Some(index)) {
            write_box(out, depth + 1, one);
        }
        for child in (0..self.groups.len()).filter(|child| self.groups[*child].parent == Some(index)) {
            self.write_subgraph(out, depth + 1, child);
        }
        let _ = writeln!(out, "{indent}end");
    }

    fn write_link(&self, out: &mut String, arrow: &Arrow) {
        let line = match arrow.line {
            Line::Publish | Line::Bind | Line::Consume => "-->",
            Line::Call | Line::Shovel | Line::Federation => "==>",
            Line::DeadLetter | Line::Alternate | Line::Retry => "-.->",
        };
        let mut labels: Vec<String> = arrow.shown_labels().iter().map(|text| label(&short(text))).collect();
        labels.extend(arrow.flag.text().map(|text| label(&text)));
        let labels =
            if labels.is_empty() { String::new() } else { format!("|\"{}\"|", labels.join("<br/>")) };
        let end = |frame: Option<usize>, one: usize| {
            frame.map_or_else(|| self.boxes[one].id.clone(), |frame| format!("group_{frame}"))
        };
        let (from, to) = (end(arrow.from_frame, arrow.from), end(arrow.to_frame, arrow.to));
        let _ = writeln!(out, "  {from} {line}{labels} {to}");
    }

    /// One class or line for all that look alike.
    fn write_styles(&self, out: &mut String) {
        let mut classes: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for one in &self.boxes {
            let (fill, border) = box_color(one);
            let width = if one.flag.severity.is_some() { 3 } else { 1 };
            let dashes = if one.missing { ",stroke-dasharray:4 3" } else { "" };
            let style = format!("fill:{fill},stroke:{border},color:#2b2b2b,stroke-width:{width}px{dashes}");
            classes.entry(style).or_default().push(&one.id);
        }
        for (index, (style, ids)) in classes.iter().enumerate() {
            let _ = writeln!(out, "  classDef look{index} {style}\n  class {} look{index}", ids.join(","));
        }
        if !self.groups.is_empty() {
            let ids: Vec<String> = (0..self.groups.len()).map(|index| format!("group_{index}")).collect();
            let _ = writeln!(out, "  classDef frame fill:#fbfcfd,stroke:#c4c9cf,color:#2b2b2b");
            let _ = writeln!(out, "  class {} frame", ids.join(","));
        }
        let mut lines: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (index, arrow) in self.arrows.iter().enumerate() {
            let color = flag_color(arrow.flag.severity).unwrap_or(line_style(arrow.line).1);
            let dashes = match arrow.line {
                Line::Alternate => ",stroke-dasharray:2 4",
                Line::DeadLetter | Line::Retry => ",stroke-dasharray:7 4",
                _ => "",
            };
            lines.entry(format!("stroke:{color},color:{color}{dashes}")).or_default().push(index.to_string());
        }
        for (style, arrows) in lines {
            let _ = writeln!(out, "  linkStyle {} {style}", arrows.join(","));
        }
    }
}

fn write_box(out: &mut String, depth: usize, one: &Box) {
    let (open, close) = match one.shape {
        Shape::Service => ("([", "])"),
        Shape::Direct => (">", "]"),
        Shape::Topic => ("{{", "}}"),
        Shape::Fanout => ("[/", "\\]"),
        Shape::Headers => ("[/", "/]"),
        Shape::OtherExchange => ("((", "))"),
        Shape::Classic => ("[", "]"),
        Shape::Quorum => ("[[", "]]"),
        Shape::Stream | Shape::SuperStream => ("[(", ")]"),
        Shape::Elsewhere => ("(", ")"),
    };
    let mut lines = vec![format!("<b>{}</b>", label(&short(&one.name)))];
    let details = one.details.iter().filter(|detail| !detail.is_empty());
    lines.extend(details.chain(&one.ladder).map(|detail| label(&short(detail))));
    lines.extend(one.keys.iter().map(|key| label(&short(&key.text))));
    lines.extend(one.flag.text().map(|text| label(&text)));
    let indent = "  ".repeat(depth);
    let _ = writeln!(out, "{indent}{}{open}\"{}\"{close}", one.id, lines.join("<br/>"));
}

/// Text in a quoted label: whatever Mermaid, Markdown or HTML could read as theirs stands as its number.
fn label(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let first = out.is_empty();
        let plain = match c {
            // `1. ` and `- ` would begin a list
            '.' => chars.peek() != Some(&' '),
            '-' => !first,
            ' ' | '_' | '/' | ',' | '→' | '…' | '(' | ')' => true,
            c => c.is_alphanumeric(),
        };
        if plain {
            out.push(c);
        } else {
            let _ = write!(out, "#{};", u32::from(c));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::label;

    #[test]
    fn labels_hold_nothing_that_mermaid_reads() {
        assert_eq!(label("order.*"), "order.#42;");
        assert_eq!(label("a\"b`<i>#;&{}|"), "a#34;b#96;#60;i#62;#35;#59;#38;#123;#125;#124;");
        assert_eq!(label("1. x"), "1#46; x");
        assert_eq!(label("größe"), "größe");
    }
}
