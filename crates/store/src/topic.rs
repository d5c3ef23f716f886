use tokio::sync::watch;

/// What a commit touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    Apps,
    /// Runs and their journals.
    Runs,
    Outbox,
    Deployments,
    Instances,
    Uploads,
    /// Which tokens are valid.
    Tokens,
}

impl Topic {
    const COUNT: usize = 7;

    pub(crate) const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// Says that something in a topic may have changed since it was last asked.
#[derive(Debug, Clone)]
pub struct Wake(watch::Receiver<u64>);

impl Wake {
    /// Waits for the next commit in the topic; returns at once if one has come since the last call. Never
    /// returns when the store is gone: then nothing will change any more.
    pub async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[derive(Debug)]
pub(crate) struct Topics {
    revisions: [watch::Sender<u64>; Topic::COUNT],
}

impl Default for Topics {
    fn default() -> Self {
        Self { revisions: std::array::from_fn(|_| watch::Sender::new(0)) }
    }
}

impl Topics {
    pub(crate) fn subscribe(&self, topic: Topic) -> Wake {
        Wake(self.revisions[topic as usize].subscribe())
    }

    /// `touched` has a bit for each topic.
    pub(crate) fn notify(&self, touched: u8) {
        for (index, revision) in self.revisions.iter().enumerate() {
            if touched & (1 << index) != 0 {
                revision.send_modify(|revision| *revision += 1);
            }
        }
    }
}
