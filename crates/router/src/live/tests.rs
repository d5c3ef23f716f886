use std::time::Duration;

use types::Timestamp;

use super::*;
use crate::table::{Route, Side};

fn id(number: u128) -> InstanceId {
    InstanceId::from_parts(Timestamp::UNIX_EPOCH, number)
}

fn side(release: &str, weight: u32, instances: &[u128]) -> Side {
    let backend = |number: &u128| Backend {
        instance: id(*number),
        address: ([127, 0, 0, 1], u16::try_from(*number).unwrap()).into(),
        uid: None,
    };
    Side { release: release.into(), weight, instances: instances.iter().map(backend).collect() }
}

fn table(revision: u64, sides: Vec<Side>) -> RouteTable {
    let route = Route {
        hosts: vec!["shop-dev.localhost".parse().unwrap()],
        app: "shop".parse().unwrap(),
        environment: "dev".parse().unwrap(),
        hold: false,
        sides,
    };
    RouteTable { revision, routes: vec![route] }
}

fn claim(live: &LiveTable, passed_over: &[InstanceId]) -> Result<Claim, Refusal> {
    live.claim("shop-dev.localhost", passed_over, |_| panic!("there is only one side"))
}

fn claimed(live: &LiveTable) -> Claim {
    claim(live, &[]).unwrap()
}

#[test]
fn a_claim_takes_the_least_busy_instance_and_equals_take_turns() {
    let live = LiveTable::new();
    live.swap(&table(1, vec![side("v1", 100, &[1, 2, 3])])).unwrap();
    let held: Vec<Claim> = (0..3).map(|_| claimed(&live)).collect();
    let mut ids: Vec<InstanceId> = held.iter().map(|claim| claim.in_flight.instance.id).collect();
    ids.sort_unstable();
    assert_eq!(ids, [id(1), id(2), id(3)]);
    let freed = held.into_iter().next().unwrap().in_flight.instance.id;
    let again: Vec<InstanceId> = (0..6).map(|_| claimed(&live).in_flight.instance.id).collect();
    assert!(again.contains(&freed));
}

#[test]
fn after_a_swap_nothing_claims_what_was_removed() {
    let live = LiveTable::new();
    live.swap(&table(1, vec![side("v1", 100, &[1])])).unwrap();
    let old = claimed(&live);
    live.swap(&table(2, vec![side("v2", 100, &[2])])).unwrap();
    assert!((0..10).all(|_| claimed(&live).in_flight.instance.id == id(2)));
    assert!(!old.in_flight.instance.is_routed());
    assert_eq!(old.in_flight.instance.in_flight(), 1);
    assert_eq!(live.in_flight(), 1);
}

#[tokio::test]
async fn a_drain_ends_with_the_last_request() {
    let live = LiveTable::new();
    live.swap(&table(1, vec![side("v1", 100, &[1])])).unwrap();
    let (first, second) = (claimed(&live), claimed(&live));
    assert_eq!(live.begin_drain(&[id(1)]).unwrap_err(), [id(1)]);
    live.swap(&table(2, vec![])).unwrap();
    let draining = live.begin_drain(&[id(1), id(9)]).unwrap();
    assert_eq!(draining.len(), 1);
    assert_eq!(draining[0].phase(), Phase::Draining);
    drop(first);
    let ended = draining[0].ended();
    tokio::pin!(ended);
    assert!(tokio::time::timeout(Duration::from_millis(20), &mut ended).await.is_err());
    drop(second);
    ended.await;
}

#[test]
fn an_instance_that_comes_back_serves_again() {
    let live = LiveTable::new();
    live.swap(&table(1, vec![side("v1", 100, &[1])])).unwrap();
    let kept = claimed(&live);
    live.swap(&table(2, vec![])).unwrap();
    live.begin_drain(&[id(1)]).unwrap();
    live.swap(&table(3, vec![side("v1", 100, &[1])])).unwrap();
    let again = claimed(&live);
    assert!(Arc::ptr_eq(&kept.in_flight.instance, &again.in_flight.instance));
    assert_eq!(again.in_flight.instance.phase(), Phase::Serving);
}

