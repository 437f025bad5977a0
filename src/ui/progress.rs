//! How far a stream has come: a bar on a terminal, a line now and then elsewhere.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Ui, bytes};

/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Progress of one stream of bytes.
#[derive(Debug)]
pub struct Progress {
    ui: Ui,
    bar: Option<ProgressBar>,
    what: String,
    done: u64,
    about: Option<u64>,
    last_line: Instant,
}

impl Progress {
    /// Begins to show `what`; `about` is the size to expect, where one can be guessed.
    pub fn new(ui: Ui, what: &str, about: Option<u64>) -> Self {
        let bar = (ui.terminal && !ui.quiet).then(|| {
            let bar = ProgressBar::with_draw_target(about, ProgressDrawTarget::stderr());
            let template = match about {
                Some(_) => "       {msg} {bar:16} {bytes} of about {total_bytes} ({bytes_per_sec}, {eta} left)",
                None => "       {msg} {spinner} {bytes} ({bytes_per_sec})",
            };
            bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.set_message(what.to_owned());
            bar
        });
        Progress { ui, bar, what: what.to_owned(), done: 0, about, last_line: Instant::now() }
    }

    /// `count` more bytes have passed.
    pub fn add(&mut self, count: usize) {
        self.done += count as u64;
        if let Some(bar) = &self.bar {
            if self.about.is_some_and(|about| self.done > about) {
                bar.set_length(self.done);
            }
            bar.set_position(self.done);
        } else if self.last_line.elapsed() >= LINE_EVERY {
            self.last_line = Instant::now();
            let of = self.about.map(|about| format!(" of about {}", bytes(about))).unwrap_or_default();
            self.ui.detail(&format!("{} {}{of}", self.what, bytes(self.done)));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
