//! Which arguments a policy can say without any effect, and why the others stay.

use std::collections::{BTreeMap, BTreeSet};

use topoc_routing::{
    Table,
    policy::{self, Object},
};

use super::{
    series::Series,
    written::{Place, Written},
};
use crate::{
    Compiled,
    diag::Span,
    graph::policy_keys,
    kind::{self, Attribute, Definition, KindId, Provenance, Value, version},
    topology::{DEFAULT_VHOST, Policy},
};

/// They count when a queue is declared: one that is there already keeps to what it was declared with, whatever a policy
/// says later (`rabbit_queue_location`, `rabbit_stream_queue`).
const AT_DECLARE: &[&str] = &[
    "queue-leader-locator",
    "queue-master-locator",
    "initial-cluster-size",
    "stream-max-segment-size-bytes",
    "stream-filter-size-bytes",
];

/// What a retry ladder's dead letters rest on: at least once is for a queue that is bounded and refuses.
const LADDER: &[&str] = &["max-length", "max-length-bytes", "overflow"];

/// An argument with a policy twin.
#[derive(Clone, Debug)]
pub(super) struct Argument {
    /// The entity's place in the list of definitions.
    pub(super) index: usize,
    pub(super) attribute: &'static Attribute,
    /// Where its value is written.
    pub(super) span: Span,
    /// What is taken out when it moves.
    pub(super) place: Place,
    /// What a policy says in its place: what counted before the operator policy.
    pub(super) value: Value,
    /// Why it stays, if it does.
    pub(super) stays: Option<String>,
}

/// What is known of a topology and its texts.
pub(super) struct Ground<'a> {
    pub(super) compiled: &'a Compiled,
    pub(super) written: &'a Written,
    /// The topology on each series of brokers that it may run on, the oldest first.
    pub(super) series: &'a [Series<'a>],
    /// The texts that stand for entities in more than one vhost.
    several: BTreeSet<Span>,
}

