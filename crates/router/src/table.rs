//! What the control plane tells the router: which host names there are, and which instances answer
//! them. This is the form on disk and on the control socket; `live` is the form that requests meet.
//!
//! A table is whole: what is not in it is not served. Its revision only grows.

use std::collections::HashSet;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use types::{AppName, EnvironmentName, HostName, InstanceId};

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteTable {
    /// Grows with every change; a generation refuses a table that is older than its own.
    pub revision: u64,
    pub routes: Vec<Route>,
}

/// The host names of one app in one environment, and how their requests are split.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    pub hosts: Vec<HostName>,
    pub app: AppName,
    pub environment: EnvironmentName,
    /// While no side can take a request, requests wait for the next table (bounded in number and
    /// time) instead of being refused.
    #[serde(default)]
    pub hold: bool,
    pub sides: Vec<Side>,
}

/// One release's part of a route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Side {
    /// As people name it: `v3`.
    pub release: String,
    /// Relative to the other sides of the route; 0 takes no requests.
    pub weight: u32,
    pub instances: Vec<Backend>,
}

/// Where one instance listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backend {
    pub instance: InstanceId,
    pub address: SocketAddr,
    /// The user of the machine whose program has to listen there: anybody else's gets no request. Without one,
    /// whoever listens there is taken for the instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
}

/// Why a table cannot be served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTable {
    #[error("two routes claim the host name {0}")]
    DuplicateHost(HostName),
    #[error("the instance {0} stands in the table twice")]
    DuplicateInstance(InstanceId),
}

impl RouteTable {
    /// Checks what the types cannot: host names and instances are unique.
    pub fn validate(&self) -> Result<(), InvalidTable> {
        let mut hosts = HashSet::new();
        let mut instances = HashSet::new();
        for route in &self.routes {
            for host in &route.hosts {
                if !hosts.insert(host) {
                    return Err(InvalidTable::DuplicateHost(host.clone()));
                }
            }
            for backend in route.sides.iter().flat_map(|side| &side.instances) {
                if !instances.insert(backend.instance) {
                    return Err(InvalidTable::DuplicateInstance(backend.instance));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::Timestamp;

    fn route(host: &str, instance: InstanceId) -> Route {
        Route {
            hosts: vec![host.parse().unwrap()],
            app: "shop".parse().unwrap(),
            environment: "dev".parse().unwrap(),
            hold: false,
            sides: vec![Side {
                release: "v1".into(),
                weight: 100,
                instances: vec![Backend {
                    instance,
                    address: "127.0.0.1:1".parse().unwrap(),
                    uid: None,
                }],
            }],
        }
    }

    fn instance(random: u128) -> InstanceId {
        InstanceId::from_parts(Timestamp::UNIX_EPOCH, random)
    }

    #[test]
    fn a_host_name_belongs_to_one_route() {
        let table = RouteTable {
            revision: 1,
            routes: vec![route("a.localhost", instance(1)), route("a.localhost", instance(2))],
        };
        assert_eq!(
            table.validate(),
            Err(InvalidTable::DuplicateHost("a.localhost".parse().unwrap()))
        );
    }

    #[test]
    fn an_instance_stands_in_one_place() {
        let table = RouteTable {
            revision: 1,
            routes: vec![route("a.localhost", instance(1)), route("b.localhost", instance(1))],
        };
        assert_eq!(table.validate(), Err(InvalidTable::DuplicateInstance(instance(1))));
    }

    #[test]
    fn a_table_of_a_former_version_names_no_users() {
        let backend = format!(r#"{{"instance":"{}","address":"127.0.0.1:1"}}"#, instance(1));
        assert_eq!(serde_json::from_str::<Backend>(&backend).unwrap().uid, None);
    }

    #[test]
    fn the_json_reads_back_and_may_leave_hold_out() {
        let table = RouteTable { revision: 7, routes: vec![route("a.localhost", instance(1))] };
        let json = serde_json::to_string(&table).unwrap();
        assert_eq!(serde_json::from_str::<RouteTable>(&json).unwrap(), table);
        let without = json.replace("\"hold\":false,", "");
        assert_ne!(without, json);
        assert_eq!(serde_json::from_str::<RouteTable>(&without).unwrap(), table);
    }
}
