//! How much free space a dump will want, judged by the last one.

/// Spare room beside the dump itself, for records and growth: 16 MiB.
const SPARE: u64 = 16 << 20;

/// Bytes that should be free before a dump starts, when the last good one had `last` bytes: a tenth more, and a spare.
/// Without a last one nothing is known, and only the spare is asked for.
pub fn room_needed(last: Option<u64>) -> u64 {
    let last = last.unwrap_or(0);
    last.saturating_add(last / 10).saturating_add(SPARE)
}
