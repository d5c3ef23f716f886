use std::collections::BTreeMap;

use types::{
    DeploymentId, DeploymentState, EnvironmentId, ReleaseId, RunId, SystemClock, Timestamp,
};

use super::*;

fn app() -> AppName {
    "shop".parse().unwrap()
}

/// `stage after dev serves 2`, by hand.
fn place(name: &str, after: Option<&str>, promote: Promote, release: Option<ReleaseId>) -> Place {
    let id = EnvironmentId::generate(&SystemClock);
    let current = release.map(|release| Deployment {
        id: DeploymentId::generate(&SystemClock),
        environment: id,
        release,
        config_revision: None,
        run: RunId::generate(&SystemClock),
        step: "deploy".to_owned(),
        reason: "push of 1a2b3c4".to_owned(),
        rolls_back: false,
        state: DeploymentState::Succeeded,
        previous: None,
        failed_phase: None,
        error: None,
        created_at: Timestamp::UNIX_EPOCH,
        created_by: Actor::System,
        finished_at: None,
    });
    let after = after.map(|after| after.parse().unwrap());
    let environment = Environment {
        id,
        app_id: types::AppId::generate(&SystemClock),
        app: app(),
        name: name.parse().unwrap(),
        scale: BTreeMap::new(),
        current: current.as_ref().map(|current| current.id),
        config_revision: None,
        hosts: Vec::new(),
        declared: Some(DeclaredEnvironment { position: 0, after, promote, approvals: None }),
        created_at: Timestamp::UNIX_EPOCH,
    };
    Place { environment, current }
}

fn chain(dev: Option<ReleaseId>, stage: Option<ReleaseId>, prod: Option<ReleaseId>) -> [Place; 3] {
    [
        place("dev", None, Promote::Manual, dev),
        place("stage", Some("dev"), Promote::Automatic, stage),
        place("prod", Some("stage"), Promote::Manual, prod),
    ]
}

fn request(from: Option<&str>, to: &[&str]) -> PromotionRequest {
    PromotionRequest {
        from: from.map(|from| from.parse().unwrap()),
        to: to.iter().map(|to| to.parse().unwrap()).collect(),
    }
}

/// `dev -> stage, prod`, or what is wrong.
fn chosen(places: &[Place], from: Option<&str>, to: &[&str]) -> String {
    match choose(&app(), places, &request(from, to)) {
        Ok((from, to)) => {
            let to: Vec<_> = to.iter().map(|place| place.name().as_str()).collect();
            format!("{} -> {}", from.name(), to.join(", "))
        }
        Err(error) => format!("{error}; {}", error.hint().unwrap_or_default()),
    }
}

fn releases<const N: usize>() -> [ReleaseId; N] {
    std::array::from_fn(|_| ReleaseId::generate(&SystemClock))
}

#[test]
fn what_is_left_out_is_inferred_from_the_order() {
    let [one, two] = releases();
    let places = chain(Some(two), Some(one), Some(one));
    assert_eq!(chosen(&places, None, &[]), "dev -> stage");
    assert_eq!(chosen(&places, Some("stage"), &[]), "stage -> prod");
    assert_eq!(chosen(&places, None, &["prod"]), "stage -> prod");
    assert_eq!(chosen(&places, Some("dev"), &["prod", "stage", "prod"]), "dev -> prod, stage");
    let places = chain(Some(two), Some(two), None);
    assert_eq!(chosen(&places, None, &[]), "stage -> prod");
}

#[test]
fn what_is_not_clear_is_asked_for() {
    let [one, two, three] = releases();
    let open = chain(Some(three), Some(two), Some(one));
    assert_eq!(
        chosen(&open, None, &[]),
        "2 promotions of shop are open; say which: `solum promote shop --to stage`, or `solum promote shop --to prod`"
    );
    let done = chain(Some(one), Some(one), Some(one));
    assert!(
        chosen(&done, None, &[])
            .starts_with("every environment of shop serves what the one before")
    );
    assert!(chosen(&done[..1], None, &[]).starts_with("no environment of shop is after another"));
    assert!(chosen(&open, Some("prod"), &[]).starts_with("no environment of shop is after prod"));
    assert!(chosen(&open, None, &["dev"]).starts_with("dev of shop is after no one environment"));
    assert!(
        chosen(&open, None, &["stage", "prod"]).starts_with("stage with prod of shop is after")
    );
    assert!(chosen(&open, None, &["live"]).starts_with("app `shop` has no environment `live`"));
}

#[test]
fn what_serves_it_already_is_left_out() {
    let [one, two] = releases();
    let mut places = chain(Some(two), Some(two), Some(one));
    let release = Release {
        id: two,
        app: types::AppId::generate(&SystemClock),
        number: 2,
        artifact: format!("sha256:{}", "0".repeat(64)).parse().unwrap(),
        commit: None,
        description: String::new(),
        run: None,
        created_at: Timestamp::UNIX_EPOCH,
        created_by: Actor::System,
    };
    let names = |places: &[Place], to: &[usize]| {
        let to = to.iter().map(|&index| &places[index]).collect();
        let worth_it = worth_it(&app(), &places[0], to, &release);
        worth_it.map(|to| to.iter().map(|it| it.name().to_string()).collect::<Vec<_>>())
    };
    assert_eq!(names(&places, &[1, 2]).unwrap(), ["prod"]);
    let already = names(&places, &[1]).unwrap_err();
    assert_eq!(already.to_string(), "stage of shop serves v2 already");
    assert!(names(&places, &[0]).unwrap_err().to_string().contains("to itself"));
    // With config that came since, it is worth it again.
    places[1].environment.config_revision = Some(types::ConfigRevisionId::generate(&SystemClock));
    assert_eq!(names(&places, &[1]).unwrap(), ["stage"]);
}

#[test]
fn a_promoted_release_goes_on_where_nobody_has_to_be_asked() {
    let mut places = Vec::from(chain(None, None, None));
    places.push(place("late", Some("prod"), Promote::Automatic, None));
    let names = |to: &[usize]| {
        let to: Vec<_> = to.iter().map(|&index| &places[index]).collect();
        following(&places, &to).iter().map(|name| name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names(&[0]), ["stage"]);
    assert_eq!(names(&[2]), ["late"]);
    assert_eq!(names(&[0, 2]), ["stage", "late"]);
    assert_eq!(names(&[0, 1]), Vec::<String>::new(), "stage is promoted to in any case");
}
