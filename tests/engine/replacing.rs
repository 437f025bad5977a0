//! What holds for the replacement of a service's data, however an engine does that.

use std::io::Read;

use dokku_backups::domain::{Consent, Origin, Replacement, Settled};
use dokku_backups::engine::{Dump, Live};
use dokku_backups::sys::stdin::Input;

use super::{Asked, Fixture, HOW};

/// Tells these replacements from any other.
const MARK: &str = "20260408143000000";

/// The steps of a replacement; a run may end behind each of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Planned,
    /// Made, and the run ended before it could note what was made.
    MadeUnnoted,
    Made,
    /// Filled with half of the bytes.
    HalfFilled,
    Filled,
    Committed,
}

const STEPS: [Step; 6] =
    [Step::Planned, Step::MadeUnnoted, Step::Made, Step::HalfFilled, Step::Filled, Step::Committed];

/// A service that has changed since a dump was made of it: the two states, and the dump of the first.
struct Changed {
    then: String,
    now: String,
    dump: Vec<u8>,
}

fn changed(fixture: &dyn Fixture) -> Changed {
    let (then, dump) = (fixture.data(), fixture.export());
    fixture.remove_a_row();
    let now = fixture.data();
    assert_ne!(then, now);
    Changed { then, now, dump }
}

/// Replaces up to `last`, and returns what the journal then holds.
fn replace_until(fixture: &dyn Fixture, live: &dyn Live, whole: &[u8], last: Step) -> Replacement {
    let mut to = live.plan(MARK, false, &[], None).expect("a plan");
    if last == Step::Planned {
        return to;
    }
    let planned = to.clone();
    live.make(&mut to).expect("an empty place");
    match last {
        Step::MadeUnnoted => return planned,
        Step::Made => return to,
        Step::HalfFilled => {
            let half = std::io::Cursor::new(whole[..whole.len() / 2].to_vec());
            let broken = Input::Stream(Box::new(half.chain(Broken)));
            let dump = Dump::proven(broken, fixture.content(whole), Origin::Own, Consent::default());
            live.fill(&to, Some(dump), HOW).expect_err("its bytes cannot be read");
            return to;
        }
        _ => live.fill(&to, Some(fixture.dump(whole)), HOW).expect("it is filled"),
    };
    if last == Step::Committed {
        live.commit(&to).expect("it is in place");
    }
    to
}

/// A source that fails: a disk that cannot be read any further.
struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        Err(std::io::Error::other("the disk cannot be read here"))
    }
}

/// Until it is committed the live data is what it was; from then on it is the dump's, and nothing is left beside it.
pub fn a_replacement_shows_only_once_it_is_committed(fixture: &dyn Fixture) {
    let Changed { then, now, dump } = changed(fixture);
    let live = fixture.live();
    let mut to = live.plan(MARK, false, &[], None).expect("a plan");
    assert_eq!((fixture.data(), fixture.left()), (now.clone(), String::new()), "a plan touches nothing");
    assert!(!to.live().is_empty());
    live.make(&mut to).expect("an empty place");
    assert_eq!(fixture.data(), now);
    let compared = live.fill(&to, Some(fixture.dump(&dump)), HOW).expect("it is filled");
    assert_eq!(compared.rows, fixture.content(&dump).rows());
    assert_eq!(fixture.data(), now, "it was filled into the live data");
    live.uninterruptible().commit(&to).expect("it is in place");
    assert_eq!((fixture.data(), fixture.left()), (then.clone(), String::new()));
    // A dump that was made now is that of the restored data.
    assert_eq!(fixture.content(&fixture.export()).rows(), compared.rows);
    assert_eq!(fixture.live_of_the_next_run().settle(&to).expect("settled"), Settled::Finished);
    assert_eq!(fixture.data(), then);
}

/// The same for what a stranger's program wrote: it takes a restricted plan.
pub fn a_dump_made_elsewhere_is_filled_without_privileges(fixture: &dyn Fixture) {
    let Changed { then, dump, .. } = changed(fixture);
    let live = fixture.live();
    let mut to = live.plan(MARK, true, &[], None).expect("a plan");
    live.make(&mut to).expect("an empty place");
    let input = Input::Stream(Box::new(std::io::Cursor::new(dump.clone())));
    let foreign = Origin::Foreign("it is from elsewhere".to_owned());
    let proven = Dump::proven(input, fixture.content(&dump), foreign, Consent::default());
    live.fill(&to, Some(proven), HOW).expect("it is filled");
    live.commit(&to).expect("it is in place");
    assert_eq!((fixture.data(), fixture.left()), (then, String::new()));
}

/// Without a dump the service becomes what a new one is.
pub fn a_service_is_made_as_empty_as_a_new_one(fixture: &dyn Fixture) {
    let live = fixture.live();
    let mut to = live.plan(MARK, false, &[], None).expect("a plan");
    live.make(&mut to).expect("an empty place");
    live.fill(&to, None, HOW).expect("it stays empty");
    live.commit(&to).expect("it is in place");
    assert_eq!((fixture.data(), fixture.left()), (fixture.nothing(), String::new()));
}

/// Wherever a run ended, the next one undoes what was not committed and finishes what was; once more changes nothing.
pub fn whatever_step_was_the_last_the_next_run_settles_it(fixture: &dyn Fixture) {
    let Changed { then, now, dump } = changed(fixture);
    for last in STEPS {
        let to = replace_until(fixture, &*fixture.live(), &dump, last);
        let (settled, data) = match last {
            Step::Committed => (Settled::Finished, &then),
            _ => (Settled::Undone, &now),
        };
        for time in ["once", "twice"] {
            let answer = fixture.live_of_the_next_run().settle(&to).expect("settled");
            assert_eq!(answer, settled, "{last:?}, settled {time}");
            assert_eq!(&fixture.data(), data, "{last:?}, settled {time}");
            assert_eq!(fixture.left(), "", "{last:?}, settled {time}");
        }
    }
}

/// Data that was lost can be put back, and a replacement into nothing that ends early leaves nothing again.
pub fn lost_data_is_put_back(fixture: &dyn Fixture) {
    let (then, dump) = (fixture.data(), fixture.export());
    fixture.lose();
    let to = replace_until(fixture, &*fixture.live(), &dump, Step::Filled);
    assert_eq!(fixture.live_of_the_next_run().settle(&to).expect("settled"), Settled::Undone);
    assert!(!fixture.live().has_data().expect("an answer"));
    assert_eq!(fixture.left(), "");
    replace_until(fixture, &*fixture.live(), &dump, Step::Committed);
    assert_eq!((fixture.data(), fixture.left()), (then, String::new()));
}
