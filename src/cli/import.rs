//! `topoc import`: what is live, or in a definitions file, as a topology.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args;
use fancy_regex::Regex;

use super::{
    Broker, Exit, Outcome, Screen, Stop,
    pending::{Target, reach, runtime},
    write,
};
use crate::{
    Compiled,
    diag::{counted, visible},
    import::{self, Imported, Options},
    kind::{Definition, KindId},
    plan::Live,
};

/// Write what is on a broker, or in a definitions file, as a topology
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  topoc import --broker http://guest:guest@localhost:15672 -o topology.kdl
  topoc import --broker file:definitions.json --vhost shop -o shop.kdl
  topoc import --broker http://guest:guest@localhost:15672 --split -o topology/")]
pub(super) struct Import {
    /// Only this vhost; any number
    #[arg(long, value_name = "VHOST")]
    vhost: Vec<String>,
    /// Only what has a name that this regular expression is found in, with the bindings to it
    #[arg(long = "match", value_name = "REGEX", value_parser = regex)]
    pattern: Option<Regex>,
    /// What to call the topology, which owns what is applied [default: the vhost, where it is one, else `imported`]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// A file for each vhost, below the folder that -o names
    #[arg(long, requires = "output")]
    split: bool,
    /// Write passwords as the salted hashes that the broker has; else it keeps them, and the file says nothing of them
    #[arg(long)]
    with_password_hashes: bool,
    /// The file to write, or with --split the folder; none that is there is written over
    #[arg(long, short, value_name = "PATH")]
    output: Option<PathBuf>,
    #[command(flatten)]
    broker: Broker,
}

fn regex(text: &str) -> Result<Regex, String> {
    Regex::new(text).map_err(|error| error.to_string())
}

impl Import {
    pub(super) fn run(self, screen: &mut Screen) -> Outcome {
        let nothing = Compiled::default();
        let (target, live) = runtime()?.block_on(async {
            let target = reach(&nothing, &self.broker).await?;
            let live = target.live(&nothing).await?;
            Ok::<_, Stop>((target, live))
        })?;
        self.known(&target, &live)?;
        let options =
            Options { name: self.topology(&live), split: self.split, hashes: self.with_password_hashes };
        let imported = import::import(&live, &|found| self.is_wanted(found), &options);
        let unseen = live
            .kinds_unseen
            .iter()
            .map(|(kind, why)| format!("{} are not seen: {why}", crate::diag::plural(kind.word())));
        for note in unseen.chain(imported.notes.iter().cloned()) {
            writeln!(screen.err(), "note: {}", visible(&note))?;
        }
        if imported.described == 0 {
            return Err(Stop::wrong(
                format!("nothing of that is on {}", target.name()),
                "leave out --vhost or --match",
            ));
        }
        self.write(&imported, &target, screen)
    }

    /// What is asked for by name is there.
    fn known(&self, target: &Target, live: &Live) -> Result<(), Stop> {
        let known = |name: &String| {
            live.topology.definitions().iter().any(|found| {
                found.vhost.as_deref() == Some(name) || (found.kind == KindId::Vhost && found.name() == name)
            })
        };
        match self.vhost.iter().find(|name| !known(name)) {
            None => Ok(()),
            Some(missing) => {
                let vhosts: Vec<&str> = live.topology.of(KindId::Vhost).map(Definition::name).collect();
                let help = crate::diag::did_you_mean(missing, vhosts, "vhost");
                Err(Stop::wrong(format!("there is no vhost `{missing}` on {}", target.name()), help))
            }
        }
    }

    fn topology(&self, live: &Live) -> String {
        let vhosts: Vec<&str> = live.topology.of(KindId::Vhost).map(Definition::name).collect();
        let one = match (self.vhost.as_slice(), vhosts.as_slice()) {
            ([one], _) => Some(one.as_str()),
            ([], [one]) => Some(*one),
            _ => None,
        };
        let one = one
            .filter(|name| name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')));
        self.name.clone().unwrap_or_else(|| one.unwrap_or("imported").to_owned())
    }

    /// Users and what else is the whole broker's go with the whole broker.
    fn is_wanted(&self, found: &Definition) -> bool {
        let vhost = match found.kind {
            KindId::Vhost => Some(found.name()),
            _ => found.vhost.as_deref(),
        };
        let of_a_user = matches!(
            found.kind,
            KindId::User | KindId::UserLimits | KindId::Permission | KindId::TopicPermission
        );
        let within = self.vhost.is_empty()
            || (!of_a_user && vhost.is_some_and(|vhost| self.vhost.iter().any(|wanted| wanted == vhost)));
        let named = self.pattern.as_ref().is_none_or(|pattern| {
            let is_named = !of_a_user && !matches!(found.kind, KindId::Vhost | KindId::VhostLimits);
            is_named && pattern.is_match(found.name()).unwrap_or(false)
        });
        within && named
    }

    fn write(&self, imported: &Imported, target: &Target, screen: &mut Screen) -> Outcome {
        let Some(output) = write::file(self.output.as_ref()) else {
            for file in &imported.files {
                write!(screen.out(), "{}", file.text)?;
            }
            return Ok(Exit::Ok);
        };
        let path = |name: &str| if self.split { output.join(name) } else { output.to_owned() };
        if let Some(there) = imported.files.iter().map(|file| path(&file.path)).find(|path| path.exists()) {
            return Err(Stop::wrong(
                format!("`{}` is there already, and is not written over", there.display()),
                "name another path by -o",
            ));
        }
        for file in &imported.files {
            let path = path(&file.path);
            let made =
                path.parent().filter(|folder| *folder != Path::new("")).map_or(Ok(()), fs::create_dir_all);
            made.and_then(|()| write::whole(&path, &file.text)).map_err(|error| {
                Stop::wrong(
                    format!("`{}` cannot be written: {error}", path.display()),
                    "name another path by -o",
                )
            })?;
        }
        let files = match imported.files.len() {
            1 => path(&imported.files[0].path).display().to_string(),
            several => format!("{} below {}", counted(several, "file"), output.display()),
        };
        writeln!(
            screen.out(),
            "{} of {} written to {files}",
            counted(imported.described, "entity"),
            target.name()
        )?;
        Ok(Exit::Ok)
    }
}