impl<'a> Ground<'a> {
    pub(super) fn new(compiled: &'a Compiled, written: &'a Written, series: &'a [Series<'a>]) -> Self {
        let mut first: BTreeMap<Span, &str> = BTreeMap::new();
        let definitions = compiled.topology.definitions().iter().filter(|found| found.vhost.is_some());
        let several = definitions
            .filter(|found| *first.entry(found.span).or_insert(vhost(found)) != vhost(found))
            .map(|found| found.span)
            .collect();
        Self { compiled, written, series, several }
    }

    pub(super) fn definition(&self, index: usize) -> &'a Definition {
        &self.compiled.topology.definitions()[index]
    }

    /// Exchanges and queues, by their places in the list of definitions.
    pub(super) fn subjects(&self) -> impl Iterator<Item = usize> {
        let all = self.compiled.topology.definitions().iter().enumerate();
        all.filter(|(_, found)| super::super::is_subject(found)).map(|(index, _)| index)
    }

    /// Whether what is written somewhere hangs on a variable, by itself or by way of a loop.
    pub(super) fn varies(&self, span: Span) -> bool {
        let text = self.written.text(span);
        let mut names = self.compiled.variables.iter().map(|name| &**name).chain(self.written.unsteady());
        text.contains("${") && names.any(|name| text.contains(&format!("${{{name}}}")))
    }

    /// Every argument with a policy twin that is written out, of what is this topology's own.
    /// What is `withdrawn` stays, with everything else of its entity.
    pub(super) fn arguments(&self, withdrawn: &BTreeMap<usize, String>) -> Vec<Argument> {
        let mut all: Vec<Argument> = self.subjects().flat_map(|index| self.arguments_of(index)).collect();
        for argument in all.iter_mut().filter(|argument| argument.stays.is_none()) {
            argument.stays = withdrawn.get(&argument.index).cloned();
        }
        whole_groups(&mut all);
        self.shared_texts(&mut all);
        all
    }

    fn arguments_of(&self, index: usize) -> Vec<Argument> {
        let definition = self.definition(index);
        if definition.provenance != Provenance::Written || definition.external || definition.garbled {
            return Vec::new();
        }
        let Some(object) = self.series[0].object(index) else { return Vec::new() };
        let twins = definition.fields().filter_map(|(name, field)| {
            let attribute = definition.kind.kind().attribute(name)?;
            policy::rule(name, object, self.series[0].version)?;
            let place = self.written.place(attribute, field.span)?;
            let (value, stays) = match self.moved(index, attribute) {
                Ok(value) => (value, None),
                Err(why) => (field.value.clone(), Some(why)),
            };
            Some(Argument { index, attribute, span: field.span, place, value, stays })
        });
        twins.collect()
    }

    /// What a policy says in an argument's place, or why none can.
    fn moved(&self, index: usize, attribute: &'static Attribute) -> Result<Value, String> {
        let definition = self.definition(index);
        let name = attribute.name;
        let field = definition.field(name).ok_or("it is not said")?;
        let what = definition.kind.word();
        if AT_DECLARE.contains(&name) {
            return Err("it counts when the queue is declared, before any later policy".to_owned());
        }
        if self.written.text(field.span).contains("${") {
            return Err("its value is written with a variable".to_owned());
        }
        if self.varies(definition.span_of("name")) {
            return Err(format!("the name of its {what} hangs on a variable"));
        }
        if !field.value.is_of(attribute.ty) || !field.value.is_in_range(attribute.ty) {
            return Err("its value is none that a policy takes".to_owned());
        }
        let no_limits = self.compiled.topology.target_version() < version(4, 0);
        if name == "delivery-limit" && no_limits && field.value.as_integer().is_some_and(|limit| limit < 0) {
            return Err("before 4.0 a policy takes no negative limit".to_owned());
        }
        if definition.field("retry").is_some() && attribute.within.is_some() {
            return Err("without it, its `retry` would say where dead letters go".to_owned());
        }
        if LADDER.contains(&name) && self.rests_on_ladder(definition) {
            return Err("its retry ladder dead-letters at least once because of it".to_owned());
        }
        if self.several.contains(&definition.span) {
            return Err("one text stands for several vhosts".to_owned());
        }
        self.policies_are_plain(index)?;
        self.unchanged(index, name)
    }

    /// Whether a queue's own bounds decide how its ladder dead-letters.
    fn rests_on_ladder(&self, definition: &Definition) -> bool {
        let derived = || {
            let strategy = definition.field("dead-letter-strategy");
            let attribute = definition.kind.kind().attribute("dead-letter-strategy");
            strategy
                .zip(attribute)
                .is_some_and(|(field, attribute)| self.written.place(attribute, field.span).is_none())
        };
        definition.field("retry").is_some() && derived()
    }

    /// Which policies match is the same on every broker, whatever variables say.
    fn policies_are_plain(&self, index: usize) -> Result<(), String> {
        let vhost = &self.definition(index).vhost;
        let kinds = [KindId::Policy, KindId::OperatorPolicy].into_iter();
        let policies = kinds.flat_map(|kind| self.compiled.topology.of(kind));
        for policy in policies.filter(|found| found.vhost == *vhost) {
            let decide = ["name", "pattern", "apply-to", "priority"].into_iter();
            if decide.filter_map(|name| policy.field(name)).any(|field| self.varies(field.span)) {
                return Err(format!(
                    "what {} `{}` is for hangs on a variable",
                    policy.kind.word(),
                    policy.name()
                ));
            }
        }
        let names = |series: &Series<'_>| {
            series.applied(index).map(|policy| policy.map(|policy| policy.name().to_owned()))
        };
        let first = names(&self.series[0]);
        if self.series.iter().any(|series| names(series) != first) {
            return Err("which policy applies to it hangs on the broker's series".to_owned());
        }
        for selection in self.series[0].selections(index).into_iter().flatten() {
            let Some((policy, other)) = selection.applies.zip(selection.tied.first()) else { continue };
            return Err(format!(
                "`{}` and `{}` are of the same priority, and the broker picks one",
                policy.name(),
                other.name()
            ));
        }
        let [policy, operator] = self.series[0].applied(index);
        for policy in [policy, operator].into_iter().flatten() {
            let word = policy.0.kind.word();
            if policy_keys(policy).any(|(_, field)| self.written.text(field.span).contains("${")) {
                return Err(format!("{word} `{}`, which applies to it, hangs on a variable", policy.name()));
            }
        }
        let strange = |policy: &Policy<'_>| !policy.0.arguments.is_empty() || json_keys(*policy);
        match policy.filter(strange) {
            Some(policy) => Err(format!(
                "policy `{}`, which applies to it, has keys that topoc does not know",
                policy.name()
            )),
            None => Ok(()),
        }
    }

    /// The value with which a policy changes nothing in any series, whatever the operator policy says.
    fn unchanged(&self, index: usize, name: &str) -> Result<Value, String> {
        let definition = self.definition(index);
        let mut said: Option<(topoc_routing::Value, Value)> = None;
        for series in self.series {
            let Some(object) = series.object(index) else { continue };
            if policy::rule(name, object, series.version).is_none() {
                return Err(format!("RabbitMQ {} reads it from no policy", series.version));
            }
            let (mut arguments, [policy, operator]) = series.tables(index);
            let counts = |arguments: &Table, policy: Option<&Table>, operator: Option<&Table>| {
                counted(series, object, name, arguments, policy, operator)
            };
            let Some((own, from)) = counts(&arguments, policy.as_ref(), None) else { continue };
            let before = counts(&arguments, policy.as_ref(), operator.as_ref());
            arguments.remove(&policy::argument_name(name));
            let mut says = policy.clone().unwrap_or_default();
            says.insert(name.to_owned(), own.clone());
            let after = counts(&arguments, Some(&says), operator.as_ref());
            let values =
                |counted: Option<(topoc_routing::Value, policy::Source)>| counted.map(|(value, _)| value);
            if values(after) != values(before) {
                let operator = series.applied(index)[1].map_or("", |policy| policy.name());
                return Err(format!("operator policy `{operator}` would count in its place"));
            }
            let of_policy = || series.applied(index)[0].and_then(|policy| policy.0.field(name));
            let field = match from {
                policy::Source::Argument => definition.field(name),
                _ => of_policy(),
            };
            let Some(field) = field else { return Err("what counts is the broker's own".to_owned()) };
            match &said {
                Some((value, _)) if *value != own => {
                    return Err("what counts beside its policy hangs on the broker's series".to_owned());
                }
                Some(_) => {}
                None => said = Some((own, field.value.clone())),
            }
        }
        said.map(|(_, value)| value).ok_or_else(|| "it does not count".to_owned())
    }

    /// A text that stands for several entities can be taken out only where all can do without.
    fn shared_texts(&self, all: &mut [Argument]) {
        let mut users: BTreeMap<Span, BTreeSet<usize>> = BTreeMap::new();
        for (index, definition) in self.compiled.topology.definitions().iter().enumerate() {
            for (_, field) in definition.fields() {
                users.entry(field.span).or_default().insert(index);
            }
        }
        loop {
            let moving: BTreeSet<(usize, Span)> = all
                .iter()
                .filter(|argument| argument.stays.is_none())
                .map(|argument| (argument.index, argument.span))
                .collect();
            let places: BTreeSet<Place> = all
                .iter()
                .filter(|argument| argument.stays.is_none())
                .map(|argument| argument.place)
                .collect();
            let mut changed = false;
            for argument in all.iter_mut().filter(|argument| argument.stays.is_none()) {
                let entity = self.definition(argument.index).span;
                let hidden = self.written.hidden(entity, argument.place, argument.attribute);
                if let Some((template, _)) = hidden.filter(|(_, place)| !places.contains(place)) {
                    argument.stays = Some(format!("without it, template `{template}` would say another"));
                    changed = true;
                    continue;
                }
                let stays =
                    users[&argument.span].iter().find(|user| !moving.contains(&(**user, argument.span)));
                if let Some(other) = stays {
                    let other = self.definition(*other);
                    let (what, name) = (other.kind.word(), other.name());
                    argument.stays = Some(match self.written.template(argument.place) {
                        Some(template) => {
                            format!("template `{template}` says it, and {what} `{name}` keeps it")
                        }
                        None => format!("the same text stands for {what} `{name}`, which keeps it"),
                    });
                    changed = true;
                }
            }
            if !changed {
                break;
            }
            whole_groups(all);
        }
    }
}

