//! A plan and its steps.

use std::{collections::BTreeSet, sync::Arc};

use super::{Aside, Cost, Difference, Entries, Overruled, Stamp, Tightening};
use crate::{
    diag::Span,
    kind::{Definition, Identity, KindId, Provenance, Value},
    topology::Topology,
};

/// The index of a step in its plan.
pub type StepId = usize;

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Makes what is not there.
    Create,
    /// Takes over what somebody else made and is already as described: nothing changes on the broker.
    Adopt,
    /// Changes in place.
    Change,
    /// Deletes and makes anew, because the broker changes it in no other way.
    Replace,
    /// Makes it under its new name, and deletes it under its old one.
    Move,
    /// Deletes what this topology made and no longer describes.
    Delete,
    /// Binds again what a run that was interrupted has taken away.
    Restore,
    /// Takes it off the record: it is gone, or somebody else makes it.
    Forget,
    /// Nothing: it is not as described, and not this topology's to change.
    Refuse,
}

impl Action {
    /// Whether what it is about belongs to the topology afterwards.
    #[must_use]
    pub const fn makes_ours(self) -> bool {
        match self {
            Self::Create | Self::Adopt | Self::Change | Self::Replace | Self::Move => true,
            Self::Delete | Self::Restore | Self::Forget | Self::Refuse => false,
        }
    }

    /// Whether the entity is sent to the broker, with its secrets.
    #[must_use]
    pub const fn writes(self) -> bool {
        match self {
            Self::Create | Self::Change | Self::Replace | Self::Move => true,
            Self::Adopt | Self::Delete | Self::Restore | Self::Forget | Self::Refuse => false,
        }
    }

    /// The word for it in JSON and in what `apply` says.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Adopt => "adopt",
            Self::Change => "change",
            Self::Replace => "replace",
            Self::Move => "move",
            Self::Delete => "delete",
            Self::Restore => "restore",
            Self::Forget => "forget",
            Self::Refuse => "refuse",
        }
    }

    /// The sign that stands before it in a plan.
    #[must_use]
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Create => "+",
            Self::Adopt => "=",
            Self::Change => "~",
            Self::Replace => "⇄",
            Self::Move => "→",
            Self::Delete => "-",
            Self::Restore => "↺",
            Self::Forget => "∅",
            Self::Refuse => "≠",
        }
    }
}

/// What only the user may allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Consent {
    /// That what somebody else made becomes this topology's.
    Adopt,
    /// That what is published while something is made anew is lost.
    Gap,
    /// That messages are lost.
    DataLoss,
}

impl Consent {
    /// The flag that gives it.
    #[must_use]
    pub const fn flag(self) -> &'static str {
        match self {
            Self::Adopt => "--adopt",
            Self::Gap => "--allow-gap",
            Self::DataLoss => "--allow-data-loss",
        }
    }
}

/// What a step may hurt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Danger {
    /// In plain sentences.
    pub text: String,
    /// How many messages may be lost; more than none needs the user's consent.
    pub loses: u64,
    /// Whether what is published while it is done is lost, which needs the user's consent too.
    pub gap: bool,
}

/// One step of a plan: one entity.
#[derive(Clone, Debug)]
pub struct Step {
    /// What it does.
    pub action: Action,
    /// The entity's kind.
    pub kind: KindId,
    /// The entity.
    pub identity: Identity,
    /// The entity as it is to be sent: what unknown arguments the live one has are kept. None for a deletion.
    pub desired: Option<Definition>,
    /// The entity as it is; none where it is not.
    pub live: Option<Definition>,
    /// What differs.
    pub differences: Vec<Difference>,
    /// Why, in one line.
    pub reason: String,
    /// Whether somebody has changed or deleted it on the broker since the topology was last applied.
    pub drifted: bool,
    /// What it may hurt.
    pub danger: Option<Danger>,
    /// What it takes along or makes wait, in figures.
    pub cost: Option<Cost>,
    /// What would do without it, in a sentence: an edit of the file.
    pub instead: Option<String>,
    /// What would turn a refusal into a change.
    pub lacks: Option<Consent>,
    /// Where it is written; unknown for a deletion.
    pub span: Span,
    /// Steps of a lower phase have ended, well or not, before it starts.
    pub phase: u32,
    /// Steps that must have succeeded before it starts.
    pub needs: Vec<StepId>,
    /// What the broker deletes along with it.
    pub implies: Vec<Identity>,
    /// The queues that a policy holds to less from then on.
    pub tightens: Vec<Tightening>,
    /// The bindings that a restoration brings back, whoever made them.
    pub restores: Vec<Definition>,
    /// The names of the parameters that keep them until then.
    pub kept_in: Vec<String>,
    /// Where messages wait while it is done.
    pub aside: Option<Aside>,
}

