//! Turns uploaded files into artifacts.

use store::Upload;
use types::NoTranscript;

use crate::error::chain;
use crate::under_way::Key;
use crate::uploads::path_of;
use crate::{Control, Error};

pub(super) async fn reconcile(control: Control) -> Result<(), Error> {
    for upload in control.inner.store.importing_uploads().await? {
        let Some(driving) = control.inner.driven.begin(Key::Upload(upload.id)) else { continue };
        let work = control.clone();
        control.inner.tracker.spawn(async move {
            let imported = tokio::select! {
                imported = import(&work, &upload) => imported,
                () = work.inner.stop.cancelled() => return,
            };
            if let Err(error) = imported {
                tracing::warn!(id = %upload.id, error = %chain(&error), "an upload could not be imported");
            }
            drop(driving);
        });
    }
    Ok(())
}

async fn import(control: &Control, upload: &Upload) -> Result<(), Error> {
    let path = path_of(control, upload.id);
    let result = match control.inner.builder.import(&path, &NoTranscript).await {
        Ok(bundle) => Ok(bundle.digest),
        Err(error) => Err(match error.hint() {
            Some(hint) => format!("{}; {hint}", chain(&error)),
            None => chain(&error),
        }),
    };
    control.inner.store.finish_upload(upload.id, result).await?;
    match tokio::fs::remove_file(&path).await {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::io("remove an uploaded file")(error))
        }
        _ => Ok(()),
    }
}
