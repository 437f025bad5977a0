//! `backups:schedule`: back up a service every hour, day or week.

use chrono::{NaiveTime, Timelike, Weekday};
use chrono_tz::Tz;
use clap::Args;

use super::args::{FrequencyArg, TimeArg, parse_time_of_day, parse_timezone, parse_weekday};
use crate::answers::{ScheduleJson, timing};
use crate::catalogue::LockedCatalogue;
use crate::dokku::{Dokku, State, not_running};
use crate::domain::{Frequency, Schedule, Service, Timing};
use crate::domain::{ServiceWord, choose, count};
use crate::error::{Failure, Kind, Result};
use crate::operations::Context;
use crate::operations::recover::lock_and_recover;
use crate::operations::retention::{realign, would_hasten};
use crate::operations::schedule::renew_crontab;
use crate::operations::select::{folder_for_reading, is_live, resolve};
use crate::schedules::Store;
use crate::ui::Format;

/// `backups:schedule`
#[derive(Debug, Args)]
pub struct ScheduleArgs {
    /// The service.
    pub service: ServiceWord,
    /// How often: at most one schedule of each.
    #[arg(value_enum)]
    pub frequency: FrequencyArg,
    /// When: HH:MM, for hourly :MM (03:00, hourly :00).
    #[arg(long, value_name = "TIME", value_parser = parse_time_of_day)]
    pub at: Option<TimeArg>,
    /// The day of a weekly schedule: mon, tue, ... (sun).
    #[arg(long, value_name = "DAY", value_parser = parse_weekday)]
    pub day: Option<Weekday>,
    /// Whose clocks count: an IANA time zone, such as Europe/Berlin (UTC).
    #[arg(long, value_name = "TZ", value_parser = parse_timezone)]
    pub timezone: Option<Tz>,
    /// Days to keep each backup: hourly 1 to 7 (2), daily 1 to 60 (6), weekly 1 to 120 (30).
    #[arg(long, value_name = "DAYS")]
    pub retention: Option<u16>,
    /// Wait this long when the service is busy.
    #[arg(long, value_name = "SECONDS", default_value_t = 0, hide_default_value = true)]
    pub wait: u32,
    /// What to print.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// What had to be done.
enum Done {
    Made(Schedule),
    Kept(Schedule),
}

/// Makes a schedule, or changes how long its backups are kept; nothing else of one can be changed.
pub fn run(context: &Context, args: &ScheduleArgs) -> Result<()> {
    check(args)?;
    let dokku = Dokku::find(&context.settings)?;
    let service = resolve(context, &dokku, &args.service)?;
    if !is_live(context, &service)
        && let Some(failure) = not_running(&service, &State::Absent)
    {
        return Err(failure);
    }
    let (store, clock) = (Store::open(&context.settings.config_root)?, context.settings.clock);
    // Another retention is another expiry of what is there, which nobody else may be changing meanwhile.
    let is_there = |schedule: &&Schedule| schedule.frequency() == args.frequency.into();
    let before = store.schedules(&service)?;
    let exists = before.iter().find(is_there);
    if exists.is_some_and(|old| args.retention.is_some_and(|days| days < old.retention_days)) {
        context.permit_further(Some(&service))?;
    }
    let catalogue = match folder_for_reading(context, &service)? {
        Some(_) if exists.is_some() => Some(lock_and_recover(context, &service, args.wait, "schedule")?),
        _ => None,
    };
    let done = store.edit(&service, clock, |schedules| {
        let done = change(context, args, &service, schedules)?;
        // A schedule that was made anew, or lost its company, can shorten what an older one promised.
        if catalogue.as_ref().map_or(Ok(false), |catalogue| would_hasten(catalogue, schedules))? {
            context.permit_further(Some(&service))?;
        }
        Ok(done)
    })?;
    let (Done::Made(schedule) | Done::Kept(schedule)) = &done;
    let (every, days) = (timing(schedule), schedule.retention_days);
    match &done {
        Done::Made(_) => context.ui.step(&format!("Backing up {service} {every}, kept {}", count(days, "day"))),
        Done::Kept(_) => context.ui.step(&format!("Still backing up {service} {every}; kept {}", count(days, "day"))),
    }
    if let Some(catalogue) = &catalogue {
        tell_expiry(context, catalogue, &store.schedules(&service)?)?;
    }
    let next = schedule.due_after(clock.now());
    context.ui.detail(&format!("next: {}", next.with_timezone(&schedule.timezone).format("%Y-%m-%d %H:%M %Z")));
    if args.format == Format::Json {
        let (_, state) = store.both(&service)?;
        context.ui.json(&ScheduleJson::new(&service, schedule, state.runs.get(&schedule.frequency()), next))?;
    }
    if matches!(done, Done::Made(_)) { renew_crontab(context) } else { Ok(()) }
}

/// What no schedule of this frequency has.
fn check(args: &ScheduleArgs) -> Result<()> {
    let frequency = Frequency::from(args.frequency);
    let article = if frequency == Frequency::Hourly { "an" } else { "a" };
    let refuse = |text: String, hint: &str| Err(Failure::new(Kind::Usage, text).hint(hint));
    match (frequency, &args.at, args.day) {
        (Frequency::Hourly, Some(TimeArg { hour: Some(_), .. }), _) => {
            return refuse("--at of an hourly schedule is a minute of every hour".to_owned(), "write it as --at :30");
        }
        (Frequency::Daily | Frequency::Weekly, Some(TimeArg { hour: None, .. }), _) => {
            return refuse(format!("--at of a {frequency} schedule is a time of day"), "write it as --at 03:30");
        }
        (Frequency::Hourly | Frequency::Daily, _, Some(_)) => {
            return refuse(format!("--day has no meaning in a {frequency} schedule"), "only a weekly one has a day");
        }
        _ => {}
    }
    let longest = frequency.longest_retention();
    match args.retention {
        Some(days) if !(1..=longest).contains(&days) => {
            let text = format!("--retention of {article} {frequency} schedule is 1 to {longest} days, not {days}");
            refuse(text, "to keep one longer: dokku backups:keep SERVICE --id ID")
        }
        _ => Ok(()),
    }
}

fn change(context: &Context, args: &ScheduleArgs, service: &Service, all: &mut Vec<Schedule>) -> Result<Done> {
    let frequency = Frequency::from(args.frequency);
    let Some(old) = all.iter_mut().find(|schedule| schedule.frequency() == frequency) else {
        let schedule = Schedule {
            timing: wanted(args, default_timing(frequency)),
            timezone: args.timezone.unwrap_or(Tz::UTC),
            retention_days: args.retention.unwrap_or(frequency.default_retention()),
            created_at: context.settings.clock.now(),
            created_by: context.settings.caller.actor.clone(),
        };
        all.push(schedule.clone());
        return Ok(Done::Made(schedule));
    };
    // What is not said stays as it is.
    let (timing, timezone) = (wanted(args, old.timing), args.timezone.unwrap_or(old.timezone));
    let days = args.retention.unwrap_or(old.retention_days);
    if (timing, timezone) != (old.timing, old.timezone) {
        let new = Schedule { timing, timezone, retention_days: days, ..old.clone() };
        let text = format!("{service} is backed up {} already; only its retention can be changed", self::timing(old));
        return Err(Failure::new(Kind::Refused, text)
            .command(format!("dokku backups:unschedule {service} {frequency}"))
            .command(format!("dokku backups:schedule {service} {}", command(&new))));
    }
    old.retention_days = days;
    Ok(Done::Kept(old.clone()))
}

fn default_timing(frequency: Frequency) -> Timing {
    let time = NaiveTime::from_hms_opt(3, 0, 0).unwrap_or_default();
    match frequency {
        Frequency::Hourly => Timing::Hourly { minute: 0 },
        Frequency::Daily => Timing::Daily { time },
        Frequency::Weekly => Timing::Weekly { day: Weekday::Sun, time },
    }
}

fn wanted(args: &ScheduleArgs, otherwise: Timing) -> Timing {
    let minute = args.at.map(|at| at.minute);
    let time = args.at.and_then(|at| NaiveTime::from_hms_opt(at.hour?, at.minute, 0));
    match otherwise {
        Timing::Hourly { minute: old } => Timing::Hourly { minute: minute.unwrap_or(old) },
        Timing::Daily { time: old } => Timing::Daily { time: time.unwrap_or(old) },
        Timing::Weekly { day, time: old } => Timing::Weekly { day: args.day.unwrap_or(day), time: time.unwrap_or(old) },
    }
}

/// The words that make this schedule.
fn command(schedule: &Schedule) -> String {
    let (zone, days) = (schedule.timezone.name(), schedule.retention_days);
    let when = match schedule.timing {
        Timing::Hourly { minute } => format!("hourly --at :{minute:02}"),
        Timing::Daily { time } => format!("daily --at {:02}:{:02}", time.hour(), time.minute()),
        Timing::Weekly { day, time } => {
            let day = day.to_string().to_lowercase();
            format!("weekly --day {day} --at {:02}:{:02}", time.hour(), time.minute())
        }
    };
    format!("{when} --timezone {zone} --retention {days}")
}

fn tell_expiry(context: &Context, catalogue: &LockedCatalogue, schedules: &[Schedule]) -> Result<()> {
    let (changed, past) = realign(catalogue, schedules, context.settings.clock.now())?;
    if changed > 0 {
        let expire = choose(changed, "expires", "expire");
        context.ui.detail(&format!(
            "{} {expire} at another time; {past} of them {} past it already",
            count(changed, "backup"),
            choose(past, "is", "are")
        ));
    }
    Ok(())
}
