//! Every generated topology stands on a broker in memory, and every service declares its part of it.

use topoc_runtime::{Error, memory::Broker};
use topoc_test_generated::{ALL, common, vhosts};

#[test]
fn a_broker_in_memory_takes_every_topology() {
    for (case, topology) in ALL {
        match Broker::new(topology) {
            Ok(_) => {}
            Err(Error::Declare(refused)) => {
                let delayed = |reason: &str| reason.contains("'x-delayed-message' are not available");
                assert!(refused.iter().all(|refused| delayed(&refused.reason)), "{case}: {refused:?}");
            }
            Err(error) => panic!("{case}: {error}"),
        }
    }
    assert!(ALL.len() > 8);
}

#[tokio::test]
async fn what_a_service_declares_is_there_already() {
    let broker = Broker::new(&common::TOPOLOGY).unwrap();
    let connection = broker.connect().await.unwrap();
    common::inventory::declare(&connection).await.unwrap();
    connection.check(&common::inventory::DECLARATION).await.unwrap();
}

#[tokio::test]
async fn a_service_of_several_vhosts_connects_to_each() {
    let broker = Broker::new(&vhosts::TOPOLOGY).unwrap();
    let names: Vec<&str> = vhosts::TOPOLOGY.vhosts.iter().map(|vhost| vhost.name).collect();
    assert!(names.len() > 1, "{names:?}");
    let several = vhosts::bridge::Connections::open(&broker.options()).await.unwrap();
    vhosts::bridge::declare(&several).await.unwrap();
}
