//! A whole broker, or a part of one, as the files of a topology.

use std::{collections::BTreeSet, ops::Range};

use super::{
    Vhost,
    entity::{Beside, entity},
    node::{Node, string},
    vhost::vhosts,
};
use crate::{
    Compiled,
    diag::{Severity, counted, visible},
    kind::{Definition, Identity, KindId, VERSIONS},
    lint,
    plan::{Live, describes},
    syntax::{Inputs, MemorySources},
    topology::{DEFAULT_VHOST, Topology},
};

/// What is made, and how.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The name of the topology.
    pub name: String,
    /// A file for each vhost.
    pub split: bool,
    /// Passwords as the hashes that the broker keeps.
    pub hashes: bool,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its path, relative to the first.
    pub path: String,
    /// What is in it.
    pub text: String,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// The files; the first includes the others.
    pub files: Vec<Written>,
    /// How many entities are described.
    pub described: usize,
    /// What is to be known besides.
    pub notes: Vec<String>,
}

/// The file that includes the others.
const FIRST: &str = "topology.kdl";

/// What every broker has by itself, and writes into its definitions.
const BROKERS_OWN: &[&str] = &["internal_cluster_id", "imported_definition_hash_value", "cluster_tags"];

/// How often what could not be said is named and the rest written again.
const ROUNDS: usize = 8;

/// Writes what is live as a topology. `wanted` says which entities; bindings go with their destinations.
#[must_use]
pub fn import(live: &Live, wanted: &dyn Fn(&Definition) -> bool, options: &Options) -> Imported {
    let definitions = live.topology.definitions().iter();
    let wanted: Vec<&Definition> = definitions
        .filter(|found| !is_brokers_own(found) && is_wanted(found, &live.topology, wanted))
        .collect();
    let mut whole = Whole {
        live,
        wanted,
        options,
        outside: BTreeSet::new(),
        left_out: BTreeSet::new(),
        levels: BTreeSet::new(),
    };
    let mut imported = Imported::default();
    for _ in 0..ROUNDS {
        let (files, marks, beside) = whole.write();
        let compiled = compile(&files);
        imported = Imported { files, described: 0, notes: whole.notes(&beside) };
        let amiss = whole.amiss(&compiled, &marks);
        let said = |found: &&&Definition| !whole.outside.contains(&found.identity());
        imported.described = whole.wanted.iter().filter(said).count();
        if amiss.is_empty() {
            // only of what stays
            let levels = errors(&compiled);
            if levels.is_subset(&whole.levels) {
                break;
            }
            whole.levels.extend(levels);
        }
        for identity in amiss {
            // what cannot even be named is left out
            if !whole.outside.insert(identity.clone()) {
                whole.wanted.retain(|found| found.identity() != identity);
                whole.left_out.insert(identity);
            }
        }
    }
    imported
}

fn is_brokers_own(definition: &Definition) -> bool {
    definition.kind == KindId::GlobalParameter && BROKERS_OWN.contains(&definition.name())
}

fn is_wanted(definition: &Definition, live: &Topology, wanted: &dyn Fn(&Definition) -> bool) -> bool {
    if definition.kind != KindId::Binding {
        return wanted(definition);
    }
    let (vhost, name) =
        (definition.vhost.as_deref().unwrap_or(""), definition.text("destination").unwrap_or(""));
    let destination = match definition.text("destination-type") {
        Some("exchange") => live.exchange(vhost, name).map(|found| found.0),
        _ => live.queue(vhost, name).map(|found| found.0),
    };
    // one that is bound to what is always there has no entity of its own
    destination.map_or_else(|| wanted(definition), wanted)
}

struct Whole<'a> {
    live: &'a Live,
    wanted: Vec<&'a Definition>,
    options: &'a Options,
    /// What the language cannot describe.
    outside: BTreeSet<Identity>,
    /// What it cannot even name.
    left_out: BTreeSet<Identity>,
    /// The lints that find errors in what is there.
    levels: BTreeSet<&'static str>,
}

/// Which entity a part of a file describes.
type Marks = Vec<(String, Range<usize>, Identity)>;