#[test]
fn an_instance_that_moved_is_another_and_both_are_drained() {
    let live = LiveTable::new();
    live.swap(&table(1, vec![side("v1", 100, &[1])])).unwrap();
    let old = claimed(&live);
    let mut moved = table(2, vec![side("v1", 100, &[1])]);
    moved.routes[0].sides[0].instances[0].address = ([127, 0, 0, 1], 9).into();
    live.swap(&moved).unwrap();
    let new = claimed(&live);
    assert_ne!(old.in_flight.instance.address, new.in_flight.instance.address);
    live.swap(&table(3, vec![])).unwrap();
    assert_eq!(live.begin_drain(&[id(1)]).unwrap().len(), 2);
}

#[test]
fn an_older_table_is_refused() {
    let live = LiveTable::new();
    live.swap(&table(5, vec![])).unwrap();
    assert_eq!(live.swap(&table(4, vec![])), Err(Stale { current: 5 }));
    assert_eq!(live.swap(&table(5, vec![side("v1", 1, &[1])])), Ok(()));
    assert_eq!(live.revision(), 5);
}

#[test]
fn the_key_is_asked_only_when_two_sides_can_take_a_request() {
    let live = LiveTable::new();
    live.swap(&table(1, vec![side("v1", 100, &[1]), side("v2", 0, &[2])])).unwrap();
    assert_eq!(claimed(&live).side, 0);
    live.swap(&table(2, vec![side("v1", 90, &[]), side("v2", 10, &[2])])).unwrap();
    assert_eq!(claimed(&live).side, 1);
    live.swap(&table(3, vec![side("v1", 90, &[1]), side("v2", 10, &[2])])).unwrap();
    assert_eq!(live.claim("shop-dev.localhost", &[], |_| 89).unwrap().side, 0);
    assert_eq!(live.claim("shop-dev.localhost", &[], |_| 90).unwrap().side, 1);
}

#[test]
fn refusals_say_what_is_missing() {
    let live = LiveTable::new();
    assert!(matches!(claim(&live, &[]), Err(Refusal::UnknownHost)));
    live.swap(&table(1, vec![side("v1", 100, &[])])).unwrap();
    assert!(matches!(claim(&live, &[]), Err(Refusal::NoInstance(_))));
    live.swap(&table(2, vec![side("v1", 100, &[1, 2])])).unwrap();
    assert!(matches!(claim(&live, &[id(1), id(2)]), Err(Refusal::Exhausted(_, 0))));
    assert_eq!(claim(&live, &[id(1)]).unwrap().in_flight.instance.id, id(2));
}

#[test]
fn an_instance_that_refused_comes_last() {
    let live = LiveTable::new();
    live.swap(&table(1, vec![side("v1", 100, &[1, 2])])).unwrap();
    let refused = claimed(&live).in_flight.instance.clone();
    refused.avoid();
    let claims: Vec<Claim> = (0..4).map(|_| claimed(&live)).collect();
    assert!(claims.iter().all(|claim| claim.in_flight.instance.id != refused.id));
    assert_eq!(
        claim(&live, &[claims[0].in_flight.instance.id]).unwrap().in_flight.instance.id,
        refused.id
    );
}

#[test]
fn counters_outlive_their_route_and_are_bounded() {
    let live = LiveTable::new();
    live.swap(&table(1, vec![side("v1", 100, &[1])])).unwrap();
    let counted = claimed(&live);
    counted.route.sides[0].counters.answered(http::StatusCode::OK);
    drop(counted);
    live.swap(&table(2, vec![side("v2", 100, &[2])])).unwrap();
    let v1 = live.metrics().into_iter().find(|one| one.release == "v1").unwrap();
    assert_eq!(v1.requests.success, 1);
    for revision in 3..1000 {
        live.swap(&table(revision, vec![side(&format!("v{revision}"), 1, &[])])).unwrap();
    }
    assert!(live.metrics().len() <= RETIRED_RELEASES + 1);
}
