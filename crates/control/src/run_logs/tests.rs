use types::{Clock as _, RunStatus, SystemClock};
use workflow::Decision;

use super::*;
use crate::Word;
use crate::actions::step_logs::{StepLogWriter, What};
use crate::testbed::{Testbed, token};

/// Its second job waits for people, so its steps come when the test wants them.
const WORKFLOW: &str = "
on: push
jobs:
  gate: { runs-on: solum, steps: [{ id: ask, uses: solum/approve }] }
  work: { needs: gate, runs-on: solum, steps: [{ id: ask, uses: solum/approve }] }
";

impl Testbed {
    fn query(&self, run: RunId, job: &str) -> StepLogQuery {
        let (job, step) = (job.to_owned(), "ask".to_owned());
        StepLogQuery { run, job, step, attempt: None, after: None, follow: true }
    }

    fn writer(&self, run: RunId, job: &str, attempt: u32) -> StepLogWriter {
        let key = key(&self.query(run, job), attempt);
        self.control.inner.step_logs.write(&key, 1 << 20).unwrap()
    }

    async fn approve(&self, run: RunId, job: &str) {
        let (decision, job) = (Decision::Approve, Some(job.to_owned()));
        let word = Word { decision, job, step: None, comment: None };
        self.control.decide(run, word, &token("bob")).await.unwrap();
    }
}

fn write(writer: &mut StepLogWriter, texts: &[&str]) {
    for text in texts {
        let what = What::Line { text: (*text).to_owned() };
        writer.append(Entry { at: SystemClock.now(), what }).unwrap();
    }
    writer.commit(1, true).unwrap();
}

async fn read(log: &mut StepLog) -> Option<Vec<String>> {
    let wait = std::time::Duration::from_secs(30);
    let entries = tokio::time::timeout(wait, log.next()).await.unwrap().unwrap()?;
    let text = |(_, entry): (LogPlace, Entry)| match entry.what {
        What::Line { text } => text,
        other => format!("{other:?}"),
    };
    Some(entries.into_iter().map(text).collect())
}

#[tokio::test]
async fn who_follows_sees_what_comes_from_before_the_beginning_to_the_end_of_the_step() {
    let bed = Testbed::start().await;
    let run = bed.run(WORKFLOW).await.id;
    bed.until(run, RunStatus::Waiting).await;
    let mut log = bed.control.step_log(bed.query(run, "work")).await.unwrap();
    let tasks = tokio_util::task::TaskTracker::new();
    let following = tasks.spawn(async move {
        let mut seen = Vec::new();
        while let Some(texts) = read(&mut log).await {
            seen.extend(texts);
        }
        seen
    });
    bed.approve(run, "gate").await;
    bed.said(run, "--job work").await;
    let mut writer = bed.writer(run, "work", 1);
    write(&mut writer, &["one", "two"]);
    // As after a crash: another one goes on.
    drop(writer);
    let mut writer = bed.writer(run, "work", 1);
    write(&mut writer, &["three"]);
    writer.finish(SystemClock.now()).unwrap();
    assert!(!following.is_finished(), "the step has not ended");
    bed.approve(run, "work").await;
    assert_eq!(following.await.unwrap(), ["one", "two", "three"]);
    bed.stop().await;
}

#[tokio::test]
async fn somebody_who_comes_back_goes_on_where_they_were() {
    let bed = Testbed::start().await;
    let run = bed.run(WORKFLOW).await.id;
    bed.said(run, "--job gate").await;
    let mut writer = bed.writer(run, "gate", 1);
    write(&mut writer, &["one", "two", "three"]);
    let plain = StepLogQuery { follow: false, ..bed.query(run, "gate") };
    let mut log = bed.control.step_log(plain.clone()).await.unwrap();
    let entries = log.next().await.unwrap().unwrap();
    assert!(log.next().await.unwrap().is_none(), "what comes is not waited for");
    let after = entries[0].0.to_string().parse().unwrap();
    let query = StepLogQuery { after: Some(after), ..plain.clone() };
    let mut log = bed.control.step_log(query).await.unwrap();
    assert_eq!(read(&mut log).await.unwrap(), ["two", "three"]);

    let other = StepLogQuery { attempt: Some(7), ..plain.clone() };
    assert!(bed.control.step_log(other).await.unwrap().next().await.unwrap().is_none());
    let unknown = StepLogQuery { step: "aks".into(), ..plain };
    let refused = bed.control.step_log(unknown).await.map(|_| ()).unwrap_err();
    assert!(matches!(refused, Error::Invalid { code: "step_not_found", .. }), "{refused:?}");
    bed.stop().await;
}

#[test]
fn a_place_reads_back_from_what_it_prints() {
    let place = LogPlace { attempt: 2, place: 4711 };
    assert_eq!(place.to_string(), "2:4711");
    assert_eq!("2:4711".parse(), Ok(place));
    for bad in ["", "2", "2:", ":1", "2:x", "a:1"] {
        assert!(bad.parse::<LogPlace>().is_err(), "{bad}");
    }
}
