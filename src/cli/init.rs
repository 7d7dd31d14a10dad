//! `topoc init`: a topology to start from.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use clap::Args;

use super::{Exit, Outcome, Screen, Stop, arguments::DEFAULT_FILE, write};
use crate::{diag::shell_word, syntax::quote};

/// What is written, under the folder's name in place of `shop`: it checks clean and says what its parts are for.
const STARTER: &str = include_str!("init/topology.kdl");

/// Write a commented starter topology, named after its folder
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  topoc init shop && topoc check shop")]
pub(super) struct Init {
    /// The folder to write topology.kdl into; it is made if it is not there
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
    /// Write over a topology.kdl that is there
    #[arg(long)]
    force: bool,
}

impl Init {
    pub(super) fn run(self, screen: &mut Screen) -> Outcome {
        if self.folder.is_file() {
            return Err(Stop::wrong(
                format!("`{}` is a file, and `init` writes into a folder", self.folder.display()),
                "name a folder, which need not be there: topoc init shop",
            ));
        }
        let path = if self.folder.as_os_str() == "." {
            PathBuf::from(DEFAULT_FILE)
        } else {
            self.folder.join(DEFAULT_FILE)
        };
        let shown = path.display().to_string();
        // a link to nowhere is there too
        if !self.force && path.symlink_metadata().is_ok() {
            return Err(Stop::wrong(
                format!("`{shown}` is there already, and stays as it is"),
                format!("topoc init {} --force", shell_word(&self.folder.display().to_string())),
            ));
        }
        let cannot = |error: io::Error| {
            Stop::wrong(
                format!("`{shown}` cannot be written: {error}"),
                "name a folder that you may write to",
            )
        };
        fs::create_dir_all(&self.folder).map_err(cannot)?;
        write::whole(&path, starter(&self.folder)).map_err(cannot)?;
        writeln!(screen.out(), "wrote {shown}")?;
        writeln!(screen.out(), "next: topoc check {shown}")?;
        writeln!(screen.out(), "      topoc diff {shown} --broker http://guest:guest@localhost:15672")?;
        Ok(Exit::Ok)
    }
}

/// The starter topology of a folder. The name owns what is applied, so two projects on one broker need two.
fn starter(folder: &Path) -> String {
    let name = fs::canonicalize(folder).ok().and_then(|path| Some(path.file_name()?.to_str()?.to_owned()));
    let Some(name) = name else { return STARTER.to_owned() };
    let quoted = quote(&name).replace("${", "$${");
    ["topology", "vhost"].into_iter().fold(STARTER.to_owned(), |text, word| {
        text.replace(&format!("{word} \"shop\""), &format!("{word} {quoted}"))
    })
}
