//! How far a long step is.

/// What happens to the messages of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress<'a> {
    /// Its consumers empty it.
    Draining {
        /// The queue.
        queue: &'a str,
        /// How many are ready.
        left: u64,
    },
    /// They are moved out of it.
    Moving {
        /// The queue.
        queue: &'a str,
        /// How many have been moved.
        moved: u64,
        /// How many are left, those under way among them.
        left: u64,
    },
    /// Nothing more is done about them.
    Done {
        /// The queue.
        queue: &'a str,
    },
}
