//! Markdown in a terminal: our own pages use headings, paragraphs, lists, code and tables, and read well as
//! they are; colours only set them off.

/// A page; without colours, as it is written.
pub(super) fn show(page: &str, color: bool) -> String {
    if !color {
        return page.to_owned();
    }
    let mut out = String::with_capacity(page.len() * 2);
    let mut fenced = false;
    for line in page.lines() {
        if line.starts_with("```") {
            fenced = !fenced;
            continue;
        }
        if fenced {
            out.push_str("    \x1b[36m");
            out.push_str(line);
            out.push_str("\x1b[0m");
        } else if line.starts_with('#') {
            out.push_str(&heading(line.trim_start_matches('#').trim(), true));
        } else {
            out.push_str(&inline(line));
        }
        out.push('\n');
    }
    out
}

/// A heading.
pub(super) fn heading(text: &str, color: bool) -> String {
    if color { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() }
}

/// Code and stress within a line; marks without a partner stay.
fn inline(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find(['`', '*']) {
        let (mark, style) = match &rest[at..] {
            tail if tail.starts_with('`') => ("`", "36"),
            tail if tail.starts_with("**") => ("**", "1"),
            _ => ("*", ""),
        };
        let inner = &rest[at + mark.len()..];
        out.push_str(&rest[..at]);
        match inner.find(mark).filter(|end| *end > 0 && !style.is_empty()) {
            Some(end) => {
                out.push_str(&format!("\x1b[{style}m{}\x1b[0m", &inner[..end]));
                rest = &inner[end + mark.len()..];
            }
            None => {
                out.push_str(mark);
                rest = inner;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_become_colours_and_lone_ones_stay() {
        assert_eq!(
            show("# a\n`b` **c** d*\n", true),
            "\x1b[1ma\x1b[0m\n\x1b[36mb\x1b[0m \x1b[1mc\x1b[0m d*\n"
        );
        assert_eq!(show("```kdl\nqueue \"a\"\n```\n", true), "    \x1b[36mqueue \"a\"\x1b[0m\n");
        assert_eq!(show("# a\n", false), "# a\n");
    }
}
