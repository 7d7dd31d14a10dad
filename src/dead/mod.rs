//! Dead letters: which queues they end in, what is to be read in one, and where it goes back to.
//!
//! This room knows topologies and messages as they were delivered. It may not know how a broker is reached, and no clock:
//! who asks says what time it is.

mod letter;
mod queues;
mod said;
mod wanted;
mod way;

pub use letter::{ATTEMPT, Death, EXCHANGE, GIVEN_UP, Letter, Properties, REASONS, ROUTING_KEY};
pub use queues::{DeadQueue, dead_queues};
pub use said::{Census, ago, human, json, moment};
pub use wanted::{Age, Wanted};
pub use way::{Astray, Ladders, Way, way};
