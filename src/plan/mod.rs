//! What is and what is to be → what has to be done: [`Pair`] → [`Plan`].
//!
//! Both sides are of one type. The plan's steps are the very steps that `diff` prints and `apply` runs. This room knows
//! topologies and the broker's JSON; it may not know how a broker is reached, and it does no input or output.

mod aside;
mod build;
mod compare;
mod content;
mod cost;
mod counts;
mod danger;
mod drift;
mod fingerprint;
mod held;
mod instead;
mod last_binding;
mod limits;
mod live;
mod moved;
mod order;
mod pre_image;
mod record;
mod restore;
mod show;
mod step;

pub use aside::{Aside, STANDARD};
pub use build::{Pair, SameSecret, plan};
pub use compare::{Difference, describes};
pub use content::Content;
pub use cost::Cost;
pub use counts::{Overruled, Speaker, Why};
pub use drift::Changed;
pub use fingerprint::Moved;
pub use held::{Held, Messages};
pub use limits::{Effect, Tightening};
pub use live::{Live, LiveError};
pub use pre_image::{Interrupted, PreImage, Purpose};
pub use record::{Entries, Parameter, Record, Stamp};
pub use restore::led_to;
pub use show::{Shown, count, digits, human, json, list, members_online, summary};
pub use step::{Action, Consent, Danger, Plan, Step, StepId};