impl Whole<'_> {
    fn write(&self) -> (Vec<Written>, Marks, Beside) {
        let mut beside = Beside { hashes: self.options.hashes, ..Beside::default() };
        let mut first = vec![self.head()];
        let mut others: Vec<(String, Vec<Node>)> = Vec::new();
        let mut globals = self.globals(&mut beside);
        let mut includes = Vec::new();
        let names: BTreeSet<&str> =
            vhosts(&self.live.topology).into_iter().filter(|name| self.has(name)).collect();
        let split = self.options.split && names.len() > 1;
        for name in &names {
            let mut nodes = self.vhost(name, &mut beside);
            if split {
                let path = path(name, &others);
                let mut include = Node::named("include", &path);
                include.apart = includes.is_empty();
                includes.push(include);
                others.push((path, nodes));
            } else {
                nodes.iter_mut().take(1).for_each(|node| node.apart = true);
                first.append(&mut nodes);
            }
        }
        first.append(&mut includes);
        globals.iter_mut().take(1).for_each(|node| node.apart = true);
        first.append(&mut globals);
        let mut marks = Marks::new();
        let files = std::iter::once((FIRST.to_owned(), first)).chain(others);
        let files: Vec<Written> = files
            .map(|(path, nodes)| {
                let mut text = String::new();
                let mut found = Vec::new();
                Node::write_marked(&nodes, 0, &mut text, &mut found);
                marks.extend(found.into_iter().map(|(range, identity)| (path.clone(), range, identity)));
                Written { path, text }
            })
            .collect();
        (files, marks, beside)
    }

    fn head(&self) -> Node {
        let mut topology = Node::named("topology", &self.options.name);
        if let Some(series) = self.live.version.filter(|series| VERSIONS.contains(series)) {
            topology.children.push(Node::named("rabbitmq", &series.to_string()));
        }
        for (index, lint) in self.levels.iter().enumerate() {
            let mut level = Node::named("lint", lint);
            level.property("level", string(Severity::Warning.word()));
            if index == 0 {
                level
                    .comments
                    .push("found as it is on the broker: mend it, then take the line away".to_owned());
            }
            topology.children.push(level);
        }
        topology
    }

    fn has(&self, vhost: &str) -> bool {
        self.wanted.iter().any(|found| match found.kind {
            KindId::Vhost => found.name() == vhost,
            KindId::Permission | KindId::TopicPermission => false,
            _ => found.vhost.as_deref() == Some(vhost),
        })
    }

    fn vhost(&self, name: &str, beside: &mut Beside) -> Vec<Node> {
        let within =
            self.wanted.iter().copied().filter(|found| found.vhost.as_deref() == Some(name)).collect();
        let mut nodes = Vhost::new(name, within).nodes(&self.outside, beside);
        let described = self.wanted.iter().find(|found| found.kind == KindId::Vhost && found.name() == name);
        // everybody has it, and nobody may delete it unawares
        if name == DEFAULT_VHOST {
            return nodes;
        }
        let mut vhost = match described {
            Some(vhost) => entity(vhost, beside).unwrap_or_else(|| Node::named("vhost", name)).of(vhost),
            None => {
                let mut vhost = Node::named("vhost", name);
                vhost.property("external", "#true".to_owned());
                vhost
            }
        };
        vhost.children.append(&mut nodes);
        vhost.apart = true;
        vec![vhost]
    }

    /// Users with what they may do, and what is the whole broker's.
    fn globals(&self, beside: &mut Beside) -> Vec<Node> {
        let of = |kind| self.wanted.iter().copied().filter(move |found| found.kind == kind);
        let mut nodes = Vec::new();
        for user in of(KindId::User) {
            let Some(mut node) = entity(user, beside) else { continue };
            for kind in [KindId::Permission, KindId::TopicPermission, KindId::UserLimits] {
                let own = of(kind).filter(|found| found.text("user") == Some(user.name()));
                node.children.extend(own.filter_map(|found| Some(entity(found, beside)?.of(found))));
            }
            nodes.push(node.of(user));
        }
        let mut parameters: Vec<Node> = of(KindId::GlobalParameter)
            .map(|parameter| {
                let node =
                    entity(parameter, beside).filter(|_| !self.outside.contains(&parameter.identity()));
                let stranger = || {
                    let mut node = Node::named("global-parameter", parameter.name());
                    node.property("external", "#true".to_owned());
                    node
                };
                node.unwrap_or_else(stranger).of(parameter)
            })
            .collect();
        parameters.iter_mut().take(1).for_each(|node| node.apart = true);
        nodes.append(&mut parameters);
        nodes
    }

    /// What does not come out as it is: by what is said of the text, and by comparing.
    fn amiss(&self, compiled: &Compiled, marks: &Marks) -> BTreeSet<Identity> {
        let mut amiss = BTreeSet::new();
        let errors = compiled.report.diagnostics().iter().filter(|found| is_of_the_language(found.code.name));
        for error in errors.filter(|found| found.severity == Severity::Error) {
            let place = error.primary();
            let Some(file) = compiled.sources.get(place.file) else { continue };
            let is_there = |mark: &Range<usize>| mark.contains(&(place.start as usize));
            let within = marks.iter().filter(|(path, mark, _)| *path == file.name && is_there(mark));
            // the innermost
            amiss.extend(within.min_by_key(|(_, mark, _)| mark.len()).map(|(.., identity)| identity.clone()));
        }
        for live in &self.wanted {
            let identity = live.identity();
            // without its vhost there is nothing to be said of `/`, which is always there
            let is_default = live.kind == KindId::Vhost && live.name() == DEFAULT_VHOST;
            let made = compiled.topology.get(&identity);
            if !is_default
                && !self.outside.contains(&identity)
                && !made.is_some_and(|made| describes(made, live))
            {
                amiss.insert(identity);
            }
        }
        amiss
    }

    fn notes(&self, beside: &Beside) -> Vec<String> {
        let mut notes = Vec::new();
        for (variable, what) in &beside.variables {
            notes.push(format!(
                "the {what} is asked for in the environment variable {variable}: a password does not stand in a file, nor do several addresses"
            ));
        }
        let passwords =
            |found: &&&Definition| found.kind == KindId::User && found.field("password").is_some();
        let users = self.wanted.iter().filter(passwords).count();
        if users > 0 && !self.options.hashes {
            notes.push(format!(
                "the passwords of {} are not in the file: the broker keeps them; --with-password-hashes writes them",
                counted(users, "user")
            ));
        }
        for identity in &self.outside {
            let name = identity.parts.join(" ");
            let vhost =
                identity.vhost.as_deref().map_or_else(String::new, |vhost| format!(" in vhost `{vhost}`"));
            let what = match identity.kind {
                KindId::Binding => "it is left out, and stays",
                _ if self.left_out.contains(identity) => "it is left out, and stays",
                _ => "it is `external`, and stays as it is",
            };
            notes.push(format!(
                "the {} `{name}`{vhost} is nothing that the language can describe: {what}",
                identity.kind.word()
            ));
        }
        if !self.levels.is_empty() {
            let names: Vec<&str> = self.levels.iter().copied().collect();
            notes.push(format!(
                "mistakes were found as they are on the broker, and are warnings for now: {}",
                names.join(", ")
            ));
        }
        // names are the broker's, and may hold what no terminal should be sent
        notes.into_iter().map(|note| visible(&note)).collect()
    }
}

