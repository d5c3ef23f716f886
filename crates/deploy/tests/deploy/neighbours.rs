//! What one app can do to another through the network that they share.

use deploy::{Driver, InstanceSpec};

use crate::world::World;

#[tokio::test]
async fn no_app_enters_where_ports_are_reserved() {
    use std::os::unix::fs::MetadataExt as _;
    let world = World::new();
    let spec = InstanceSpec { port: true, ..world.running("exec sleep 600").await };
    let port = world.driver.start(&spec).await.unwrap().address.unwrap().port();
    let ports = world.directory.join("ports");
    assert!(ports.join(port.to_string()).is_file());
    assert_eq!(std::fs::metadata(&ports).unwrap().mode() & 0o777, 0o700);
}
