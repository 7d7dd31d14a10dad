//! What `topoc status` says of a cluster.

use std::{thread, time::Duration};

use super::Three;

/// What status says, without the time that it took.
pub(super) fn status(three: &Three, broker: &str, text: &str) -> String {
    let said = three.run(broker, &["status"], text, &["--over", "0s"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    let lines = said.out.lines().map(|line| match line.rsplit_once(" (") {
        Some((line, time)) if time.ends_with(" ms)") => line,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The management API tells some things seconds late.
#[track_caller]
pub(super) fn until(three: &Three, broker: &str, text: &str, wanted: &str) {
    let mut last = String::new();
    for _ in 0..40 {
        last = status(three, broker, text);
        if last == wanted {
            return;
        }
        thread::sleep(Duration::from_millis(500));
    }
    assert_eq!(last, wanted);
}

const LED: &str =
    "topology \"led\"\nvhost \"led\" { for \"n\" from=1 to=7 { queue \"q${n}\" type=\"quorum\" } }";

/// Queues are led by the node through which they are made; what status offers in this case spreads them.
pub(super) fn leaders_are_balanced_anew(three: &Three) {
    let broker = three.from(0);
    three.apply(&three.cluster[0].management_url(), LED);
    until(
        three,
        &broker,
        LED,
        "\
led on three: 7 queues

  ! node  rabbit1@localhost  leads 7 of 7 quorum queues, and there are 3 nodes
                             help: rabbitmq-queues rebalance quorum --vhost-pattern led

as described: nothing has drifted
healthy, 1 remark",
    );
    let moved = three.cluster[0].eval("rabbit_amqqueue:rebalance(quorum, \"led\", \".*\").");
    assert!(moved.contains("ok"), "{moved}");
    until(three, &broker, LED, "led on three: 7 queues\nas described: nothing has drifted\nhealthy");
    three.apply(&broker, "topology \"led\"");
}

/// Nodes that go on by themselves after they have lost sight of one another.
pub(super) fn a_partition_is_told(three: &mut Three) {
    let text = "topology \"parted\"\nvhost \"parted\" { queue \"q\" type=\"quorum\" }";
    three.apply(&three.from(0), text);
    three.cluster.handle_partitions("ignore");
    three.cluster.part(2);
    three.cluster.until_seen(0, 2);
    three.cluster.until_seen(2, 1);
    // each side sees the other's nodes down
    let other_side = "\
parted on three: 1 queue

  ✗ node   rabbit1@localhost  is down
  ✗ node   rabbit2@localhost  is down
  ✗ queue  q                  has lost its majority, as 1 of 3 members is online: it takes and gives nothing

as described: nothing has drifted
3 troubles";
    until(three, &three.from(2), text, other_side);
    three.cluster.heal(2);
    let parted = "\
  ✗ node  rabbit1@localhost  does not see rabbit3@localhost
                             help: choose whose side is trusted, and restart the others: rabbitmqctl stop_app, start_app
";
    let told = (0..60).any(|_| {
        thread::sleep(Duration::from_millis(500));
        status(three, &three.from(0), text).contains(parted)
    });
    assert!(told, "{}", status(three, &three.from(0), text));
    three.restart(2);
    until(
        three,
        &three.from(0),
        text,
        "parted on three: 1 queue\nas described: nothing has drifted\nhealthy",
    );
}
