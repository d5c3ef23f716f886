//! Whole workflows, and what reading them is made of.

use super::*;

/// The example of the language's documentation.
const DELIVER: &str = r#"
name: deliver
on:
  push: { branches: [main] }
jobs:
  test:
    runs-on: linux
    steps:
      - uses: actions/checkout@v4
      - run: pip install -r requirements.txt && pytest
        retry: { attempts: 2, backoff: 10s }
  build:
    needs: test
    runs-on: solum
    outputs: { artifact: "${{ steps.b.outputs.artifact }}" }
    steps:
      - { id: b, uses: solum/build }
  dev:
    needs: build
    environment: dev
    runs-on: solum
    steps:
      - uses: solum/deploy
        with: { artifact: "${{ needs.build.outputs.artifact }}" }
  prod:
    needs: [build, dev]
    environment: prod
    runs-on: solum
    steps:
      - uses: solum/approve
        with: { from: "role:operator", count: 2, allow_author: false, timeout: 72h, note: "canary is at prod-canary.example.org" }
      - id: ship
        uses: solum/deploy
        with:
          artifact: "${{ needs.build.outputs.artifact }}"
        undo: { uses: solum/rollback }
"#;

/// Most of what can be written.
pub(super) const EVERYTHING: &str = r#"
name: everything
run-name: by ${{ github.actor }}
on:
  push: { branches: [main, "!dev"], paths: ["**.rs"] }
  pull_request:
    types: [opened]
  schedule: [{ cron: "0 4 * * 1", timezone: Europe/Berlin }]
  workflow_dispatch:
    inputs:
      where: { type: choice, options: [dev, prod], default: dev }
      count: { type: number, required: true }
  workflow_call:
    inputs: { deep: { type: boolean, default: false } }
    outputs: { tag: { value: "${{ jobs.build.outputs.tag }}" } }
    secrets: { TOKEN: { required: true } }
permissions: { contents: read }
env: { A: "1", B: "${{ vars.B }}" }
defaults: { run: { shell: bash, working-directory: src } }
concurrency: { group: "all-${{ github.ref }}", cancel-in-progress: true }
jobs:
  build:
    name: Build ${{ matrix.os }}
    runs-on: "${{ matrix.os }}"
    timeout-minutes: 10
    continue-on-error: ${{ matrix.try || false }}
    strategy:
      fail-fast: false
      max-parallel: 2
      matrix:
        os: [linux, other]
        node: [18, 20]
        include: [{ os: linux, try: true }]
        exclude: [{ os: other, node: 18 }]
    outputs:
      tag: ${{ steps.tag.outputs.tag }}
    steps:
      - uses: actions/checkout@v4
        with: { fetch-depth: 0 }
      - uses: actions/cache@v4
        with: { path: target, key: "${{ hashFiles('**/Cargo.lock') }}" }
      - id: tag
        if: ${{ !cancelled() && github.event_name == 'push' }}
        run: |
          echo "tag=${{ inputs.where }}" >> "$GITHUB_OUTPUT"
        shell: bash
        env: { TOKEN: "${{ secrets.TOKEN }}" }
        timeout-minutes: 5
        continue-on-error: true
        retry: { attempts: 3, backoff: 10s }
        undo: { run: "echo ${{ steps.tag.outputs.tag }}" }
      - uses: ./x
  ship:
    needs: [build]
    if: always() && needs.build.result == 'success'
    environment: { name: prod, url: "https://example.org/${{ steps.s.outputs.release }}" }
    concurrency: prod
    runs-on: solum
    steps:
      - uses: solum/approve
        with: { from: "role:operator", count: 2, timeout: 72h }
      - { id: s, uses: solum/deploy, with: { artifact: "${{ needs.build.outputs.tag }}" } }
"#;

#[test]
fn everything_is_read() {
    let others = [("x/action.yml", "runs: { using: node20, main: a.js }")];
    let workflow = good_beside(EVERYTHING, &others);
    assert_eq!(workflow.warnings, []);
    assert_eq!(workflow.definition.jobs.len(), 2);
    assert_eq!(workflow.triggers.events.len(), 5);
}

