//! Sources and places in them.

/// A source in a [`SourceMap`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(u32);

/// A range of bytes in a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The source.
    pub file: FileId,
    /// The first byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

impl Span {
    /// The place of what was not written in any source: live and derived objects.
    pub const NONE: Self = Self { file: FileId(u32::MAX), start: 0, end: 0 };

    /// A range of bytes of a source. Sources are below 4 GiB, see [`crate::syntax::MAX_BYTES`].
    #[must_use]
    pub fn new(file: FileId, start: usize, end: usize) -> Self {
        let narrow = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Self { file, start: narrow(start), end: narrow(end.max(start)) }
    }

    /// Whether the place is in a source.
    #[must_use]
    pub fn is_known(self) -> bool {
        self.file.0 != u32::MAX
    }

    /// Whether all of another place is in this one.
    #[must_use]
    pub fn contains(self, other: Self) -> bool {
        self.file == other.file && self.start <= other.start && other.end <= self.end
    }

    /// From the start of this place to the end of another in the same source.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        if self.file == other.file { Self { end: self.end.max(other.end), ..self } } else { self }
    }
}

/// One source: a file, standard input, or a text in a test.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// The name that users see: the path as they gave it, relative to where the command ran.
    pub name: String,
    /// The text.
    pub text: String,
    line_starts: Vec<usize>,
}

/// A line and column, both counted from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl SourceFile {
    /// A line by its number from 1: its first byte, and its text without the line's end.
    #[must_use]
    pub fn line(&self, number: usize) -> (usize, &str) {
        let start = |number: usize| self.line_starts.get(number - 1).copied();
        let Some(from) = number.checked_sub(1).and_then(|_| start(number)) else {
            return (self.text.len(), "");
        };
        let to = start(number + 1).unwrap_or(self.text.len());
        (from, self.text[from..to].trim_end_matches(['\n', '\r']))
    }

    /// Puts stars in the place of so many bytes, which begin and end with a character.
    fn hide(&mut self, from: usize, length: usize) {
        let place = from..from + length;
        if let Some(text) = self.text.get(place.clone()) {
            let stars =
                text.bytes().map(|byte| if matches!(byte, b'\n' | b'\r') { char::from(byte) } else { '*' });
            let stars: String = stars.collect();
            self.text.replace_range(place, &stars);
        }
    }

    /// Where a byte is.
    #[must_use]
    pub fn location(&self, byte: usize) -> Location {
        let line = self.line_starts.partition_point(|start| *start <= byte).max(1);
        let start = self.line_starts.get(line - 1).copied().unwrap_or(0);
        let before = self.text.get(start..byte.min(self.text.len())).unwrap_or("");
        Location { line, column: before.chars().count() + 1 }
    }
}

/// Every source that a run has read.
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    files: Vec<SourceFile>,
}

impl SourceMap {
    /// Adds a source and gives its identity.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> FileId {
        let text = text.into();
        let line_starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let id = FileId(u32::try_from(self.files.len()).unwrap_or(u32::MAX - 1));
        self.files.push(SourceFile { name: name.into(), text, line_starts });
        id
    }

    /// The source of an identity; none for [`Span::NONE`]'s.
    #[must_use]
    pub fn get(&self, file: FileId) -> Option<&SourceFile> {
        self.files.get(file.0 as usize)
    }

    /// The sources in the order they were read.
    #[must_use]
    pub fn files(&self) -> &[SourceFile] {
        &self.files
    }

    /// The text of a place.
    #[must_use]
    pub fn text(&self, span: Span) -> &str {
        self.get(span.file)
            .and_then(|file| file.text.get(span.start as usize..span.end as usize))
            .unwrap_or("")
    }

    /// Makes a secret unreadable, so that no excerpt can show it: what its place says after the attribute's name,
    /// and its text wherever else it stands. Places and lines stay where they are.
    pub fn mask(&mut self, span: Span, secret: &str) {
        // shorter than this it is a part of ordinary words
        const TELLING: usize = 4;
        if let Some(file) = self.files.get_mut(span.file.0 as usize) {
            let place = span.start as usize..span.end as usize;
            let said = file.text.get(place).unwrap_or("");
            let named = said.starts_with(char::is_alphabetic);
            let name =
                said.find(|c: char| c == '=' || c.is_whitespace()).filter(|_| named).map_or(0, |at| at + 1);
            file.hide(span.start as usize + name, said.len() - name);
        }
        if secret.len() >= TELLING {
            for file in &mut self.files {
                let found: Vec<usize> = file.text.match_indices(secret).map(|(at, _)| at).collect();
                found.into_iter().for_each(|at| file.hide(at, secret.len()));
            }
        }
    }

    /// Makes a place unreadable, its lines kept.
    pub fn hide(&mut self, place: Span) {
        if let Some(file) = self.files.get_mut(place.file.0 as usize) {
            file.hide(place.start as usize, (place.end - place.start) as usize);
        }
    }

    /// `file:line` of a place, as plans and routes print it.
    #[must_use]
    pub fn line_of(&self, span: Span) -> Option<String> {
        let file = self.get(span.file)?;
        Some(format!("{}:{}", file.name, file.location(span.start as usize).line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_nowhere_to_be_read() {
        let mut sources = SourceMap::default();
        let text = "password \"hunté2\"\n// hunté2\nqueue \"q\"";
        let id = sources.add("a.kdl", text);
        sources.mask(Span::new(id, 0, 18), "hunté2");
        let masked = &sources.get(id).unwrap().text;
        assert_eq!(masked, "password *********\n// *******\nqueue \"q\"");
        assert_eq!(masked.len(), text.len());
        let id = sources.add("b.kdl", "password \"a b\"");
        sources.mask(Span::new(id, 9, 14), "a b");
        assert_eq!(sources.get(id).unwrap().text, "password *****");
    }

    #[test]
    fn columns_count_characters() {
        let mut sources = SourceMap::default();
        let id = sources.add("a.kdl", "één\nqueue \"é\"");
        let file = sources.get(id).unwrap();
        assert_eq!(file.location(0), Location { line: 1, column: 1 });
        assert_eq!(file.location(6), Location { line: 2, column: 1 });
        assert_eq!(file.location(15), Location { line: 2, column: 9 });
        assert_eq!(sources.line_of(Span::new(id, 7, 8)).as_deref(), Some("a.kdl:2"));
    }
}
