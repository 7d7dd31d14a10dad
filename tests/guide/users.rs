//! The guide's services as users with the least privilege, as topoc derives it.

use std::{fs, path::Path, thread, time::Instant};

use serde_json::json;
use topoc_test_support::{Broker, with_users};

use super::{EXAMPLE, PATIENCE, programs, shell::Shell};

#[test]
fn each_service_runs_with_the_permissions_derived_for_it_and_not_with_less() {
    let broker = Broker::start();
    let folder = tempfile::tempdir().unwrap();
    let topology = fs::read_to_string(Path::new(EXAMPLE).join("topology.kdl")).unwrap();
    fs::write(folder.path().join("topology.kdl"), with_users(&topology, "PASSWORD")).unwrap();
    let mut shell = Shell::start(folder.path(), &programs());
    let mut run = |command: String| {
        let (printed, code) = shell.run(&command);
        (printed.join("\n"), code)
    };
    let (said, code) = run(format!("PASSWORD=secret topoc apply --yes --broker {}", broker.management_url()));
    assert_eq!(code, 0, "{said}");
    let amqp = |user: &str| {
        let url = broker.amqp_url().replace("guest:guest", &format!("{user}:secret")).replace("%2f", "shop");
        format!("TOPOC_AMQP={url} first-service {user}")
    };
    let logs = |name: &str, line: &str| {
        let start = Instant::now();
        loop {
            let log = fs::read_to_string(folder.path().join(name)).unwrap_or_default();
            if log.contains(line) {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "{name} without {line}: {log}");
            thread::sleep(std::time::Duration::from_millis(100));
        }
    };
    let (said, code) = run(amqp("checkout"));
    assert!(code == 0 && said.starts_with("published order "), "{said}");
    run(format!("{} > billing.log &", amqp("billing")));
    logs("billing.log", "billed 24.90 for order ");
    run("kill %1; wait %1".to_owned());

    let nothing = json!({"configure": "^$", "write": "^$", "read": "^$"});
    for user in ["checkout", "billing"] {
        broker.api().put(&format!("/api/permissions/shop/{user}"), &nothing);
    }
    let (said, code) = run(amqp("checkout"));
    assert!(code != 0 && said.contains("access to exchange 'orders' in vhost 'shop' refused"), "{said}");
    run(format!("{} > refused.log 2>&1 &", amqp("billing")));
    logs("refused.log", "access to queue 'billing' in vhost 'shop' refused");
    run("kill %2; wait %2".to_owned());
}
