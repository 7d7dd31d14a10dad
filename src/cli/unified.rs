//! Unified diffs of texts.

use similar::{ChangeTag, TextDiff};

use super::{Screen, Stop};
use crate::topology::secrets;

/// The difference between a file and what it would be, which a word says.
pub(super) fn diff(
    path: &str,
    word: &str,
    (old, new): (&str, &str),
    screen: &mut Screen,
) -> Result<(), Stop> {
    let paint = |color: bool, style: &str, line: &str| {
        if color { format!("\x1b[{style}m{line}\x1b[0m") } else { line.to_owned() }
    };
    let color = screen.look().color;
    let out = screen.out();
    writeln!(out, "{}", paint(color, "1", &format!("--- {path}")))?;
    writeln!(out, "{}", paint(color, "1", &format!("+++ {path} ({word})")))?;
    // what is written to a terminal or a log is not for everybody
    let (old, new) = (secrets::veiled(old), secrets::veiled(new));
    let diff = TextDiff::from_lines(&old, &new);
    for hunk in diff.unified_diff().context_radius(2).iter_hunks() {
        writeln!(out, "{}", paint(color, "36", &hunk.header().to_string()))?;
        for change in hunk.iter_changes() {
            let line = change.value();
            let (sign, style) = match change.tag() {
                ChangeTag::Delete => ('-', "31"),
                ChangeTag::Insert => ('+', "32"),
                ChangeTag::Equal => (' ', "0"),
            };
            let body = line.trim_end_matches(['\n', '\r']);
            writeln!(out, "{}", paint(color, style, &format!("{sign}{body}")))?;
            if change.missing_newline() {
                writeln!(out, "\\ no newline at the end of the file")?;
            }
        }
    }
    Ok(())
}