impl Step {
    /// A step without anything that is to be said of it yet.
    #[must_use]
    pub fn of(action: Action, identity: Identity, span: Span) -> Self {
        Self {
            action,
            kind: identity.kind,
            identity,
            desired: None,
            live: None,
            differences: Vec::new(),
            reason: String::new(),
            drifted: false,
            danger: None,
            cost: None,
            instead: None,
            lacks: None,
            span,
            phase: 0,
            needs: Vec::new(),
            implies: Vec::new(),
            tightens: Vec::new(),
            restores: Vec::new(),
            kept_in: Vec::new(),
            aside: None,
        }
    }

    /// The entity's vhost.
    #[must_use]
    pub fn vhost(&self) -> Option<&Arc<str>> {
        self.identity.vhost.as_ref()
    }

    /// How the entity is called.
    #[must_use]
    pub fn name(&self) -> String {
        match self.desired.as_ref().or(self.live.as_ref()) {
            Some(definition) => definition.title(),
            None => title(&self.identity),
        }
    }

    /// `create queue payment.dead`.
    #[must_use]
    pub fn title(&self) -> String {
        format!("{} {} {}", self.action.word(), self.kind.word(), self.name())
    }

    /// How many messages it may lose.
    #[must_use]
    pub fn loses(&self) -> u64 {
        self.danger.as_ref().map_or(0, |danger| danger.loses)
    }
}

/// How an entity is called that is not there.
fn title(identity: &Identity) -> String {
    let mut gone = Definition::new(identity.kind, identity.vhost.clone(), Span::NONE, Provenance::Live);
    for (name, part) in identity.kind.kind().identity.iter().zip(&identity.parts) {
        gone.set(name, Value::Text(part.clone()), Span::NONE);
    }
    gone.title()
}

/// What has to be done, in the order in which it is done.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The topology's name, which owns what is applied.
    pub topology: Option<Arc<str>>,
    /// The steps.
    pub steps: Vec<Step>,
    /// How many entities the topology describes and the plan compared.
    pub compared: usize,
    /// What the steps set and what does not count afterwards.
    pub overruled: Vec<Overruled>,
    /// What could not be compared, and other remarks.
    pub notes: Vec<String>,
    /// What the record says that this topology owns.
    pub owned: Entries,
    /// What is owned and as described, and on record as something else.
    pub settled: Entries,
    /// The exchanges that have another name now, and go once nobody publishes to them.
    pub left_behind: BTreeSet<Identity>,
    /// When the topology was last applied.
    pub stamp: Option<Stamp>,
    /// Whether the record could not be read: then the plan shows what differs as if it were this topology's, and may not
    /// be carried out.
    pub unrecorded: bool,
}

impl Plan {
    /// Whether the broker is as described and the record says so.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The live queues whose messages matter to it, and their vhosts' where all goes: where there are any,
    /// [`super::Live::held`] has to be read and the plan made again.
    #[must_use]
    pub fn at_stake<'a>(&self, live: &'a Topology) -> Vec<&'a Definition> {
        let goes = |step: &&Step| matches!(step.action, Action::Replace | Action::Delete | Action::Move);
        let identities = |kind: KindId| -> BTreeSet<Identity> {
            let steps = self.steps.iter().filter(|step| step.kind == kind).filter(goes);
            steps
                .map(|step| step.live.as_ref().map_or_else(|| step.identity.clone(), Definition::identity))
                .collect()
        };
        let (queues, vhosts) = (identities(KindId::Queue), identities(KindId::Vhost));
        let tightened: BTreeSet<(&str, &str)> = self
            .steps
            .iter()
            .flat_map(|step| &step.tightens)
            .map(|tightening| (&*tightening.vhost, &*tightening.queue))
            .collect();
        if queues.is_empty() && vhosts.is_empty() && tightened.is_empty() {
            return Vec::new();
        }
        let within: BTreeSet<&str> =
            vhosts.iter().filter_map(|vhost| vhost.parts.first()).map(|name| &**name).collect();
        let is_at_stake = |queue: &&Definition| {
            let vhost = queue.vhost.as_deref().unwrap_or("");
            within.contains(vhost)
                || tightened.contains(&(vhost, queue.name()))
                || queues.contains(&queue.identity())
        };
        live.of(KindId::Queue).filter(is_at_stake).collect()
    }
}
