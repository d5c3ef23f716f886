//! `solum deploy`: a release that there is, or what somebody else built, into an environment.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use api::ReleaseVersion;
use api::client::{Client, Patience};
use api::deployments::Deploy as Request;
use api::uploads::{Upload, UploadStatus};
use clap::Args;
use types::{AppName, Digest};

use crate::cli::arguments::{AppArgument, DetachOption, EnvironmentOption, JsonOption};
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::{Outcome, output};
use crate::commands::run::started;

/// How long the server may take to read and check a bundle.
const IMPORT: Duration = Duration::from_secs(600);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

#[derive(Debug, Args)]
pub(crate) struct Deploy {
    #[command(flatten)]
    app: AppArgument,
    #[command(flatten)]
    environment: EnvironmentOption,
    #[command(flatten)]
    what: What,
    #[command(flatten)]
    detach: DetachOption,
    #[command(flatten)]
    json: JsonOption,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct What {
    /// A release that there is: v3
    #[arg(long, value_name = "vN")]
    release: Option<ReleaseVersion>,
    /// What somebody else built: a .tar.gz of the tree that is to run, or the digest of one that was uploaded
    #[arg(long, value_name = "FILE|DIGEST")]
    artifact: Option<String>,
}

impl Deploy {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        let app = session.app(self.app.app)?;
        let client = session.client()?;
        let environment = session.environment(&client, &app, self.environment.environment)?;
        let artifact = match self.what.artifact {
            None => None,
            Some(artifact) => Some(match artifact.parse::<Digest>() {
                Ok(digest) => digest,
                Err(error) if artifact.starts_with("sha256:") => {
                    return Err(Failure::usage(error.to_string())
                        .hint("a digest is sha256: and 64 hexadecimal digits; `solum release list --json` has them"));
                }
                Err(_) => upload(&client, &app, &PathBuf::from(artifact))?,
            }),
        };
        let request = Request { release: self.what.release, artifact };
        let run = client.deploy(&app, &environment, &request)?;
        started(&client, run, self.detach.detach, self.json.json)
    }
}

fn upload(client: &Client, app: &AppName, path: &Path) -> Result<Digest, Failure> {
    let file = File::open(path).map_err(|error| {
        Failure::because(format!("cannot read {}", path.display()), &error)
            .hint("--artifact takes the path of a .tar.gz, or a digest as in sha256:e3b0…")
    })?;
    let length = file.metadata().map(|metadata| metadata.len()).unwrap_or(0);
    output::say(&format!("Uploading {} ({})", path.display(), size(length)));
    let started = client.start_upload(app, Progress::new(file, length))?;
    let upload = wait_until_imported(client, app, started)?;
    upload.artifact.ok_or_else(|| Failure::failed("the server did not name the artifact"))
}

fn wait_until_imported(
    client: &Client,
    app: &AppName,
    mut upload: Upload,
) -> Result<Upload, Failure> {
    let mut patience = Patience::new(IMPORT, LONGEST_PAUSE);
    loop {
        match upload.status {
            UploadStatus::Ready => return Ok(upload),
            UploadStatus::Failed => {
                let reason = upload.reason.unwrap_or_default();
                return Err(Failure::failed(format!("the artifact cannot be used: {reason}")));
            }
            UploadStatus::Importing => {
                if !patience.pause() {
                    return Err(Failure::failed("the server still reads the artifact")
                        .hint("try again; what was uploaded is not lost"));
                }
                upload = client.upload(app, upload.id)?;
            }
        }
    }
}

/// A file that tells on a terminal how far it has been read.
struct Progress {
    file: File,
    length: u64,
    read: u64,
    /// When it was told last; absent where nobody watches.
    told: Option<Instant>,
}

impl Progress {
    const PERIOD: Duration = Duration::from_millis(200);

    fn new(file: File, length: u64) -> Self {
        Self { file, length, read: 0, told: output::is_watched().then(Instant::now) }
    }

    fn tell(&mut self) {
        if self.told.is_some_and(|told| told.elapsed() >= Self::PERIOD) {
            let percent = self.read.saturating_mul(100).checked_div(self.length).unwrap_or(100);
            output::say_for_now(&format!("{percent} % of {}", size(self.length)));
            self.told = Some(Instant::now());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.told.is_some() {
            output::say_for_now("");
        }
    }
}

impl Read for Progress {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.read += count as u64;
        self.tell();
        Ok(count)
    }
}

impl Seek for Progress {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.read = 0;
        self.file.seek(position)
    }
}

/// Bytes for people, to a tenth of the unit.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} bytes");
    }
    let mut tenths = bytes.saturating_mul(10) / 1024;
    let mut unit = 0;
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_has_the_unit_that_fits() {
        assert_eq!(size(0), "0 bytes");
        assert_eq!(size(1_023), "1023 bytes");
        assert_eq!(size(1_536), "1.5 KiB");
        assert_eq!(size(80 << 20), "80.0 MiB");
        assert_eq!(size(5 << 50), "5120.0 TiB");
    }
}
