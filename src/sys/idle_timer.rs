//! A limit to waiting, measured in time during which we were running: who was stopped for an hour and continued has not
//! been kept waiting for an hour.

use std::time::{Duration, Instant};

/// Looks come every few milliseconds; a longer gap between two of them means that we were stopped.
const LONGEST_TURN: Duration = Duration::from_secs(1);

/// How much longer somebody waits.
#[derive(Debug)]
pub struct IdleTimer {
    left: Duration,
    looked: Instant,
}

impl IdleTimer {
    /// IdleTimer for `limit`, from now on.
    pub fn new(limit: Duration) -> Self {
        IdleTimer { left: limit, looked: Instant::now() }
    }

    /// Whether it is over. To be asked at every turn of a waiting loop.
    pub fn is_over(&mut self) -> bool {
        self.pass(Instant::now())
    }

    fn pass(&mut self, now: Instant) -> bool {
        let turn = now.duration_since(self.looked).min(LONGEST_TURN);
        self.looked = now;
        self.left = self.left.saturating_sub(turn);
        self.left.is_zero()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fault_029_time_in_which_we_were_stopped_does_not_count() {
        let mut patience = IdleTimer::new(Duration::from_secs(3));
        let start = patience.looked;
        assert!(!patience.pass(start + Duration::from_millis(50)));
        assert!(!patience.pass(start + Duration::from_secs(3600)));
        for turn in 1..=19 {
            assert!(!patience.pass(start + Duration::from_secs(3600) + Duration::from_millis(100 * turn)), "{turn}");
        }
        assert!(patience.pass(start + Duration::from_secs(3602)));
    }
}
