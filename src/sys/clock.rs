//! The clock, as a value: made once in `main` and handed down.

use std::time::{Duration, Instant};

use chrono::{DateTime, SubsecRound, Utc};

use super::signals;

/// Tells the time. In tests it may start at another moment (`DOKKU_BACKUPS_CLOCK`, `points` builds only).
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    started: Instant,
    start: DateTime<Utc>,
}

impl Clock {
    /// The real clock.
    pub fn real() -> Self {
        Clock { started: Instant::now(), start: Utc::now() }
    }

    /// A clock that stands at `start` when the program begins, and runs from there.
    pub fn starting_at(start: DateTime<Utc>) -> Self {
        Clock { started: Instant::now(), start }
    }

    /// Now, to the millisecond. Within one run time only goes forward, even when the host's clock is set back:
    /// durations in records are therefore never negative.
    pub fn now(&self) -> DateTime<Utc> {
        let elapsed = chrono::Duration::from_std(self.started.elapsed()).unwrap_or_default();
        (self.start + elapsed).trunc_subsecs(3)
    }

    /// Sleeps until the next whole second, for a name that is already taken in this one.
    pub fn next_second(&self) -> Result<(), i32> {
        let into = u64::from(self.now().timestamp_subsec_millis());
        self.sleep(Duration::from_millis(1001 - into.min(1000)))
    }

    /// Sleeps, or says which signal came meanwhile.
    pub fn sleep(&self, time: Duration) -> Result<(), i32> {
        let end = Instant::now() + time;
        while let Some(left) = end.checked_duration_since(Instant::now()).filter(|d| !d.is_zero()) {
            if let Some(signal) = signals::received() {
                return Err(signal);
            }
            std::thread::sleep(left.min(Duration::from_millis(50)));
        }
        Ok(())
    }
}