fn is_of_the_language(code: &str) -> bool {
    lint::find(code).is_none()
}

/// The lints that stand in the way as errors.
fn errors(compiled: &Compiled) -> BTreeSet<&'static str> {
    let found = compiled.report.diagnostics().iter().filter(|found| found.severity == Severity::Error);
    found.map(|found| found.code.name).filter(|name| !is_of_the_language(name)).collect()
}

fn compile(files: &[Written]) -> Compiled {
    let texts = files.iter();
    let sources = texts
        .fold(MemorySources::default(), |sources, file| sources.with(file.path.as_str(), file.text.as_str()));
    crate::check(&[FIRST.to_owned()], &sources, &Inputs::default())
}

/// `vhosts/shop.kdl`; no two vhosts have the same.
fn path(vhost: &str, taken: &[(String, Vec<Node>)]) -> String {
    let plain: String = vhost
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '-' })
        .collect();
    let plain = plain.trim_matches('-');
    let plain = if plain.is_empty() { "default" } else { plain };
    let is_taken = |path: &str| taken.iter().any(|(other, _)| other.eq_ignore_ascii_case(path));
    let numbered = (2..).map(|number| format!("vhosts/{plain}-{number}.kdl"));
    let mut candidates = std::iter::once(format!("vhosts/{plain}.kdl")).chain(numbered);
    candidates.find(|path| !is_taken(path)).unwrap_or_default()
}