#[test]
fn delivery_is_read() {
    let workflow = good(DELIVER);
    assert_eq!(workflow.warnings, []);
    let definition = workflow.definition;
    assert_eq!(definition.name, "deliver");
    let keys: Vec<_> = definition.jobs.iter().map(|job| job.key.as_str()).collect();
    assert_eq!(keys, ["test", "build", "dev", "prod"]);
}

#[test]
fn a_definition_survives_being_stored() {
    let definition = good(DELIVER).definition;
    let text = serde_json::to_string(&definition).unwrap();
    let back: Definition = serde_json::from_str(&text).unwrap();
    assert_eq!(back, definition);
    assert_eq!(back.digest(), good(DELIVER).definition.digest());
    let other = good(&DELIVER.replace("72h", "73h")).definition;
    assert_ne!(other.digest(), definition.digest());
}

#[test]
fn files_are_asked_for_level_by_level() {
    let text = step("uses: ./a");
    let mut sources = Sources::default();
    let wanted = |reading: Reading| match reading {
        Reading::Needs(wanted) => wanted,
        other => panic!("{other:?}"),
    };
    let own = |path: &str| Wanted::Own { path: path.to_owned() };
    assert_eq!(wanted(read(FILE, &text, &sources)), [own("a/action.yml")]);
    sources.put(own("a/action.yml"), Found::Missing);
    assert_eq!(wanted(read(FILE, &text, &sources)), [own("a/action.yaml")]);
    let action = "runs: { using: composite, steps: [{ uses: ./b }, { uses: ./c }] }".to_owned();
    sources.put(own("a/action.yaml"), Found::File { text: action, commit: None });
    assert_eq!(wanted(read(FILE, &text, &sources)), [own("b/action.yml"), own("c/action.yml")]);
}

#[test]
fn a_workflow_without_a_name_has_that_of_its_file() {
    assert_eq!(good(&step("run: x")).definition.name, "w.yml");
}

#[test]
fn every_mistake_is_told_at_once() {
    let text = "on: [push, psuh]\njobs:\n  a:\n    runs-on: linux\n    needs: b\n    steps:\n      - uses: solum/nothing\n";
    assert_eq!(refused_beside(text, &[]).mistakes.len(), 3);
}

#[test]
fn the_graph_shows_what_is_known_beforehand() {
    let called = "on: workflow_call\njobs: { inner: { runs-on: linux, steps: [{ run: x }] } }\n";
    let text = jobs(
        "last: { needs: [call, many], if: always(), environment: dev, runs-on: linux, steps: [{ run: x }] }\n\
         call: { needs: many, uses: ./c.yml }\n\
         many: { strategy: { matrix: { os: [a, b], v: [1], exclude: [{ os: b }] } }, runs-on: linux, steps: [{ run: x }] }\n\
         later: { strategy: { matrix: { v: '${{ fromJSON(vars.V) }}' } }, runs-on: linux, steps: [{ run: x }] }",
    );
    let graph = graph(&good_beside(&text, &[("c.yml", called)]).definition);
    let find = |key: &str| graph.jobs.iter().find(|job| job.key == key).unwrap();
    let stages = ["many", "call", "last", "later"].map(|key| find(key).stage);
    assert_eq!(stages, [0, 1, 2, 0]);
    let leg = vec![("os".to_owned(), "a".into()), ("v".to_owned(), 1.into())];
    assert_eq!(find("many").legs, Legs::Known(vec![leg]));
    assert_eq!((&find("last").legs, &find("later").legs), (&Legs::Once, &Legs::AtRunTime));
    assert_eq!(find("call").calls.as_ref().unwrap().jobs[0].key, "inner");
    assert_eq!(find("last").condition.as_deref(), Some("always()"));
    assert_eq!(find("last").environment.as_deref(), Some("dev"));
}
