//! What somebody sees who watches a run, and how it is told to end.

use std::{
    collections::BTreeMap,
    fmt,
    io::{self, Write as _},
    pin::Pin,
    process,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::{Stream, StreamExt as _, stream};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::{Exit, screen::failure};
use crate::{broker::Progress, diag::visible, plan::digits};

/// How often the bar moves while nothing ends.
const TICK: Duration = Duration::from_millis(100);

/// A bar on standard error, for so many steps.
pub(super) fn bar(steps: usize) -> ProgressBar {
    styled(ProgressBar::with_draw_target(Some(steps as u64), ProgressDrawTarget::stderr()))
}

fn styled(bar: ProgressBar) -> ProgressBar {
    if let Ok(style) = ProgressStyle::with_template(" {spinner} {steps}  {wide_msg}") {
        bar.set_style(style.with_key("steps", told));
    }
    bar.enable_steady_tick(TICK);
    bar
}

/// A bar for the steps, and beneath it one for each queue whose messages are moved.
pub(super) struct Bars {
    all: MultiProgress,
    steps: ProgressBar,
    queues: Mutex<BTreeMap<String, ProgressBar>>,
}

impl Bars {
    /// On standard error; hidden where nobody watches.
    pub(super) fn new(steps: usize, watched: bool) -> Self {
        let target = if watched { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let all = MultiProgress::with_draw_target(target);
        let steps = styled(all.add(ProgressBar::new(steps as u64)));
        Self { all, steps, queues: Mutex::default() }
    }

    /// That of the steps.
    pub(super) const fn steps(&self) -> &ProgressBar {
        &self.steps
    }

    /// Shows how far a queue is.
    pub(super) fn told(&self, progress: Progress<'_>) {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        let mut of = |queue: &str| {
            let bar = queues.entry(queue.to_owned()).or_insert_with(|| {
                let bar = styled(self.all.add(ProgressBar::new(0)));
                bar.set_message(visible(queue));
                bar
            });
            bar.clone()
        };
        match progress {
            Progress::Draining { queue, left } => {
                let to_go = digits(i64::try_from(left).unwrap_or(i64::MAX));
                self.steps.set_message(format!("{}: {to_go} to go", visible(queue)));
            }
            Progress::Moving { queue, moved, left } => {
                let bar = of(queue);
                bar.set_length(moved.saturating_add(left));
                bar.set_position(moved);
            }
            Progress::Done { queue } => {
                if let Some(bar) = queues.remove(queue) {
                    bar.finish_and_clear();
                    self.all.remove(&bar);
                }
            }
        }
    }

    /// Takes them away.
    pub(super) fn clear(&self) {
        for bar in self.queues.lock().unwrap_or_else(PoisonError::into_inner).values() {
            bar.finish_and_clear();
        }
        self.steps.finish_and_clear();
    }
}

/// `812 of 1 204  340/s`.
fn told(state: &ProgressState, out: &mut dyn fmt::Write) {
    let number = |steps: u64| digits(i64::try_from(steps).unwrap_or(i64::MAX));
    let (done, all) = (number(state.pos()), number(state.len().unwrap_or_default()));
    let rate = state.per_sec();
    let places = if rate < 10.0 { 1 } else { 0 };
    // the bar has nowhere to say that it cannot be drawn
    let _ = match state.pos() {
        0 => write!(out, "{done} of {all}"),
        _ => write!(out, "{done} of {all}  {rate:.places$}/s"),
    };
}

/// A wish that the run end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// Ctrl-C.
    Typed,
    /// What ends a job or closes a terminal.
    #[cfg(unix)]
    Sent,
}

/// Ctrl-C, and what ends a job or closes a terminal, heard from now on.
#[cfg(unix)]
pub(super) fn signals() -> Pin<Box<dyn Stream<Item = Wish> + Send>> {
    use tokio::signal::unix::{SignalKind, signal};
    let kinds = [
        (SignalKind::interrupt(), Wish::Typed),
        (SignalKind::terminate(), Wish::Sent),
        (SignalKind::hangup(), Wish::Sent),
    ];
    let heard = kinds.into_iter().filter_map(|(kind, wish)| Some((signal(kind).ok()?, wish)));
    Box::pin(stream::select_all(heard.map(|heard| {
        Box::pin(stream::unfold(heard, async |(mut signal, wish)| {
            signal.recv().await.map(|()| (wish, (signal, wish)))
        }))
    })))
}

/// Ctrl-C.
#[cfg(not(unix))]
pub(super) fn signals() -> Pin<Box<dyn Stream<Item = Wish> + Send>> {
    Box::pin(stream::unfold((), async |()| tokio::signal::ctrl_c().await.ok().map(|()| (Wish::Typed, ()))))
}

/// Lets the steps under way end. Who is tired of waiting for them may leave: `see` is the command that says what is done.
pub(super) async fn stop_on(
    mut signals: impl Stream<Item = Wish> + Unpin,
    stop: Arc<AtomicBool>,
    bar: ProgressBar,
    human: bool,
    see: String,
) {
    let say = |words: &str| {
        // nobody may be left to be told
        let _ = bar.suspend(|| writeln!(io::stderr(), "{words}"));
    };
    if signals.next().await.is_none() {
        return;
    }
    stop.store(true, Ordering::Relaxed);
    say("interrupted: the steps under way are waited for; Ctrl-C once more leaves at once");
    while let Some(wish) = signals.next().await {
        if wish == Wish::Typed {
            if !human {
                let message = "left without waiting for the steps under way";
                let left = failure(Exit::Partly, message, Some(&format!("see what is done: {see}")));
                let _ = writeln!(io::stdout(), "{left:#}");
            }
            say(&format!("left: {see} says what is done"));
            process::exit(Exit::Partly as i32);
        }
    }
}
