//! How far a stream has come: a bar on a terminal, a line now and then elsewhere.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Ui, bytes};
use crate::error::{Phase, Stage};
use crate::sys::stage;

/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Progress of one stream of bytes.
#[derive(Debug)]
pub struct Progress {
    ui: Ui,
    bar: Option<ProgressBar>,
    stage: Stage,
    last_line: Instant,
}

impl Progress {
    /// Begins to show `phase`, here and to whoever asks; `about` is the size to expect, where one can be guessed.
    pub fn new(ui: Ui, phase: Phase, about: Option<u64>) -> Self {
        let bar = (ui.terminal && !ui.quiet).then(|| {
            let bar = ProgressBar::with_draw_target(about, ProgressDrawTarget::stderr());
            let template = match about {
                Some(_) => "       {msg} {bar:16} {bytes} of about {total_bytes} ({bytes_per_sec}, {eta} left)",
                None => "       {msg} {spinner} {bytes} ({bytes_per_sec})",
            };
            bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.set_message(phase.done());
            bar
        });
        let stage = Stage { phase, bytes: 0, of: about };
        stage::tell(Some(&stage));
        Progress { ui, bar, stage, last_line: Instant::now() }
    }

    /// `count` more bytes have passed.
    pub fn add(&mut self, count: usize) {
        self.reach(self.stage.bytes + count as u64);
    }

    /// `done` bytes have passed in all.
    pub fn reach(&mut self, done: u64) {
        self.stage.bytes = done;
        self.stage.of = self.stage.of.map(|about| about.max(done));
        // Every time: of a stream that has stopped the last piece counts, and a piece costs far more than this.
        stage::tell(Some(&self.stage));
        if let Some(bar) = &self.bar {
            self.stage.of.iter().for_each(|about| bar.set_length(*about));
            bar.set_position(done);
        } else if self.last_line.elapsed() >= LINE_EVERY {
            self.last_line = Instant::now();
            self.ui.detail(&stage_words(&self.stage));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        stage::tell(None);
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// How far it has come, in words: `received 3 MiB of about 8 MiB`.
pub fn stage_words(stage: &Stage) -> String {
    let of = stage.of.map(|about| format!(" of about {}", bytes(about))).unwrap_or_default();
    format!("{} {}{of}", stage.phase.done(), bytes(stage.bytes))
}