/// What is said in one node, such as `dead-letter`, moves as a whole: an argument for the key alone is refused by the
/// broker (`rabbit_amqqueue:check_dlxrk_arg`).
fn whole_groups(all: &mut [Argument]) {
    let mut stay: BTreeMap<(usize, Place), String> = BTreeMap::new();
    for argument in all.iter().filter(|argument| argument.attribute.within.is_some()) {
        if let Some(why) = &argument.stays {
            stay.entry((argument.index, argument.place)).or_insert_with(|| why.clone());
        }
    }
    for argument in all.iter_mut().filter(|argument| argument.stays.is_none()) {
        argument.stays = stay.get(&(argument.index, argument.place)).cloned();
    }
}

fn json_keys(policy: Policy<'_>) -> bool {
    policy_keys(policy).any(|(key, _)| {
        policy.0.kind.kind().attribute(key).is_none_or(|attribute| attribute.ty == kind::Type::Json)
    })
}

fn counted(
    series: &Series<'_>,
    object: Object,
    name: &str,
    arguments: &Table,
    policy: Option<&Table>,
    operator: Option<&Table>,
) -> Option<(topoc_routing::Value, policy::Source)> {
    let mut values = policy::effective(object, series.version, arguments, policy, operator);
    values.remove(name).map(|counts| (counts.value, counts.from))
}

/// The vhost of an entity.
pub(super) fn vhost(definition: &Definition) -> &str {
    definition.vhost.as_deref().unwrap_or(DEFAULT_VHOST)
}
