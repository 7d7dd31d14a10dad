//! Writing files: whole or not at all.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The file that `-o` names; none for standard output, which `-` stands for too.
pub(super) fn file(output: Option<&PathBuf>) -> Option<&Path> {
    output.map(PathBuf::as_path).filter(|path| path.as_os_str() != "-")
}

/// Writes a file by way of another beside it, so that nobody ever reads half of it. A link stays a link, and
/// a file that is there keeps its permissions.
pub(super) fn whole(path: &Path, contents: impl AsRef<[u8]>) -> io::Result<()> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let name = target.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let beside = target.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
    let written = fs::write(&beside, contents).and_then(|()| {
        if let Ok(metadata) = fs::metadata(&target) {
            fs::set_permissions(&beside, metadata.permissions())?;
        }
        fs::rename(&beside, &target)
    });
    if written.is_err() {
        // the first error is the one to speak of
        let _ = fs::remove_file(&beside);
    }
    written
}
