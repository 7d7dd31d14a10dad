//! Where texts come from: the one door between the compiler and the file system.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, Read as _},
    path::Path,
};

/// The name under which standard input is read and shown.
pub const STANDARD_INPUT: &str = "<stdin>";

/// Why a source could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadError {
    /// Nothing is there.
    Missing,
    /// A directory is there.
    Directory,
    /// It may not be read.
    Forbidden,
    /// It has so many bytes, more than [`super::MAX_BYTES`].
    TooLarge(u64),
    /// The system says something else.
    Other(io::ErrorKind),
}

/// Gives texts by path. Paths use `/` and are relative to where the command runs, or absolute.
pub trait Sources {
    /// The bytes of a file.
    ///
    /// # Errors
    /// When it cannot be read, or is too large to be.
    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError>;

    /// The files that a pattern with `*`, `?`, `[…]` or `**` names, sorted by path.
    ///
    /// # Errors
    /// When the pattern is none; the text says why.
    fn glob(&self, pattern: &str) -> Result<Vec<String>, String>;
}

/// The file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct DiskSources;

#[expect(clippy::disallowed_methods, reason = "this is the edge through which topologies are read")]
impl Sources for DiskSources {
    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        let classify = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ReadError::Missing,
            io::ErrorKind::PermissionDenied => ReadError::Forbidden,
            io::ErrorKind::IsADirectory => ReadError::Directory,
            kind => ReadError::Other(kind),
        };
        let metadata = fs::metadata(path).map_err(classify)?;
        if metadata.is_dir() {
            return Err(ReadError::Directory);
        }
        if metadata.len() > super::MAX_BYTES as u64 {
            return Err(ReadError::TooLarge(metadata.len()));
        }
        let bound = super::MAX_BYTES as u64 + 1;
        let mut bytes = Vec::new();
        // a pipe or device has no length beforehand, and may have no end
        fs::File::open(path).and_then(|file| file.take(bound).read_to_end(&mut bytes)).map_err(classify)?;
        if bytes.len() as u64 >= bound { Err(ReadError::TooLarge(bound)) } else { Ok(bytes) }
    }

    fn glob(&self, pattern: &str) -> Result<Vec<String>, String> {
        let paths = glob::glob(pattern).map_err(|error| error.msg.to_owned())?;
        let mut found: Vec<String> = paths
            .filter_map(Result::ok)
            .filter(|path: &std::path::PathBuf| path.is_file())
            .map(|path| path.to_string_lossy().into_owned())
            .collect();
        found.sort();
        Ok(found)
    }
}

/// Sources of which each is read once: standard input can only be read so, and files may change meanwhile. What they hold is
/// whole, with the secrets in it, where a [`crate::diag::SourceMap`] has stars.
pub struct ReadOnce<'a> {
    from: &'a dyn Sources,
    read: RefCell<BTreeMap<String, Result<Vec<u8>, ReadError>>>,
}

impl<'a> ReadOnce<'a> {
    /// Nothing is read yet.
    #[must_use]
    pub fn new(from: &'a dyn Sources) -> Self {
        Self { from, read: RefCell::default() }
    }

    /// A text that was read.
    #[must_use]
    pub fn text(&self, path: &str) -> Option<String> {
        String::from_utf8(self.read.borrow().get(path)?.as_ref().ok()?.clone()).ok()
    }

    /// The paths that were asked for.
    #[must_use]
    pub fn paths(&self) -> BTreeSet<String> {
        self.read.borrow().keys().cloned().collect()
    }

    /// Puts another text in the place of one.
    pub fn set(&self, path: &str, text: String) {
        self.read.borrow_mut().insert(path.to_owned(), Ok(text.into_bytes()));
    }
}

impl Sources for ReadOnce<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        let known = self.read.borrow().get(path).cloned();
        known.unwrap_or_else(|| {
            let bytes = self.from.read(path);
            self.read.borrow_mut().insert(path.to_owned(), bytes.clone());
            bytes
        })
    }

    fn glob(&self, pattern: &str) -> Result<Vec<String>, String> {
        self.from.glob(pattern)
    }
}

/// Texts in memory, for tests, standard input and embedding.
#[derive(Clone, Debug, Default)]
pub struct MemorySources {
    files: BTreeMap<String, Vec<u8>>,
}

impl MemorySources {
    /// Adds a text.
    #[must_use]
    pub fn with(mut self, path: impl Into<String>, text: impl Into<Vec<u8>>) -> Self {
        self.files.insert(path.into(), text.into());
        self
    }
}

impl Sources for MemorySources {
    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        match self.files.get(path) {
            Some(bytes) if bytes.len() > super::MAX_BYTES => Err(ReadError::TooLarge(bytes.len() as u64)),
            Some(bytes) => Ok(bytes.clone()),
            None if self.files.keys().any(|file| Path::new(file).starts_with(path)) => {
                Err(ReadError::Directory)
            }
            None => Err(ReadError::Missing),
        }
    }

    fn glob(&self, pattern: &str) -> Result<Vec<String>, String> {
        let pattern = glob::Pattern::new(pattern).map_err(|error| error.msg.to_owned())?;
        let options = glob::MatchOptions { require_literal_separator: true, ..Default::default() };
        Ok(self.files.keys().filter(|path| pattern.matches_with(path, options)).cloned().collect())
    }
}
