//! Work on as many threads as the machine has cores.

use std::{
    panic::resume_unwind,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

/// What `work` makes of each item, in their order. Threads take `share` items at a time; one that takes all leaves
/// the work to the caller's own thread.
pub(crate) fn map<T: Sync, R: Send>(items: &[T], share: usize, work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let share = share.max(1);
    let threads = thread::available_parallelism().map_or(1, usize::from).min(items.len().div_ceil(share));
    if threads <= 1 {
        return items.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let take = || {
        let mut done = Vec::new();
        loop {
            let start = next.fetch_add(share, Ordering::Relaxed);
            let Some(batch) =
                items.get(start..items.len().min(start + share)).filter(|batch| !batch.is_empty())
            else {
                return done;
            };
            done.extend(batch.iter().enumerate().map(|(i, item)| (start + i, work(item))));
        }
    };
    let mut results = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(take)).collect();
        let mut done = take();
        for other in others {
            done.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        done
    });
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::map;

    #[test]
    fn results_keep_their_order() {
        let items: Vec<usize> = (0..1000).collect();
        let doubled: Vec<usize> = items.iter().map(|item| item * 2).collect();
        for share in [0, 1, 7, 1000, 5000] {
            assert_eq!(map(&items, share, |item| item * 2), doubled);
        }
        assert!(map(&[] as &[usize], 1, |item| *item).is_empty());
    }
}
