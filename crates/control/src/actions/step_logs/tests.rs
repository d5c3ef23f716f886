use types::SystemClock;

use super::*;

fn key() -> StepKey {
    let run = RunId::generate(&SystemClock);
    StepKey { run, leg: "build".to_owned(), step: "test".to_owned(), attempt: 1 }
}

fn line(text: &str) -> Entry {
    let at = "2026-01-31T12:00:00Z".parse().unwrap();
    Entry { at, what: What::Line { text: text.to_owned() } }
}

struct Ground {
    logs: StepLogs,
    key: StepKey,
    _directory: tempfile::TempDir,
}

fn ground() -> Ground {
    let directory = tempfile::tempdir().unwrap();
    let logs = StepLogs::new(directory.path().join("logs")).unwrap();
    Ground { logs, key: key(), _directory: directory }
}

impl Ground {
    fn all(&self, from: u64) -> Vec<(u64, Entry)> {
        let mut reader = StepLogReader::new(self.logs.path(&self.key), from);
        let mut all = Vec::new();
        loop {
            let more = reader.read().unwrap();
            if more.is_empty() {
                return all;
            }
            all.extend(more);
        }
    }

    fn texts(&self, from: u64) -> Vec<String> {
        let text = |entry: Entry| match entry.what {
            What::Line { text } | What::Note { text } => text,
            other => format!("{other:?}"),
        };
        self.all(from).into_iter().map(|(_, entry)| text(entry)).collect()
    }
}

#[test]
fn a_place_is_the_same_before_and_after_members_are_joined() {
    let ground = ground();
    let mut writer = ground.logs.write(&ground.key, 1 << 20).unwrap();
    for number in 0..200 {
        writer.append(line(&format!("line {number}"))).unwrap();
        writer.commit(number, true).unwrap();
    }
    let before = ground.all(0);
    let path = ground.logs.path(&ground.key);
    let size = fs::metadata(&path).unwrap().len();
    writer.finish(line("").at).unwrap();
    assert!(fs::metadata(&path).unwrap().len() * 4 < size);
    assert_eq!(ground.all(0), before);
    assert_eq!(ground.all(before[150].0), before[151..]);
    let shown = std::process::Command::new("zcat").arg(&path).output().unwrap();
    assert_eq!(String::from_utf8(shown.stdout).unwrap().lines().count(), 200);
}

#[tokio::test]
async fn a_follower_sees_what_comes_and_the_end() {
    let ground = ground();
    let mut writer = ground.logs.write(&ground.key, 1 << 20).unwrap();
    let mut follower = ground.logs.follow(&ground.key, 0);
    let tasks = tokio_util::task::TaskTracker::new();
    let following = tasks.spawn(async move {
        let mut seen = Vec::new();
        while let Some(entries) = follower.next().await.unwrap() {
            seen.extend(entries.into_iter().map(|(_, entry)| entry));
        }
        seen
    });
    for number in 0..50 {
        writer.append(line(&number.to_string())).unwrap();
        writer.commit(number, number % 3 == 0).unwrap();
        tokio::task::yield_now().await;
    }
    writer.finish(line("").at).unwrap();
    let expected: Vec<Entry> = (0..50).map(|number| line(&number.to_string())).collect();
    assert_eq!(following.await.unwrap(), expected);
    let mut later = ground.logs.follow(&ground.key, 0);
    assert_eq!(later.next().await.unwrap().unwrap().len(), 50);
    assert!(later.next().await.unwrap().is_none());
}

#[test]
fn after_a_crash_it_goes_on_behind_the_last_whole_member() {
    let ground = ground();
    let mut writer = ground.logs.write(&ground.key, 1 << 20).unwrap();
    writer.append(line("one")).unwrap();
    writer.commit(10, true).unwrap();
    writer.append(line("two")).unwrap();
    writer.commit(20, true).unwrap();
    writer.append(line("never committed")).unwrap();
    drop(writer);
    let path = ground.logs.path(&ground.key);
    let whole = fs::metadata(&path).unwrap().len();
    for cut in [1, 10, 60] {
        OpenOptions::new().write(true).open(&path).unwrap().set_len(whole - cut).unwrap();
        let mut writer = ground.logs.write(&ground.key, 1 << 20).unwrap();
        assert_eq!(writer.source(), 10);
        writer.append(line("two")).unwrap();
        writer.commit(20, true).unwrap();
        assert_eq!(ground.texts(0), ["one", "two"]);
        assert_eq!(fs::metadata(&path).unwrap().len(), whole);
    }
}

#[test]
fn what_is_too_much_is_counted_and_said() {
    let ground = ground();
    let mut writer = ground.logs.write(&ground.key, 10_000).unwrap();
    for number in 0..10_000 {
        writer.append(line(&format!("line {number}"))).unwrap();
        writer.commit(number, false).unwrap();
    }
    writer.finish(line("").at).unwrap();
    let texts = ground.texts(0);
    let kept = texts.iter().filter(|text| text.starts_with("line ")).count();
    assert!(kept > 50 && kept < 10_000, "{kept}");
    assert!(texts[kept].contains("longer than the 10000 bytes"), "{}", texts[kept]);
    assert_eq!(texts.last().unwrap(), &format!("{} entries were left out", 10_000 - kept));
    ground.logs.remove(ground.key.run).unwrap();
    assert!(ground.texts(0).is_empty());
}
