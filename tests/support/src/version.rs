use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fmt, fs};

use crate::Error;

/// A RabbitMQ release that nodes can be started of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// 3.10, as in Debian 12.
    V3_10,
    /// 4.0, as in Debian 13.
    V4_0,
}

impl Version {
    /// Every version, oldest first.
    pub const ALL: [Self; 2] = [Self::V3_10, Self::V4_0];

    /// `3.10`, `4.0`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V3_10 => "3.10",
            Self::V4_0 => "4.0",
        }
    }

    /// The version that a person names as `3.10` or `4.0`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.as_str() == name)
    }

    /// The variable that carries a run's shared node of this version.
    pub(crate) fn variable(self) -> &'static str {
        match self {
            Self::V3_10 => "TOPOC_TEST_BROKER_3_10",
            Self::V4_0 => "TOPOC_TEST_BROKER_4_0",
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether nodes of `version` can be started here; if not, why and what to do.
pub fn available(version: Version) -> Result<(), Error> {
    Installation::find(version).map(drop)
}

/// Whether nodes of `version` can be started here; if not, standard error says that the test is skipped, and why. A
/// test that calls this has `rabbitmq_4_0` (or such) in its name, so that scripts/test counts it as skipped.
#[expect(clippy::print_stderr, reason = "a test runner shows it beside the test")]
pub fn available_or_skip(version: Version) -> bool {
    available(version).inspect_err(|missing| eprintln!("skipped: {missing}")).is_ok()
}

/// Where a version's files are: this machine's own package, or a Debian suite unpacked in a directory.
#[derive(Debug, Clone)]
pub(crate) struct Installation {
    /// The directory of `rabbitmq-server`, as seen from inside.
    pub(crate) sbin: PathBuf,
    root: Option<PathBuf>,
}

impl Installation {
    pub(crate) fn find(version: Version) -> Result<Self, Error> {
        if let Some(sbin) = sbin_under(Path::new("/"), version) {
            return Ok(Self { sbin, root: None });
        }
        let root = cache().join(version.as_str());
        let Some(sbin) = sbin_under(&root, version) else {
            return Err(Error::new(format!(
                "RabbitMQ {version} is not installed, neither as a package nor in {}; run scripts/setup",
                root.display()
            )));
        };
        own_mounts_are_permitted()?;
        Ok(Self { sbin, root: Some(root) })
    }

    /// The node's directory `dir`, as the node's own processes see it.
    pub(crate) fn inside<'a>(&self, dir: &'a Path) -> &'a Path {
        if self.root.is_some() { Path::new("/node") } else { dir }
    }

    /// The words to put before a command so that it runs where this installation's files are; empty for a package's.
    pub(crate) fn enter(&self, dir: &Path) -> Vec<String> {
        let Some(root) = &self.root else { return Vec::new() };
        // the mounts are in a namespace of their own, so they are gone with the process
        let mounts = r#"root=$1 dir=$2; shift 2
            mount --rbind /dev "$root/dev" && mount --rbind /proc "$root/proc" && mount --bind "$dir" "$root/node" &&
            mount --bind /etc/hosts "$root/etc/hosts" && exec chroot "$root" "$@""#;
        let mut words = own_mounts();
        words.extend(["/bin/sh", "-c", mounts, "sh"].map(str::to_owned));
        words.extend([root, dir].map(|path| path.display().to_string()));
        words
    }
}

/// The words before a command that give it mounts of its own.
fn own_mounts() -> Vec<String> {
    let mut words = vec!["unshare".to_owned(), "--mount".to_owned()];
    let root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    if !root {
        words.push("--map-root-user".to_owned());
    }
    words
}

fn own_mounts_are_permitted() -> Result<(), Error> {
    let words = own_mounts();
    let status = Command::new(&words[0])
        .args(&words[1..])
        .arg("true")
        .stderr(Stdio::null())
        .status()
        .map_err(Error::while_doing("running unshare"))?;
    if status.success() {
        Ok(())
    } else {
        Err(Error::new(format!(
            "this machine permits no mount namespaces (`{} true` fails)",
            words.join(" ")
        )))
    }
}

fn sbin_under(root: &Path, version: Version) -> Option<PathBuf> {
    let lib = "usr/lib/rabbitmq/lib";
    let prefix = format!("rabbitmq_server-{version}.");
    let name = fs::read_dir(root.join(lib))
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .find(|name| name.starts_with(&prefix))?;
    Some(Path::new("/").join(lib).join(name).join("sbin"))
}

/// Where scripts/setup unpacks versions that are not this machine's package.
fn cache() -> PathBuf {
    if let Some(cache) = env::var_os("TOPOC_BROKER_CACHE") {
        return cache.into();
    }
    let target = env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"), PathBuf::from);
    target.join("brokers")
}
